"""Constraints and tests of the dbt project -> results beside those of the rules: one table says what was assessed.

A constraint holds when its table was built, because the engine refuses rows that break it; a test that fails stops
the run, and its result says so. What does not belong here: running dbt (orchestration), rules (rules/*.yml).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from expectations.catalogue import CatalogueError, Code, Dimension, Strict, explain, read_document
from expectations.connection import connect
from expectations.results import RuleResult, Status, not_assessed, read_results, write_results
from expectations.runner import layer_of

STRUCTURE_FILE = Path(__file__).with_name("structure.yml")
OWNER = "data_engineering"

_LAYER_OF_TAG = {"staging": "raw", "mart": "mart"}
_STATUS: Mapping[str, Status] = {"pass": "pass", "fail": "fail", "warn": "warn"}
# What DuckDB says of a row that a constraint refuses.
_REFUSAL = {"not_null": "not null constraint failed", "primary_key": "duplicate key"}


class Wording(Strict):
    """What a kind of constraint or a test asks, and what its failure means."""

    dimension: Dimension
    reason_code: Code
    fr: str
    en: str


@dataclass(frozen=True)
class Executed:
    """One node that dbt ran: its unique id, status, failing rows and message (may quote data: never shown)."""

    unique_id: str
    status: str
    n_failures: int
    message: str


@dataclass(frozen=True)
class _Assertion:
    """A constraint or a test of one table. `name` and `table` name its result."""

    name: str
    table: str
    wording: Wording
    columns: tuple[str, ...]


@cache
def structure() -> tuple[Mapping[str, Wording], Mapping[str, Wording]]:
    """Wording by kind and by test name. Errors: CatalogueError."""
    document, _ = read_document(STRUCTURE_FILE)
    wording = TypeAdapter(dict[str, Wording])
    try:
        return wording.validate_python(document["kinds"]), wording.validate_python(document["tests"])
    except (KeyError, ValidationError) as error:
        reason = explain(error) if isinstance(error, ValidationError) else f"{error} is missing"
        raise CatalogueError(f"E-EXP-001 {STRUCTURE_FILE.name}: {reason}") from error


def structural_results(
    manifest: Mapping[str, Any], executed: Iterable[Executed], tag: str, sizes: Mapping[str, int]
) -> list[RuleResult]:
    """Results of the constraints and tests of the nodes that one dbt operation ran.

    manifest: dbt's manifest.json. tag: of the operation. sizes: rows of the tables that were built; a view is
    not counted and has 0.
    """
    nodes = manifest["nodes"]
    results = []
    for each in executed:
        node = nodes.get(each.unique_id)
        if node is None:
            continue
        if node["resource_type"] == "model":
            results += [_of_constraint(held, each, tag, sizes) for held in _constraints(node)]
        elif node["resource_type"] == "test" and (held := _test(node, nodes)):
            results.append(_of_test(held, each, tag, sizes))
    return results


def record(results: Sequence[RuleResult], path: Path) -> None:
    """Add results to rule_results.parquet; those of the same assertion and table make way."""
    told = {(each.rule_id, each.table_name) for each in results}
    kept = [each for each in read_results(path) if (each.rule_id, each.table_name) not in told]
    write_results(sorted([*kept, *results], key=lambda each: (each.rule_id, each.table_name)), path)


def table_sizes(warehouse: Path) -> dict[str, int]:
    """Rows of every table, as the engine keeps them; empty when there is no warehouse."""
    if not warehouse.exists():
        return {}
    with connect(warehouse) as connection:
        rows = connection.execute(
            "select schema_name || '.' || table_name, estimated_size from duckdb_tables()"
        ).fetchall()
    return {name: int(size) for name, size in rows}


def _relation(node: Mapping[str, Any]) -> str:
    return f"{node['schema']}.{node.get('alias') or node['name']}"


def _constraints(model: Mapping[str, Any]) -> list[_Assertion]:
    kinds, _ = structure()
    table = _relation(model)
    required = tuple(
        name
        for name, column in model["columns"].items()
        if any(each["type"] == "not_null" for each in column.get("constraints") or ())
    )
    held = [_Assertion("D-not_null", table, kinds["not_null"], required)] if required else []
    held += [
        _Assertion("D-primary_key", table, kinds["primary_key"], tuple(each["columns"]))
        for each in model.get("constraints") or ()
        if each["type"] == "primary_key"
    ]
    return held


def _test(test: Mapping[str, Any], nodes: Mapping[str, Any]) -> _Assertion | None:
    """A generic test by its kind and columns, another one by its name; None for one without wording."""
    kinds, tests = structure()
    kind = (test.get("test_metadata") or {}).get("name")
    attached = test.get("attached_node") or next(
        (name for name in test["depends_on"]["nodes"] if name in nodes), None
    )
    wording = kinds.get(kind) if kind else tests.get(test["name"])
    if wording is None or attached not in nodes:
        return None
    columns = (test["column_name"],) if test.get("column_name") else ()
    columns = columns or tuple(test["test_metadata"]["kwargs"].get("columns", ())) if kind else ()
    name = "-".join(["D", kind, *columns]) if kind else f"D-{test['name']}"
    return _Assertion(name, _relation(nodes[attached]), wording, columns)


def _bare(held: _Assertion, tag: str, sizes: Mapping[str, int]) -> RuleResult:
    shown = {"columns": ", ".join(held.columns)}
    return RuleResult(
        rule_id=held.name,
        layer=_LAYER_OF_TAG.get(tag) or layer_of(held.table) or "fact",
        table_name=held.table,
        severity="critical",
        status="pass",
        n_evaluated=sizes.get(held.table, 0),
        n_failed=0,
        failed_share=None,
        tolerance=Decimal(0),
        reason_code=held.wording.reason_code,
        owner=OWNER,
        question_fr=held.wording.fr.format(**shown),
        question_en=held.wording.en.format(**shown),
        dimension=held.wording.dimension,
        origin="dbt",
    )


def _of_constraint(held: _Assertion, executed: Executed, tag: str, sizes: Mapping[str, int]) -> RuleResult:
    result = _bare(held, tag, sizes)
    if executed.status == "success":
        return _counted(result, "pass", 0)
    if _REFUSAL[held.name.removeprefix("D-")] in executed.message.lower():
        return _counted(result, "fail", 1)  # the engine stops at the first row that it refuses
    return not_assessed(result, "table_missing", "not_built")


def _of_test(held: _Assertion, executed: Executed, tag: str, sizes: Mapping[str, int]) -> RuleResult:
    result = _bare(held, tag, sizes)
    if executed.status in _STATUS:
        return _counted(result, _STATUS[executed.status], executed.n_failures)
    if executed.status == "skipped":
        return not_assessed(result, "table_missing", "tested_not_built")
    return not_assessed(result, "broken", "test_broken")


def _counted(result: RuleResult, status: Status, n_failed: int) -> RuleResult:
    n = max(result.n_evaluated, n_failed)
    share = (Decimal(n_failed) / n).quantize(Decimal("0.000001")) if n else None
    return RuleResult(
        **{
            **vars(result),
            "status": status,
            "n_failed": n_failed,
            "n_evaluated": n,
            "failed_share": share,
        }
    )
