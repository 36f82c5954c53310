select
    records.source_instance,
    {{ record_key('records.source_instance', 'erp_invoice', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.document_number,
    records.document_type,
    records.status,
    records.customer_id,
    records.invoice_date,
    records.due_date,
    records.currency,
    records.net_amount,
    records.tax_amount,
    records.gross_amount,
    records.original_document_id,
    records.modified_at
from {{ source('raw', 'erp_invoice') }} as records
where {{ is_kept('erp_invoice', 'records') }}
