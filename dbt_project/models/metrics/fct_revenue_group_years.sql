-- What a corporate group, as it is, was invoiced in a month, in the twelve months up to it and in the same month a year
-- before. Strategic is a group with an account on the list of the first day of that month a year before, where growth
-- begins. Ranks are those of the twelve months: the unknown group, which is many companies, has none and no weight; a
-- group with more credited than invoiced weighs nothing.
with distances (n_months) as (
    values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)
),

placed as (
    select
        group_months.*,
        distances.n_months,
        {{ add_months('group_months.period_month', 'distances.n_months') }} as placed_month
    from {{ ref('fct_revenue_group_months') }} as group_months
    cross join distances
),

summed as (
    select
        placed.group_id,
        placed.placed_month as period_month,
        {{ add_months('placed.placed_month', -12) }} as base_month,
        sum(case when placed.n_months = 0 then placed.revenue_amount else 0 end) as revenue_amount,
        sum(case when placed.n_months = 12 then placed.revenue_amount else 0 end) as year_ago_amount,
        sum(case when placed.n_months < 12 then placed.revenue_amount else 0 end) as year_amount,
        sum(case when placed.n_months in (0, 12) then placed.n_unconverted_lines else 0 end)
            as n_compared_unconverted_lines,
        sum(case when placed.n_months < 12 then placed.n_unconverted_lines else 0 end) as n_year_unconverted_lines,
        max(case when placed.n_months < 12 then 1 else 0 end) = 1 and placed.group_id <> 'unknown' as is_ranked
    from placed
    cross join {{ run_settings() }} as settings
    where placed.placed_month < settings.cycle_end
    group by placed.group_id, placed.placed_month
),

listed as (
    select distinct
        summed.group_id,
        summed.period_month
    from {{ ref('bridge_strategic_accounts') }} as bridge
    inner join {{ ref('dim_accounts') }} as accounts on bridge.account_id = accounts.account_id
    inner join summed on accounts.group_id = summed.group_id
    where
        bridge.valid_from <= summed.base_month
        and coalesce(bridge.valid_to, cast('9999-12-31' as date)) > summed.base_month
),

weighed as (
    select
        summed.*,
        listed.group_id is not null as is_strategic,
        case when summed.is_ranked then greatest(summed.year_amount, 0) else 0 end as weight_amount
    from summed
    left join listed on summed.group_id = listed.group_id and summed.period_month = listed.period_month
)

select
    group_id || '/' || {{ year_month_text('period_month') }} as group_year_key,
    group_id,
    period_month,
    is_strategic,
    cast(revenue_amount as decimal(38, 4)) as revenue_amount,
    cast(year_ago_amount as decimal(38, 4)) as year_ago_amount,
    cast(n_compared_unconverted_lines as bigint) as n_compared_unconverted_lines,
    cast(year_amount as decimal(38, 4)) as year_amount,
    cast(n_year_unconverted_lines as bigint) as n_year_unconverted_lines,
    cast(weight_amount as decimal(38, 4)) as weight_amount,
    case
        when is_ranked
            then cast(row_number() over (
                partition by period_month order by is_ranked desc, year_amount desc, group_id asc
            ) as bigint)
    end as rank_number,
    cast(coalesce(sum(weight_amount) over (
        partition by period_month order by is_ranked desc, year_amount desc, group_id asc
        rows between unbounded preceding and 1 preceding
    ), 0) as decimal(38, 4)) as amount_before,
    cast(sum(weight_amount) over (partition by period_month) as decimal(38, 4)) as total_amount
from weighed
