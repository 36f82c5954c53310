-- A month's closing is the next month's opening, so each month end is read twice. The first of the five classes that
-- fits wins: new, reactivation, expansion, contraction, churn. An account whose MRR no rate converts pays an unknown
-- amount: it is there, so that it is not new when the rate arrives, and what it brought or lost is null. Between two
-- month ends of which one is unknown it may have grown or shrunk.
with month_ends as (
    select
        account_id,
        period_month,
        mrr
    from {{ ref('fct_subscription_months') }}
    where mrr <> 0 or mrr is null
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
        cast({{ complete_sum('opening_mrr', 'true') }} as decimal(18, 4)) as opening_mrr,
        cast({{ complete_sum('closing_mrr', 'true') }} as decimal(18, 4)) as closing_mrr
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
            when account_months.opening_mrr is null or account_months.closing_mrr is null then 'unknown'
            when account_months.closing_mrr > account_months.opening_mrr then 'expansion'
            else 'contraction'
        end as movement_code
    from account_months
    inner join firsts on account_months.account_id = firsts.account_id
),

-- What an account had at the end of the month before it left has ended since: of the reasons noted there, the one of
-- the subscription that brought most tells why it left.
reasons as (
    select
        classed.account_id,
        classed.period_month,
        months.end_reason_code,
        row_number() over (
            partition by classed.account_id, classed.period_month
            order by months.mrr desc nulls last, months.record_key asc
        ) as reason_rank
    from classed
    inner join {{ ref('int_subscription_months') }} as months
        on
            classed.account_id = months.account_id
            and months.period_month = {{ add_months('classed.period_month', -1) }}
    where
        classed.movement_code = 'churn'
        and months.reason_code is null
        and months.end_reason_code is not null
)

select
    classed.account_id || '/' || {{ year_month_text('classed.period_month') }} as account_month_key,
    classed.account_id,
    accounts.size_band_code,
    classed.period_month,
    classed.opening_mrr,
    {% for movement in ['new', 'reactivation', 'expansion', 'contraction', 'churn'] -%}
        cast(
            case
                when classed.movement_code = '{{ movement }}' then classed.delta
                when classed.movement_code = 'unknown' and '{{ movement }}' in ('expansion', 'contraction') then null
                else 0
            end as decimal(18, 4)
        ) as {{ movement }}_mrr,
    {% endfor -%}
    classed.closing_mrr,
    case
        when classed.movement_code = 'churn' then coalesce(reasons.end_reason_code, 'unknown')
    end as churn_reason_code,
    case when classed.opening_mrr is null or classed.closing_mrr is null then 'exchange_rate_missing' end
        as mrr_reason_code
from classed
inner join {{ ref('dim_accounts') }} as accounts on classed.account_id = accounts.account_id
left join reasons
    on
        classed.account_id = reasons.account_id
        and classed.period_month = reasons.period_month
        and reasons.reason_rank = 1
