-- A corporate merger is a dated row here, never a merge of golden accounts.
select
    account_id,
    {{ group_id_of('root_account_id', 'kind_code') }} as group_id,
    kind_code,
    valid_from,
    valid_to,
    link_source,
    is_as_is,
    is_pro_forma
from {{ ref('int_group_periods') }}
union all
select
    accounts.account_id,
    accounts.group_id,
    'legal' as kind_code,
    cast('1900-01-01' as date) as valid_from,
    cast(null as date) as valid_to,
    'own' as link_source,
    true as is_as_is,
    true as is_pro_forma
from {{ ref('dim_accounts') }} as accounts
left join {{ ref('int_account_roots') }} as linked on accounts.account_id = linked.account_id
where linked.account_id is null
