-- Whom mails, meetings and calls reach without a record in the CRM: one record a source and value. Keys hold a hash of
-- the value, never the value. Within an instance records are ordered by their id, so that no key is made for each of
-- millions of events.
with borne_emails as (
    select distinct email
    from {{ ref('int_person_candidates') }}
    where email is not null
),

borne_phones as (
    select phone
    from {{ ref('int_person_candidates') }}
    where phone is not null
    union
    select mobile
    from {{ ref('int_person_candidates') }}
    where mobile is not null
    union
    select phone
    from {{ ref('stg_crm__accounts') }}
    where phone is not null
),

recipients as (
    select
        'email_recipient' as contract,
        events.source_instance,
        events.recipient_email as contact_value,
        cast(null as string) as display_name,
        cast(min(events.occurred_at) as date) as first_seen_on,
        min_by(events._delivery_id, events.source_record_id) as _delivery_id,
        min_by(events._source_row_id, events.source_record_id) as _source_row_id
    from {{ ref('stg_emailing__events') }} as events
    left join borne_emails on events.recipient_email = borne_emails.email
    where borne_emails.email is null and events.recipient_email is not null
    group by events.source_instance, events.recipient_email
),

attendees as (
    select
        'calendar_attendee' as contract,
        attendees.source_instance,
        attendees.email as contact_value,
        min(case when attendees.display_name not like '%@%' then attendees.display_name end) as display_name,
        min(coalesce(cast(events.starts_at as date), attendees.delivered_on)) as first_seen_on,
        min_by(attendees._delivery_id, attendees.source_record_id) as _delivery_id,
        min_by(attendees._source_row_id, attendees.source_record_id) as _source_row_id
    from {{ ref('stg_calendar__attendees') }} as attendees
    left join {{ ref('stg_calendar__events') }} as events
        on events.record_key = {{ record_key('attendees.source_instance', 'calendar_event', 'attendees.event_key') }}
    left join borne_emails on attendees.email = borne_emails.email
    where borne_emails.email is null and attendees.email is not null and not attendees.is_deleted
    group by attendees.source_instance, attendees.email
),

-- Of a number that nobody ever answered, nobody is known to be there.
call_parties as (
    select
        'call_party' as contract,
        legs.source_instance,
        legs.external_phone as contact_value,
        cast(min(legs.started_at) as date) as first_seen_on,
        min_by(legs._delivery_id, legs.source_record_id) as _delivery_id,
        min_by(legs._source_row_id, legs.source_record_id) as _source_row_id
    from {{ ref('stg_telephony__call_legs') }} as legs
    left join borne_phones on legs.external_phone = borne_phones.phone
    where borne_phones.phone is null and legs.external_phone like '+%'
    group by legs.source_instance, legs.external_phone
    having bool_or(legs.outcome = 'answered')
),

-- Own colleagues, shared mailboxes and test addresses are nobody to be found.
mailboxes as (
    select
        found.*,
        -- `Martin, Ann` and `Ann Martin`
        case
            when found.display_name like '%,%' then trim(split_part(found.display_name, ',', 2))
            else split_part(trim(found.display_name), ' ', 1)
        end as first_name,
        case
            when found.display_name like '%,%' then trim(split_part(found.display_name, ',', 1))
            else trim(substr(trim(found.display_name), length(split_part(trim(found.display_name), ' ', 1)) + 1))
        end as last_name
    from (
        select * from recipients
        union all
        select * from attendees
    ) as found
    left join {{ ref('generic_mailboxes') }} as generic
        on split_part(split_part(found.contact_value, '@', 1), '+', 1) = generic.local_part
    left join {{ ref('mail_domains') }} as tests
        on split_part(found.contact_value, '@', 2) = tests.domain and tests.kind_code = 'test'
    left join {{ ref('int_own_domains') }} as own on split_part(found.contact_value, '@', 2) = own.own_domain
    where generic.local_part is null and tests.domain is null and own.own_domain is null
)

select
    source_instance || '/' || contract || '/' || md5(contact_value) as record_key,
    contract,
    source_instance,
    md5(contact_value) as source_record_id,
    _delivery_id,
    _source_row_id,
    {{ person_name_key('first_name', 'last_name') }} as name_key,
    nullif(first_name, '') as given_name,
    nullif(last_name, '') as family_name,
    contact_value as email,
    cast(null as string) as phone,
    first_seen_on
from mailboxes
union all
select
    source_instance || '/' || contract || '/' || md5(contact_value) as record_key,
    contract,
    source_instance,
    md5(contact_value) as source_record_id,
    _delivery_id,
    _source_row_id,
    cast(null as string) as name_key,
    cast(null as string) as given_name,
    cast(null as string) as family_name,
    cast(null as string) as email,
    contact_value as phone,
    first_seen_on
from call_parties
