select
    cast(model_code as string) as model_code,
    is_published,
    cast(reason_code as string) as reason_code,
    split_at,
    n_learned_deals,
    n_learned_won,
    n_judged_deals,
    n_judged_won,
    n_judged_passages,
    n_features,
    brier_score,
    base_brier_score,
    brier_gain_low,
    log_loss,
    base_log_loss,
    log_loss_gain_low
from {{ source('statistics', 'deal_models') }}
