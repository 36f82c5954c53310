"""Find what is to be fixed, say what hangs on it, and carry what earlier publications knew.

Everything is a set in DuckDB: failing rows of rules and controls, lines and records that did not get in, then joins on
these few rows. An item closes when it is no longer found although its rule was assessed: a rule that could not be
assessed closes nothing. What does NOT belong here: questions for stewards (dq_review_queue), printing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from expectations.connection import connect
from expectations.results import write_parquet
from ingest.contract import load_contracts
from ingest.sql import literal
from ingest.strict_yaml import read_yaml
from orchestration.dbt_running import WAREHOUSE
from orchestration.settings import read_settings
from orchestration.worklists.impact import find_impacts
from orchestration.worklists.schema import HISTORY, HISTORY_FILE, WORKLIST, WORKLIST_FILE, rows_of
from orchestration.worklists.staging import find_origins

OWNERS_FILE = Path(__file__).with_name("owners.yml")
#: Rule id of what did not get in: no rule of the catalogue refused it, reading did.
QUARANTINE = "quarantine"
#: Closed items stay this many days; older ones are forgotten.
KEPT_DAYS = 400


@dataclass(frozen=True)
class WorklistCounts:
    """Items of a worklist: open ones, those of them that this run opened, those that it closed."""

    n_open: int
    n_opened: int
    n_closed: int


def build_worklist(work: Path, published: Path) -> WorklistCounts:
    """Write quality/worklist.parquet of the run in `work`, carrying on what `published` knows.

    Reads the warehouse read only, quality/rule_failures.parquet, rule_results.parquet and collect/*. Dates come from
    deliveries and the cycle, never from the clock. Raises FileNotFoundError before the first run.
    """
    settings = read_settings(work)
    with connect(work / WAREHOUSE) as con:
        con.register("owners", _owners())
        con.execute(f"create temp table raised as {_raised(work)}")
        find_origins(con)
        con.execute(f"create temp table found as {_found(work)}", {"last_day": settings.cycle_end})
        find_impacts(con)
        con.execute(f"create temp table known as {_known(published)}", {"cycle": settings.cycle})
        con.execute(f"create temp table assessed as {_assessed(work)}")
        con.execute(_ITEMS, {"cycle": settings.cycle, "cycle_end": settings.cycle_end})
        rows = con.sql(_RANKED).to_arrow_table()
        counts = con.execute(
            "select count(*) filter (where status = 'open'), count(*) filter (where is_opened_now),"
            " count(*) filter (where is_closed_now) from items"
        ).fetchall()[0]
    write_parquet(rows.select(WORKLIST.names).cast(WORKLIST), work / WORKLIST_FILE)
    return WorklistCounts(*counts)


def contract_owners() -> dict[str, str]:
    """contract -> role that mends its records, where no rule says so."""
    by_domain = read_yaml(OWNERS_FILE)
    return {contract.name: by_domain[contract.domain] for contract in load_contracts().values()}


def _owners() -> pa.Table:
    owners = contract_owners()
    return pa.table({"contract": list(owners), "owner": list(owners.values())})


def _raised(work: Path) -> str:
    """Select of what is wrong now, as rules, controls and reading name it."""
    collect = work / "collect"
    return f"""
    with deliveries as (
        select * from read_parquet({_path(collect / "deliveries.parquet")})
    ),
    file_owners as (
        select terms._delivery_id, first(owners.owner order by terms.value desc, owners.owner) as owner
        from read_parquet({_path(collect / "ledger_terms.parquet")}) as terms
        inner join owners on terms.contract = owners.contract
        where terms.term = 'C' and terms.name = 'records_in'
        group by terms._delivery_id
    ),
    -- a touch that the CRM alone recorded bears the key of its record behind its stream
    failed as (
        select * replace (regexp_replace(record_key, '^activity:', '') as record_key)
        from {_or_none(work / "quality" / "rule_failures.parquet")}
    )
        -- a failing row that is no record of a source (a month, a call, a source) is nobody's to mend one by one
        select f.rule_id, f.reason_code, f.table_name, split_part(f.record_key, '/', 1) as source_instance,
            owners.contract, f.record_key, f.field, f.owner, f._delivery_id
        from failed as f
        inner join owners on split_part(f.record_key, '/', 2) = owners.contract
        where split_part(f.record_key, '/', 3) <> ''
        union all
        select f.control_id, f.reason_code, f.contract, f.source_instance, f.contract, f.record_key, f.field,
            owners.owner, f._delivery_id
        from {_or_none(collect / "control_failures.parquet")} as f
        inner join owners on f.contract = owners.contract
        where f.record_key is not null
        union all
        select '{QUARANTINE}', q.reason_code, '{QUARANTINE}', deliveries.source_instance, q.contract,
            deliveries.file_path || ':' || q._source_row_id
            || case when q._record_part > 0 then '#' || q._record_part else '' end,
            null, owners.owner, q._delivery_id
        from read_parquet({_path(collect / "dispositions.parquet")}) as q
        inner join deliveries on q._delivery_id = deliveries._delivery_id
        inner join owners on q.contract = owners.contract
        where q.disposition = 'quarantined'
        union all
        select '{QUARANTINE}', q.reason_code, '{QUARANTINE}', deliveries.source_instance, null,
            deliveries.file_path || ':' || q._source_row_id, null,
            coalesce(file_owners.owner, 'data_engineering'), q._delivery_id
        from {_or_none(collect / "quarantine_lines.parquet")} as q
        inner join deliveries on q._delivery_id = deliveries._delivery_id
        left join file_owners on q._delivery_id = file_owners._delivery_id
    """


def _found(work: Path) -> str:
    """Select of what is wrong now, one row an item. $last_day: first day after the cycle.

    A rule on facts names no delivery: it is that of the record.
    """
    return f"""
    with dated as (
        select raised.*, coalesce(raised._delivery_id, origins._delivery_id) as brought_by
        from raised
        left join origins on raised.record_key = origins.record_key
    )
    select
        'wrk_' || left(md5(concat_ws('|', raised.rule_id, coalesce(raised.contract, ''), raised.record_key,
            coalesce(raised.field, ''))), 16) as item_id,
        raised.rule_id, min(raised.reason_code) as reason_code, min(raised.table_name) as table_name,
        min(raised.source_instance) as source_instance, raised.contract, raised.record_key, raised.field,
        min(raised.owner) as owner,
        least(coalesce(min(deliveries.delivered_on), $last_day - 1), $last_day - 1) as since_on
    from dated as raised
    left join read_parquet({_path(work / "collect" / "deliveries.parquet")}) as deliveries
        on raised.brought_by = deliveries._delivery_id
    group by raised.rule_id, raised.contract, raised.record_key, raised.field
    """


def _known(published: Path) -> str:
    """Select of what the last publication knew. A past cycle that is run again knows only what was open by then."""
    file = published / HISTORY_FILE
    if not file.is_file():
        columns = ", ".join(f"cast(null as {_SQL_TYPES.get(f.name, 'varchar')}) as {f.name}" for f in HISTORY)
        return f"select {columns} where $cycle is null"
    return (
        f"select * from {rows_of(file)} where opened_cycle <= $cycle and (cycle <= $cycle or status = 'open')"
    )


_SQL_TYPES = {
    "impact_value": "decimal(18, 2)",
    "opened_on": "date",
    "closed_on": "date",
    "days_to_fix": "int",
    "age_days": "int",
    "impact_rank": "int",
}


def _assessed(work: Path) -> str:
    """Select of (rule, table) -> whether it was assessed; a rule that exists no more has no row."""
    return f"""
    select rule_id, table_name, bool_or(status <> 'not_assessed') as is_assessed
    from read_parquet({_path(work / "quality" / "rule_results.parquet")})
    group by rule_id, table_name
    union all
    select source_instance || '/' || control, contract, bool_or(status <> 'not_assessed')
    from {_or_none(work / "collect" / "control_results.parquet")}
    where contract is not null
    group by source_instance, control, contract
    union all
    select '{QUARANTINE}', '{QUARANTINE}', true
    """


#: Found now: open. No longer found: closed by the last extract of its source, if its rule was assessed.
_ITEMS = f"""
create temp table items as
with last_extracts as (
    select source_instance, max(delivered_on) as delivered_on from collect.deliveries group by source_instance
),
opened as (
    select
        found.item_id, found.rule_id, found.reason_code, found.table_name, found.source_instance, found.contract,
        found.record_key, found.field, found.owner, impacts.assignee, impacts.impact_value, impacts.impact_unit,
        impacts.impact_key,
        'open' as status,
        case
            when known.status = 'open' then known.opened_on
            else greatest(found.since_on, coalesce(known.closed_on, found.since_on))
        end as opened_on,
        case when known.status = 'open' then known.opened_cycle else $cycle end as opened_cycle,
        cast(null as date) as closed_on,
        known.status is distinct from 'open' as is_opened_now,
        false as is_closed_now
    from found
    left join impacts using (item_id)
    left join known using (item_id)
),
left_over as (
    select
        known.*,
        known.status = 'open' and coalesce(assessed.is_assessed, false) as is_closing,
        greatest(
            known.opened_on, least(coalesce(last_extracts.delivered_on, $cycle_end - 1), $cycle_end - 1)
        ) as fixed_on
    from known
    left join assessed on known.rule_id = assessed.rule_id and known.table_name = assessed.table_name
    left join last_extracts on known.source_instance = last_extracts.source_instance
    where
        known.item_id not in (select item_id from found)
        -- a rule that was withdrawn asks nobody for anything
        and (known.status = 'closed' or assessed.rule_id is not null)
),
remaining as (
    select
        item_id, rule_id, reason_code, table_name, source_instance, contract, record_key, field, owner, assignee,
        impact_value, impact_unit, impact_key,
        case when is_closing then 'closed' else status end as status,
        opened_on, opened_cycle,
        case when is_closing then fixed_on else closed_on end as closed_on,
        false as is_opened_now,
        is_closing as is_closed_now
    from left_over
)
select
    *,
    cast(closed_on - opened_on as int) as days_to_fix,
    case when status = 'open' then cast($cycle_end - 1 - opened_on as int) end as age_days
from (select * from opened union all select * from remaining)
where status = 'open' or closed_on > $cycle_end - {KEPT_DAYS}
"""

#: Money first, then leads, touches and records: what no amount hangs on cannot be compared with an amount.
_RANKED = """
select
    *,
    case
        when status = 'open' then cast(row_number() over (
            partition by status
            order by coalesce(list_position(['leads', 'touches', 'records'], impact_unit), 0) asc,
            impact_value desc nulls last, item_id asc
        ) as int)
    end as impact_rank
from items
order by impact_rank asc nulls last, closed_on desc, item_id asc
"""


def _path(file: Path) -> str:
    return literal(str(file))


def _or_none(file: Path) -> str:
    """The rows of a list; none where its step has left no list."""
    return f"read_parquet({_path(file)})" if file.is_file() else f"({_NO_ROWS})"


_NO_ROWS = "select {} where false".format(
    ", ".join(
        f"cast(null as {kind}) as {name}"
        for name, kind in {
            **dict.fromkeys(
                (
                    *(
                        "rule_id",
                        "control_id",
                        "control",
                        "reason_code",
                        "table_name",
                        "contract",
                        "record_key",
                    ),
                    *("field", "owner", "source_instance", "status", "_delivery_id"),
                ),
                "varchar",
            ),
            "_source_row_id": "bigint",
        }.items()
    )
)
