select
    records.source_instance,
    {{ record_key('records.source_instance', 'social_metric', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.network,
    records.owner_email,
    records.page_name,
    records.measured_on,
    records.period,
    records.metric,
    records.value,  -- noqa: RF04
    records.modified_at
from {{ source('raw', 'social_metric') }} as records
where {{ is_kept('social_metric', 'records') }}
