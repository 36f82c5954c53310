"""Reading the cleaning journal of the last run, with direct identifiers masked.

What does NOT belong here: writing decisions (ingest, matching and dbt do), printing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.dbt_running import WAREHOUSE
from orchestration.masking import masked
from orchestration.publication.hashing import literal

#: Rows that rules flagged carry keys and no values; they complete dq_journal at reading time.
_DECISIONS = """
    select j.contract, j.action, j.reason_code, j.rule_id, j.field, j.record_key,
           j.value_before, j.value_after, j._delivery_id, j._source_row_id,
           d.source_instance, d.file_path, cast(j.n_decisions as bigint) as n_decisions
    from warehouse.quality_dbt.dq_journal as j
    left join read_parquet({deliveries}) as d using (_delivery_id)
    union all by name
    select f.contract, f.action, f.reason_code, f.rule_id, f.field, f.record_key, null as value_before,
           null as value_after, f._delivery_id, f._source_row_id,
           d.source_instance, d.file_path, 1 as n_decisions
    from {failures} as f
    left join read_parquet({deliveries}) as d using (_delivery_id)
"""


@dataclass(frozen=True)
class JournalFilter:
    """What to show; None means everything. record_key: substring. source: source instance."""

    reason_code: str | None = None
    contract: str | None = None
    source: str | None = None
    action: str | None = None
    record_key: str | None = None
    rule_id: str | None = None


def journal_counts(work: Path, wanted: JournalFilter) -> list[dict[str, Any]]:
    """Decisions by contract, action and reason, most frequent first."""
    return _rows(
        work,
        wanted,
        "select contract, action, reason_code, cast(sum(n_decisions) as bigint) as n_decisions",
        "group by contract, action, reason_code order by n_decisions desc, contract, action, reason_code",
    )


def journal_rows(work: Path, wanted: JournalFilter, limit: int) -> list[dict[str, Any]]:
    """Single decisions in file and line order; values of direct identifiers are shown as `***`."""
    rows = _rows(
        work,
        wanted,
        "select *",
        "order by file_path nulls last, _source_row_id nulls last, field, reason_code, record_key"
        f" limit {int(limit)}",
    )
    direct = _direct_columns()
    for row in rows:
        # keys that a source does not give are built from natural keys, such as an attendee's address
        row["record_key"] = masked(row["record_key"]) if row["record_key"] else None
        # a quarantined line (no field) may hold anything
        if (row["contract"], row["field"]) in direct or (row["field"] is None and row["value_before"]):
            row["value_before"] = "***" if row["value_before"] is not None else None
            row["value_after"] = "***" if row["value_after"] is not None else None
        for name in ("value_before", "value_after"):
            row[name] = masked(row[name]) if row[name] else row[name]
    return rows


def _rows(work: Path, wanted: JournalFilter, head: str, tail: str) -> list[dict[str, Any]]:
    warehouse, failures = work / WAREHOUSE, work / "quality" / "rule_failures.parquet"
    if not warehouse.is_file():
        raise FileNotFoundError("no run has been made here yet: run `etalon run`")
    parts = {
        "reason_code": wanted.reason_code,
        "contract": wanted.contract,
        "source_instance": wanted.source,
        "action": wanted.action,
        "rule_id": wanted.rule_id,
    }
    conditions = [f"{column} = ${column}" for column, value in parts.items() if value is not None]
    values = {column: value for column, value in parts.items() if value is not None}
    if wanted.record_key is not None:
        conditions.append("contains(record_key, $record_key)")
        values["record_key"] = wanted.record_key
    decisions = _DECISIONS.format(
        deliveries=literal(str(work / "collect" / "deliveries.parquet")),
        failures=f"read_parquet({literal(str(failures))})" if failures.is_file() else _NO_FAILURES,
    )
    con = duckdb.connect()
    try:
        con.execute("SET threads=2; SET TimeZone='UTC'")
        con.execute(f"attach {literal(str(warehouse))} as warehouse (read_only)")
        where = f" where {' and '.join(conditions)}" if conditions else ""
        cursor = con.execute(f"{head} from ({decisions}){where} {tail}", values)
        names = [item[0] for item in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    finally:
        con.close()


_NO_FAILURES = (
    "(select null::varchar as contract, null::varchar as action, null::varchar as reason_code,"
    " null::varchar as field, null::varchar as record_key, null::varchar as rule_id,"
    " null::varchar as _delivery_id, null::bigint as _source_row_id where false)"
)


def _direct_columns() -> set[tuple[str, str]]:
    from ingest.contract import load_contracts

    return {
        (contract.name, column.name)
        for contract in load_contracts().values()
        for column in contract.columns
        if column.pii == "direct"
    }
