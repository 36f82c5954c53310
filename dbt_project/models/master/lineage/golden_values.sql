{{ config(materialized='view') }}

-- Computed when somebody asks: only the cells that survivorship had to choose are stored.
with chosen as (
    select
        entity,
        golden_id,
        attribute,
        max(value) filter (where choice_rank = 1) as value,
        max(record_key) filter (where choice_rank = 1) as record_key,
        max(decision_id) filter (where choice_rank = 1) as decision_id,
        max(criterion) filter (where choice_rank = 1) as criterion,
        count(*) filter (where decision_id is null) as n_records,
        count(distinct value) - 1 as n_alternatives
    from {{ ref('int_golden_choices') }}
    group by entity, golden_id, attribute
),

held as (
    {{- held_values('account') }}
    union all
    {{- held_values('person') }}
),

-- One value in all records, or a flag, which one record is enough to raise.
unanimous as (
    select
        held.entity,
        held.golden_id,
        held.attribute,
        held.value,
        held.record_key,
        cast(null as string) as decision_id,
        case
            when min(held.value) over (partition by held.golden_id, held.attribute) = held.value then 'only_value'
            else 'any_true'
        end as criterion,
        count(*) over (partition by held.golden_id, held.attribute) as n_records,
        case
            when min(held.value) over (partition by held.golden_id, held.attribute) = held.value then 0
            else 1
        end as n_alternatives
    from held
    left join chosen on held.golden_id = chosen.golden_id and held.attribute = chosen.attribute
    where held.value is not null and chosen.golden_id is null
    qualify
        row_number() over (
            partition by held.golden_id, held.attribute
            order by
                held.value desc,
                case when held.source_place = 0 then 1 else 0 end asc,
                held.source_place asc,
                held.modified_at desc nulls last,
                held.record_key asc
        ) = 1
),

survived as (
    select * from chosen
    union all
    select * from unanimous
),

derived as (
    select
        survived.entity,
        survived.golden_id,
        'size_band_code' as attribute,
        accounts.size_band_code as value,
        survived.record_key,
        survived.decision_id,
        'derived' as criterion,
        survived.n_records,
        survived.n_alternatives
    from survived
    inner join {{ ref('dim_accounts') }} as accounts on survived.golden_id = accounts.account_id
    where survived.attribute = 'employee_count' and accounts.size_band_code <> 'unknown'
    union all
    select
        'person' as entity,
        person_id as golden_id,
        'lead_id' as attribute,
        {{ lead_id_of('person_id') }} as value,
        min(record_key) as record_key,
        cast(null as string) as decision_id,
        'derived' as criterion,
        count(*) as n_records,
        0 as n_alternatives
    from {{ ref('int_person_attributes') }}
    where contract = 'crm_lead' and person_id <> 'unknown'
    group by person_id
    union all
    {{- earliest_records('account') }}
    union all
    {{- earliest_records('person') }}
),

lineage as (
    select * from survived
    union all
    select * from derived
)

select
    entity,
    golden_id,
    attribute,
    value,
    record_key,
    split_part(record_key, '/', 1) as source_instance,
    split_part(record_key, '/', 2) as contract,
    decision_id,
    criterion,
    n_records,
    n_alternatives
from lineage
