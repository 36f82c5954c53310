with attributes as (
    select
        record_key,
        modified_at,
        email_opt_out,
        call_opt_out,
        opt_out_at
    from {{ ref('stg_crm__contacts') }}
    union all
    select
        record_key,
        modified_at,
        email_opt_out,
        call_opt_out,
        cast(null as timestamp) as opt_out_at
    from {{ ref('stg_crm__leads') }}
),

-- A refusal holds for the record that says it, for the records the CRM ties to it and for everybody at its address or
-- mobile: also when its record is deleted or left out of matching, and when the mail platform knows it and the CRM does
-- not. Nobody speaks for all callers behind a shared mailbox, so a refusal of calls does not travel by one. Addresses,
-- numbers and record keys cannot be mistaken for each other, hence one list.
refusing as (
    select
        candidates.record_key,
        candidates.must_link_key,
        candidates.email,
        candidates.mobile,
        candidates.is_generic_email,
        coalesce(attributes.email_opt_out, false) as refuses_mail,
        coalesce(attributes.call_opt_out, false) as refuses_calls,
        attributes.opt_out_at is null or xref.person_id is null as is_undated
    from {{ ref('int_person_candidates') }} as candidates
    inner join attributes on candidates.record_key = attributes.record_key
    left join {{ ref('xref_persons') }} as xref on candidates.record_key = xref.record_key
    where attributes.email_opt_out or attributes.call_opt_out
),

refused as (
    select
        reached_by,
        bool_or(refuses_mail) as refuses_mail,
        bool_or(refuses_calls) as refuses_calls,
        bool_or(refuses_mail and is_undated) as is_mail_undated,
        bool_or(refuses_calls and is_undated) as is_call_undated
    from (
        select
            record_key as reached_by,
            refuses_mail,
            refuses_calls,
            is_undated
        from refusing
        union all
        select
            must_link_key as reached_by,
            refuses_mail,
            refuses_calls,
            is_undated
        from refusing
        union all
        select
            email as reached_by,
            refuses_mail,
            refuses_calls and not is_generic_email as refuses_calls,
            is_undated
        from refusing
        union all
        select
            mobile as reached_by,
            false as refuses_mail,
            refuses_calls,
            is_undated
        from refusing
        union all
        select
            recipient_email as reached_by,
            true as refuses_mail,
            false as refuses_calls,
            false as is_undated
        from {{ ref('stg_emailing__events') }}
        where event_type in ('unsubscribed', 'complained')
    )
    where reached_by is not null
    group by reached_by
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
    coalesce(own.refuses_mail or linked.refuses_mail or addresses.refuses_mail, false) as is_email_opted_out,
    coalesce(
        own.refuses_calls or linked.refuses_calls or addresses.refuses_calls or mobiles.refuses_calls, false
    ) as is_call_opted_out,
    coalesce(
        own.is_mail_undated or linked.is_mail_undated or addresses.is_mail_undated, false
    ) as is_email_undated,
    coalesce(
        own.is_call_undated or linked.is_call_undated or addresses.is_call_undated or mobiles.is_call_undated, false
    ) as is_call_undated,
    records.first_seen_on,
    coalesce(sizes.n_source_records, 1) as n_source_records
from {{ ref('int_person_records') }} as records
inner join {{ ref('xref_persons') }} as xref on records.record_key = xref.record_key
left join attributes on records.record_key = attributes.record_key
left join {{ ref('xref_accounts') }} as accounts on records.account_record_key = accounts.record_key
left join refused as own on records.record_key = own.reached_by
left join refused as linked on records.must_link_key = linked.reached_by
left join refused as addresses on records.email = addresses.reached_by
left join refused as mobiles on records.mobile = mobiles.reached_by
left join sizes on xref.person_id = sizes.person_id
