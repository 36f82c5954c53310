-- A join on the current version lost accounts that had none and doubled those that had two.
select accounts.account_id as entity_id
from {{ ref('dim_accounts') }} as accounts
left join {{ ref('dim_account_versions') }} as versions
    on accounts.account_id = versions.account_id and versions.is_current
group by accounts.account_id
having
    count(versions.account_id) <> 1
    or min(versions.owner_rep_id) <> min(accounts.owner_rep_id)
    or min(versions.size_band_code) <> min(accounts.size_band_code)
union all
select reps.rep_id as entity_id
from {{ ref('dim_reps') }} as reps
left join {{ ref('dim_rep_versions') }} as versions on reps.rep_id = versions.rep_id and versions.is_current
group by reps.rep_id
having count(versions.rep_id) <> 1
