select
    records.source_instance,
    {{ record_key('records.source_instance', 'erp_customer', 'records.source_record_id') }} as record_key,
    records._delivery_id,
    records._source_row_id,
    records._record_part,
    records.delivered_on,
    coalesce(records.is_deleted, false) as is_deleted,
    records.source_record_id,
    records.code,
    records.name,
    records.registration_number,
    records.vat_number,
    records.email,
    records.country_code,
    records.postal_code,
    records.city,
    records.is_intercompany,
    records.created_at,
    records.modified_at
from {{ source('raw', 'erp_customer') }} as records
where {{ is_kept('erp_customer', 'records') }}
