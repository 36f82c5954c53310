select
    records.source_instance,
    {{ record_key('records.source_instance', 'erp_order_line', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.order_id,
    records.status,
    records.customer_id,
    records.product_id,
    records.ordered_on,
    records.promised_on,
    records.shipped_on,
    records.cancelled_on,
    records.quantity,
    records.currency,
    records.net_amount,
    records.modified_at
from {{ source('raw', 'erp_order_line') }} as records
where {{ is_kept('erp_order_line', 'records') }}
