-- The days of dim_dates up to the end of the cycle, so that no period exists for MetricFlow and not for the marts: a
-- sum since January would otherwise go on in every month of the calendar.
select dates.date_day
from {{ ref('dim_dates') }} as dates
cross join {{ run_settings() }} as settings
where dates.date_day < settings.cycle_end
