select
    records.source_instance,
    {{ record_key('records.source_instance', 'crm_opportunity_line', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.opportunity_id,
    records.line_number,
    records.product_id,
    records.description,
    records.quantity,
    records.unit_price,
    records.discount_amount,
    records.amount,
    records.currency,
    records.is_recurring,
    records.term_months,
    records.modified_at
from {{ source('raw', 'crm_opportunity_line') }} as records
where {{ is_kept('crm_opportunity_line', 'records') }}
