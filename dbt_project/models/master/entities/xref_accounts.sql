select
    records.record_key,
    coalesce(members.account_id, 'unknown') as account_id,
    records.contract,
    records.source_instance,
    records.source_record_id,
    records._delivery_id,
    records._source_row_id
from {{ ref('int_account_records') }} as records
left join {{ source('matching', 'account_members') }} as members on records.record_key = members.record_key
