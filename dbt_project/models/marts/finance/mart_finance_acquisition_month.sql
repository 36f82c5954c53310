-- What a customer costs to win and is worth, from three sources that share a month and a cut. Costs are set against the
-- new customers of cac_lag_months later. Cost by segment is not known: a segment's value is compared with the cost of
-- the whole company.
with assumptions as (
    select
        max(case when assumption_code = 'gross_margin_rate' then assumption_value end) as gross_margin_rate,
        max(case when assumption_code = 'cac_lag_months' then assumption_value end) as cac_lag_months,
        max(case when assumption_code = 'cltv_cap_months' then assumption_value end) as cltv_cap_months
    from {{ ref('finance_assumptions') }}
),

parts as (
    select
        {{ add_months('spent.period_month', 'cast(assumptions.cac_lag_months as int)') }} as period_month,
        'all' as segment_kind_code,
        'all' as segment_code,
        spent.amount_reporting as cost_amount,
        case when spent.cost_kind_code in ('media', 'campaign') then spent.amount_reporting else 0 end as media_amount,
        1 as n_costs,
        case when spent.amount_reporting is null then 1 else 0 end as n_unconverted_costs,
        0 as n_new_customers,
        0 as known_closing_mrr,
        0 as n_accounts_opening,
        0 as n_accounts_closing,
        0 as n_accounts_lost
    from {{ ref('fct_marketing_costs') }} as spent
    cross join assumptions
    union all
    select
        period_month,
        'all' as segment_kind_code,
        'all' as segment_code,
        0 as cost_amount,
        0 as media_amount,
        0 as n_costs,
        0 as n_unconverted_costs,
        case when is_new_business and (revenue_amount > 0 or n_unconverted_lines > 0) then 1 else 0 end
            as n_new_customers,
        0 as known_closing_mrr,
        0 as n_accounts_opening,
        0 as n_accounts_closing,
        0 as n_accounts_lost
    from {{ ref('fct_revenue_group_months') }}
    union all
    select
        period_month,
        segment_kind_code,
        segment_code,
        0 as cost_amount,
        0 as media_amount,
        0 as n_costs,
        0 as n_unconverted_costs,
        0 as n_new_customers,
        known_closing_mrr,
        n_accounts_opening,
        n_accounts_closing,
        n_accounts_lost
    from {{ ref('mart_finance_retention_month') }}
    where segment_kind_code in ('all', 'size_band')
),

cells as (
    select
        parts.period_month,
        parts.segment_kind_code,
        parts.segment_code,
        sum(parts.cost_amount) as cost_amount,
        sum(parts.media_amount) as media_amount,
        sum(parts.n_costs) as n_costs,
        sum(parts.n_unconverted_costs) as n_unconverted_costs,
        sum(parts.n_new_customers) as n_new_customers,
        {{ complete_sum('parts.known_closing_mrr', 'true') }} as known_closing_mrr,
        sum(parts.n_accounts_opening) as n_accounts_opening,
        sum(parts.n_accounts_closing) as n_accounts_closing,
        sum(parts.n_accounts_lost) as n_accounts_lost
    from parts
    cross join {{ run_settings() }} as settings
    where parts.period_month < settings.cycle_end
    group by parts.period_month, parts.segment_kind_code, parts.segment_code
),

first_months as (
    select min(period_month) as period_month
    from {{ ref('fct_revenue_group_months') }}
),

-- The share that leaves in a month, with the bounds of Wilson at 95 %: the truth of a few accounts lies far from it.
rated as (
    select
        cells.*,
        company.cost_amount as company_cost_amount,
        company.media_amount as company_media_amount,
        company.n_costs as n_company_costs,
        company.n_new_customers as n_company_new_customers,
        company.n_unconverted_costs as n_company_unconverted_costs,
        cast(assumptions.gross_margin_rate as double) as margin,
        cast(assumptions.cltv_cap_months as double) as cap_months,
        cast(cells.known_closing_mrr as double) / nullif(cells.n_accounts_closing, 0) as arpa,
        cast(cells.n_accounts_lost as double) / nullif(cells.n_accounts_opening, 0) as churn,
        cast(cells.n_accounts_opening as double) as n,
        cells.period_month < {{ add_months('first_months.period_month', 12) }} as is_history_short
    from cells
    inner join cells as company
        on cells.period_month = company.period_month and company.segment_kind_code = 'all'
    cross join assumptions
    cross join first_months
),

