select
    records.source_instance,
    {{ record_key('records.source_instance', 'calendar_event', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.uid,
    records.recurrence_id,
    records.organizer_email,
    records.starts_at,
    records.ends_at,
    records.is_all_day,
    records.status,
    records.is_recurring,
    records.location_kind,
    records.sequence,
    records.modified_at
from {{ source('raw', 'calendar_event') }} as records
where {{ is_kept('calendar_event', 'records') }}
