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

counted as (
    select
        period_month,
        segment_kind_code,
        segment_code,
        count(*) filter (where is_full) as n_active_rep_months,
        count(*) filter (where is_ramping_seller) as n_ramping_rep_months,
        count(*) filter (where is_without_target) as n_reps_without_target,
        count(*) filter (where is_full or is_ramping_seller) as n_employed,
        count(*) filter (where (is_full or is_ramping_seller) and is_leaving) as n_left,
        sum(n_activities) as n_activities,
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

known_months as (
    select distinct period_month
    from counted
),

known_segments as (
    select distinct
        segment_kind_code,
        segment_code
    from counted
),

-- A segment whose last seller has left keeps its row: who left in the year before still counts.
cells as (
    select
        known_months.period_month,
        known_segments.segment_kind_code,
        known_segments.segment_code,
        coalesce(counted.n_active_rep_months, 0) as n_active_rep_months,
        coalesce(counted.n_ramping_rep_months, 0) as n_ramping_rep_months,
        coalesce(counted.n_reps_without_target, 0) as n_reps_without_target,
        coalesce(counted.n_employed, 0) as n_employed,
        coalesce(counted.n_left, 0) as n_left,
        coalesce(counted.n_activities, 0) as n_activities,
        coalesce(counted.n_meetings, 0) as n_meetings,
        coalesce(counted.n_opened, 0) as n_opened,
        coalesce(counted.n_closed, 0) as n_closed,
        coalesce(counted.n_won, 0) as n_won,
        coalesce(counted.n_new_customers, 0) as n_new_customers,
        coalesce(counted.n_unconverted, 0) as n_unconverted,
        coalesce(counted.converted_amount, 0) as converted_amount
    from known_months
    cross join known_segments
    left join counted
        on
            known_months.period_month = counted.period_month
            and known_segments.segment_kind_code = counted.segment_kind_code
            and known_segments.segment_code = counted.segment_code
),

years as (
    select
        cells.period_month,
        cells.segment_kind_code,
        cells.segment_code,
        count(*) as n_months,
        sum(past.n_employed) as n_employed_12_months,
        sum(past.n_left) as n_left_12_months
    from cells
    inner join cells as past
        on
            cells.segment_kind_code = past.segment_kind_code
            and cells.segment_code = past.segment_code
            and cells.period_month >= past.period_month
            and {{ add_months('cells.period_month', -12) }} < past.period_month
    group by cells.period_month, cells.segment_kind_code, cells.segment_code
),

valued as (
    select
        cells.*,
        years.n_months,
        years.n_employed_12_months,
        years.n_left_12_months,
        case when cells.n_unconverted = 0 then cells.converted_amount end as revenue_amount
    from cells
    inner join years
        on
            cells.period_month = years.period_month
            and cells.segment_kind_code = years.segment_kind_code
            and cells.segment_code = years.segment_code
)

select
    valued.period_month,
    cast(valued.segment_kind_code as string) as segment_kind_code,
    cast(valued.segment_code as string) as segment_code,
    cast(valued.n_active_rep_months as bigint) as n_active_rep_months,
    cast(valued.n_ramping_rep_months as bigint) as n_ramping_rep_months,
    cast(valued.n_reps_without_target as bigint) as n_reps_without_target,
    cast(valued.n_employed as bigint) as n_employed,
    cast(valued.n_left as bigint) as n_left,
    cast(valued.n_employed_12_months as bigint) as n_employed_12_months,
    cast(valued.n_left_12_months as bigint) as n_left_12_months,
    case
        when valued.n_months = 12 then {{ metric_ratio('12 * valued.n_left_12_months', 'valued.n_employed_12_months') }}
    end as rep_attrition_rate,
    case
        when valued.n_months < 12 then 'history_under_12_months'
        when valued.n_employed_12_months = 0 then 'no_active_rep'
    end as rep_attrition_reason_code,
    cast(valued.n_activities as bigint) as n_activities,
    cast(valued.n_meetings as bigint) as n_meetings,
    cast(valued.n_opened as bigint) as n_opened,
    cast(valued.n_closed as bigint) as n_closed,
    cast(valued.n_won as bigint) as n_won,
    {{ metric_ratio('valued.n_won', 'valued.n_closed') }} as win_rate,
    cast(valued.n_new_customers as bigint) as n_new_customers,
    cast(valued.revenue_amount as decimal(38, 4)) as revenue_amount,
    cast(valued.n_unconverted as bigint) as n_unconverted,
    -- six decimals: a double has no ten behind a large amount
    cast(
        cast(valued.revenue_amount as double) * 12 / nullif(cast(valued.n_active_rep_months as double), 0)
        as decimal(28, 6)
    ) as revenue_per_rep,
    case
        when valued.n_active_rep_months = 0 then 'no_active_rep'
        when valued.n_unconverted > 0 then 'exchange_rate_missing'
    end as revenue_per_rep_reason_code,
    settings.reporting_currency
from valued
cross join {{ run_settings() }} as settings
