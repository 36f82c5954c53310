-- A month's closing is the next month's opening, so each month end is read twice. The first of the five classes that
-- fits wins: new, reactivation, expansion, contraction, churn.
with month_ends as (
    select
        account_id,
        period_month,
        mrr
    from {{ ref('fct_subscription_months') }}
    where mrr <> 0
),

sides as (
    select
        account_id,
        period_month,
        cast(0 as decimal(18, 4)) as opening_mrr,
        mrr as closing_mrr
    from month_ends
    union all
    select
        month_ends.account_id,
        {{ add_months('month_ends.period_month', 1) }} as period_month,
        month_ends.mrr as opening_mrr,
        cast(0 as decimal(18, 4)) as closing_mrr
    from month_ends
    cross join {{ run_settings() }} as settings
    where {{ add_months('month_ends.period_month', 1) }} < settings.cycle_end
),

account_months as (
    select
        account_id,
        period_month,
        cast(sum(opening_mrr) as decimal(18, 4)) as opening_mrr,
        cast(sum(closing_mrr) as decimal(18, 4)) as closing_mrr
    from sides
    group by account_id, period_month
),

firsts as (
    select
        account_id,
        min(period_month) as first_month
    from month_ends
    group by account_id
),

classed as (
    select
        account_months.account_id,
        account_months.period_month,
        account_months.opening_mrr,
        account_months.closing_mrr,
        account_months.closing_mrr - account_months.opening_mrr as delta,
        case
            when account_months.opening_mrr = 0 and account_months.period_month = firsts.first_month then 'new'
            when account_months.opening_mrr = 0 then 'reactivation'
            when account_months.closing_mrr = 0 then 'churn'
            when account_months.closing_mrr > account_months.opening_mrr then 'expansion'
            else 'contraction'
        end as movement_code
    from account_months
    inner join firsts on account_months.account_id = firsts.account_id
)

select
    classed.account_id || '/' || {{ year_month_text('classed.period_month') }} as account_month_key,
    classed.account_id,
    accounts.size_band_code,
    classed.period_month,
    classed.opening_mrr,
    {% for movement in ['new', 'reactivation', 'expansion', 'contraction', 'churn'] -%}
        cast(case when classed.movement_code = '{{ movement }}' then classed.delta else 0 end as decimal(18, 4))
            as {{ movement }}_mrr,
    {% endfor -%}
    classed.closing_mrr
from classed
inner join {{ ref('dim_accounts') }} as accounts on classed.account_id = accounts.account_id
