select
    records.source_instance,
    {{ record_key('records.source_instance', 'crm_opportunity_event', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.opportunity_id,
    records.changed_at,
    records.field,
    records.old_value,
    records.new_value,
    records.stage_code,
    records.amount,
    records.expected_close_date,
    records.forecast_category,
    records.changed_by
from {{ source('raw', 'crm_opportunity_event') }} as records
where {{ is_kept('crm_opportunity_event', 'records') }}
