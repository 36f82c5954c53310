-- A customer of the ledger is an account of its own books: one record a number, under the longest name, because books
-- cut names. Opening entries carry the label of the balance as often as a name, so they name whom nothing else names.
with ledger_names as (
    select
        source_instance,
        {{ identifier_key('customer_code') }} as accountancy_code,
        nullif(trim(customer_name), '') as name,
        min(entry_date) as first_seen_on,
        bool_and(coalesce(is_opening, false)) as is_of_openings,
        min_by(_delivery_id, record_key) as _delivery_id,
        min_by(_source_row_id, record_key) as _source_row_id,
        min_by(_record_part, record_key) as _record_part
    from {{ ref('stg_erp__ledger_entries') }}
    where customer_code is not null
    group by source_instance, customer_code, nullif(trim(customer_name), '')
),

ledger_customers as (
    select
        *,
        min(first_seen_on) over (partition by source_instance, accountancy_code) as seen_on
    from ledger_names
    where accountancy_code is not null
    qualify row_number() over (
        partition by source_instance, accountancy_code
        order by
            case when name is null then 1 else 0 end asc, is_of_openings asc, length(name) desc, name asc,
            _delivery_id asc, _source_row_id asc
    ) = 1
),

accounts as (
    select
        record_key,
        'crm_account' as contract,
        source_instance,
        source_record_id,
        _delivery_id,
        _source_row_id,
        _record_part,
        name,
        {{ company_name_key('name') }} as name_key,
        registration_number,
        vat_number,
        {{ host_of('website') }} as host_name,
        accountancy_code,
        country_code,
        postal_code,
        city,
        phone,
        employee_count,
        {{ record_key('source_instance', 'crm_account', 'merged_into_id') }} as must_link_key,
        {{ record_key('source_instance', 'crm_account', 'parent_account_id') }} as parent_record_key,
        cast(coalesce(created_at, delivered_on) as date) as first_seen_on,
        case
            when {{ applies('deleted_in_source', 'is_deleted and merged_into_id is null') }} then 'deleted_in_source'
        end as exclusion_code
    from {{ ref('stg_crm__accounts') }}
    union all
    select
        candidates.record_key,
        'crm_lead' as contract,
        candidates.source_instance,
        candidates.source_record_id,
        candidates._delivery_id,
        candidates._source_row_id,
        candidates._record_part,
        candidates.company_name as name,
        candidates.company_name_key as name_key,
        leads.registration_number,
        cast(null as string) as vat_number,
        candidates.mail_domain as host_name,
        cast(null as string) as accountancy_code,
        leads.country_code,
        cast(null as string) as postal_code,
        cast(null as string) as city,
        candidates.phone,
        leads.employee_count,
        coalesce(
            {{ record_key('leads.source_instance', 'crm_lead', 'leads.merged_into_id') }},
            {{ record_key('leads.source_instance', 'crm_account', 'leads.converted_account_id') }}
        ) as must_link_key,
        cast(null as string) as parent_record_key,
        candidates.first_seen_on,
        candidates.exclusion_code
    from {{ ref('int_person_candidates') }} as candidates
    inner join {{ ref('stg_crm__leads') }} as leads on candidates.record_key = leads.record_key
    where candidates.contract = 'crm_lead' and candidates.company_name is not null
    union all
    select
        record_key,
        'erp_customer' as contract,
        source_instance,
        source_record_id,
        _delivery_id,
        _source_row_id,
        _record_part,
        name,
        {{ company_name_key('name') }} as name_key,
        registration_number,
        vat_number,
        split_part(email, '@', 2) as host_name,
        code as accountancy_code,
        country_code,
        postal_code,
        city,
        cast(null as string) as phone,
        cast(null as int) as employee_count,
        cast(null as string) as must_link_key,
        cast(null as string) as parent_record_key,
        cast(coalesce(cast(created_at as date), delivered_on) as date) as first_seen_on,
        cast(null as string) as exclusion_code
    from {{ ref('stg_erp__customers') }}
    union all
    select
        {{ record_key('source_instance', 'ledger_customer', 'accountancy_code') }} as record_key,
        'ledger_customer' as contract,
        source_instance,
        accountancy_code as source_record_id,
        _delivery_id,
        _source_row_id,
        _record_part,
        name,
        {{ company_name_key('name') }} as name_key,
        cast(null as string) as registration_number,
        cast(null as string) as vat_number,
        cast(null as string) as host_name,
        accountancy_code,
        cast(null as string) as country_code,
        cast(null as string) as postal_code,
        cast(null as string) as city,
        cast(null as string) as phone,
        cast(null as int) as employee_count,
        cast(null as string) as must_link_key,
        cast(null as string) as parent_record_key,
        seen_on as first_seen_on,
        cast(null as string) as exclusion_code
    from ledger_customers
),

keyed as (
    select
        accounts.*,
        {{ regexp_replace_all('accounts.registration_number', '[^0-9]+', '') }} as registration_digits,
        {{ identifier_key('accounts.vat_number') }} as vat_key,
        {{ registered_domain('accounts.host_name') }} as web_domain
    from accounts
)

select
    keyed.record_key,
    keyed.contract,
    keyed.source_instance,
    keyed.source_record_id,
    keyed._delivery_id,
    keyed._source_row_id,
    keyed._record_part,
    keyed.name,
    keyed.name_key,
    coalesce(
        {{ siren_of('keyed.registration_digits') }},
        case
            when {{ regexp_full('keyed.vat_key', 'FR[0-9A-Z]{2}[0-9]{9}') }}
                then {{ siren_of('substr(keyed.vat_key, 5)') }}
        end
    ) as registration_number,
    case when {{ regexp_full('keyed.vat_key', '[A-Z]{2}[0-9A-Z]{6,13}') }} then keyed.vat_key end as vat_number,
    case when general.domain is null and own.own_domain is null then keyed.web_domain end as domain,
    {{ identifier_key('keyed.accountancy_code') }} as accountancy_code,
    upper(nullif(trim(keyed.country_code), '')) as country_code,
    {{ identifier_key('keyed.postal_code') }} as postal_code,
    nullif(trim(keyed.city), '') as city,
    keyed.phone,
    keyed.employee_count,
    keyed.must_link_key,
    keyed.parent_record_key,
    keyed.first_seen_on,
    case
        when keyed.exclusion_code is not null or keyed.contract <> 'crm_account' then keyed.exclusion_code
        when {{ applies('test_record', 'names.name_key is not null') }} then 'test_record'
        when {{ applies('internal_record', 'own.own_domain is not null') }} then 'internal_record'
    end as exclusion_code
from keyed
left join {{ ref('mail_domains') }} as general on keyed.web_domain = general.domain
left join {{ ref('int_own_domains') }} as own on keyed.web_domain = own.own_domain
left join {{ ref('test_names') }} as names on keyed.name_key = names.name_key
