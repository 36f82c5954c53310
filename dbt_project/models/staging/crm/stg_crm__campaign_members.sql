select
    records.source_instance,
    {{ record_key('records.source_instance', 'crm_campaign_member', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.campaign_id,
    records.person_type,
    records.person_id,
    records.email,
    records.status,
    records.responded_at,
    records.responded_at_precision,
    records.created_at,
    records.modified_at
from {{ source('raw', 'crm_campaign_member') }} as records
where {{ is_kept('crm_campaign_member', 'records') }}
