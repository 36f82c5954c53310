-- Every golden account has at most one parent (that of its best record), so the links form chains. A walk of 20 steps
-- reaches the top of any real hierarchy; a walk that is still moving is in a loop, whose smallest member stands for it.
with recursive parents as (
    select
        children.account_id,
        min_by(parent_accounts.account_id, children.survivorship_rank) as parent_account_id
    from {{ ref('int_account_attributes') }} as children
    inner join {{ ref('xref_accounts') }} as parent_accounts on children.parent_record_key = parent_accounts.record_key
    where children.account_id <> 'unknown' and parent_accounts.account_id not in (children.account_id, 'unknown')
    group by children.account_id
),

walk as (
    select
        account_id,
        parent_account_id as ancestor_id,
        1 as n_steps
    from parents
    union all
    select
        walk.account_id,
        parents.parent_account_id as ancestor_id,
        walk.n_steps + 1 as n_steps
    from walk
    inner join parents on walk.ancestor_id = parents.account_id
    where walk.n_steps < 20
)

select
    account_id,
    case
        when max(n_steps) < 20 then max_by(ancestor_id, n_steps)
        else min(ancestor_id) filter (where n_steps > 10)
    end as root_account_id,
    max(n_steps) = 20 as is_in_loop
from walk
group by account_id
