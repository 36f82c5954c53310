-- Incident: the naive rate 3/7 was shown for a month whose matured cohort stood at 1/5.
select
    cadences.lead_id,
    cadences.created_at
from {{ ref('fct_lead_cadences') }} as cadences
cross join {{ run_settings() }} as settings
where
    cadences.is_matured
    and (
        cadences.created_at is null
        or {{ seconds_between('cadences.created_at', 'settings.as_of') }} < settings.conversion_window_days * 86400
    )
