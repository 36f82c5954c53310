with people as (
    select
        record_key,
        'crm_contact' as contract,
        source_instance,
        source_record_id,
        _delivery_id,
        _source_row_id,
        _record_part,
        delivered_on,
        is_deleted,
        merged_into_id,
        first_name,
        last_name,
        cast(null as string) as company_name,
        email,
        phone,
        mobile,
        {{ record_key('source_instance', 'crm_account', 'account_id') }} as account_record_key,
        {{ record_key('source_instance', 'crm_contact', 'merged_into_id') }} as must_link_key,
        created_at
    from {{ ref('stg_crm__contacts') }}
    union all
    select
        record_key,
        'crm_lead' as contract,
        source_instance,
        source_record_id,
        _delivery_id,
        _source_row_id,
        _record_part,
        delivered_on,
        is_deleted,
        merged_into_id,
        first_name,
        last_name,
        nullif(trim(company_name), '') as company_name,
        email,
        phone,
        mobile,
        case
            when nullif(trim(company_name), '') is not null then record_key
            else {{ record_key('source_instance', 'crm_account', 'converted_account_id') }}
        end as account_record_key,
        coalesce(
            {{ record_key('source_instance', 'crm_lead', 'merged_into_id') }},
            {{ record_key('source_instance', 'crm_contact', 'converted_contact_id') }}
        ) as must_link_key,
        created_at
    from {{ ref('stg_crm__leads') }}
),

keyed as (
    select
        people.*,
        split_part(people.email, '@', 2) as mail_domain,
        split_part(split_part(people.email, '@', 1), '+', 1) as local_part,
        {{ person_name_key('people.first_name', 'people.last_name') }} as name_key,
        {{ company_name_key('people.company_name') }} as company_name_key
    from people
)

select
    keyed.record_key,
    keyed.contract,
    keyed.source_instance,
    keyed.source_record_id,
    keyed._delivery_id,
    keyed._source_row_id,
    keyed._record_part,
    keyed.name_key,
    nullif(trim(keyed.first_name), '') as given_name,
    nullif(trim(keyed.last_name), '') as family_name,
    keyed.company_name,
    keyed.company_name_key,
    keyed.email,
    keyed.mail_domain,
    mailboxes.local_part is not null as is_generic_email,
    keyed.phone,
    keyed.mobile,
    keyed.account_record_key,
    keyed.must_link_key,
    cast(coalesce(keyed.created_at, keyed.delivered_on) as date) as first_seen_on,
    case
        when {{ applies('deleted_in_source', 'keyed.is_deleted and keyed.merged_into_id is null') }}
            then 'deleted_in_source'
        when
            {{ applies(
                'test_record',
                'tests.domain is not null or names.name_key is not null or companies.name_key is not null'
            ) }}
            then 'test_record'
        when {{ applies('internal_record', 'own.own_domain is not null') }} then 'internal_record'
    end as exclusion_code
from keyed
left join {{ ref('generic_mailboxes') }} as mailboxes on keyed.local_part = mailboxes.local_part
left join {{ ref('mail_domains') }} as tests on keyed.mail_domain = tests.domain and tests.kind_code = 'test'
left join {{ ref('int_own_domains') }} as own on keyed.mail_domain = own.own_domain
left join {{ ref('test_names') }} as names on keyed.name_key = names.name_key
left join {{ ref('test_names') }} as companies on keyed.company_name_key = companies.name_key
