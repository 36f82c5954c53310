{{ config(materialized="ephemeral") }}

-- Ownership as it holds on the last day of the cycle.
select
    account_id,
    root_account_id,
    is_in_loop
from {{ ref('int_group_periods') }}
where kind_code = 'legal' and is_as_is
