select
    records.source_instance,
    {{ record_key('records.source_instance', 'crm_quota', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.owner_id,
    records.owner_email,
    records.team_name,
    records.period_start,
    records.period_end,
    records.metric,
    records.stage_code,
    records.basis,
    records.target,
    records.currency,
    records.modified_at
from {{ source('raw', 'crm_quota') }} as records
where {{ is_kept('crm_quota', 'records') }}
