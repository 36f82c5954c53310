with attributes as (
    select
        record_key,
        modified_at,
        email_opt_out,
        call_opt_out
    from {{ ref('stg_crm__contacts') }}
    union all
    select
        record_key,
        modified_at,
        email_opt_out,
        call_opt_out
    from {{ ref('stg_crm__leads') }}
),

-- Most golden records have one source record: only the others are counted, and only they are ever ranked.
sizes as (
    select
        person_id,
        count(*) as n_source_records
    from {{ ref('xref_persons') }}
    group by person_id
    having count(*) > 1
)

select
    xref.person_id,
    records.record_key,
    records.contract,
    records.source_instance,
    attributes.modified_at,
    records.given_name as first_name,
    records.family_name as last_name,
    records.email,
    records.is_generic_email,
    records.phone,
    records.mobile,
    coalesce(accounts.account_id, 'unknown') as account_id,
    coalesce(attributes.email_opt_out, false) as is_email_opted_out,
    coalesce(attributes.call_opt_out, false) as is_call_opted_out,
    records.first_seen_on,
    coalesce(sizes.n_source_records, 1) as n_source_records
from {{ ref('int_person_records') }} as records
inner join {{ ref('xref_persons') }} as xref on records.record_key = xref.record_key
left join attributes on records.record_key = attributes.record_key
left join {{ ref('xref_accounts') }} as accounts on records.account_record_key = accounts.record_key
left join sizes on xref.person_id = sizes.person_id
