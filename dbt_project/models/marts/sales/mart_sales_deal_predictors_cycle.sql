select
    cast(feature_code as string) as feature_code,
    coefficient,
    coefficient_low,
    coefficient_high,
    odds_ratio,
    p_value,
    adjusted_p_value,
    n_deals
from {{ source('statistics', 'deal_predictors') }}
