-- The same meeting lies in the calendars of several sellers: uid and occurrence identify it, not the calendar.
with attendances as (
    select
        coalesce(events.uid, fates.event_key) as meeting_uid,
        events.recurrence_id,
        fates.email,
        fates.reason_code,
        fates.response,
        events.organizer_email,
        events.starts_at,
        events.ends_at,
        events.status,
        coalesce(events.is_deleted, false) as is_event_deleted,
        fates.record_key
    from {{ ref('int_attendee_fates') }} as fates
    left join {{ ref('stg_calendar__events') }} as events
        on events.record_key = {{ record_key('fates.source_instance', 'calendar_event', 'fates.event_key') }}
    where fates.reason_code is null or fates.reason_code = 'internal_attendee'
),

hosts as (
    select
        attendances.meeting_uid,
        attendances.recurrence_id,
        min(handles.rep_id) as rep_id
    from attendances
    inner join {{ ref('int_rep_handles') }} as handles on attendances.email = handles.handle_value
    where attendances.reason_code is not null and handles.rep_id <> 'unknown'
    group by attendances.meeting_uid, attendances.recurrence_id
),

meetings as (
    select
        meeting_uid,
        recurrence_id,
        email,
        min_by(organizer_email, record_key) filter (where organizer_email is not null) as organizer_email,
        min_by(starts_at, record_key) filter (where starts_at is not null) as starts_at,
        min_by(ends_at, record_key) filter (where ends_at is not null) as ends_at,
        bool_or(status = 'confirmed' and not is_event_deleted and response <> 'declined') as is_confirmed,
        count(*) as n_source_rows
    from attendances
    where reason_code is null
    group by meeting_uid, recurrence_id, email
)

select
    md5(meetings.meeting_uid || '/' || coalesce(meetings.recurrence_id, '') || '/' || meetings.email) as meeting_key,
    md5(meetings.meeting_uid || '/' || coalesce(meetings.recurrence_id, '')) as occurrence_key,
    coalesce(points.person_id, 'unknown') as person_id,
    coalesce(points.lead_id, 'unknown') as lead_id,
    coalesce(points.account_id, 'unknown') as account_id,
    coalesce(nullif(organizers.rep_id, 'unknown'), hosts.rep_id, 'unknown') as rep_id,
    meetings.starts_at,
    {{ local_day('meetings.starts_at', 'settings.timezone') }} as starts_on,
    meetings.ends_at,
    {{ seconds_between('meetings.starts_at', 'meetings.ends_at') }} as duration_s,
    coalesce(meetings.is_confirmed and meetings.starts_at < settings.as_of, false) as is_held,
    meetings.n_source_rows
from meetings
cross join {{ run_settings() }} as settings
left join {{ ref('bridge_person_contact_points') }} as points
    on points.contact_kind = 'email' and meetings.email = points.contact_value
left join {{ ref('int_rep_handles') }} as organizers on meetings.organizer_email = organizers.handle_value
left join hosts
    on
        meetings.meeting_uid = hosts.meeting_uid
        and coalesce(meetings.recurrence_id, '') = coalesce(hosts.recurrence_id, '')
