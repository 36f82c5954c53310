select
    records.source_instance,
    {{ record_key('records.source_instance', 'erp_payment', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.invoice_id,
    records.customer_id,
    records.payment_type,
    records.status,
    records.paid_on,
    records.amount,
    records.currency,
    records.method,
    records.reference,
    records.modified_at
from {{ source('raw', 'erp_payment') }} as records
where {{ is_kept('erp_payment', 'records') }}
