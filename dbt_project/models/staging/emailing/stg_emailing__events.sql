select
    records.source_instance,
    {{ record_key('records.source_instance', 'email_event', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.message_id,
    records.campaign_id,
    records.recipient_email,
    records.event_type,
    records.occurred_at,
    records.template_id,
    records.sender_email,
    records.is_automated,
    records.reason,
    records.url,
    records.user_agent,
    records.ip_class
from {{ source('raw', 'email_event') }} as records
where {{ is_kept('email_event', 'records') }}
