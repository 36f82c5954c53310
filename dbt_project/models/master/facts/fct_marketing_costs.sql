-- A cost is shared out over the months it covers by days, to the ten-thousandth: each month has what is due by its end
-- less what was due by the end of the month before, so that the months add up to the cost. What a campaign has spent so
-- far covers its days up to the end of the cycle; without a last day it belongs to the month it started in.
with campaigns as (
    select
        campaigns.record_key,
        campaigns.channel_code,
        campaigns.ends_on,
        campaigns.currency,
        campaigns.actual_cost,
        settings.cycle_end,
        coalesce(campaigns.starts_on, {{ local_day('campaigns.created_at', 'settings.timezone') }}) as starts_on
    from {{ ref('stg_crm__campaigns') }} as campaigns
    cross join {{ run_settings() }} as settings
    where not campaigns.is_deleted and campaigns.actual_cost <> 0
),

expenses as (
    select
        spent.record_key as cost_id,
        'cost' as cost_source_code,
        spent.department as department_code,
        spent.cost_kind as cost_kind_code,
        coalesce(spent.channel_code, 'unknown') as channel_code,
        spent.period_start as starts_on,
        {{ days_between('spent.period_start', 'spent.period_end') }} + 1 as n_days,
        upper(spent.currency) as currency,
        spent.amount
    from {{ ref('stg_finance__marketing_costs') }} as spent
    where {{ marketing_cost_exclusion('spent') }} is null
    union all
    select
        record_key as cost_id,
        'campaign' as cost_source_code,
        'marketing' as department_code,
        'campaign' as cost_kind_code,
        coalesce(channel_code, 'unknown') as channel_code,
        starts_on,
        greatest(1, least(
            coalesce(
                {{ days_between('starts_on', 'ends_on') }} + 1,
                {{ days_between('starts_on', add_months(first_of_month('starts_on'), 1)) }}
            ),
            {{ days_between('starts_on', 'cycle_end') }}
        )) as n_days,
        upper(currency) as currency,
        actual_cost as amount
    from campaigns
    where starts_on is not null
),

years (year_number) as (
    values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)
),

months (month_number) as (
    values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11)
),

placed as (
    select
        expenses.*,
        {{ add_months(first_of_month('expenses.starts_on'), 'years.year_number * 12 + months.month_number') }}
            as period_month
    from expenses
    cross join years
    cross join months
),

covered as (
    select
        *,
        greatest(0, {{ days_between('starts_on', 'period_month') }}) as n_days_before,
        least(n_days, {{ days_between('starts_on', add_months('period_month', 1)) }}) as n_days_by_end
    from placed
    where {{ days_between('starts_on', 'period_month') }} < n_days
),

due as (
    select
        *,
        cast(
            {{ rounded('cast(amount as double) * n_days_by_end / n_days', 4) }}
            - {{ rounded('cast(amount as double) * n_days_before / n_days', 4) }}
            as decimal(18, 4)
        ) as month_amount
    from covered
)

select
    due.cost_id || '/' || {{ year_month_text('due.period_month') }} as cost_month_key,
    due.cost_id,
    due.cost_source_code,
    due.department_code,
    due.cost_kind_code,
    due.channel_code,
    due.period_month,
    due.currency,
    due.month_amount as amount,
    rates.exchange_rate,
    rates.exchange_rate_key,
    {{ converted('due.month_amount') }} as amount_reporting
from due
left join {{ ref('int_month_rates') }} as rates
    on
        due.currency = rates.currency
        and due.period_month >= rates.valid_from_month
        and due.period_month < rates.valid_to_month
