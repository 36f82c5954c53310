"""What a validation found, as data: one row per rule and table, compared exactly with the rule's tolerance.

What does not belong here: evaluating (runner.py), deciding (gate.py). Files are written beside and renamed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from expectations.catalogue import LAYERS, Dimension, Rule
from expectations.wording import worded

Status = Literal["pass", "warn", "fail", "not_assessed", "waived"]
Origin = Literal["catalogue", "dbt"]
Cause = Literal[
    "source_absent", "empty", "too_few_rows", "small_sample", "table_missing", "broken", "uncovered"
]

UNCOVERED = "R-IDX-001"  # not a rule: the row by which a table without an assessed rule shows


@dataclass(frozen=True)
class RuleResult:
    """One rule on one table. Shares go from 0 to 1; `cause` is set when the rule was not assessed.

    origin: `catalogue` for a rule of rules/*.yml, `dbt` for a constraint or test of the dbt project.
    """

    rule_id: str
    layer: str
    table_name: str
    severity: str
    status: Status
    n_evaluated: int
    n_failed: int
    failed_share: Decimal | None
    tolerance: Decimal
    detail: str = ""  # in English; detail_fr is the same in French
    cause: Cause | None = None
    reason_code: str = ""
    owner: str = ""
    question_fr: str = ""
    question_en: str = ""
    waived_until: date | None = None
    absent_contracts: str = ""  # of which no row was kept, joined by ", "; set with cause source_absent
    dimension: Dimension = "validity"
    origin: Origin = "catalogue"
    detail_fr: str = ""


SCHEMA = pa.schema(
    [
        ("rule_id", pa.string()),
        ("layer", pa.string()),
        ("table_name", pa.string()),
        ("severity", pa.string()),
        ("status", pa.string()),
        ("n_evaluated", pa.int64()),
        ("n_failed", pa.int64()),
        ("failed_share", pa.decimal128(9, 6)),
        ("tolerance", pa.decimal128(9, 6)),
        ("detail", pa.string()),
        ("cause", pa.string()),
        ("reason_code", pa.string()),
        ("owner", pa.string()),
        ("question_fr", pa.string()),
        ("question_en", pa.string()),
        ("waived_until", pa.date32()),
        ("absent_contracts", pa.string()),
        ("dimension", pa.string()),
        ("origin", pa.string()),
        ("detail_fr", pa.string()),
    ]
)


def unjudged(rule: Rule, layer: str, table: str) -> RuleResult:
    """A result before any count: not assessed."""
    return RuleResult(
        rule_id=rule.id,
        layer=layer,
        table_name=table,
        severity=rule.severity,
        status="not_assessed",
        n_evaluated=0,
        n_failed=0,
        failed_share=None,
        tolerance=rule.tolerance,
        **worded("not_evaluated"),
        cause="broken",
        reason_code=rule.reason_code,
        owner=rule.owner,
        question_fr=rule.question_fr,
        question_en=rule.question_en,
        dimension=rule.dimension,
    )


def judge(
    rule: Rule, layer: str, table: str, n_evaluated: int, n_failed: int, *, may_be_empty: bool = False
) -> RuleResult:
    """Compare counts with the tolerance. Fewer rows than min_rows are not assessed, whatever they say.

    The comparison multiplies integers and decimals: a share such as 1/3 has no exact decimal.
    """
    result = replace(
        unjudged(rule, layer, table),
        status="pass",
        n_evaluated=n_evaluated,
        n_failed=n_failed,
        failed_share=(Decimal(n_failed) / n_evaluated).quantize(Decimal("0.000001")) if n_evaluated else None,
        cause=None,
        detail="",
        detail_fr="",
    )
    if n_evaluated == 0 and may_be_empty:
        return not_assessed(result, "empty", "no_row")
    if n_evaluated < rule.min_rows:
        cause: Cause = "small_sample" if n_evaluated else "too_few_rows"
        return not_assessed(result, cause, "few_rows", n_evaluated=n_evaluated, min_rows=rule.min_rows)
    if Decimal(n_failed) <= rule.tolerance * n_evaluated:
        return result
    return replace(result, status="fail" if rule.severity == "critical" else "warn")


def not_assessed(result: RuleResult, cause: Cause, detail: str, **values: object) -> RuleResult:
    """The same result, not assessed, which is never a pass. detail: code of its sentence, with its values."""
    return replace(result, status="not_assessed", cause=cause, **worded(detail, **values))


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write beside and rename: a reader sees the former file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.writing")
    pq.write_table(table, aside, compression="lz4")
    aside.replace(path)


def read_results(path: Path) -> list[RuleResult]:
    """rule_results.parquet, empty when there is none."""
    if not path.exists():
        return []
    names = {field.name for field in fields(RuleResult)}
    return [
        RuleResult(**{name: value for name, value in row.items() if name in names})
        for row in pq.read_table(path).to_pylist()
    ]


def merge_results(
    former: Iterable[RuleResult], found: Iterable[RuleResult], layers: set[str]
) -> list[RuleResult]:
    """Results of all layers after validating `layers`.

    Former results of these layers and of any later layer go: they speak about tables that were rebuilt since.
    Those of dbt stay for these layers: dbt has just built what is validated.
    """
    first = min(LAYERS.index(layer) for layer in layers)  # type: ignore[arg-type]
    kept = [
        result
        for result in former
        if (result.layer in layers and result.origin == "dbt")
        or (result.layer not in layers and LAYERS.index(result.layer) < first)  # type: ignore[arg-type]
    ]
    return sorted([*kept, *found], key=lambda result: (result.rule_id, result.table_name))


def write_results(results: Iterable[RuleResult], path: Path) -> None:
    """rule_results.parquet, one row per rule and table in the order of their ids."""
    rows = [{name: getattr(result, name) for name in SCHEMA.names} for result in results]
    write_parquet(pa.Table.from_pylist(rows, schema=SCHEMA), path)
