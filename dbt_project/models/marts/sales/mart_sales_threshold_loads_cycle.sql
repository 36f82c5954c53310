-- Loads of the statistics step as they are; without a capacity there is a reason instead of a share.
select
    segment_kind_code,
    segment_code,
    n_leads,
    n_leads_without_threshold,
    n_work_days,
    touches_a_day,
    capacity_a_day,
    load_rate,
    is_feasible,
    reason_code
from {{ source('statistics', 'threshold_loads') }}
