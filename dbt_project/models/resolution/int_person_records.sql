{{ config(post_hook="{{ export_exchange() }}") }}

select
    record_key,
    contract,
    source_instance,
    source_record_id,
    _delivery_id,
    _source_row_id,
    name_key,
    email,
    is_generic_email,
    phone,
    mobile,
    account_record_key,
    must_link_key,
    first_seen_on
from {{ ref('int_person_candidates') }}
where exclusion_code is null
