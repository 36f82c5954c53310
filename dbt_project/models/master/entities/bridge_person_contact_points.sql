with points as (
    select
        'email' as contact_kind,
        email as contact_value,
        person_id,
        contract
    from {{ ref('int_person_attributes') }}
    where email is not null
    union all
    select
        'phone' as contact_kind,
        phone as contact_value,
        person_id,
        contract
    from {{ ref('int_person_attributes') }}
    where phone is not null
    union all
    select
        'phone' as contact_kind,
        mobile as contact_value,
        person_id,
        contract
    from {{ ref('int_person_attributes') }}
    where mobile is not null
),

owned as (
    select
        points.contact_kind,
        points.contact_value,
        min(points.person_id) as first_person_id,
        count(distinct points.person_id) as n_persons,
        min(persons.account_id) filter (where persons.account_id <> 'unknown') as first_account_id,
        max(persons.account_id) filter (where persons.account_id <> 'unknown') as last_account_id,
        min(persons.lead_id) as lead_id,
        bool_or(points.contract in ('crm_contact', 'crm_lead')) as is_on_record
    from points
    inner join {{ ref('dim_persons') }} as persons on points.person_id = persons.person_id
    where points.person_id <> 'unknown'
    group by points.contact_kind, points.contact_value
),

switchboards as (
    select
        accounts.phone as contact_value,
        min(xref.account_id) as first_account_id,
        max(xref.account_id) as last_account_id
    from {{ ref('stg_crm__accounts') }} as accounts
    inner join {{ ref('xref_accounts') }} as xref on accounts.record_key = xref.record_key
    where accounts.phone is not null and xref.account_id <> 'unknown'
    group by accounts.phone
)

-- A value that several persons share names nobody, but still the account when they all belong to the same one.
select
    owned.contact_kind,
    owned.contact_value,
    case when owned.n_persons = 1 then owned.first_person_id else 'unknown' end as person_id,
    case when owned.n_persons = 1 then owned.lead_id else 'unknown' end as lead_id,
    case
        when owned.first_account_id = owned.last_account_id then owned.first_account_id
        else 'unknown'
    end as account_id,
    owned.n_persons,
    owned.n_persons > 1 as is_shared,
    owned.is_on_record
from owned
union all
select
    'phone' as contact_kind,
    switchboards.contact_value,
    'unknown' as person_id,
    'unknown' as lead_id,
    case
        when switchboards.first_account_id = switchboards.last_account_id then switchboards.first_account_id
        else 'unknown'
    end as account_id,
    0 as n_persons,
    false as is_shared,
    true as is_on_record
from switchboards
left join owned on owned.contact_kind = 'phone' and switchboards.contact_value = owned.contact_value
where owned.contact_value is null
