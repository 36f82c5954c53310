with attributes as (
    select
        record_key,
        1 as source_rank,
        modified_at,
        first_name,
        last_name,
        coalesce(email_opt_out, false) as is_email_opted_out,
        coalesce(call_opt_out, false) as is_call_opted_out
    from {{ ref('stg_crm__contacts') }}
    union all
    select
        record_key,
        2 as source_rank,
        modified_at,
        first_name,
        last_name,
        coalesce(email_opt_out, false) as is_email_opted_out,
        coalesce(call_opt_out, false) as is_call_opted_out
    from {{ ref('stg_crm__leads') }}
)

-- One rank a golden person: contacts before leads, then the most recent, then the key.
select
    xref.person_id,
    records.record_key,
    records.contract,
    nullif(trim(attributes.first_name), '') as first_name,
    nullif(trim(attributes.last_name), '') as last_name,
    records.email,
    records.is_generic_email,
    records.phone,
    records.mobile,
    coalesce(accounts.account_id, 'unknown') as account_id,
    attributes.is_email_opted_out,
    attributes.is_call_opted_out,
    records.first_seen_on,
    row_number() over (
        partition by xref.person_id
        order by attributes.source_rank asc, attributes.modified_at desc nulls last, records.record_key asc
    ) as survivorship_rank
from {{ ref('int_person_records') }} as records
inner join {{ ref('xref_persons') }} as xref on records.record_key = xref.record_key
inner join attributes on records.record_key = attributes.record_key
left join {{ ref('xref_accounts') }} as accounts on records.account_record_key = accounts.record_key
