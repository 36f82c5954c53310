select
    account_id || '/' || {{ year_month_text('period_month') }} as account_month_key,
    account_id,
    period_month,
    cast(coalesce(sum(mrr), 0) as decimal(18, 4)) as mrr,
    count(*) as n_subscriptions,
    count(*) filter (where is_rate_missing) as n_rates_missing
from {{ ref('int_subscription_months') }}
where reason_code is null
group by account_id, period_month
