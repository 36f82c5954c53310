select
    records.source_instance,
    {{ record_key('records.source_instance', 'crm_consent', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.person_type,
    records.person_id,
    records.email,
    records.phone,
    records.channel,
    records.status,
    records.effective_at,
    records.effective_at_precision,
    records.expires_at,
    records.origin,
    records.reason
from {{ source('raw', 'crm_consent') }} as records
where {{ is_kept('crm_consent', 'records') }}
