select
    records.source_instance,
    {{ record_key('records.source_instance', 'email_message', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.message_id,
    records.campaign_id,
    records.name,
    records.sender_email,
    records.subject_hash,
    records.sent_at,
    records.n_recipients,
    records.is_automated,
    records.is_test,
    records.modified_at
from {{ source('raw', 'email_message') }} as records
where {{ is_kept('email_message', 'records') }}
