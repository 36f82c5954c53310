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
    case
        when {{ applies('deleted_in_source', 'attendees.is_deleted') }} then 'deleted_in_source'
        when {{ applies('internal_attendee', 'own.own_domain is not null') }} then 'internal_attendee'
    end as reason_code
from {{ ref('stg_calendar__attendees') }} as attendees
left join {{ ref('int_own_domains') }} as own on split_part(attendees.email, '@', 2) = own.own_domain
