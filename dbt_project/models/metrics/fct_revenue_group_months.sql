-- New business is judged on the corporate group: a subsidiary of a customer is not a new customer.
-- The unknown group is many companies: it is never new. A month with a line that no rate converts had revenue.
with group_months as (
    select
        group_id,
        period_month,
        cast(coalesce(sum(net_amount_reporting), 0) as decimal(38, 4)) as revenue_amount,
        count(*) as n_lines,
        count(*) filter (where net_amount_reporting is null) as n_unconverted_lines,
        extract(year from period_month) * 12 + extract(month from period_month) as month_number
    from {{ ref('fct_revenue_lines') }}
    group by group_id, period_month
),

histories as (
    select
        *,
        max(case when revenue_amount <> 0 or n_unconverted_lines > 0 then month_number end) over (
            partition by group_id order by month_number
            rows between unbounded preceding and 1 preceding
        ) as previous_month_number
    from group_months
)

select
    group_id,
    period_month,
    group_id || '/' || cast(period_month as string) as group_month_key,
    revenue_amount,
    n_lines,
    n_unconverted_lines,
    group_id <> 'unknown' and coalesce(previous_month_number < month_number - 12, true) as is_new_business
from histories
