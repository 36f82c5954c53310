-- Four gaps a steward can close with a group link: a parent that no record has, parents in a loop, records of one
-- company that name different parents, and a company without a parent whose web domain or name is that of one group.
with grouped as (
    select
        account_id,
        root_account_id,
        is_in_loop
    from {{ ref('int_group_periods') }}
    where
        kind_code = 'legal'
        and is_as_is
        and root_account_id in (
            select tops.root_account_id from {{ ref('int_group_periods') }} as tops
            where tops.kind_code = 'legal' and tops.is_as_is and tops.account_id <> tops.root_account_id
        )
),

-- What a steward linked, or said to stand alone, is no gap.
settled as (
    select account_id
    from {{ ref('int_group_periods') }}
    where kind_code = 'legal' and is_as_is and link_source = 'steward'
),

points as (
    select
        records.record_key,
        xref.account_id,
        'domain' as point_kind,
        records.domain as point_value
    from {{ ref('int_account_records') }} as records
    inner join {{ ref('xref_accounts') }} as xref on records.record_key = xref.record_key
    where records.contract not in ('crm_lead', 'ledger_customer') and records.domain is not null
    union all
    select
        records.record_key,
        xref.account_id,
        'name' as point_kind,
        records.name_key as point_value
    from {{ ref('int_account_records') }} as records
    inner join {{ ref('xref_accounts') }} as xref on records.record_key = xref.record_key
    where records.contract not in ('crm_lead', 'ledger_customer') and records.name_key is not null
),

-- A value that two groups share points to neither.
group_points as (
    select
        points.point_kind,
        points.point_value,
        min(grouped.root_account_id) as root_account_id
    from points
    inner join grouped on points.account_id = grouped.account_id
    group by points.point_kind, points.point_value
    having min(grouped.root_account_id) = max(grouped.root_account_id)
),

heads as (
    select
        account_id,
        min(record_key) as record_key
    from {{ ref('xref_accounts') }}
    where account_id in (select grouped.root_account_id from grouped)
    group by account_id
),

-- What living records say: of several parents int_group_periods can follow only one.
told as (
    select
        known.account_id,
        parents.account_id as parent_id,
        min(accounts.record_key) as record_key
    from {{ ref('stg_crm__accounts') }} as accounts
    inner join {{ ref('xref_accounts') }} as known on accounts.record_key = known.record_key
    inner join {{ ref('xref_accounts') }} as parents
        on
            {{ record_key('accounts.source_instance', 'crm_account', 'accounts.parent_account_id') }}
            = parents.record_key
    where
        not accounts.is_deleted
        and known.account_id <> parents.account_id
        and known.account_id <> 'unknown'
        and parents.account_id <> 'unknown'
    group by known.account_id, parents.account_id
),

gaps as (
    select
        {{ record_key('accounts.source_instance', 'crm_account', 'accounts.source_record_id') }} as left_record_key,
        {{ record_key('accounts.source_instance', 'crm_account', 'accounts.parent_account_id') }} as right_record_key,
        'parent_not_found' as reason
    from {{ ref('stg_crm__accounts') }} as accounts
    inner join {{ ref('xref_accounts') }} as known on accounts.record_key = known.record_key
    left join {{ ref('xref_accounts') }} as parents
        on
            {{ record_key('accounts.source_instance', 'crm_account', 'accounts.parent_account_id') }}
            = parents.record_key
    where
        accounts.parent_account_id is not null
        and parents.record_key is null
        and known.account_id not in (select settled.account_id from settled)
    union all
    select
        min(heads.record_key) as left_record_key,
        min(loops.record_key) as right_record_key,
        'parents_in_a_loop' as reason
    from grouped
    inner join {{ ref('xref_accounts') }} as loops on grouped.account_id = loops.account_id
    inner join heads on grouped.root_account_id = heads.account_id
    where grouped.is_in_loop and grouped.account_id <> grouped.root_account_id
    group by grouped.root_account_id
    union all
    select
        min(told.record_key) as left_record_key,
        max(told.record_key) as right_record_key,
        'several_parents' as reason
    from told
    where told.account_id not in (select settled.account_id from settled)
    group by told.account_id
    having min(told.parent_id) < max(told.parent_id)
    union all
    select
        min(points.record_key) as left_record_key,
        min(heads.record_key) as right_record_key,
        case when bool_or(points.point_kind = 'domain') then 'domain_of_a_group' else 'name_of_a_group' end as reason
    from points
    inner join group_points
        on points.point_kind = group_points.point_kind and points.point_value = group_points.point_value
    inner join heads on group_points.root_account_id = heads.account_id
    left join grouped on points.account_id = grouped.account_id
    where
        grouped.account_id is null
        and points.account_id <> 'unknown'
        and points.account_id not in (select settled.account_id from settled)
    group by points.account_id, group_points.root_account_id
)

select
    {{ review_item_id('account', 'missing_parent', 'left_record_key', 'right_record_key') }} as item_id,
    'account' as entity,
    'missing_parent' as kind,
    left_record_key,
    right_record_key,
    reason
from gaps
