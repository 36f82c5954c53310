-- Incident: a team without a closed deal was shown a win rate of 0 %, and was compared with the others.
select
    metric_name,
    period_month,
    segment_kind_code,
    segment_code,
    metric_value,
    reason_code
from {{ ref('mart_management_kpis_month') }}
where (metric_value is null) <> (reason_code is not null)
