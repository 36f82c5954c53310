-- Counted again from raw and from the dispositions: what ingest reported is the other side of term C.
with raw_counts as (
    {{ raw_record_counts() }}
),

disposed_counts as (
    select
        contract,
        source_instance,
        _delivery_id,
        count(*) filter (where disposition = 'quarantined') as n_quarantined,
        count(*) filter (where disposition = 'excluded') as n_excluded,
        count(*) filter (where disposition = 'exact_duplicate') as n_exact_duplicate,
        count(*) filter (where disposition = 'superseded') as n_superseded,
        count(*) filter (where disposition = 'suppressed') as n_suppressed,
        count(*) as n_disposed
    from {{ source('collect', 'dispositions') }}
    group by contract, source_instance, _delivery_id
)

select
    coalesce(raw_counts.contract, disposed_counts.contract) as contract,
    coalesce(raw_counts.source_instance, disposed_counts.source_instance) as source_instance,
    coalesce(raw_counts._delivery_id, disposed_counts._delivery_id) as _delivery_id,
    coalesce(raw_counts.n_records, 0) as n_records,
    coalesce(disposed_counts.n_quarantined, 0) as n_quarantined,
    coalesce(disposed_counts.n_excluded, 0) as n_excluded,
    coalesce(disposed_counts.n_exact_duplicate, 0) as n_exact_duplicate,
    coalesce(disposed_counts.n_superseded, 0) as n_superseded,
    coalesce(disposed_counts.n_suppressed, 0) as n_suppressed,
    coalesce(raw_counts.n_records, 0) - coalesce(disposed_counts.n_disposed, 0) as n_kept
from raw_counts
full outer join disposed_counts
    on
        raw_counts.contract = disposed_counts.contract
        and raw_counts.source_instance = disposed_counts.source_instance
        and raw_counts._delivery_id = disposed_counts._delivery_id
