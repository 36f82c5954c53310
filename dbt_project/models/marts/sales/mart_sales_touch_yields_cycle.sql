-- The hazards of the statistics step as they are; a touch after which nobody is at risk says so.
select
    period_start,
    period_end,
    segment_kind_code,
    segment_code,
    touch_number,
    is_last_cell,
    n_at_risk,
    n_events,
    yield_rate,
    yield_low_rate,
    yield_high_rate,
    n_conversions,
    cumulative_share_rate,
    reason_code,
    n_leads_excluded,
    n_leads_refused
from {{ source('statistics', 'touch_yields') }}
