select
    records.source_instance,
    {{ record_key('records.source_instance', 'product_usage', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.account_id,
    records.customer_id,
    records.subscription_id,
    records.person_key,
    records.email,
    records.event_name,
    records.occurred_at,
    records.occurred_at_precision,
    records.usage_count,
    records.usage_s,
    records.error_count,
    records.plan
from {{ source('raw', 'product_usage') }} as records
where {{ is_kept('product_usage', 'records') }}
