-- Figures of the statistics step as they are; a segment without an estimate says why.
select
    period_code,
    period_start,
    period_end,
    design_code,
    segment_kind_code,
    segment_code,
    n_touches,
    n_leads,
    n_converted
from {{ source('statistics', 'touch_points') }}
