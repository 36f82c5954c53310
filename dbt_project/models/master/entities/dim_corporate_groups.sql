with members as (
    select
        group_id,
        count(*) as n_accounts
    from {{ ref('dim_accounts') }}
    group by group_id
)

select
    members.group_id,
    coalesce(roots.account_name, 'unknown') as group_name,
    case when members.group_id = 'unknown' then 0 else members.n_accounts end as n_accounts
from members
left join {{ ref('dim_accounts') }} as roots
    on roots.account_id <> 'unknown' and members.group_id = {{ group_id_of('roots.account_id') }}
