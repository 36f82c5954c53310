-- A week is complete when the cycle has seen its Sunday.
select
    weeks.iso_week_start_on,
    cast(weeks.kind_code as string) as kind_code,
    {{ days_between('weeks.iso_week_start_on', 'settings.cycle_end') }} >= 7 as is_complete,
    weeks.n_events
from {{ ref('dq_watch_weeks') }} as weeks
cross join {{ run_settings() }} as settings
