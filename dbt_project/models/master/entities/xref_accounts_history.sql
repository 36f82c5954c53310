{{ config(materialized='view') }}

select
    record_key,
    golden_id as account_id,
    valid_from,
    valid_to
from {{ source('matching', 'account_history') }}
where valid_to is null or valid_to > valid_from
