-- The CRM writes one history row a change of stage, amount, date or probability, so equal successive stages collapse.
-- The present stage is added where the history does not end with it; without any history it is all that is known.
with history as (
    select
        opportunity_id,
        stage_code,
        changed_at as entered_at,
        opportunity_change_key as tie_break,
        1 as n_source_rows
    from {{ ref('fct_opportunity_changes') }}
    where field_code = 'stage'
),

last_known as (
    select
        opportunity_id,
        max(entered_at) as entered_at
    from history
    group by opportunity_id
),

entries as (
    select
        opportunity_id,
        stage_code,
        entered_at,
        '0' || tie_break as tie_break,
        n_source_rows
    from history
    union all
    select
        opportunities.record_key as opportunity_id,
        opportunities.stage_code,
        greatest(
            coalesce(
                dated.closed_at,
                case when last_known.opportunity_id is not null then opportunities.modified_at end,
                dated.opened_at
            ),
            coalesce(last_known.entered_at, dated.opened_at)
        ) as entered_at,
        '1' as tie_break,
        0 as n_source_rows
    from {{ ref('stg_crm__opportunities') }} as opportunities
    inner join {{ ref('fct_opportunities') }} as dated on opportunities.record_key = dated.opportunity_id
    left join last_known on opportunities.record_key = last_known.opportunity_id
    where opportunities.stage_code is not null
),

sequenced as (
    select
        opportunity_id,
        stage_code,
        entered_at,
        n_source_rows,
        coalesce(
            lag(stage_code) over (partition by opportunity_id order by entered_at asc nulls last, tie_break asc)
            = stage_code,
            false
        ) as is_repeated
    from entries
)

select
    sequenced.opportunity_id || '/' || sequenced.stage_code as opportunity_stage_key,
    sequenced.opportunity_id,
    sequenced.stage_code,
    stages.stage_rank,
    min(sequenced.entered_at) as first_entered_at,
    count(*) filter (where not sequenced.is_repeated) as n_entries,
    cast(sum(sequenced.n_source_rows) as bigint) as n_source_rows
from sequenced
inner join {{ ref('opportunity_stages') }} as stages on sequenced.stage_code = stages.stage_code
group by sequenced.opportunity_id, sequenced.stage_code, stages.stage_rank
