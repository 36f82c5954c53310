-- Incident: a telephone log one hour behind the CRM gave negative times, and the median looked better than it was.
select
    lead_id,
    ttf_hours,
    ttf_status_code
from {{ ref('fct_lead_cadences') }}
where
    ttf_hours < 0
    or (ttf_hours is null) <> (ttf_status_code <> 'contacted')
