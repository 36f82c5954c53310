{{ config(materialized='view') }}

with lost as (
    select
        choices.*,
        case
            when choices.decision_id is null
                then split_part(choices.record_key, '/', 1) || '/' || split_part(choices.record_key, '/', 2)
            else 'steward'
        end as source
    from {{ ref('int_golden_choices') }} as choices
    inner join {{ ref('int_golden_choices') }} as winners
        on
            choices.golden_id = winners.golden_id
            and choices.attribute = winners.attribute
            and winners.choice_rank = 1
    where choices.value <> winners.value
),

other_values as (
    select
        entity,
        golden_id,
        attribute,
        value,
        min(choice_rank) as best_rank,
        min_by(record_key, choice_rank) as record_key,
        min_by(criterion, choice_rank) as lost_by,
        {{ joined_values('source') }} as sources,
        count(*) filter (where decision_id is null) as n_records
    from lost
    group by entity, golden_id, attribute, value
)

select
    entity,
    golden_id,
    attribute,
    cast(row_number() over (partition by golden_id, attribute order by best_rank asc) as bigint) as alternative_rank,
    value,
    record_key,
    sources,
    lost_by,
    n_records
from other_values
