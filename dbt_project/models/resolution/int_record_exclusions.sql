select
    'person' as stream,
    contract,
    source_instance,
    _delivery_id,
    _source_row_id,
    _record_part,
    record_key,
    exclusion_code as reason_code
from {{ ref('int_person_candidates') }}
where exclusion_code is not null
union all
select
    'account' as stream,
    contract,
    source_instance,
    _delivery_id,
    _source_row_id,
    _record_part,
    record_key,
    exclusion_code as reason_code
from {{ ref('int_account_candidates') }}
where exclusion_code is not null and contract <> 'crm_lead'
