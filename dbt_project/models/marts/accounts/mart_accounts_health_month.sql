select
    account_id,
    period_month,
    size_band_code,
    closing_mrr,
    cast(definition_version as int) as definition_version,
    health_score,
    cast(case when n_components = 0 then 'no_component_known' end as string) as health_reason_code,
    usage_recency_points,
    usage_trend_points,
    cast(usage_trend_reason_code as string) as usage_trend_reason_code,
    nps_points,
    mrr_trend_points,
    n_components,
    weight_known_rate,
    is_renormalised,
    case when is_outcome_known then is_lost_within_3_months end as is_lost_within_3_months
from {{ ref('fct_account_health_months') }}
