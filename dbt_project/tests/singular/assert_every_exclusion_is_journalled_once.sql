-- Incident: rows left out of a fact by a filter appeared nowhere, and nobody could say what the filter had cost.
-- A row is left out of a stream once for a reason, and the journal says so once.
with sides as (
    select
        stream,
        reason_code,
        record_key,
        _delivery_id,
        _source_row_id,
        _record_part,
        1 as n_excluded,
        0 as n_journalled
    from {{ ref('int_fact_exclusions') }}
    union all
    select
        value_after as stream,
        reason_code,
        record_key,
        _delivery_id,
        _source_row_id,
        _record_part,
        0 as n_excluded,
        n_decisions as n_journalled
    from {{ ref('dq_journal') }}
    where step_code = 'exclusion'
)

select
    stream,
    reason_code,
    _delivery_id,
    _source_row_id,
    _record_part,
    sum(n_excluded) as n_excluded,
    sum(n_journalled) as n_journalled
from sides
group by stream, reason_code, record_key, _delivery_id, _source_row_id, _record_part
having sum(n_excluded) <> 1 or sum(n_journalled) <> 1