bounded as (
    select
        *,
        (
            churn + 1.959963984540054 * 1.959963984540054 / (2 * nullif(n, 0))
            + 1.959963984540054 * sqrt(
                churn * (1 - churn) / nullif(n, 0)
                + 1.959963984540054 * 1.959963984540054 / (4 * nullif(n, 0) * nullif(n, 0))
            )
        ) / (1 + 1.959963984540054 * 1.959963984540054 / nullif(n, 0)) as churn_high,
        (
            churn + 1.959963984540054 * 1.959963984540054 / (2 * nullif(n, 0))
            - 1.959963984540054 * sqrt(
                churn * (1 - churn) / nullif(n, 0)
                + 1.959963984540054 * 1.959963984540054 / (4 * nullif(n, 0) * nullif(n, 0))
            )
        ) / (1 + 1.959963984540054 * 1.959963984540054 / nullif(n, 0)) as churn_low,
        case
            when n_company_unconverted_costs > 0 then 'exchange_rate_missing'
            when n_company_costs = 0 then 'no_cost'
            when n_company_new_customers = 0 then 'no_new_customer'
        end as cac_reason_code,
        case
            when n_accounts_opening = 0 then 'no_opening_account'
            when n_accounts_lost = 0 then 'no_churn'
            when n_accounts_closing = 0 then 'no_account_left'
            when known_closing_mrr is null then 'exchange_rate_missing'
        end as cltv_reason_code
    from rated
),

valued as (
    select
        *,
        case when cac_reason_code is null then cast(company_cost_amount as double) / n_company_new_customers end as cac,
        case when cac_reason_code is null then cast(company_media_amount as double) / n_company_new_customers end
            as media_cac,
        case when cltv_reason_code is null then arpa * margin / nullif(churn, 0) end as cltv
    from bounded
)

select
    valued.period_month,
    cast(valued.segment_kind_code as string) as segment_kind_code,
    cast(valued.segment_code as string) as segment_code,
    cast(case when valued.n_company_unconverted_costs = 0 then valued.company_cost_amount end as decimal(38, 4))
        as cost_amount,
    cast(case when valued.n_company_unconverted_costs = 0 then valued.company_media_amount end as decimal(38, 4))
        as media_cost_amount,
    cast(valued.n_company_new_customers as bigint) as n_new_customers,
    {{ rounded('valued.cac', 6) }} as cac,
    {{ rounded('valued.media_cac', 6) }} as media_cac,
    cast(valued.cac_reason_code as string) as cac_reason_code,
    cast(
        case
            when valued.cac_reason_code is null and valued.is_history_short then 'history_under_12_months'
        end as string
    ) as cac_caveat_code,
    cast(valued.known_closing_mrr as decimal(38, 4)) as known_closing_mrr,
    cast(valued.n_accounts_closing as bigint) as n_accounts_closing,
    cast(valued.n_accounts_opening as bigint) as n_accounts_opening,
    cast(valued.n_accounts_lost as bigint) as n_accounts_lost,
    {{ rounded('valued.margin', 4) }} as gross_margin_rate,
    cast('assumption' as string) as gross_margin_source_code,
    {{ rounded('valued.arpa', 6) }} as revenue_per_account,
    {{ rounded('valued.churn', 10) }} as monthly_churn_rate,
    {{ rounded('valued.cltv', 6) }} as cltv_simple,
    case
        when valued.cltv_reason_code is null
            then {{ rounded('valued.cltv * (1 - power(1 - valued.churn, valued.cap_months))', 6) }}
    end as cltv_capped,
    case
        when valued.cltv_reason_code is null
            then {{ rounded('valued.arpa * valued.margin / nullif(valued.churn_high, 0)', 6) }}
    end as cltv_low,
    case
        when valued.cltv_reason_code is null
            then {{ rounded('valued.arpa * valued.margin / nullif(valued.churn_low, 0)', 6) }}
    end as cltv_high,
    cast(valued.cltv_reason_code as string) as cltv_reason_code,
    cast(
        case when valued.cltv_reason_code is null and valued.n_accounts_opening < 30 then 'cltv_few_accounts' end
        as string
    ) as cltv_caveat_code,
    {{ rounded('valued.cltv / nullif(valued.cac, 0)', 10) }} as cltv_cac,
    cast(
        case
            when valued.cltv_reason_code is not null then valued.cltv_reason_code
            when valued.cac_reason_code is not null then valued.cac_reason_code
            when valued.cac = 0 then 'no_cost'
        end as string
    ) as cltv_cac_reason_code,
    case
        when valued.known_closing_mrr > 0
            then {{ rounded('valued.cac / nullif(valued.arpa * valued.margin, 0)', 10) }}
    end as cac_payback_months,
    cast(
        case
            when valued.cac_reason_code is not null then valued.cac_reason_code
            when valued.known_closing_mrr is null then 'exchange_rate_missing'
            when valued.known_closing_mrr <= 0 or valued.n_accounts_closing = 0 then 'no_account_left'
        end as string
    ) as cac_payback_reason_code,
    cast(settings.reporting_currency as string) as reporting_currency
from valued
cross join {{ run_settings() }} as settings
