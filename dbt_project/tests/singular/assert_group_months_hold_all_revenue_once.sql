-- Incident: an account in two groups was counted in both after a merger.
with by_line as (
    select
        period_month,
        coalesce(sum(net_amount_reporting), 0) as amount,
        count(*) as n_lines
    from {{ ref('fct_revenue_lines') }}
    group by period_month
),

by_group as (
    select
        period_month,
        sum(revenue_amount) as amount,
        sum(n_lines) as n_lines
    from {{ ref('fct_revenue_group_months') }}
    group by period_month
)

select
    by_line.period_month,
    by_line.amount,
    by_group.amount as group_amount
from by_line
full outer join by_group on by_line.period_month = by_group.period_month
where
    by_line.amount is distinct from by_group.amount
    or by_line.n_lines is distinct from by_group.n_lines
