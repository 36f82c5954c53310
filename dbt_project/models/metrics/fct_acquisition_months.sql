-- What the accounts of a size band are compared with: costs are not known by segment, so the cost and the new
-- customers of the whole company stand beside each band, and are never added over bands. A month with a cost that no
-- rate converts has no cost.
with assumptions as (
    select max(case when assumption_code = 'gross_margin_rate' then assumption_value end) as gross_margin_rate
    from {{ ref('finance_assumptions') }}
),

bands as (
    select distinct
        period_month,
        size_band_code
    from {{ ref('fct_mrr_account_months') }}
),

costs as (
    select
        period_month,
        {{ complete_sum('amount_reporting', 'true') }} as cost_amount
    from {{ ref('fct_acquisition_costs') }}
    group by period_month
),

customers as (
    select
        period_month,
        count(*) as n_new_customers
    from {{ ref('fct_revenue_group_months') }}
    where is_new_business and (revenue_amount > 0 or n_unconverted_lines > 0)
    group by period_month
)

select
    {{ year_month_text('bands.period_month') }} || '/' || bands.size_band_code as acquisition_month_key,
    bands.period_month,
    bands.size_band_code,
    cast(costs.cost_amount as decimal(38, 4)) as company_cost_amount,
    cast(coalesce(customers.n_new_customers, 0) as bigint) as n_company_new_customers,
    assumptions.gross_margin_rate
from bands
cross join assumptions
left join costs on bands.period_month = costs.period_month
left join customers on bands.period_month = customers.period_month
