"""What must be assessed in a cycle, and whether it was: one row per table and rule. Absence is never a pass.

What does not belong here: assessing (runner.py), what a gap does to the publication (policy.yml, gate.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import pyarrow as pa

from expectations.catalogue import Catalogue
from expectations.results import RuleResult, not_assessed, unjudged, write_parquet

INDEX_SCHEMA = pa.schema(
    [
        ("cycle", pa.string()),
        ("table_name", pa.string()),
        ("rule_id", pa.string()),
        ("layer", pa.string()),
        ("severity", pa.string()),
        ("is_due", pa.bool_()),
        ("is_assessed", pa.bool_()),
        (
            "reason_code",
            pa.string(),
        ),  # why not: the cause of the result, or not_applicable; null when assessed
    ]
)


def completed(
    results: Iterable[RuleResult], catalogue: Catalogue, layers: Collection[str]
) -> list[RuleResult]:
    """The results of `layers`, with a broken one for each rule and table of the catalogue that has none.

    A rule that was skipped is then seen by whoever judges, as one that could not be evaluated.
    """
    found = [each for each in results if each.layer in layers]
    present = {(each.rule_id, each.table_name) for each in found}
    for rule in catalogue.rules:
        for check in rule.checks:
            layer = catalogue.layer(check)
            if layer in layers and (rule.id, check.table) not in present:
                found.append(not_assessed(unjudged(rule, layer, check.table), "broken", "skipped"))
    return sorted(found, key=lambda each: (each.rule_id, each.table_name))


def absent_contracts(result: RuleResult) -> list[str]:
    """Contracts without kept rows that the rule misses."""
    return [name for name in result.absent_contracts.split(", ") if name]


def is_applicable(result: RuleResult, filled: Collection[str] | None) -> bool:
    """False when the company has no source at all of what a rule misses: it is not late, it does not exist.

    filled: contracts that some mapping of the company fills; None when that is not known.
    """
    if result.cause != "source_absent" or filled is None:
        return True
    return bool(set(absent_contracts(result)) & set(filled))


def is_due(result: RuleResult, filled: Collection[str] | None) -> bool:
    """Whether a verdict was owed: the source exists, and there was something to judge."""
    return result.cause != "empty" and is_applicable(result, filled)


def write_index(
    results: Iterable[RuleResult], filled: Collection[str] | None, cycle: str, path: Path
) -> None:
    """quality/assessment_index.parquet: one row per table and rule of the layers assessed so far."""
    rows = [
        {
            "cycle": cycle,
            "table_name": each.table_name,
            "rule_id": each.rule_id,
            "layer": each.layer,
            "severity": each.severity,
            "is_due": is_due(each, filled),
            "is_assessed": each.status != "not_assessed",
            "reason_code": each.cause if is_applicable(each, filled) else "not_applicable",
        }
        for each in results
    ]
    rows.sort(key=lambda row: (row["table_name"], row["rule_id"]))
    write_parquet(pa.Table.from_pylist(rows, schema=INDEX_SCHEMA), path)
