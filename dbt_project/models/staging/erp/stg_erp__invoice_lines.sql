select
    records.source_instance,
    {{ record_key('records.source_instance', 'erp_invoice_line', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.invoice_id,
    records.line_number,
    records.product_id,
    records.quantity,
    records.unit_price,
    records.net_amount,
    records.cost_amount,
    records.revenue_account,
    records.is_recurring,
    records.service_from,
    records.service_to,
    records.modified_at
from {{ source('raw', 'erp_invoice_line') }} as records
where {{ is_kept('erp_invoice_line', 'records') }}
