-- A golden record of n source records is n - 1 merges: the record its id is anchored on stays, the others join it.
with members as (
    select
        'account' as entity,
        record_key,
        contract,
        _delivery_id,
        _source_row_id,
        account_id as golden_id
    from {{ ref('xref_accounts') }}
    where account_id <> 'unknown'
    union all
    select
        'person' as entity,
        record_key,
        contract,
        _delivery_id,
        _source_row_id,
        person_id as golden_id
    from {{ ref('xref_persons') }}
    where person_id <> 'unknown'
),

shared_ids as (
    select
        entity,
        golden_id
    from members
    group by entity, golden_id
    having count(*) > 1
),

ranked as (
    select
        members.*,
        row_number() over (
            partition by members.entity, members.golden_id
            order by case when anchors.golden_id is null then 1 else 0 end, members.record_key
        ) as member_rank
    from members
    inner join shared_ids on members.entity = shared_ids.entity and members.golden_id = shared_ids.golden_id
    left join {{ source('matching', 'golden_ids') }} as anchors
        on
            members.entity = anchors.entity
            and members.golden_id = anchors.golden_id
            and members.record_key = anchors.anchor_record_key
            and anchors.status = 'active'
),

-- certain evidence has no weight: nothing outweighs it
sides as (
    select
        entity,
        left_record_key as record_key,
        evidence_code,
        weight
    from {{ source('matching', 'edges') }}
    where decision = 'accepted'
    union all
    select
        entity,
        right_record_key as record_key,
        evidence_code,
        weight
    from {{ source('matching', 'edges') }}
    where decision = 'accepted'
),

evidence as (
    select
        entity,
        record_key,
        evidence_code
    from sides
    qualify row_number() over (
        partition by entity, record_key
        order by coalesce(weight, 1000) desc, evidence_code asc
    ) = 1
)

select
    ranked.entity,
    ranked.golden_id,
    ranked.record_key,
    ranked.contract,
    ranked._delivery_id,
    ranked._source_row_id,
    coalesce(evidence.evidence_code, 'merged') as reason_code
from ranked
left join evidence on ranked.entity = evidence.entity and ranked.record_key = evidence.record_key
where ranked.member_rank > 1
