-- With one subscription that no rate converts, what the account pays is unknown, not less.
select
    account_id || '/' || {{ year_month_text('period_month') }} as account_month_key,
    account_id,
    period_month,
    cast(
        case when count(case when is_rate_missing then 1 end) = 0 then coalesce(sum(mrr), 0) end as decimal(18, 4)
    ) as mrr,
    count(*) as n_subscriptions,
    count(*) filter (where is_rate_missing) as n_rates_missing,
    case when count(case when is_rate_missing then 1 end) > 0 then 'exchange_rate_missing' end as mrr_reason_code
from {{ ref('int_subscription_months') }}
where reason_code is null
group by account_id, period_month
