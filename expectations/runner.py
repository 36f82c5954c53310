"""Evaluate the catalogue on a warehouse: SQL counts, exact decimals judge, Great Expectations judges again.

Rules are counted as sets, one pass a table (counting.py). Great Expectations then holds its suite, made from
the same catalogue, against these counts: an aggregate of one row, off the path of the data, and a verdict that
differs from ours breaks the rule. Failing rows come from SQL compiled from the same check, and both counts
must agree.

What does not belong here: the decision about the cycle (gate.py), the wording of rules (rules/*.yml).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa

from expectations.catalogue import Catalogue, Rule, load_catalogue
from expectations.checks import Check
from expectations.compilation import ROWS, Compiled, compile_check
from expectations.connection import connect, read_cycle
from expectations.counting import Broken, count_rows
from expectations.policy import Policy, apply_waivers, load_policy
from expectations.results import (
    UNCOVERED,
    RuleResult,
    judge,
    merge_results,
    not_assessed,
    read_results,
    unjudged,
    write_parquet,
    write_results,
)
from expectations.wording import worded
from ingest.sql import ident, literal

FAILURES = pa.schema(
    [
        ("cycle", pa.string()),
        ("rule_id", pa.string()),
        ("layer", pa.string()),
        ("table_name", pa.string()),
        ("contract", pa.string()),
        ("record_key", pa.string()),
        ("field", pa.string()),
        ("_delivery_id", pa.string()),
        ("_source_row_id", pa.int64()),
        ("reason_code", pa.string()),
        ("action", pa.string()),
        ("owner", pa.string()),
    ]
)


@dataclass(frozen=True)
class _Assessment:
    """One check on its way: compiled, then counted."""

    rule: Rule
    check: Check
    layer: str
    compiled: Compiled
    result: RuleResult
    may_be_empty: bool
    ready: bool = True  # False when there is nothing to count: source or table missing


def validate(
    warehouse: Path,
    layers: set[str],
    *,
    catalogue: Catalogue | None = None,
    policy: Policy | None = None,
) -> list[RuleResult]:
    """Assess the rules of `layers` (raw, master, fact before the gate; mart after the marts).

    Reads the warehouse read only, run/settings.parquet and collect/ledger_terms.parquet beside it; writes
    quality/rule_results.parquet (all layers known) and quality/rule_failures.parquet (failing rows: keys,
    no values). Returns the results of all layers known, in the order of rule ids. A rule that cannot be
    evaluated is not_assessed with its cause; it never raises and never passes.
    """
    work = warehouse.parent
    catalogue = catalogue or load_catalogue()
    policy = policy or load_policy()
    cycle, as_of, cycle_end = read_cycle(work)
    with connect(warehouse) as connection:
        columns = _columns(connection)
        kept = _kept_rows(connection, work)
        assessed = _count(connection, _prepare(catalogue, layers, as_of, columns, kept))
        assessed = _judged_again(assessed)
        assessed, failures = _list_failures(connection, assessed, columns, cycle, catalogue)
    results = apply_waivers([each.result for each in assessed], policy, cycle_end)
    results += uncovered(catalogue, layers, columns, kept, results)
    quality = work / "quality"
    merged = merge_results(read_results(quality / "rule_results.parquet"), results, layers)
    _write_failures(quality / "rule_failures.parquet", failures, {each.layer for each in merged} - layers)
    write_results(merged, quality / "rule_results.parquet")
    return merged


def _columns(connection: duckdb.DuckDBPyConnection) -> Mapping[str, frozenset[str]]:
    rows = connection.execute(
        "select table_schema || '.' || table_name, list(column_name) from information_schema.columns"
        " where table_catalog = current_database() group by 1"
    ).fetchall()
    return {name: frozenset(names) for name, names in rows}


def _kept_rows(connection: duckdb.DuckDBPyConnection, work: Path) -> Mapping[str, int] | None:
    """Kept rows by contract; None when ingest left no ledger: every contract then counts as having rows."""
    file = work / "collect" / "ledger_terms.parquet"
    if not file.exists():
        return None
    rows = connection.execute(
        "select contract, sum(value) from read_parquet(?) where term = 'C' and name = 'kept'"
        " group by contract",
        [str(file)],
    ).fetchall()
    return {contract: int(kept) for contract, kept in rows}


def _prepare(
    catalogue: Catalogue,
    layers: set[str],
    as_of: datetime,
    columns: Mapping[str, frozenset[str]],
    kept: Mapping[str, int] | None,
) -> list[_Assessment]:
    prepared = []
    for rule in catalogue.rules:
        for check in rule.checks:
            layer = catalogue.layer(check)
            if layer not in layers:
                continue
            compiled = compile_check(check, as_of=as_of, fed_by=catalogue.tables[check.table].fed_by)
            result = unjudged(rule, layer, check.table)
            absent = () if kept is None else catalogue.absent(check, kept)
            missing = [name for name in compiled.relations if name not in columns]
            if absent:
                result = replace(
                    not_assessed(result, "source_absent", "source_absent", contracts=", ".join(absent)),
                    absent_contracts=", ".join(absent),
                )
            elif missing:
                result = not_assessed(
                    result, "table_missing", "relation_missing", relations=", ".join(missing)
                )
            prepared.append(
                _Assessment(
                    rule,
                    check,
                    layer,
                    compiled,
                    result,
                    may_be_empty=catalogue.may_be_empty(check),
                    ready=not (absent or missing),
                )
            )
    return prepared


def _count(connection: duckdb.DuckDBPyConnection, assessments: list[_Assessment]) -> list[_Assessment]:
    """Each assessment with its judged counts; those that are not ready stay as they are."""
    found = count_rows(connection, {i: each.compiled for i, each in enumerate(assessments) if each.ready})
    counted = []
    for i, each in enumerate(assessments):
        counts = found.get(i)
        if isinstance(counts, Broken):
            code = "query_refused" if counts.reason else "query_failed"
            each = replace(each, result=not_assessed(each.result, "broken", code, reason=counts.reason))
        elif counts is not None:
            result = judge(
                each.rule, each.layer, each.check.table, counts.n_evaluated, counts.n_failed,
                may_be_empty=each.may_be_empty,
            )  # fmt: skip
            each = replace(each, result=result)
        counted.append(each)
    return counted


def _judged_again(assessed: list[_Assessment]) -> list[_Assessment]:
    """The same, rules broken whose verdict Great Expectations does not share."""
    judged = [each.result for each in assessed if each.result.status in ("pass", "warn", "fail")]
    if not judged:
        return assessed
    from expectations.suites import agreements  # late: Great Expectations takes seconds to load

    agreed = agreements(judged)
    return [
        replace(each, result=not_assessed(each.result, "broken", "suite_disagrees"))
        if not agreed.get((each.result.rule_id, each.result.table_name), True)
        else each
        for each in assessed
    ]


def _list_failures(
    connection: duckdb.DuckDBPyConnection,
    assessed: list[_Assessment],
    columns: Mapping[str, frozenset[str]],
    cycle: str,
    catalogue: Catalogue,
) -> tuple[list[_Assessment], list[pa.Table]]:
    listed, tables = [], []
    for each in assessed:
        if each.result.status == "not_assessed" or each.result.n_failed == 0:
            listed.append(each)
            continue
        statement = failing_rows_sql(
            each.rule, each.check, each.compiled, each.layer, columns, cycle, catalogue
        )
        rows = connection.sql(statement).to_arrow_table().cast(FAILURES)
        if rows.num_rows != each.result.n_failed:
            counted = {"n_counted": each.result.n_failed, "n_listed": rows.num_rows}
            each = replace(each, result=not_assessed(each.result, "broken", "counts_differ", **counted))
        tables.append(rows)
        listed.append(each)
    return listed, tables


def failing_rows_sql(
    rule: Rule,
    check: Check,
    compiled: Compiled,
    layer: str,
    columns: Mapping[str, frozenset[str]],
    cycle: str,
    catalogue: Catalogue,
) -> str:
    """The select that lists the failing rows of a check in the columns of rule_failures.parquet."""
    available = columns[check.table] if compiled.provenance is None else compiled.provenance
    keys = ", ".join(f"cast({ROWS}.{ident(name)} as varchar)" for name in compiled.key)
    contracts = catalogue.tables[check.table].fed_by
    shown = {
        "cycle": literal(cycle),
        "rule_id": literal(rule.id),
        "layer": literal(layer),
        "table_name": literal(check.table),
        "contract": literal(contracts[0]) if layer == "raw" else "cast(null as varchar)",
        "record_key": f"concat_ws('/', {keys})" if keys else "cast(null as varchar)",
        "field": literal(check.field) if check.field else "cast(null as varchar)",
        "_delivery_id": f"{ROWS}._delivery_id" if "_delivery_id" in available else "cast(null as varchar)",
        "_source_row_id": f"{ROWS}._source_row_id"
        if "_source_row_id" in available
        else "cast(null as bigint)",
        "reason_code": literal(rule.reason_code),
        "action": literal("keep_flagged"),
        "owner": literal(rule.owner),
    }
    order = "record_key, _delivery_id, _source_row_id"
    return (
        compiled.failing(", ".join(f"{sql} as {name}" for name, sql in shown.items())) + f" order by {order}"
    )


def _write_failures(path: Path, found: Iterable[pa.Table], standing: set[str]) -> None:
    """Failing rows of this validation, and those of the earlier layers that still stand."""
    former = []
    if path.exists():
        with duckdb.connect() as connection:
            rows = connection.sql(
                "select * from read_parquet(?) where layer in (select unnest(?::varchar[]))",
                params=[str(path), sorted(standing)],
            )
            former.append(rows.to_arrow_table().cast(FAILURES))
    write_parquet(pa.concat_tables([FAILURES.empty_table(), *former, *found]), path)


def layer_of(relation: str) -> str | None:
    """The layer whose rules must assess a relation, None where none is due (resolution, seeds, ledgers).

    golden_values is computed when somebody asks; dbt tests hold what it is made of.
    """
    schema, name = relation.split(".", 1)
    if relation == "master.golden_values":
        return None
    if schema == "master":
        return "fact" if name.startswith("fct_") else "master"
    return {"staging": "raw", "metrics": "fact", "marts": "mart"}.get(schema)


def uncovered(
    catalogue: Catalogue,
    layers: set[str],
    columns: Mapping[str, frozenset[str]],
    kept: Mapping[str, int] | None,
    results: Sequence[RuleResult],
) -> list[RuleResult]:
    """Tables of the run that no rule assessed, or fewer rules of a dimension than the index asks for: absence of a
    verdict shows, it never passes.

    columns: of every relation of the warehouse. kept: rows by contract, None when unknown.
    """
    looked_at = ("empty", "small_sample")
    assessed = {
        each.table_name for each in results if each.status != "not_assessed" or each.cause in looked_at
    }
    expected: dict[str, str] = {}
    for name in columns:
        layer = layer_of(name)
        if layer in layers and name not in catalogue.tables:
            expected[name] = layer
    for name, entry in catalogue.tables.items():
        fed = kept is None or any(kept.get(contract) for contract in entry.fed_by)
        if entry.layer in layers and fed:
            expected[name] = entry.layer
    details = {
        name: worded("uncovered" if name in columns else "table_missing")
        for name in expected
        if name not in assessed
    }
    spoke = Counter((each.table_name, each.dimension) for each in results)
    for name, entry in catalogue.tables.items():
        lost = [
            f"{dimension} {spoke[name, dimension]}/{asked}"
            for dimension, asked in entry.assess.items()
            if spoke[name, dimension] < asked
        ]
        if lost and name in expected:
            details.setdefault(name, worded("rules_lost", lost=", ".join(lost)))
    return [
        RuleResult(
            rule_id=UNCOVERED,
            layer=expected[name],
            table_name=name,
            severity="warning",
            status="not_assessed",
            n_evaluated=0,
            n_failed=0,
            failed_share=None,
            tolerance=Decimal(0),
            **detail,
            cause="uncovered",
            dimension="completeness",
        )
        for name, detail in sorted(details.items())
    ]
