-- Colleagues are not met; a row whose event is unknown keeps its place on a meeting without a date.
select
    attendees.record_key,
    attendees.source_instance,
    attendees._delivery_id,
    attendees._source_row_id,
    attendees._record_part,
    attendees.event_key,
    attendees.email,
    attendees.response,
    {{ seconds_between('events.starts_at', 'events.ends_at') }} as duration_s,
    case
        when {{ applies('deleted_in_source', 'attendees.is_deleted') }} then 'deleted_in_source'
        when {{ applies('internal_attendee', 'own.own_domain is not null') }} then 'internal_attendee'
        when {{ is_outlier_error('decided', 'events.ends_at < events.starts_at') }} then 'outlier_error'
    end as reason_code
from {{ ref('stg_calendar__attendees') }} as attendees
left join {{ ref('int_own_domains') }} as own on split_part(attendees.email, '@', 2) = own.own_domain
left join {{ ref('stg_calendar__events') }} as events
    on events.record_key = {{ record_key('attendees.source_instance', 'calendar_event', 'attendees.event_key') }}
left join {{ outlier_decisions(['meeting_duration_s']) }} as decided on attendees.record_key = decided.record_key
