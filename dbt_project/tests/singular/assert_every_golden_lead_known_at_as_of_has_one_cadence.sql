-- Incident: leads without any touch vanished in an inner join, and the 24 h contact rate rose to 98 %.
select leads.lead_id
from {{ ref('fct_leads') }} as leads
cross join {{ run_settings() }} as settings
left join {{ ref('fct_lead_cadences') }} as cadences on leads.lead_id = cadences.lead_id
where
    (leads.created_at is null or leads.created_at < settings.as_of)
    and cadences.lead_id is null
