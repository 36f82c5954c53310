-- Incident: after a merger the revenue of the old owner stood under both owners in the restated figures.
with whole as (
    select
        period_month,
        count(*) as n_lines,
        coalesce(sum(net_amount_reporting), 0) as revenue_amount
    from {{ ref('fct_revenue_lines') }}
    group by period_month
),

viewed as (
    select
        view_code,
        kind_code,
        period_month,
        sum(n_lines) as n_lines,
        case when count(revenue_amount) = count(*) then sum(revenue_amount) end as revenue_amount
    from {{ ref('mart_finance_groups_month') }}
    group by view_code, kind_code, period_month
)

select
    whole.period_month,
    count(viewed.view_code) as n_views
from whole
left join viewed
    on
        whole.period_month = viewed.period_month
        and whole.n_lines = viewed.n_lines
        and whole.revenue_amount = coalesce(viewed.revenue_amount, whole.revenue_amount)
group by whole.period_month
having count(viewed.view_code) <> 6
