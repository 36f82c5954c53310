-- A registry put together from two backups held two periods in force for 12 records: joins on the crosswalk doubled
-- their revenue. Only records with several periods can overlap.
with periods as (
    select
        'account' as entity,
        record_key,
        valid_from,
        valid_to
    from {{ ref('xref_accounts_history') }}
    union all
    select
        'person' as entity,
        record_key,
        valid_from,
        valid_to
    from {{ ref('xref_persons_history') }}
),

several as (
    select
        entity,
        record_key
    from periods
    group by entity, record_key
    having count(*) > 1
),

followed as (
    select
        periods.*,
        lead(periods.valid_from) over (
            partition by periods.entity, periods.record_key order by periods.valid_from, periods.valid_to
        ) as next_from
    from periods
    inner join several on periods.entity = several.entity and periods.record_key = several.record_key
)

select *
from followed
where next_from is not null and (valid_to is null or valid_to > next_from)
