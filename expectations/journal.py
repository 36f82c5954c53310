"""Read the cleaning journal: every decision of ingest, matching and policy, every row that a rule or a control
flagged, and the class of every outlier.

Rows come from quality_dbt.dq_journal and dq_outliers of the warehouse, from quality/rule_failures.parquet and from
collect/control_failures.parquet, filtered, masked and cut in DuckDB. Direct identifiers never leave unmasked;
stewards open the warehouse itself. What does not belong here: deciding, wording (ingest/reasons.yml), printing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from expectations.connection import connect
from ingest.contract import load_contracts
from ingest.errors import NoRunYetError
from ingest.sql import literal

#: Rows that rules and controls flagged carry keys and no values; they complete dq_journal at reading time. A flag is
#: raised as of the cycle, by the version of the catalogue and policy that the run was made with.
_DECISIONS = """
    select j.journal_id, j.run_id, j.cycle, j.step_code, j.contract, coalesce(j.contract, 'file') as table_name,
           j.action, j.reason_code, j.rule_id, j.rule_version, j.actor, j.decided_at, j.comment, j.field, j.record_key,
           j.value_before, j.value_after, j._delivery_id, j._source_row_id,
           coalesce(d.source_instance, nullif(split_part(j.record_key, '/', 1), j.record_key)) as source_instance,
           d.file_path, cast(j.n_decisions as bigint) as n_decisions
    from quality_dbt.dq_journal as j
    left join read_parquet({deliveries}) as d using (_delivery_id)
    union all by name
    select {flag_id} as journal_id, s.run_id, s.cycle, f.step_code, f.contract,
           coalesce(f.contract, f.table_name) as table_name, f.action, f.reason_code, f.rule_id,
           s.policy_version as rule_version, 'rule' as actor, s.as_of as decided_at, f.comment, f.field,
           f.record_key, null as value_before, null as value_after, f._delivery_id, f._source_row_id,
           coalesce(
               d.source_instance,
               case when f.step_code = 'outlier' then nullif(split_part(f.record_key, '/', 1), f.record_key) end
           ) as source_instance,
           d.file_path, 1 as n_decisions
    from (
        select 'rule' as step_code, rule_id, contract, table_name, action, reason_code, field, record_key,
               _delivery_id, _source_row_id, null as comment
        from {failures}
        union all
        select 'control', control_id, contract, contract, action, reason_code, field, record_key,
               _delivery_id, _source_row_id, null
        from {controls}
        union all
        select 'outlier', null, nullif(split_part(record_key, '/', 2), ''), 'quality_dbt.dq_outliers', 'keep_flagged',
               'outlier_' || class_code, metric_code, record_key, null, null, reason_code
        from {outliers}
        where class_code <> 'error'  -- an error is an exclusion of dq_journal
    ) as f
    cross join read_parquet({settings}) as s
    left join read_parquet({deliveries}) as d using (_delivery_id)
