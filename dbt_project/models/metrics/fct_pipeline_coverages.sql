-- What a team has open for the quarter of the next day against what remains of its target, at the end of a month. The
-- team's own target stands before the sum of its sellers', a target of the quarter before those of its months.
with quotas as (
    select
        team_name,
        scope_code,
        period_kind_code,
        {{ first_of_quarter('period_start') }} as quarter_start,
        target_reporting,
        row_number() over (
            partition by scope_code, rep_id, team_name, period_start, period_end order by quota_key
        ) as nth_target
    from {{ ref('fct_quotas') }}
    where metric_code = 'revenue' and team_name is not null and period_kind_code in ('quarter', 'month')
),

ranked as (
    select
        *,
        min(case when scope_code = 'team' then 1 else 2 end) over (partition by team_name, quarter_start) as scope_rank
    from quotas
    where nth_target = 1
),

told as (
    select
        *,
        min(case when period_kind_code = 'quarter' then 1 else 2 end)
            over (partition by team_name, quarter_start) as kind_rank
    from ranked
    where case when scope_code = 'team' then 1 else 2 end = scope_rank
),

targets as (
    select
        team_name,
        quarter_start,
        {{ add_months('quarter_start', 3) }} as next_quarter_start,
        sum(coalesce(target_reporting, 0)) as target_amount,
        sum(case when target_reporting is null then 1 else 0 end) as n_unconverted
    from told
    where case when period_kind_code = 'quarter' then 1 else 2 end = kind_rank
    group by team_name, quarter_start
),

-- Before the first opportunity known, nothing open is no sign of an empty pipeline.
first_openings as (
    select {{ first_of_month('min(opened_on)') }} as first_month
    from {{ ref('fct_opportunity_openings') }}
),

first_days as (
    select distinct
        dates.period_month,
        {{ add_months('dates.period_month', 1) }} as snapshot_on,
        {{ first_of_quarter(add_months('dates.period_month', 1)) }} as quarter_start
    from {{ ref('dim_dates') }} as dates
    cross join {{ run_settings() }} as settings
    cross join first_openings
    where dates.period_month <= settings.cycle_start and dates.period_month >= first_openings.first_month
),

units as (
    select
        first_days.period_month,
        first_days.snapshot_on,
        targets.team_name,
        targets.quarter_start,
        targets.next_quarter_start,
        targets.target_amount,
        targets.n_unconverted
    from first_days
    inner join targets on first_days.quarter_start = targets.quarter_start
),

team_wins as (
    select
        winners.team_name,
        closings.closed_on,
        {{ first_of_quarter('closings.closed_on') }} as quarter_start,
        closings.amount_reporting,
        closings.is_unconverted
    from {{ ref('fct_opportunity_closings') }} as closings
    inner join {{ ref('dim_reps') }} as winners on closings.rep_id = winners.rep_id
    where closings.is_won
),

won as (
    select
        units.period_month,
        units.team_name,
        sum(coalesce(team_wins.amount_reporting, 0)) as won_amount,
        sum(case when team_wins.is_unconverted then 1 else 0 end) as n_unconverted
    from units
    inner join team_wins
        on units.team_name = team_wins.team_name and units.quarter_start = team_wins.quarter_start
    where team_wins.closed_on < units.snapshot_on
    group by units.period_month, units.team_name
),

open_deals as (
    select
        units.period_month,
        units.team_name,
        count(*) as n_open,
        sum(coalesce(snapshots.forecast_amount_reporting, 0)) as open_amount,
        sum(case when snapshots.is_forecast_unconverted then 1 else 0 end) as n_unconverted
    from units
    inner join {{ ref('dim_reps') }} as reps on units.team_name = reps.team_name
    inner join {{ ref('fct_opportunity_snapshots') }} as snapshots
        on reps.rep_id = snapshots.rep_id and units.snapshot_on = snapshots.snapshot_on
    where
        snapshots.expected_close_on >= snapshots.snapshot_on
        and snapshots.expected_close_on < units.next_quarter_start
    group by units.period_month, units.team_name
)

select
    cast(units.period_month as string) || '/' || units.team_name as pipeline_coverage_key,
    units.period_month,
    units.team_name,
    units.quarter_start,
    cast(units.target_amount as decimal(28, 4)) as target_amount,
    cast(coalesce(won.won_amount, 0) as decimal(28, 4)) as won_amount,
    cast(units.target_amount - coalesce(won.won_amount, 0) as decimal(28, 4)) as remaining_amount,
    cast(coalesce(open_deals.n_open, 0) as bigint) as n_open,
    cast(coalesce(open_deals.open_amount, 0) as decimal(28, 4)) as open_amount,
    cast(
        units.n_unconverted + coalesce(won.n_unconverted, 0) + coalesce(open_deals.n_unconverted, 0) as bigint
    ) as n_unconverted
from units
left join won on units.period_month = won.period_month and units.team_name = won.team_name
left join open_deals on units.period_month = open_deals.period_month and units.team_name = open_deals.team_name
