-- Segment and flag of today's members; a group of the past or of the future has none and keeps its name.
with groups as (
    select
        bridge.group_id,
        bridge.kind_code,
        count(*) filter (where bridge.is_as_is) as n_accounts,
        cast(sum(accounts.employee_count) filter (where bridge.is_as_is) as bigint) as employee_count,
        coalesce(bool_or(accounts.is_strategic) filter (where bridge.is_as_is), false) as is_strategic
    from {{ ref('bridge_account_groups') }} as bridge
    inner join {{ ref('dim_accounts') }} as accounts on bridge.account_id = accounts.account_id
    where bridge.account_id <> 'unknown'
    group by bridge.group_id, bridge.kind_code
)

select
    groups.group_id,
    roots.account_name as group_name,
    groups.kind_code,
    groups.n_accounts,
    groups.employee_count,
    coalesce(bands.size_band_code, 'unknown') as size_band_code,
    groups.is_strategic
from groups
left join {{ ref('dim_accounts') }} as roots
    on 'acc_' || substr(groups.group_id, 5) = roots.account_id
left join {{ ref('size_bands') }} as bands
    on
        groups.employee_count >= bands.min_employees
        and groups.employee_count <= coalesce(bands.max_employees, groups.employee_count)
union all
select
    'unknown' as group_id,
    'unknown' as group_name,
    'legal' as kind_code,
    0 as n_accounts,
    cast(null as bigint) as employee_count,
    'unknown' as size_band_code,
    false as is_strategic
union all
select
    'none' as group_id,
    'none' as group_name,
    'buying' as kind_code,
    0 as n_accounts,
    cast(null as bigint) as employee_count,
    'unknown' as size_band_code,
    false as is_strategic
