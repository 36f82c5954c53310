select
    records.source_instance,
    {{ record_key('records.source_instance', 'exchange_rate', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.rate_date,
    records.from_currency,
    records.to_currency,
    records.rate
from {{ source('raw', 'exchange_rate') }} as records
where {{ is_kept('exchange_rate', 'records') }}
