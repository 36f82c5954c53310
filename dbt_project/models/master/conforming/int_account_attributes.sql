with attributes as (
    select
        record_key,
        modified_at,
        city,
        industry,
        employee_count,
        coalesce(is_strategic, false) as is_strategic,
        {{ record_key('source_instance', 'crm_user', 'owner_id') }} as owner_rep_id
    from {{ ref('stg_crm__accounts') }}
    union all
    select
        record_key,
        modified_at,
        city,
        cast(null as string) as industry,
        cast(null as bigint) as employee_count,
        false as is_strategic,
        cast(null as string) as owner_rep_id
    from {{ ref('stg_erp__customers') }}
    union all
    select
        record_key,
        modified_at,
        cast(null as string) as city,
        cast(null as string) as industry,
        employee_count,
        false as is_strategic,
        {{ record_key('source_instance', 'crm_user', 'owner_id') }} as owner_rep_id
    from {{ ref('stg_crm__leads') }}
),

-- Most golden records have one source record: only the others are counted, and only they are ever ranked.
sizes as (
    select
        account_id,
        count(*) as n_source_records
    from {{ ref('xref_accounts') }}
    group by account_id
    having count(*) > 1
)

select
    xref.account_id,
    records.record_key,
    records.contract,
    records.source_instance,
    attributes.modified_at,
    records.name as account_name,
    records.registration_number,
    valid_vats.stated_number as vat_number,
    records.country_code,
    records.postal_code,
    records.first_seen_on,
    nullif(trim(attributes.city), '') as city,
    nullif(trim(attributes.industry), '') as industry,
    case when attributes.employee_count > 0 then attributes.employee_count end as employee_count,
    coalesce(attributes.is_strategic, false) as is_strategic,
    records.contract in ('erp_customer', 'ledger_customer') as is_customer,
    reps.rep_id as owner_rep_id,
    coalesce(sizes.n_source_records, 1) as n_source_records
from {{ ref('int_account_records') }} as records
inner join {{ ref('xref_accounts') }} as xref on records.record_key = xref.record_key
left join attributes on records.record_key = attributes.record_key
left join {{ ref('dim_reps') }} as reps on attributes.owner_rep_id = reps.rep_id
left join sizes on xref.account_id = sizes.account_id
-- A number that fails the check of its country (DE999999999) is nobody's.
left join {{ source('matching', 'valid_vat_numbers') }} as valid_vats on records.vat_number = valid_vats.stated_number
