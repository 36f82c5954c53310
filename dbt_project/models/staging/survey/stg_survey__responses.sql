select
    records.source_instance,
    {{ record_key('records.source_instance', 'nps_response', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.survey,
    records.channel,
    records.person_type,
    records.person_id,
    records.email,
    records.account_id,
    records.customer_id,
    records.score,
    records.sent_at,
    records.answered_at,
    records.answered_at_precision,
    records.comment
from {{ source('raw', 'nps_response') }} as records
where {{ is_kept('nps_response', 'records') }}
