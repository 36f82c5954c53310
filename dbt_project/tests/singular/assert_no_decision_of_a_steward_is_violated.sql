-- Incident: a retrained model joined two namesakes again that a steward had kept apart, and nobody was told.
-- Pairs of decisions in force hold in the golden ids. Those that a contradiction of the review queue names wait there.
with decided as (
    {{ steward_pairs() }}
),

violated as (
    select *
    from decided
    where {{ is_violated('decided') }}
),

named as (
    select
        violated.decision_id,
        violated.entity
    from violated
    inner join {{ source('matching', 'review_items') }} as items
        on violated.entity = items.entity and items.kind = 'contradiction'
    where instr(items.terms, '"' || violated.decision_id || '"') > 0
    group by violated.decision_id, violated.entity
)

select
    violated.decision_id,
    violated.kind,
    violated.left_record_key,
    violated.right_record_key
from violated
left join named on violated.decision_id = named.decision_id and violated.entity = named.entity
where named.decision_id is null
