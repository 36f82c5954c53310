select
    records.source_instance,
    {{ record_key('records.source_instance', 'crm_campaign', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.name,
    records.campaign_type,
    records.channel_code,
    records.status,
    records.parent_campaign_id,
    records.starts_on,
    records.ends_on,
    records.planned_cost,
    records.actual_cost,
    records.currency,
    records.owner_id,
    records.created_at,
    records.modified_at
from {{ source('raw', 'crm_campaign') }} as records
where {{ is_kept('crm_campaign', 'records') }}
