-- An identity whose terms are missing on one side does not balance: absence is not agreement.
with identities (term, identity_code, term_name, side_sign) as (
    values
    ('A', 'bytes_of_lines', 'file_bytes', 1),
    ('A', 'bytes_of_lines', 'lines_bytes', -1),
    ('B', 'lines_of_file', 'physical_lines', 1),
    ('B', 'lines_of_file', 'header_lines', -1),
    ('B', 'lines_of_file', 'blank_lines', -1),
    ('B', 'lines_of_file', 'record_lines', -1),
    ('B', 'lines_of_file', 'quarantined_lines', -1),
    ('B', 'lines_of_file', 'repaired_lines', -1),
    ('C', 'records_of_delivery', 'records_in', 1),
    ('C', 'records_of_delivery', 'kept', -1),
    ('C', 'records_of_delivery', 'quarantined', -1),
    ('C', 'records_of_delivery', 'excluded', -1),
    ('C', 'records_of_delivery', 'exact_duplicate', -1),
    ('C', 'records_of_delivery', 'superseded', -1),
    ('C', 'records_of_delivery', 'suppressed', -1),
    ('C', 'records_counted', 'records_in', 1),
    ('C', 'records_counted', 'counted_records', -1),
    ('C', 'kept_counted', 'kept', 1),
    ('C', 'kept_counted', 'counted_kept', -1),
    ('C', 'quarantined_counted', 'quarantined', 1),
    ('C', 'quarantined_counted', 'counted_quarantined', -1),
    ('C', 'excluded_counted', 'excluded', 1),
    ('C', 'excluded_counted', 'counted_excluded', -1),
    ('C', 'exact_duplicate_counted', 'exact_duplicate', 1),
    ('C', 'exact_duplicate_counted', 'counted_exact_duplicate', -1),
    ('C', 'superseded_counted', 'superseded', 1),
    ('C', 'superseded_counted', 'counted_superseded', -1),
    ('C', 'suppressed_counted', 'suppressed', 1),
    ('C', 'suppressed_counted', 'counted_suppressed', -1),
    ('D', 'records_in_crosswalk', 'kept_rows', 1),
    ('D', 'records_in_crosswalk', 'crosswalk_rows', -1),
    ('D', 'records_in_crosswalk', 'excluded_rows', -1),
    ('D', 'records_with_golden_id', 'golden_crosswalk_rows', 1),
    ('D', 'records_with_golden_id', 'identified_rows', -1),
    ('D', 'survivors_and_merged', 'golden_crosswalk_rows', 1),
    ('D', 'survivors_and_merged', 'golden_records', -1),
    ('D', 'survivors_and_merged', 'merged_records', -1),
    ('E', 'rows_in_facts', 'kept_rows', 1),
    ('E', 'rows_in_facts', 'fact_rows', -1),
    ('E', 'rows_in_facts', 'excluded_rows', -1),
    ('E', 'records_in_staging', 'kept_records', 1),
    ('E', 'records_in_staging', 'staged_records', -1),
    ('E', 'rows_in_months', 'rows_to_date', 1),
    ('E', 'rows_in_months', 'dated_rows', -1),
    ('E', 'rows_in_months', 'undated_rows', -1),
    ('E', 'rows_in_months', 'later_rows', -1),
    ('E', 'rows_in_months', 'intercompany_rows', -1),
    ('F', 'money_in_months', 'amount_to_date', 1),
    ('F', 'money_in_months', 'dated_amount', -1),
    ('F', 'money_in_months', 'undated_amount', -1),
    ('F', 'money_in_months', 'later_amount', -1),
    ('F', 'money_in_months', 'intercompany_amount', -1),
    ('F', 'money_in_facts', 'source_amount', 1),
    ('F', 'money_in_facts', 'kept_amount', -1),
    ('F', 'money_in_facts', 'set_aside_amount', -1),
    ('F', 'money_in_facts', 'excluded_amount', -1),
    ('G', 'decisions_in_journal', 'decided', 1),
    ('G', 'decisions_in_journal', 'journal_decisions', -1)
),

sides as (
    select
        terms.term,
        terms.stream,
        identities.identity_code,
        case
            when terms._delivery_id is not null then terms.source_instance || '/' || terms._delivery_id
            else coalesce(terms.currency, 'all')
        end as place,
        case when identities.side_sign = 1 then terms.value else 0 end as left_value,
        case when identities.side_sign = -1 then terms.value else 0 end as right_value
    from {{ ref('dq_ledger_terms') }} as terms
    inner join identities on terms.term = identities.term and terms.name = identities.term_name
)

select
    term,
    stream,
    identity_code || ':' || place as scope,  -- noqa: RF04
    cast(sum(left_value) as decimal(38, 4)) as left_value,
    cast(sum(right_value) as decimal(38, 4)) as right_value,
    cast(sum(left_value) - sum(right_value) as decimal(38, 4)) as difference
from sides
group by term, stream, identity_code, place
