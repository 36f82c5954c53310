select
    records.source_instance,
    {{ record_key('records.source_instance', 'erp_subscription', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.customer_id,
    records.product_id,
    records.status,
    records.started_on,
    records.ended_on,
    records.billing_period_months,
    records.unit_amount,
    records.quantity,
    records.discount_amount,
    records.currency,
    records.is_test,
    records.modified_at
from {{ source('raw', 'erp_subscription') }} as records
where {{ is_kept('erp_subscription', 'records') }}
