"""Section 10: every check, the definitions, the hashes, and how to verify the report.

What does not belong here: what a reader must act on (the sections before it).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from orchestration.reporting.figures import (
    CONTROL_LEVELS,
    DIMENSIONS,
    STATUSES,
    ControlOutcome,
    QualityInputs,
    RuleOutcome,
)
from orchestration.reporting.formatting import Formats
from orchestration.reporting.privacy import masked
from orchestration.reporting.sections.verdict import order_rules
from orchestration.reporting.wording import Wording


@dataclass(frozen=True)
class SourceControls:
    """Controls of one source: how many of each status, and those to be shown. Passed ones are only counted.

    over: beyond their threshold; told: the same at level info; open: not assessed.
    """

    source_instance: str
    counts: tuple[tuple[str, int], ...]
    over: tuple[ControlOutcome, ...]
    told: tuple[ControlOutcome, ...]
    open: tuple[ControlOutcome, ...]


def controls_by_source(controls: Iterable[ControlOutcome]) -> list[SourceControls]:
    """Sources with the gravest control first; within a source by status, level and share of failing rows."""
    by_source: dict[str, list[ControlOutcome]] = defaultdict(list)
    for each in controls:
        by_source[each.source_instance].append(each)
    found = []
    for source, members in by_source.items():
        ordered = sorted(members, key=_control_rank)
        over = [each for each in ordered if each.status in ("fail", "warn", "waived")]
        found.append(
            SourceControls(
                source,
                tuple((status, sum(each.status == status for each in members)) for status in STATUSES),
                tuple(each for each in over if each.severity != "info"),
                tuple(each for each in over if each.severity == "info"),
                tuple(each for each in ordered if each.status == "not_assessed"),
            )
        )
    return sorted(
        found, key=lambda s: (_control_rank(s.over[0]) if s.over else (9, 9, 0, ""), s.source_instance)
    )


def _control_rank(control: ControlOutcome) -> tuple[int, int, float, str]:
    share = (control.n_failed or 0) / control.n_evaluated if control.n_evaluated else 0.0
    status, severity = STATUSES.index(control.status), CONTROL_LEVELS.index(control.severity)
    return status, severity, -share, control.control_id


def checks_by_dimension(rules: Iterable[RuleOutcome]) -> list[tuple[str, list[int]]]:
    """(dimension, checks of each status); checks without a dimension are left to the list itself."""
    by_dimension: dict[str, list[RuleOutcome]] = defaultdict(list)
    for rule in rules:
        if rule.dimension:
            by_dimension[rule.dimension].append(rule)
    ordered = [name for name in DIMENSIONS if name in by_dimension]
    ordered += sorted(set(by_dimension) - set(DIMENSIONS))
    return [
        (name, [sum(rule.status == status for rule in by_dimension[name]) for status in STATUSES])
        for name in ordered
    ]


def annex_section(inputs: QualityInputs, t: Wording, f: Formats) -> dict[str, object]:
    rules = order_rules(inputs.rules)
    n_rules, n_controls = len(rules), len(inputs.controls)
    n_models = sum(rule.origin == "dbt" for rule in rules)
    # Tests and constraints of the models are many, and say what they look at in their name alone.
    passed = [rule for rule in rules if rule.origin == "dbt" and rule.status == "pass"]
    listed = [rule for rule in rules if not (rule.origin == "dbt" and rule.status == "pass")]
    return {
        "lead": t(
            "quality.annex.lead",
            rules=f.integer(n_rules - n_models),
            models=f.integer(n_models),
            controls=f.integer(n_controls),
            files=f.integer(len(inputs.files)),
        ),
        "rule_groups": [(status, [r for r in listed if r.status == status]) for status in STATUSES],
        "n_passed_models": len(passed),
        "n_tested_tables": len({rule.table_name for rule in passed}),
        "dimensions": checks_by_dimension(rules),
        "statuses": STATUSES,
        "n_rules": n_rules,
        "controls": controls_by_source(inputs.controls),
        "n_controls": n_controls,
        "fact": lambda control: masked(t.pick(control.fact_fr, control.fact_en)),
        "files": sorted(inputs.files, key=lambda d: (d.source_instance, d.file_path, d.file_sha256)),
    }
