select
    records.record_key,
    coalesce(members.person_id, 'unknown') as person_id,
    records.contract,
    records.source_instance,
    records.source_record_id,
    records._delivery_id,
    records._source_row_id
from {{ ref('int_person_records') }} as records
left join {{ source('matching', 'person_members') }} as members on records.record_key = members.record_key
