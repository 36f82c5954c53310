{{ config(materialized="view") }}

select
    stream,
    contract,
    source_instance,
    _delivery_id,
    _source_row_id,
    _record_part,
    record_key,
    reason_code
from {{ ref('int_fact_exclusions') }}
