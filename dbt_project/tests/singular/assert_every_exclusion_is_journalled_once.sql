-- Incident: rows left out of a fact by a filter appeared nowhere, and nobody could say what the filter had cost.
select
    exclusions.stream,
    exclusions.reason_code,
    count(*) as n_rows
from {{ ref('dq_exclusions') }} as exclusions
left join {{ ref('dq_journal') }} as journal
    on
        journal.step_code = 'exclusion'
        and exclusions.stream = journal.value_after
        and exclusions._delivery_id = journal._delivery_id
        and exclusions._source_row_id = journal._source_row_id
        and exclusions._record_part = journal._record_part
group by exclusions.stream, exclusions.reason_code
having count(*) <> count(distinct journal.journal_id)
