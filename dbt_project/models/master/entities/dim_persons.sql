with golden as (
    {{- unanimous_values('person', {'has_lead': "contract = 'crm_lead'"}) }}
),

chosen as (
    {{- chosen_values('person') }}
)

select
    golden.golden_id as person_id,
    coalesce(chosen.first_name, golden.first_name) as first_name,
    coalesce(chosen.last_name, golden.last_name) as last_name,
    coalesce(chosen.email, golden.email) as email,
    coalesce(chosen.phone, golden.phone) as phone,
    coalesce(chosen.account_id, golden.account_id, 'unknown') as account_id,
    case when golden.has_lead then {{ lead_id_of('golden.golden_id') }} else 'unknown' end as lead_id,
    coalesce(chosen.is_email_opted_out, golden.is_email_opted_out) as is_email_opted_out,
    coalesce(chosen.is_call_opted_out, golden.is_call_opted_out) as is_call_opted_out,
    golden.n_source_records,
    golden.first_seen_on
from golden
left join chosen on golden.golden_id = chosen.golden_id
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
