-- A sum over a line without an exchange rate is no revenue: it is null and says why.
with first_months as (
    select
        min(period_month) as period_month,
        count(cost_amount) as n_costed_lines
    from {{ ref('fct_revenue_lines') }}
),

revenue_lines as (
    select
        revenue_lines.*,
        group_months.is_new_business,
        revenue_lines.period_month < {{ add_months('first_months.period_month', 12) }} as is_history_short,
        first_months.n_costed_lines = 0 as is_cost_unknown
    from {{ ref('fct_revenue_lines') }} as revenue_lines
    inner join {{ ref('fct_revenue_group_months') }} as group_months
        on
            revenue_lines.group_id = group_months.group_id
            and revenue_lines.period_month = group_months.period_month
    cross join first_months
),

segmented as (
    {{ segment_rows('revenue_lines', {
        'size_band': 'size_band_code', 'product_family': 'product_family', 'currency': 'currency'
    }) }}
),

cells as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        {{ complete_sum('net_amount_reporting', 'true') }} as revenue_amount,
        {{ complete_sum('net_amount_reporting', 'is_new_business') }} as new_business_amount,
        {{ complete_sum('net_amount_reporting', 'is_recurring') }} as recurring_amount,
        {{ complete_sum('net_amount_reporting', 'cost_amount is not null') }} as costed_revenue_amount,
        {{ complete_sum('cost_amount_reporting', 'cost_amount is not null') }} as cost_amount,
        sum(case when segment_kind_code = 'currency' then net_amount end) as source_currency_amount,
        count(*) as n_lines,
        count(*) filter (where net_amount_reporting is null) as n_unconverted_lines,
        count(distinct group_id) as n_groups,
        count(distinct case when is_new_business then group_id end) as n_new_business_groups,
        bool_or(is_history_short) as is_history_short,
        bool_or(is_cost_unknown) as is_cost_unknown
    from segmented
    group by period_month, segment_kind_code, segment_code
)

select
    cells.period_month,
    cast(cells.segment_kind_code as string) as segment_kind_code,
    cast(cells.segment_code as string) as segment_code,
    cast(cells.revenue_amount as decimal(38, 4)) as revenue_amount,
    cast(cells.new_business_amount as decimal(38, 4)) as new_business_amount,
    cast(cells.recurring_amount as decimal(38, 4)) as recurring_amount,
    {{ metric_ratio('cells.new_business_amount', 'cells.revenue_amount') }} as new_business_share_rate,
    case
        when cells.revenue_amount = 0 then 'no_revenue'
        when cells.revenue_amount is null then 'exchange_rate_missing'
    end as new_business_share_reason_code,
    cast(settings.reporting_currency as string) as reporting_currency,
    cast(cells.source_currency_amount as decimal(38, 4)) as source_currency_amount,
    cast(cells.n_lines as bigint) as n_lines,
    cast(cells.n_unconverted_lines as bigint) as n_unconverted_lines,
    cast(cells.n_groups as bigint) as n_groups,
    cast(cells.n_new_business_groups as bigint) as n_new_business_groups,
    case when cells.revenue_amount is null then 'exchange_rate_missing' end as revenue_reason_code,
    case when cells.new_business_amount is null then 'exchange_rate_missing' end as new_business_reason_code,
    case when cells.is_history_short then 'history_under_12_months' end as new_business_caveat_code,
    case
        when not cells.is_cost_unknown then cast(cells.costed_revenue_amount as decimal(38, 4))
    end as costed_revenue_amount,
    case when not cells.is_cost_unknown then cast(cells.cost_amount as decimal(38, 4)) end as cost_amount,
    case
        when not cells.is_cost_unknown then cast(cells.costed_revenue_amount - cells.cost_amount as decimal(38, 4))
    end as margin_amount,
    case
        when cells.costed_revenue_amount > 0
            then {{ metric_ratio('cells.costed_revenue_amount - cells.cost_amount', 'cells.costed_revenue_amount') }}
    end as margin_rate,
    case
        when cells.is_cost_unknown then 'costs_not_delivered'
        when cells.costed_revenue_amount is null then 'exchange_rate_missing'
        when cells.costed_revenue_amount <= 0 then 'no_costed_revenue'
    end as margin_reason_code,
    case
        when not cells.is_cost_unknown then {{ metric_ratio('cells.costed_revenue_amount', 'cells.revenue_amount') }}
    end as cost_shown_rate,
    case
        when cells.is_cost_unknown then 'costs_not_delivered'
        when cells.revenue_amount is null or cells.costed_revenue_amount is null then 'exchange_rate_missing'
        when cells.revenue_amount = 0 then 'no_revenue'
    end as cost_shown_reason_code
from cells
cross join {{ run_settings() }} as settings
