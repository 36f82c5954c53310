-- The chance to win from a stage as it was known on the first day of a month: of the opportunities closed in the twelve
-- months before, won / those that had reached the stage or a later one. A win reaches every stage and a skipped stage
-- counts as reached, so what reached a stage reached those before it: the chance never falls along the funnel.
-- An opportunity of which no stage is known before its closing is in neither half: its losses would have no stage.
with paths as (
    select
        closings.opportunity_id,
        closings.is_won,
        {{ first_of_month('closings.closed_on') }} as closed_month,
        max(stages.stage_rank) as top_rank
    from {{ ref('fct_opportunity_closings') }} as closings
    cross join {{ run_settings() }} as settings
    inner join {{ ref('fct_opportunity_stages') }} as stages on closings.opportunity_id = stages.opportunity_id
    where
        stages.stage_code not in ('won', 'lost')
        and {{ local_day('stages.first_entered_at', 'settings.timezone') }} <= closings.closed_on
    group by closings.opportunity_id, closings.is_won, {{ first_of_month('closings.closed_on') }}
),

month_paths as (
    select
        closed_month,
        is_won,
        top_rank,
        count(*) as n_opportunities
    from paths
    group by closed_month, is_won, top_rank
),

funnel as (
    select
        stage_code,
        stage_rank
    from {{ ref('opportunity_stages') }}
    where not is_closed
),

first_days as (
    select distinct {{ add_months('dates.period_month', 1) }} as snapshot_on
    from {{ ref('dim_dates') }} as dates
    cross join {{ run_settings() }} as settings
    where dates.period_month <= settings.cycle_start
),

reached as (
    select
        first_days.snapshot_on,
        funnel.stage_code,
        funnel.stage_rank,
        sum(month_paths.n_opportunities) as n_reached,
        sum(case when month_paths.is_won then month_paths.n_opportunities else 0 end) as n_won
    from first_days
    inner join month_paths
        on
            first_days.snapshot_on > month_paths.closed_month
            and first_days.snapshot_on <= {{ add_months('month_paths.closed_month', 12) }}
    inner join funnel on month_paths.is_won or month_paths.top_rank >= funnel.stage_rank
    group by first_days.snapshot_on, funnel.stage_code, funnel.stage_rank
)

select
    cast(snapshot_on as string) || '/' || stage_code as stage_win_rate_key,
    snapshot_on,
    stage_code,
    stage_rank,
    cast(n_reached as bigint) as n_reached,
    cast(n_won as bigint) as n_won,
    {{ metric_ratio('n_won', 'n_reached') }} as win_probability
from reached
