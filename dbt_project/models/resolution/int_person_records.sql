{{ config(post_hook="{{ export_exchange() }}") }}

select
    people.record_key,
    people.contract,
    people.source_instance,
    people.source_record_id,
    people._delivery_id,
    people._source_row_id,
    people.name_key,
    people.given_name,
    people.family_name,
    coalesce(people.company_name, accounts.name) as company_name,
    coalesce(people.company_name_key, {{ company_name_key('accounts.name') }}) as company_name_key,
    people.email,
    people.is_generic_email,
    people.phone,
    people.mobile,
    people.account_record_key,
    people.must_link_key,
    people.first_seen_on
from {{ ref('int_person_candidates') }} as people
left join {{ ref('stg_crm__accounts') }} as accounts on people.account_record_key = accounts.record_key
where people.exclusion_code is null
union all
select
    record_key,
    contract,
    source_instance,
    source_record_id,
    _delivery_id,
    _source_row_id,
    name_key,
    given_name,
    family_name,
    cast(null as string) as company_name,
    cast(null as string) as company_name_key,
    email,
    false as is_generic_email,
    phone,
    cast(null as string) as mobile,
    cast(null as string) as account_record_key,
    cast(null as string) as must_link_key,
    first_seen_on
from {{ ref('int_contact_points') }}
