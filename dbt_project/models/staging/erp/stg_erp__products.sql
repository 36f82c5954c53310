select
    records.source_instance,
    {{ record_key('records.source_instance', 'erp_product', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.code,
    records.name,
    records.family,
    records.category,
    records.is_recurring,
    records.unit_price,
    records.unit_cost,
    records.currency,
    records.is_active,
    records.modified_at
from {{ source('raw', 'erp_product') }} as records
where {{ is_kept('erp_product', 'records') }}
