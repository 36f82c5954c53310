{{ config(materialized='view') }}

-- What a steward settled is no conflict any more; what a steward set and nothing can take is one, and so are two values
-- that were set for one golden record. An item is named by the two records that differ, not by others that come and go.
with choices as (
    select
        *,
        case when attribute = 'employee_count' then try_cast(value as bigint) end as n_employees
    from {{ ref('int_golden_choices') }}
),

conflicts as (
    select
        winners.entity,
        winners.golden_id,
        winners.record_key as left_record_key,
        rivals.record_key as right_record_key,
        winners.attribute,
        case when winners.decision_id is null then 'survivorship' else 'contradiction' end as kind,
        case when winners.decision_id is null then rules.review_when else 'contradictory_overrides' end as reason,
        case
            when winners.decision_id is not null
                then
                    least(winners.decision_id, rivals.decision_id)
                    || ','
                    || greatest(winners.decision_id, rivals.decision_id)
        end as decision_ids
    from choices as winners
    inner join {{ source('stewardship', 'survivorship_rules') }} as rules
        on winners.entity = rules.entity and winners.attribute = rules.attribute
    inner join choices as rivals
        on winners.golden_id = rivals.golden_id and winners.attribute = rivals.attribute
    left join {{ ref('size_bands') }} as winner_bands
        on
            winners.n_employees >= winner_bands.min_employees
            and winners.n_employees <= coalesce(winner_bands.max_employees, winners.n_employees)
    left join {{ ref('size_bands') }} as rival_bands
        on
            rivals.n_employees >= rival_bands.min_employees
            and rivals.n_employees <= coalesce(rival_bands.max_employees, rivals.n_employees)
    where
        winners.choice_rank = 1
        and winners.value <> rivals.value
        and case
            -- Values that stewards set for two records of one golden record fight, whatever the rule reviews.
            when winners.decision_id is not null then rivals.decision_id is not null
            when rules.review_when = 'never' then false
            else true
        end
        and case case when winners.decision_id is null then rules.review_when else 'different' end
            when 'different' then true
            when 'different_valid'
                then
                    winners.is_valid
                    and rivals.is_valid
                    and (winners.attribute <> 'vat_number' or substr(winners.value, 1, 2) = substr(rivals.value, 1, 2))
            when 'different_same_source'
                then
                    split_part(winners.record_key, '/', 1) = split_part(rivals.record_key, '/', 1)
                    and split_part(winners.record_key, '/', 2) = split_part(rivals.record_key, '/', 2)
            when 'other_size_band'
                then
                    winner_bands.size_band_code <> rival_bands.size_band_code
                    and (
                        winners.n_employees > 2 * rivals.n_employees
                        or rivals.n_employees > 2 * winners.n_employees
                    )
        end
    qualify
        row_number() over (partition by winners.golden_id, winners.attribute order by rivals.choice_rank asc) = 1
),

n_distinct as (
    select
        golden_id,
        attribute,
        count(distinct value) as n_values
    from choices
    group by golden_id, attribute
),

members as (
    select
        account_id as golden_id,
        record_key
    from {{ ref('xref_accounts') }}
    union all
    select
        person_id as golden_id,
        record_key
    from {{ ref('xref_persons') }}
),

unusable as (
    select
        decided.entity,
        decided.record_key,
        decided.attribute,
        decided.decision_id,
        members.golden_id
    from {{ source('stewardship', 'field_overrides') }} as decided
    left join members on decided.record_key = members.record_key
    left join choices
        on
            decided.decision_id = choices.decision_id
            and decided.attribute = choices.attribute
            and decided.record_key = choices.record_key
    where decided.status in ('active', 'to_confirm') and choices.golden_id is null
)

select
    'rev_' || substr(
        {{ sha256_hex(
            "conflicts.entity || '|' || conflicts.kind || '|' || least(conflicts.left_record_key, "
            ~ "conflicts.right_record_key) || '|' || greatest(conflicts.left_record_key, conflicts.right_record_key) "
            ~ "|| '|' || conflicts.attribute || coalesce('|' || conflicts.decision_ids, '')"
        ) }}, 1, 12
    ) as item_id,
    conflicts.entity,
    conflicts.kind,
    conflicts.golden_id,
    conflicts.left_record_key,
    conflicts.right_record_key,
    conflicts.attribute,
    conflicts.reason,
    n_distinct.n_values,
    conflicts.decision_ids
from conflicts
inner join n_distinct on conflicts.golden_id = n_distinct.golden_id and conflicts.attribute = n_distinct.attribute
union all
select
    'rev_' || substr(
        {{ sha256_hex("entity || '|override_unusable|' || record_key || '|' || attribute") }}, 1, 12
    ) as item_id,
    entity,
    'survivorship' as kind,
    golden_id,
    record_key as left_record_key,
    cast(null as string) as right_record_key,
    attribute,
    'override_unusable' as reason,
    0 as n_values,
    cast(null as string) as decision_ids
from unusable
