{{ config(materialized="view") }}

-- What the run received and controlled, table by table: the ledger of the records, and the controls of ingest.
-- A file that fills several tables repeats by nature what is not its own record (the customer of each invoice line), so
-- it says nothing of repeated records. Sums of unions, no joins: a table without controls is still a table.
with received as (
    select
        _delivery_id,
        source_instance,
        contract,
        sum(case when name = 'records_in' then value else 0 end) as n_records,
        sum(case when name in ('quarantined', 'excluded') then value else 0 end) as n_set_aside,
        cast(0 as bigint) as n_repeated,
        1 as n_tables
    from {{ source('collect', 'ledger_terms') }}
    where term = 'C' and contract is not null
    group by _delivery_id, source_instance, contract
    union all
    -- the record that stands for it came in the same file
    select
        _delivery_id,
        source_instance,
        contract,
        cast(0 as bigint) as n_records,
        cast(0 as bigint) as n_set_aside,
        count(*) as n_repeated,
        0 as n_tables
    from {{ source('collect', 'dispositions') }}
    where winner_delivery_id = _delivery_id
    group by _delivery_id, source_instance, contract
),

of_deliveries as (
    select
        *,
        sum(n_tables) over (partition by source_instance, _delivery_id) = 1 as is_of_one_table
    from received
),

counted as (
    select
        source_instance,
        contract,
        n_records,
        n_set_aside,
        case when is_of_one_table then n_records else 0 end as n_keyed,
        case when is_of_one_table then n_repeated else 0 end as n_repeated,
        cast(0 as bigint) as n_required,
        cast(0 as bigint) as n_missing,
        cast(0 as bigint) as n_clocked,
        cast(0 as bigint) as n_off_clock
    from of_deliveries
    union all
    select
        source_instance,
        contract,
        cast(0 as bigint) as n_records,
        cast(0 as bigint) as n_set_aside,
        cast(0 as bigint) as n_keyed,
        cast(0 as bigint) as n_repeated,
        case when kind in ('required', 'completeness') then n_evaluated else 0 end as n_required,
        case when kind in ('required', 'completeness') then n_failed else 0 end as n_missing,
        case when kind = 'clock' then n_evaluated else 0 end as n_clocked,
        case when kind = 'clock' then n_failed else 0 end as n_off_clock
    from {{ source('collect', 'control_results') }}
    where kind in ('required', 'completeness', 'clock') and contract is not null
)

select
    counted.source_instance || '/' || counted.contract as source_table_code,
    counted.source_instance,
    counted.contract,
    settings.cycle_start as period_month,
    cast(coalesce(sum(counted.n_records), 0) as bigint) as n_records,
    cast(coalesce(sum(counted.n_set_aside), 0) as bigint) as n_set_aside,
    cast(coalesce(sum(counted.n_keyed), 0) as bigint) as n_keyed,
    cast(coalesce(sum(counted.n_repeated), 0) as bigint) as n_repeated,
    cast(coalesce(sum(counted.n_required), 0) as bigint) as n_required,
    cast(coalesce(sum(counted.n_missing), 0) as bigint) as n_missing,
    cast(coalesce(sum(counted.n_clocked), 0) as bigint) as n_clocked,
    cast(coalesce(sum(counted.n_off_clock), 0) as bigint) as n_off_clock
from counted
cross join {{ run_settings() }} as settings
group by counted.source_instance, counted.contract, settings.cycle_start
