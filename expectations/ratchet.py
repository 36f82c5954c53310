"""No worse than the last publication: shares of failing rows and of quarantined records, compared exactly.

What does not belong here: reading the history of publications (orchestration.publication.history), how much worse is
too much (policy.yml), the decision and its sentences (gate.py). `compare` is pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from expectations.catalogue import Catalogue
from expectations.policy import Effect, Policy, Slack
from expectations.results import UNCOVERED, RuleResult, write_parquet

#: What quarantine is called where rules and controls have an id: `<source>/quarantined`.
QUARANTINED = "quarantined"


@dataclass(frozen=True)
class Counted:
    """Rows looked at and rows that failed. version: of the definition they were counted by; '' when it has none."""

    n_evaluated: int
    n_failed: int
    version: str = ""

    @property
    def share(self) -> Fraction:
        """0 to 1, exact; 0 of no row."""
        return Fraction(self.n_failed, self.n_evaluated) if self.n_evaluated else Fraction(0)


@dataclass(frozen=True)
class Baseline:
    """The publication to compare with. rules: (rule, table) it assessed; accounts: (source, contract) -> records."""

    publication_id: str
    rules: Mapping[tuple[str, str], Counted] = field(default_factory=dict)
    accounts: Mapping[tuple[str, str], Counted] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """One share beside that of the last publication. rule_id: a rule, or `<source>/quarantined` of a contract.

    `status` is warn when it is worse by more than its slack, so that waivers treat it like any other finding.
    """

    rule_id: str
    table_name: str
    before: Counted
    now: Counted
    slack: Decimal
    effect: Effect

    @property
    def is_worse(self) -> bool:
        return self.now.share - self.before.share > Fraction(self.slack)

    @property
    def status(self) -> str:
        return "warn" if self.is_worse else "pass"

    @property
    def is_quarantine(self) -> bool:
        return self.rule_id.endswith(f"/{QUARANTINED}")


@dataclass(frozen=True)
class Progress:
    """What changed since a publication; baseline_id is None when there is none to compare with.

    changed: rules whose definition is another one, not compared. gone: rules it assessed that exist no more.
    """

    baseline_id: str | None
    comparisons: tuple[Comparison, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def worse(self) -> tuple[Comparison, ...]:
        return tuple(each for each in self.comparisons if each.is_worse)

    def beside(self, other: Progress) -> Progress:
        """Both together; of one publication before."""
        return replace(
            self,
            comparisons=self.comparisons + other.comparisons,
            changed=tuple(sorted({*self.changed, *other.changed})),
        )


FIRST = Progress(None)


def definition_versions(catalogue: Catalogue) -> dict[tuple[str, str], str]:
    """(rule, table) -> 12 hex of what is counted there: kind, columns, condition, key; not of wording or tolerance.

    Parameters at their default are left out, so that a kind that learns a new one stays the same definition.
    """
    return {
        (rule.id, check.table): hashlib.sha256(
            check.model_dump_json(exclude_defaults=True).encode()
        ).hexdigest()[:12]
        for rule in catalogue.rules
        for check in rule.checks
    }


def compare(
    results: Iterable[RuleResult],
    versions: Mapping[tuple[str, str], str],
    accounts: Mapping[tuple[str, str], Counted],
    baseline: Baseline | None,
    policy: Policy,
) -> Progress:
    """Rules and quarantine of a run beside those of `baseline`. Pure, in exact fractions.

    versions: of the definitions in force (definition_versions). accounts: (source, contract) -> records in and
    quarantined. What either side did not assess, or assessed on fewer rows than the policy's min_rows, is left out.
    """
    if baseline is None:
        return FIRST
    ratchet = policy.document.ratchet
    found: list[Comparison] = []
    changed: set[str] = set()
    for result in results:
        key = (result.rule_id, result.table_name)
        before = baseline.rules.get(key)
        if before is None or result.status == "not_assessed":
            continue
        now = Counted(result.n_evaluated, result.n_failed, versions.get(key, ""))
        if now.version != before.version:
            changed.add(result.rule_id)
            continue
        slack = ratchet.slack(result.rule_id, result.severity, result.dimension)
        found += _compared(result.rule_id, result.table_name, before, now, slack, ratchet.min_rows)
    for (source, contract), now in sorted(accounts.items()):
        before = baseline.accounts.get((source, contract))
        if before is not None:
            name = f"{source}/{QUARANTINED}"
            found += _compared(name, contract, before, now, ratchet.quarantined, ratchet.min_rows)
    known = {rule_id for rule_id, _ in versions}
    gone = (
        {rule_id for (rule_id, _), before in baseline.rules.items() if before.version} - known - {UNCOVERED}
    )
    return Progress(baseline.publication_id, tuple(found), tuple(sorted(changed)), tuple(sorted(gone)))


def _compared(
    rule_id: str, table: str, before: Counted, now: Counted, slack: Slack, min_rows: int
) -> Iterable[Comparison]:
    if min(before.n_evaluated, now.n_evaluated) >= min_rows:
        yield Comparison(rule_id, table, before, now, slack.slack, slack.effect)


PROGRESS_SCHEMA = pa.schema(
    [
        ("cycle", pa.string()),
        ("baseline_publication_id", pa.string()),
        ("rule_id", pa.string()),
        ("table_name", pa.string()),
        ("n_evaluated_before", pa.int64()),
        ("n_failed_before", pa.int64()),
        ("n_evaluated", pa.int64()),
        ("n_failed", pa.int64()),
        ("slack", pa.decimal128(9, 6)),
        ("effect", pa.string()),
        ("is_worse", pa.bool_()),
    ]
)


def write_progress(progress: Progress, cycle: str, path: Path) -> None:
    """quality/ratchet.parquet: one row per comparison with the last publication, none for the first one."""
    rows = [
        {
            "cycle": cycle,
            "baseline_publication_id": progress.baseline_id,
            "rule_id": each.rule_id,
            "table_name": each.table_name,
            "n_evaluated_before": each.before.n_evaluated,
            "n_failed_before": each.before.n_failed,
            "n_evaluated": each.now.n_evaluated,
            "n_failed": each.now.n_failed,
            "slack": each.slack,
            "effect": each.effect,
            "is_worse": each.is_worse,
        }
        for each in progress.comparisons
    ]
    write_parquet(pa.Table.from_pylist(rows, schema=PROGRESS_SCHEMA), path)


def read_progress(path: Path) -> list[Comparison]:
    """The comparisons of quality/ratchet.parquet, without the versions of their definitions; none before the gate."""
    rows = pq.read_table(path).to_pylist() if path.is_file() else []
    return [
        Comparison(
            row["rule_id"],
            row["table_name"],
            Counted(row["n_evaluated_before"], row["n_failed_before"]),
            Counted(row["n_evaluated"], row["n_failed"]),
            row["slack"],
            row["effect"],
        )
        for row in rows
    ]
