-- Figures of the statistics step as they are; what could not be estimated says why.
select
    period_code,
    period_start,
    period_end,
    design_code,
    segment_kind_code,
    n_segments,
    n_eligible_segments,
    slope,
    within_slope,
    is_reversed,
    is_attenuated,
    heterogeneity_p,
    heterogeneity_p_adjusted,
    i_squared,
    is_heterogeneous,
    cut_reason_code
from {{ source('statistics', 'touch_cuts') }}
