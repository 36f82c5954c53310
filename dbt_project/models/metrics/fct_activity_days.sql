-- Touches are what persons did, one per person reached; what software sent is counted beside them, by the day and
-- without a seller. A meeting is one, whoever attends it: three guests are three touches and one meeting.
-- A system event is logged when the CRM holds a copy of it; only events with a known person can be.
with logged as (
    select distinct
        event_stream_code as source_stream_code,
        event_key as source_key
    from {{ ref('int_activity_fates') }}
    where event_key is not null and reason_code = 'double_logged'
),

touches as (
    select
        touches.occurred_on,
        touches.rep_id,
        touches.channel_code,
        count(*) as n_activities,
        count(*) filter (where touches.is_effective) as n_effective,
        count(*) filter (where touches.channel_code = 'meeting' and touches.source_stream_code <> 'meeting')
            as n_meetings_logged,
        count(*) filter (where touches.source_stream_code <> 'activity' and touches.person_id <> 'unknown')
            as n_system_events,
        count(*) filter (where touches.person_id <> 'unknown' and logged.source_key is not null) as n_logged_events
    from {{ ref('fct_touches') }} as touches
    cross join {{ run_settings() }} as settings
    left join logged
        on touches.source_stream_code = logged.source_stream_code and touches.source_key = logged.source_key
    where touches.occurred_at < settings.as_of
    group by touches.occurred_on, touches.rep_id, touches.channel_code
),

-- Meetings of the calendars, and those of them with leads that came from social media.
held_meetings as (
    select
        meetings.starts_on as occurred_on,
        meetings.rep_id,
        count(distinct meetings.occurrence_key) as n_meetings,
        count(distinct case when leads.is_social then meetings.occurrence_key end) as n_social_meetings
    from {{ ref('fct_meetings') }} as meetings
    left join {{ ref('fct_lead_cadences') }} as leads on meetings.lead_id = leads.lead_id
    where meetings.is_held
    group by meetings.starts_on, meetings.rep_id
),

every_activity as (
    select
        occurred_on,
        rep_id,
        channel_code,
        'human' as handling_code,
        n_activities,
        n_effective,
        n_meetings_logged as n_meetings,
        n_system_events,
        n_logged_events,
        0 as n_social_meetings
    from touches
    union all
    select
        sent_on as occurred_on,
        'unknown' as rep_id,
        'email' as channel_code,
        'automated' as handling_code,
        sum(n_sent) as n_activities,
        sum(n_delivered) as n_effective,
        0 as n_meetings,
        0 as n_system_events,
        0 as n_logged_events,
        0 as n_social_meetings
    from {{ ref('fct_email_send_days') }}
    where sending_code = 'automated' and n_sent > 0
    group by sent_on
    union all
    select
        occurred_on,
        rep_id,
        'meeting' as channel_code,
        'human' as handling_code,
        0 as n_activities,
        0 as n_effective,
        n_meetings,
        0 as n_system_events,
        0 as n_logged_events,
        n_social_meetings
    from held_meetings
),

days as (
    select
        occurred_on,
        rep_id,
        channel_code,
        handling_code,
        sum(n_activities) as n_activities,
        sum(n_effective) as n_effective,
        sum(n_meetings) as n_meetings,
        sum(n_system_events) as n_system_events,
        sum(n_logged_events) as n_logged_events,
        sum(n_social_meetings) as n_social_meetings
    from every_activity
    group by occurred_on, rep_id, channel_code, handling_code
)

select
    occurred_on,
    rep_id,
    channel_code,
    handling_code,
    cast(occurred_on as string) || '/' || rep_id || '/' || channel_code || '/' || handling_code as activity_day_key,
    cast(n_activities as bigint) as n_activities,
    cast(n_effective as bigint) as n_effective,
    cast(n_meetings as bigint) as n_meetings,
    cast(case when handling_code = 'human' and channel_code <> 'meeting' then n_activities else 0 end as bigint)
        as n_touches,
    cast(n_system_events as bigint) as n_system_events,
    cast(n_logged_events as bigint) as n_logged_events,
    cast(n_social_meetings as bigint) as n_social_meetings
from days
