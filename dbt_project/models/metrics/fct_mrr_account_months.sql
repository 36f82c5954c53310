-- The movements of every account and month, beside what the account paid twelve months before: an account lost in
-- between still has its row, else retention would forget whom it lost. An amount that no rate converts is null, and the
-- account counts: an opening or closing of null is one of more than nothing.
with movements as (
    select movements.*
    from {{ ref('fct_mrr_movements') }} as movements
    cross join {{ run_settings() }} as settings
    where movements.period_month < settings.cycle_end
),

sides as (
    select
        account_id,
        period_month,
        opening_mrr,
        contraction_mrr,
        churn_mrr,
        reactivation_mrr,
        closing_mrr,
        cast(0 as decimal(18, 4)) as year_ago_mrr,
        churn_reason_code
    from movements
    union all
    select
        movements.account_id,
        {{ add_months('movements.period_month', 12) }} as period_month,
        cast(0 as decimal(18, 4)) as opening_mrr,
        cast(0 as decimal(18, 4)) as contraction_mrr,
        cast(0 as decimal(18, 4)) as churn_mrr,
        cast(0 as decimal(18, 4)) as reactivation_mrr,
        cast(0 as decimal(18, 4)) as closing_mrr,
        movements.closing_mrr as year_ago_mrr,
        cast(null as string) as churn_reason_code
    from movements
    cross join {{ run_settings() }} as settings
    where coalesce(movements.closing_mrr, 1) > 0 and {{ add_months('movements.period_month', 12) }} < settings.cycle_end
),

account_months as (
    select
        account_id,
        period_month,
        cast({{ complete_sum('opening_mrr', 'true') }} as decimal(18, 4)) as opening_mrr,
        cast({{ complete_sum('contraction_mrr', 'true') }} as decimal(18, 4)) as contraction_mrr,
        cast({{ complete_sum('churn_mrr', 'true') }} as decimal(18, 4)) as churn_mrr,
        cast({{ complete_sum('reactivation_mrr', 'true') }} as decimal(18, 4)) as reactivation_mrr,
        cast({{ complete_sum('closing_mrr', 'true') }} as decimal(18, 4)) as closing_mrr,
        cast({{ complete_sum('year_ago_mrr', 'true') }} as decimal(18, 4)) as year_ago_mrr,
        max(churn_reason_code) as churn_reason_code
    from sides
    group by account_id, period_month
)

select
    account_months.account_id || '/' || {{ year_month_text('account_months.period_month') }} as account_month_key,
    account_months.account_id,
    coalesce(accounts.size_band_code, 'unknown') as size_band_code,
    account_months.period_month,
    account_months.account_id <> 'unknown' as is_known_account,
    account_months.opening_mrr,
    account_months.contraction_mrr,
    account_months.churn_mrr,
    account_months.reactivation_mrr,
    account_months.closing_mrr,
    case
        when coalesce(account_months.opening_mrr, 1) > 0 then account_months.closing_mrr
        else cast(0 as decimal(18, 4))
    end as kept_mrr,
    case
        when account_months.opening_mrr is null then null
        when account_months.opening_mrr > 0 and account_months.closing_mrr is null then null
        when account_months.opening_mrr > 0 then least(account_months.opening_mrr, account_months.closing_mrr)
        else cast(0 as decimal(18, 4))
    end as capped_mrr,
    account_months.year_ago_mrr,
    case
        when coalesce(account_months.churn_mrr, -1) < 0 then coalesce(account_months.churn_reason_code, 'unknown')
    end as churn_reason_code,
    case
        when coalesce(account_months.year_ago_mrr, 1) > 0 then account_months.closing_mrr
        else cast(0 as decimal(18, 4))
    end as year_kept_mrr,
    case
        when account_months.year_ago_mrr is null then null
        when account_months.year_ago_mrr > 0 and account_months.closing_mrr is null then null
        when account_months.year_ago_mrr > 0 then least(account_months.year_ago_mrr, account_months.closing_mrr)
        else cast(0 as decimal(18, 4))
    end as year_capped_mrr
from account_months
left join {{ ref('dim_accounts') }} as accounts on account_months.account_id = accounts.account_id
