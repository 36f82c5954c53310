-- Incident: rows left out of a fact by a filter appeared nowhere, and nobody could say what the filter had cost.
with sides as (
    select
        stream,
        reason_code,
        1 as n_excluded,
        0 as n_journalled
    from {{ ref('int_fact_exclusions') }}
    union all
    select
        value_after as stream,
        reason_code,
        0 as n_excluded,
        n_decisions as n_journalled
    from {{ ref('dq_journal') }}
    where step_code = 'exclusion'
)

select
    stream,
    reason_code,
    sum(n_excluded) as n_excluded,
    sum(n_journalled) as n_journalled
from sides
group by stream, reason_code
having sum(n_excluded) <> sum(n_journalled)
