select
    cast(step_code as string) as step_code,
    cast(coalesce(contract, 'file') as string) as contract,
    cast(action as string) as action,  -- noqa: RF04
    cast(coalesce(reason_code, 'none') as string) as reason_code,
    cast(sum(n_decisions) as bigint) as n_decisions
from {{ ref('dq_journal') }}
group by step_code, coalesce(contract, 'file'), action, coalesce(reason_code, 'none')
