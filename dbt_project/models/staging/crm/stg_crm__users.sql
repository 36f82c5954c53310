select
    records.source_instance,
    {{ record_key('records.source_instance', 'crm_user', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.full_name,
    records.email,
    records.manager_id,
    records.role_name,
    records.team_name,
    records.region,
    records.timezone,
    records.phone_extension,
    records.is_active,
    records.hired_on,
    records.left_on,
    records.modified_at
from {{ source('raw', 'crm_user') }} as records
where {{ is_kept('crm_user', 'records') }}
