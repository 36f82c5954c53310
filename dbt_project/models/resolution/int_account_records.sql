{{ config(post_hook="{{ export_exchange() }}") }}

select
    record_key,
    contract,
    source_instance,
    source_record_id,
    _delivery_id,
    _source_row_id,
    name,
    name_key,
    registration_number,
    vat_number,
    domain,
    accountancy_code,
    country_code,
    postal_code,
    city,
    phone,
    employee_count,
    must_link_key,
    parent_record_key,
    first_seen_on
from {{ ref('int_account_candidates') }}
where exclusion_code is null
