-- Incident: 0.002 computed in binary floats was above 0.002, and a team at the bar was stopped for a week.
select
    iso_week_start_on,
    segment_kind_code,
    segment_code,
    n_complained,
    n_delivered
from {{ ref('mart_marketing_complaints_week') }}
where is_complaint_breach <> (n_complained > n_delivered * {{ rail_policy('complaint_max_rate', 'iso_week_start_on') }})
