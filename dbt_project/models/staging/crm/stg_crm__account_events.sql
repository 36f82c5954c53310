select
    records.source_instance,
    {{ record_key('records.source_instance', 'crm_account_event', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.account_id,
    records.registration_number,
    records.occurred_on,
    records.event_kind,
    records.source_name,
    records.modified_at
from {{ source('raw', 'crm_account_event') }} as records
where {{ is_kept('crm_account_event', 'records') }}
