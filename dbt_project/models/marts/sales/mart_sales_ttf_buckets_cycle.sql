-- Figures of the statistics step as they are; what could not be estimated says why.
select
    period_code,
    period_start,
    period_end,
    segment_kind_code,
    segment_code,
    bucket_code,
    bucket_rank,
    until_hours,
    n_leads,
    n_converted,
    conversion_rate,
    conversion_low,
    conversion_high,
    conversion_reason_code
from {{ source('statistics', 'ttf_buckets') }}
