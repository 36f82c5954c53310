select
    records.source_instance,
    {{ record_key('records.source_instance', 'marketing_cost', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.department,
    records.cost_kind,
    records.channel_code,
    records.campaign_id,
    records.supplier,
    records.label,
    records.period_start,
    records.period_end,
    records.amount,
    records.currency,
    records.modified_at
from {{ source('raw', 'marketing_cost') }} as records
where {{ is_kept('marketing_cost', 'records') }}
