select
    person_id,
    min_by(first_name, survivorship_rank) filter (where first_name is not null) as first_name,
    min_by(last_name, survivorship_rank) filter (where last_name is not null) as last_name,
    coalesce(
        min_by(email, survivorship_rank) filter (where email is not null and not is_generic_email),
        min_by(email, survivorship_rank) filter (where email is not null)
    ) as email,
    coalesce(
        min_by(mobile, survivorship_rank) filter (where mobile is not null),
        min_by(phone, survivorship_rank) filter (where phone is not null)
    ) as phone,
    coalesce(min_by(account_id, survivorship_rank) filter (where account_id <> 'unknown'), 'unknown') as account_id,
    case when bool_or(contract = 'crm_lead') then {{ lead_id_of('person_id') }} else 'unknown' end as lead_id,
    bool_or(is_email_opted_out) as is_email_opted_out,
    bool_or(is_call_opted_out) as is_call_opted_out,
    count(*) as n_source_records,
    min(first_seen_on) as first_seen_on
from {{ ref('int_person_attributes') }}
where person_id <> 'unknown'
group by person_id
union all
select
    'unknown' as person_id,
    cast(null as string) as first_name,
    cast(null as string) as last_name,
    cast(null as string) as email,
    cast(null as string) as phone,
    'unknown' as account_id,
    'unknown' as lead_id,
    false as is_email_opted_out,
    false as is_call_opted_out,
    0 as n_source_records,
    cast(null as date) as first_seen_on
