select
    records.source_instance,
    {{ record_key('records.source_instance', 'crm_merge', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.entity,
    records.surviving_id,
    records.merged_id,
    records.merged_at,
    records.merged_by
from {{ source('raw', 'crm_merge') }} as records
where {{ is_kept('crm_merge', 'records') }}
