-- Sellers of a team and role over the twelve months up to a month. Only months whose twelve months are all known: a
-- history of eleven months says nothing of a year.
with distances (n_months) as (
    values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11)
),

placed as (
    select
        {{ add_months('months.period_month', 'distances.n_months') }} as placed_month,
        months.period_month,
        months.team_name,
        months.role_code,
        months.is_selling and months.is_employed as is_seller,
        months.is_leaving
    from {{ ref('fct_rep_months') }} as months
    cross join distances
),

known_years as (
    select placed.placed_month
    from placed
    cross join {{ run_settings() }} as settings
    where placed.placed_month <= settings.cycle_start
    group by placed.placed_month
    having count(distinct placed.period_month) = 12
)

select
    {{ year_month_text('placed.placed_month') }} || '/' || placed.team_name || '/' || placed.role_code
        as rep_year_key,
    placed.placed_month as period_month,
    placed.team_name,
    placed.role_code,
    cast(sum(case when placed.is_seller then 1 else 0 end) as bigint) as n_employed_months,
    cast(sum(case when placed.is_seller and placed.is_leaving then 1 else 0 end) as bigint) as n_left
from placed
inner join known_years on placed.placed_month = known_years.placed_month
group by placed.placed_month, placed.team_name, placed.role_code
