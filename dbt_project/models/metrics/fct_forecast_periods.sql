-- What each team had forecast on the first day of a month against what it won in it. The forecast is frozen: it reads
-- the snapshot of that day, so an amount, a date or a category changed later does not improve it. The sellers' forecast
-- is what they had committed; what the chances of the stages would have said stands beside it.
-- Both sides take today's owner of the opportunity: a deal handed over is no error of either team.
-- A team that gave no category to anything expected has forecast nothing, which is no forecast of zero; where the
-- history tells no past state, nothing was frozen. Such a team is not judged, and no other team is judged by it.
with frozen as (
    select
        snapshots.snapshot_on as period_month,
        coalesce(reps.team_name, 'unknown') as team_name,
        count(*) as n_expected,
        sum(case when snapshots.forecast_category_code = 'unknown' then 1 else 0 end) as n_without_category,
        sum(case when snapshots.is_forecast_unconverted then 1 else 0 end) as n_expected_unconverted,
        sum(case when not snapshots.is_history_complete then 1 else 0 end) as n_not_frozen,
        sum(
            case
                when
                    snapshots.amount is not null
                    and (snapshots.forecast_amount_reporting is null or snapshots.win_probability is null)
                    then 1
                else 0
            end
        ) as n_unweighted,
        sum(coalesce(snapshots.forecast_amount_reporting, 0)) as expected_amount,
        sum(
            case
                when snapshots.forecast_category_code = 'commit' then coalesce(snapshots.forecast_amount_reporting, 0)
                else 0
            end
        ) as committed_amount,
        sum(
            cast(
                cast(coalesce(snapshots.forecast_amount_reporting, 0) as decimal(19, 4)) * snapshots.win_probability
                as decimal(18, 4)
            )
        ) as weighted_amount
    from {{ ref('fct_opportunity_snapshots') }} as snapshots
    left join {{ ref('dim_reps') }} as reps on snapshots.rep_id = reps.rep_id
    where
        snapshots.expected_close_on >= snapshots.snapshot_on
        and snapshots.expected_close_on < {{ add_months('snapshots.snapshot_on', 1) }}
    group by snapshots.snapshot_on, coalesce(reps.team_name, 'unknown')
),

won as (
    select
        {{ first_of_month('closings.closed_on') }} as period_month,
        coalesce(winners.team_name, 'unknown') as team_name,
        count(*) as n_won,
        sum(case when closings.is_unconverted then 1 else 0 end) as n_won_unconverted,
        sum(coalesce(closings.amount_reporting, 0)) as won_amount
    from {{ ref('fct_opportunity_closings') }} as closings
    left join {{ ref('dim_reps') }} as winners on closings.rep_id = winners.rep_id
    where closings.is_won
    group by {{ first_of_month('closings.closed_on') }}, coalesce(winners.team_name, 'unknown')
),

first_snapshots as (
    select min(snapshot_on) as first_on
    from {{ ref('fct_opportunity_snapshots') }}
),

units as (
    select
        period_month,
        team_name
    from frozen
    union distinct
    select
        period_month,
        team_name
    from won
),

measured as (
    select
        units.period_month,
        units.team_name,
        coalesce(frozen.n_expected, 0) as n_expected,
        coalesce(frozen.n_without_category, 0) as n_without_category,
        coalesce(frozen.n_not_frozen, 0) as n_not_frozen,
        coalesce(frozen.n_unweighted, 0) as n_unweighted,
        case
            when frozen.n_expected > 0 and frozen.n_without_category = frozen.n_expected
                then 'forecast_category_missing'
            when frozen.n_expected > 0 and frozen.n_not_frozen = frozen.n_expected then 'forecast_not_frozen'
        end as unjudged_reason_code,
        coalesce(frozen.n_expected_unconverted, 0) + coalesce(won.n_won_unconverted, 0) as n_unconverted,
        coalesce(won.n_won, 0) as n_won,
        cast(coalesce(frozen.expected_amount, 0) as decimal(28, 4)) as expected_amount,
        cast(coalesce(frozen.committed_amount, 0) as decimal(28, 4)) as committed_amount,
        cast(coalesce(frozen.weighted_amount, 0) as decimal(28, 4)) as weighted_amount,
        cast(coalesce(won.won_amount, 0) as decimal(28, 4)) as won_amount
    from units
    cross join {{ run_settings() }} as settings
    cross join first_snapshots
    left join frozen on units.period_month = frozen.period_month and units.team_name = frozen.team_name
    left join won on units.period_month = won.period_month and units.team_name = won.team_name
    where units.period_month <= settings.cycle_start and units.period_month >= first_snapshots.first_on
)

select
    cast(period_month as string) || '/' || team_name as forecast_period_key,
    period_month,
    team_name,
    cast(n_expected as bigint) as n_expected,
    cast(n_without_category as bigint) as n_without_category,
    cast(n_not_frozen as bigint) as n_not_frozen,
    cast(n_unconverted as bigint) as n_unconverted,
    cast(n_unweighted as bigint) as n_unweighted,
    unjudged_reason_code is null as is_judged,
    unjudged_reason_code,
    cast(n_won as bigint) as n_won,
    expected_amount,
    committed_amount,
    weighted_amount,
    won_amount,
    committed_amount - won_amount as error_amount,
    abs(committed_amount - won_amount) as absolute_error_amount,
    -- nothing forecast and nothing won is no test of a forecast; the bar is inclusive and exact
    unjudged_reason_code is null and (committed_amount <> 0 or won_amount <> 0) as is_tested,
    unjudged_reason_code is null
    and won_amount > 0
    and abs(committed_amount - won_amount) * 10 <= won_amount as is_within_10pct
from measured
