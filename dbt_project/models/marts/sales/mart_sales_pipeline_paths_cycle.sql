-- The ways that closed opportunities took through the stages: which stages each has been in, in the order of the
-- funnel, and whether it went back. Without a history there is no way to tell.
with changes as (
    select
        changes.opportunity_id,
        stages.stage_rank,
        lag(stages.stage_rank) over (
            partition by changes.opportunity_id
            order by changes.changed_at asc, changes.opportunity_change_key asc
        ) as earlier_rank
    from {{ ref('fct_opportunity_changes') }} as changes
    cross join {{ run_settings() }} as settings
    inner join {{ ref('opportunity_stages') }} as stages on changes.stage_code = stages.stage_code
    where changes.changed_at < settings.as_of and changes.stage_code is not null
),

walked as (
    select
        opportunity_id,
        max(case when stage_rank = 1 then 'prospecting' end) as first_stage,
        max(case when stage_rank = 2 then 'qualification' end) as second_stage,
        max(case when stage_rank = 3 then 'meeting' end) as third_stage,
        max(case when stage_rank = 4 then 'needs_defined' end) as fourth_stage,
        max(case when stage_rank = 5 then 'proposal' end) as fifth_stage,
        max(case when stage_rank = 6 then 'negotiation' end) as sixth_stage,
        -- back to an earlier stage, or out of a closing
        bool_or(stage_rank between 1 and 6 and (stage_rank < earlier_rank or earlier_rank = 0)) as has_gone_back
    from changes
    group by opportunity_id
),

paths as (
    select
        closings.opportunity_id,
        closings.is_won,
        closings.amount_reporting,
        closings.is_unconverted,
        closings.sales_cycle_days,
        coalesce(walked.has_gone_back, false) as has_gone_back,
        coalesce(
            nullif(
                concat_ws(
                    ' > ', walked.first_stage, walked.second_stage, walked.third_stage, walked.fourth_stage,
                    walked.fifth_stage, walked.sixth_stage
                ),
                ''
            ),
            'unknown'
        ) as path_code
    from {{ ref('fct_opportunity_closings') }} as closings
    left join walked on closings.opportunity_id = walked.opportunity_id
)

select
    settings.cycle,
    cast(paths.path_code as string) as path_code,
    paths.has_gone_back,
    count(*) as n_closed,
    cast(sum(case when paths.is_won then 1 else 0 end) as bigint) as n_won,
    {{ metric_ratio('sum(case when paths.is_won then 1 else 0 end)', 'count(*)') }} as win_rate,
    {{ metric_median('paths.sales_cycle_days') }} as sales_cycle_days_median
from paths
cross join {{ run_settings() }} as settings
group by settings.cycle, paths.path_code, paths.has_gone_back
