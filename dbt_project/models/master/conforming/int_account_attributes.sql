with attributes as (
    select
        record_key,
        1 as source_rank,
        modified_at,
        city,
        industry,
        employee_count,
        coalesce(is_strategic, false) as is_strategic,
        false as is_customer,
        {{ record_key('source_instance', 'crm_user', 'owner_id') }} as owner_rep_id
    from {{ ref('stg_crm__accounts') }}
    union all
    select
        record_key,
        2 as source_rank,
        modified_at,
        city,
        cast(null as string) as industry,
        cast(null as bigint) as employee_count,
        false as is_strategic,
        true as is_customer,
        cast(null as string) as owner_rep_id
    from {{ ref('stg_erp__customers') }}
    union all
    select
        record_key,
        3 as source_rank,
        modified_at,
        cast(null as string) as city,
        cast(null as string) as industry,
        employee_count,
        false as is_strategic,
        false as is_customer,
        {{ record_key('source_instance', 'crm_user', 'owner_id') }} as owner_rep_id
    from {{ ref('stg_crm__leads') }}
)

-- One rank a golden account: source priority, then the most recent, then the key, so that no tie is left to the engine.
select
    xref.account_id,
    records.record_key,
    records.name,
    records.registration_number,
    records.vat_number,
    records.country_code,
    records.postal_code,
    records.parent_record_key,
    records.first_seen_on,
    nullif(trim(attributes.city), '') as city,
    nullif(trim(attributes.industry), '') as industry,
    case when attributes.employee_count > 0 then attributes.employee_count end as employee_count,
    attributes.is_strategic,
    attributes.is_customer,
    attributes.owner_rep_id,
    row_number() over (
        partition by xref.account_id
        order by attributes.source_rank asc, attributes.modified_at desc nulls last, records.record_key asc
    ) as survivorship_rank
from {{ ref('int_account_records') }} as records
inner join {{ ref('xref_accounts') }} as xref on records.record_key = xref.record_key
inner join attributes on records.record_key = attributes.record_key
