select
    records.record_key,
    coalesce(members.golden_id, 'unknown') as account_id,
    members.valid_from,
    records.contract,
    records.source_instance,
    records.source_record_id,
    records._delivery_id,
    records._source_row_id
from {{ ref('int_account_records') }} as records
left join {{ source('matching', 'account_history') }} as members
    on records.record_key = members.record_key and members.valid_to is null
