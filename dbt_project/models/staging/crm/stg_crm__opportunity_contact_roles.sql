select
    records.source_instance,
    {{ record_key('records.source_instance', 'crm_opportunity_contact_role', 'records.source_record_id') }}
        as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.opportunity_id,
    records.contact_id,
    records.role,
    records.role_code,
    records.is_primary,
    records.created_at,
    records.modified_at
from {{ source('raw', 'crm_opportunity_contact_role') }} as records
where {{ is_kept('crm_opportunity_contact_role', 'records') }}
