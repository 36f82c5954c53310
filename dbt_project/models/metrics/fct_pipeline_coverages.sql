-- What a team has open for the quarter of the next day against what remains of its target, at the end of a month. The
-- team's own target stands before the sum of its sellers', a target of the quarter before those of its months, these
-- before the part of a year or of any other period by its days. A target given twice for one period counts once; those
-- of sellers whom nobody knows are different persons' as far as anybody can tell, and are added.
with first_openings as (
    -- Before the first opportunity known, nothing open is no sign of an empty pipeline.
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

quarters as (
    select distinct
        quarter_start,
        {{ add_months('quarter_start', 3) }} as next_quarter_start
    from first_days
),

quotas as (
    select
        team_name,
        period_start,
        period_end,
        {{ days_between('period_start', 'period_end') }} + 1 as n_period_days,
        case when scope_code = 'team' then 1 else 2 end as scope_order,
        case period_kind_code when 'quarter' then 1 when 'month' then 2 when 'year' then 3 else 4 end as kind_order,
        target_reporting,
        row_number() over (
            partition by
                scope_code, rep_id, team_name, period_start, period_end,
                case when scope_code = 'rep' and rep_id = 'unknown' then quota_key end
            order by quota_key
        ) as nth_target
    from {{ ref('fct_quotas') }}
    where metric_code = 'revenue' and basis_code = 'value' and team_name is not null
),

placed as (
    select
        quotas.*,
        quarters.quarter_start,
        quarters.next_quarter_start,
        least(
            {{ days_between('quarters.quarter_start', 'quotas.period_end') }} + 1,
            {{ days_between('quarters.quarter_start', 'quarters.next_quarter_start') }}
        ) - greatest({{ days_between('quarters.quarter_start', 'quotas.period_start') }}, 0) as n_days_within,
        min(quotas.scope_order) over (partition by quotas.team_name, quarters.quarter_start) as scope_rank
    from quotas
    inner join quarters
        on quotas.period_start < quarters.next_quarter_start and quotas.period_end >= quarters.quarter_start
    where quotas.nth_target = 1
),

told as (
    select
        *,
        min(kind_order) over (partition by team_name, quarter_start) as kind_rank
    from placed
    where scope_order = scope_rank
),

targets as (
    select
        team_name,
        quarter_start,
        next_quarter_start,
        sum(
            case
                when target_reporting is null then 0
                when n_days_within = n_period_days then target_reporting
                else cast(cast(target_reporting as double) * n_days_within / n_period_days as decimal(18, 4))
            end
        ) as target_amount,
        sum(case when target_reporting is null then 1 else 0 end) as n_unconverted
    from told
    where kind_order = kind_rank
    group by team_name, quarter_start, next_quarter_start
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
