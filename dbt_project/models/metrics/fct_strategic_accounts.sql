{{ config(materialized="view") }}

-- Owners are known as they are today: the list stands in the month of the cycle and in no other.
select
    accounts.account_id,
    settings.cycle_start as period_month,
    accounts.group_id,
    accounts.owner_rep_id
from {{ ref('dim_accounts') }} as accounts
cross join {{ run_settings() }} as settings
where accounts.is_strategic and accounts.account_id <> 'unknown'
