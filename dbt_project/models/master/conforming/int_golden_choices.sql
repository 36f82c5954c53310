-- Most golden records have one source record, or several that agree. Only what is left is ranked here: attributes on
-- which records differ, and those that a steward set.
with {{ contested_cells('account') }},

{{ contested_cells('person') }},

overrides as (
    select
        decided.entity,
        coalesce(accounts.account_id, persons.person_id) as golden_id,
        decided.attribute,
        decided.record_key,
        decided.decision_id,
        decided.decided_at,
        case
            when decided.attribute = 'employee_count'
                then cast(nullif(greatest(try_cast(decided.value as bigint), 0), 0) as string)
            when decided.attribute like 'is~_%' escape '~' then cast(try_cast(decided.value as boolean) as string)
            when decided.attribute = 'owner_rep_id' then reps.rep_id
            else nullif(trim(decided.value), '')
        end as value
    from {{ source('stewardship', 'field_overrides') }} as decided
    inner join {{ source('stewardship', 'survivorship_rules') }} as rules
        on decided.entity = rules.entity and decided.attribute = rules.attribute
    left join {{ ref('xref_accounts') }} as accounts
        on decided.entity = 'account' and decided.record_key = accounts.record_key
    left join {{ ref('xref_persons') }} as persons
        on decided.entity = 'person' and decided.record_key = persons.record_key
    left join {{ ref('dim_reps') }} as reps on decided.value = reps.rep_id and reps.rep_id <> 'unknown'
    where rules.is_overridable and decided.status in ('active', 'to_confirm')
),

usable_overrides as (
    select *
    from overrides
    where golden_id <> 'unknown' and value is not null
),

cells as (
    select
        'account' as entity,
        golden_id,
        attribute
    from account_cells
    union
    select
        'person' as entity,
        golden_id,
        attribute
    from person_cells
    union
    select
        entity,
        golden_id,
        attribute
    from usable_overrides
),

candidates as (
    {{- contested_values('account') }}
    union all
    {{- contested_values('person') }}
    union all
    select
        entity,
        golden_id,
        attribute,
        value,
        record_key,
        cast(null as string) as contract,
        cast(null as string) as source_instance,
        decision_id,
        decided_at as said_at,
        0 as n_filled,
        false as is_weak
    from usable_overrides
),

agreements as (
    select
        golden_id,
        attribute,
        value,
        count(distinct source_instance || '/' || contract) as n_sources
    from candidates
    where decision_id is null
    group by golden_id, attribute, value
),

-- Overrides differ from each other by their date only.
scored as (
    select
        candidates.entity,
        candidates.golden_id,
        candidates.attribute,
        candidates.value,
        candidates.record_key,
        candidates.decision_id,
        candidates.n_filled,
        {{ criterion_columns('rules') }},
        case when candidates.decision_id is null then 1 else 0 end as override_score,
        case
            when candidates.decision_id is not null then 0
            else {{ validity_score('candidates.attribute', 'candidates.value', 'candidates.is_weak') }}
        end as validity_score,
        case
            when candidates.decision_id is not null then 0
            else coalesce(nullif(instr(rules.sources, ',' || candidates.contract || ','), 0), 100000)
        end as source_score,
        case when candidates.decision_id is null then agreements.n_sources else 0 end as n_sources,
        coalesce({{ age_of('candidates.said_at') }}, 99999999999) as age_s
    from candidates
    inner join {{ source('stewardship', 'survivorship_rules') }} as rules
        on candidates.entity = rules.entity and candidates.attribute = rules.attribute
    left join agreements
        on
            candidates.golden_id = agreements.golden_id
            and candidates.attribute = agreements.attribute
            and candidates.value = agreements.value
    where candidates.value is not null
),

placed as (
    select
        entity,
        golden_id,
        attribute,
        value,
        record_key,
        decision_id,
        validity_score < 2 as is_valid,
        case when decision_id is not null then age_s end as decision_age_s,
        {{ criterion_scores() }}
    from scored
),

ranked as (
    select
        *,
        row_number() over (
            partition by golden_id, attribute
            order by
                {{ by_criteria() }}, decision_age_s asc nulls last, record_key asc, decision_id asc nulls last
        ) as choice_rank
    from placed
),

-- By which criterion each record lost; a cell is decided by the one that beat its best other value.
judged as (
    select
        ranked.entity,
        ranked.golden_id,
        ranked.attribute,
        ranked.choice_rank,
        ranked.value,
        ranked.record_key,
        ranked.decision_id,
        ranked.is_valid,
        {{ lost_by('ranked', 'winners', 'rules') }} as lost_by
    from ranked
    inner join ranked as winners
        on
            ranked.golden_id = winners.golden_id
            and ranked.attribute = winners.attribute
            and winners.choice_rank = 1
    inner join {{ source('stewardship', 'survivorship_rules') }} as rules
        on ranked.entity = rules.entity and ranked.attribute = rules.attribute
),

deciding as (
    select
        golden_id,
        attribute,
        min_by(lost_by, choice_rank) filter (where lost_by is not null) as criterion
    from judged
    group by golden_id, attribute
)

select
    judged.entity,
    judged.golden_id,
    judged.attribute,
    judged.choice_rank,
    judged.value,
    judged.record_key,
    judged.decision_id,
    judged.is_valid,
    case
        when judged.choice_rank > 1 then judged.lost_by
        when judged.decision_id is not null then 'override'
        else coalesce(deciding.criterion, 'only_value')
    end as criterion
from judged
left join deciding
    on
        judged.choice_rank = 1
        and judged.golden_id = deciding.golden_id
        and judged.attribute = deciding.attribute
