-- Sellers who ramp up stand apart, with the revenue of their accounts: a full year is not asked of them. Revenue of
-- accounts that no seller owns stays in the company's figure, and has no seller to be divided by in its own segment.
with targeted as (
    select distinct
        holder_code as rep_id,
        period_month
    from {{ ref('fct_quota_months') }}
    where scope_code = 'rep'
),

rep_months as (
    select
        months.*,
        months.is_selling and months.is_employed and not months.is_ramping as is_full,
        months.is_selling and months.is_employed and months.is_ramping as is_ramping_seller,
        months.is_selling and months.is_employed and targeted.rep_id is null as is_without_target
    from {{ ref('fct_rep_months') }} as months
    left join targeted on months.rep_id = targeted.rep_id and months.period_month = targeted.period_month
    cross join {{ run_settings() }} as settings
    where months.period_month <= settings.cycle_start
),

segmented as (
    {{ segment_rows('rep_months', {'team': 'team_name', 'role': 'role_code'}) }}
),

cells as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        count(*) filter (where is_full) as n_active_rep_months,
        count(*) filter (where is_ramping_seller) as n_ramping_rep_months,
        count(*) filter (where is_without_target) as n_reps_without_target,
        sum(n_touches) as n_touches,
        sum(n_meetings) as n_meetings,
        sum(n_opened) as n_opened,
        sum(n_closed) as n_closed,
        sum(n_won) as n_won,
        sum(n_new_customers) as n_new_customers,
        sum(case when not is_ramping_seller then n_revenue_unconverted else 0 end) as n_unconverted,
        sum(case when not is_ramping_seller then revenue_amount else 0 end) as converted_amount
    from segmented
    group by period_month, segment_kind_code, segment_code
),

valued as (
    select
        *,
        case when n_unconverted = 0 then converted_amount end as revenue_amount
    from cells
)

select
    valued.period_month,
    cast(valued.segment_kind_code as string) as segment_kind_code,
    cast(valued.segment_code as string) as segment_code,
    cast(valued.n_active_rep_months as bigint) as n_active_rep_months,
    cast(valued.n_ramping_rep_months as bigint) as n_ramping_rep_months,
    cast(valued.n_reps_without_target as bigint) as n_reps_without_target,
    cast(valued.n_touches as bigint) as n_touches,
    cast(valued.n_meetings as bigint) as n_meetings,
    cast(valued.n_opened as bigint) as n_opened,
    cast(valued.n_closed as bigint) as n_closed,
    cast(valued.n_won as bigint) as n_won,
    {{ metric_ratio('valued.n_won', 'valued.n_closed') }} as win_rate,
    cast(valued.n_new_customers as bigint) as n_new_customers,
    cast(valued.revenue_amount as decimal(38, 4)) as revenue_amount,
    cast(valued.n_unconverted as bigint) as n_unconverted,
    cast(
        cast(valued.revenue_amount as double) * 12 / nullif(cast(valued.n_active_rep_months as double), 0)
        as decimal(28, 10)
    ) as revenue_per_rep,
    case
        when valued.n_active_rep_months = 0 then 'no_active_rep'
        when valued.n_unconverted > 0 then 'exchange_rate_missing'
    end as revenue_per_rep_reason_code,
    settings.reporting_currency
from valued
cross join {{ run_settings() }} as settings