"""
_FLAG_ID = (
    "md5(concat_ws('|', f.step_code, f.rule_id, f.table_name, f.record_key, f.field, f._delivery_id,"
    " cast(f._source_row_id as varchar)))"
)
_NO_FAILURES = (
    "(select null::varchar as contract, null::varchar as table_name, null::varchar as action,"
    " null::varchar as reason_code, null::varchar as field, null::varchar as record_key, null::varchar as rule_id,"
    " null::varchar as control_id, null::varchar as _delivery_id, null::bigint as _source_row_id where false)"
)
_NO_OUTLIERS = (
    "(select null::varchar as record_key, null::varchar as metric_code, null::varchar as class_code,"
    " null::varchar as reason_code where false)"
)
#: Who decided, other than the name of a person.
ANY_PERSON, RULE = "person", "rule"


@dataclass(frozen=True)
class JournalFilter:
    """What to show; None means everything. record_key: part of a key. source: source instance.

    actor: `rule`, `person` (whoever) or a name. delivery_id, line: the place of one row.
    """

    reason_code: str | None = None
    contract: str | None = None
    source: str | None = None
    action: str | None = None
    record_key: str | None = None
    rule_id: str | None = None
    actor: str | None = None
    delivery_id: str | None = None
    line: int | None = None


def journal_counts(work: Path, wanted: JournalFilter) -> list[dict[str, Any]]:
    """Decisions by contract, action and reason, most frequent first.

    Errors: NoRunYetError before the first run, duckdb.IOException while another process writes the
    warehouse.
    """
    return _rows(
        work,
        wanted,
        "contract, action, reason_code, cast(sum(n_decisions) as bigint) as n_decisions",
        "group by contract, action, reason_code order by n_decisions desc, contract, action, reason_code",
    )


def journal_rows(work: Path, wanted: JournalFilter, limit: int, *, raw: bool = False) -> list[dict[str, Any]]:
    """Single decisions in file and line order. Direct identifiers are masked unless raw; a whole line may hold any of
    them.

    Errors: as journal_counts.
    """
    return _rows(
        work,
        wanted,
        "*" if raw else f"* replace ({_masked('value_before')}, {_masked('value_after')})",
        "order by file_path nulls last, _source_row_id nulls last, field, reason_code, record_key, contract,"
        f" rule_id, value_before, journal_id limit {int(limit)}",
    )


def _rows(work: Path, wanted: JournalFilter, head: str, tail: str) -> list[dict[str, Any]]:
    warehouse = work / "warehouse.duckdb"
    if not warehouse.is_file():
        raise NoRunYetError("no run has been made here yet")
    equal = {
        "reason_code": wanted.reason_code,
        "contract": wanted.contract,
        "source_instance": wanted.source,
        "action": wanted.action,
        "rule_id": wanted.rule_id,
        "_delivery_id": wanted.delivery_id,
        "_source_row_id": wanted.line,
        "actor": None if wanted.actor == ANY_PERSON else wanted.actor,
    }
    values = {column: value for column, value in equal.items() if value is not None}
    conditions = [f"{column} = ${column}" for column in values]
    if wanted.actor == ANY_PERSON:
        conditions.append(f"actor <> {literal(RULE)}")
    if wanted.record_key is not None:
        conditions.append("contains(record_key, $record_key)")
        values["record_key"] = wanted.record_key
    where = f"where {' and '.join(conditions)}" if conditions else ""
    with connect(warehouse) as connection:
        decisions = _DECISIONS.format(
            deliveries=literal(str(work / "collect" / "deliveries.parquet")),
            failures=_listed(work / "quality" / "rule_failures.parquet"),
            controls=_listed(work / "collect" / "control_failures.parquet"),
            outliers=_outliers(connection),
            settings=literal(str(work / "run" / "settings.parquet")),
            flag_id=_FLAG_ID,
        )
        return _as_dictionaries(
            connection.execute(f"select {head} from ({decisions}) {where} {tail}", values)
        )


def _outliers(connection: duckdb.DuckDBPyConnection) -> str:
    """SQL of the classed outliers, of none where the run stopped before them."""
    found = connection.execute(
        "select count(*) from information_schema.tables"
        " where table_schema = 'quality_dbt' and table_name = 'dq_outliers'"
    ).fetchone()
    return "quality_dbt.dq_outliers" if found and found[0] else _NO_OUTLIERS


def _listed(file: Path) -> str:
    """SQL of the rows of a list of failing rows, of none where the step has left no list."""
    return f"read_parquet({literal(str(file))})" if file.is_file() else _NO_FAILURES


def _as_dictionaries(cursor: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [item[0] for item in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _masked(value: str) -> str:
    """A value column: `j***@acme.example` or `+***` where its field is a direct identifier, `***` for a
    line.
    """
    direct = ", ".join(
        literal(f"{contract.name}.{column.name}")
        for contract in load_contracts().values()
        for column in contract.columns
        if column.names_people
    )
    return (
        f"case when {value} is null then null"
        " when action in ('quarantine', 'correct') and field is null then '***'"
        f" when coalesce(contract || '.' || field in ({direct}), false)"
        f" then case when regexp_full_match({value}, '[^@;, ]+@[^@;, ]+')"
        f" then left({value}, 1) || '***@' || split_part({value}, '@', 2) else left({value}, 1) || '***' end"
        f" else {value} end as {value}"
    )
