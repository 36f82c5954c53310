select
    records.source_instance,
    {{ record_key('records.source_instance', 'calendar_attendee', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.event_key,
    records.email,
    records.display_name,
    records.response,
    records.sequence
from {{ source('raw', 'calendar_attendee') }} as records
where {{ is_kept('calendar_attendee', 'records') }}
