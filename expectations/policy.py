"""policy.yml and waivers -> a policy: what each kind of finding does to a publication.

What does not belong here: deciding (gate.py). A ledger difference is absent from the policy on purpose:
nobody can allow a lost row. Waivers are compared with the day after the cycle, never with the clock.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Protocol

from pydantic import Field, StringConstraints, ValidationError

from expectations.catalogue import CatalogueError, explain, read_document
from expectations.checks import Relation, Strict
from expectations.results import RuleResult

POLICY_FILE = Path(__file__).with_name("policy.yml")
WAIVER_COLUMNS = ("rule_id", "table_name", "author", "reason", "expires_on")

Effect = Literal["hold", "warn", "note"]
Term = Literal["A", "B", "C", "D", "E", "F", "G"]


class Failed(Strict):
    """Effect of a rule beyond its tolerance, by severity. A critical failure always holds."""

    critical: Literal["hold"]
    warning: Effect
    info: Effect


class NotAssessed(Strict):
    """Effect of a rule that could not be assessed, by cause; none of them is a pass."""

    source_absent: Effect  # no kept row of a contract the rule needs
    empty: Effect  # no row to judge in a table that may be empty
    too_few_rows: Effect  # the contract has rows, the rule had fewer than min_rows
    broken: Effect  # table or column missing, query failed, counts disagree


class NotAssessedBySeverity(Strict):
    critical: NotAssessed
    warning: NotAssessed
    info: NotAssessed


class Controls(Strict):
    """Effect of a control of what was delivered, by its level: beyond its threshold, or not assessed."""

    error: Effect
    warn: Effect
    info: Effect


class Judged(Protocol):
    """What a waiver can cover: a rule result, or a control."""

    @property
    def rule_id(self) -> str: ...

    @property
    def table_name(self) -> str: ...


class Waiver(Strict):
    """Somebody accepts a failing rule or control until a date. On that date the waiver is dead.

    rule_id: a rule of rules.yml, or a control as `<source>/<control>`.
    """

    rule_id: Annotated[
        str, StringConstraints(pattern=r"^(R-[A-Z]{3}-[0-9]{3}|[a-z][a-z0-9_]*/[a-z][a-z0-9_]*)$")
    ]
    table_name: Relation | None = None  # None: every table of the rule
    author: Annotated[str, StringConstraints(min_length=2)]
    reason: Annotated[str, StringConstraints(min_length=10)]
    expires_on: date

    def is_alive(self, day: date) -> bool:
        return day < self.expires_on

    def covers(self, result: Judged) -> bool:
        return self.rule_id == result.rule_id and self.table_name in (None, result.table_name)


class PolicyDocument(Strict):
    version: Literal[1]
    failed: Failed
    not_assessed: NotAssessedBySeverity
    uncovered_table: Effect
    refused_file: Literal["hold", "warn"]
    missing_delivery: Effect
    unmapped_file: Effect
    controls: Controls
    controls_not_assessed: Controls
    required_terms: tuple[Term, ...] = Field(min_length=1)
    waivers: tuple[Waiver, ...] = ()


@dataclass(frozen=True)
class Policy:
    """The policy of one run. `version` changes with any byte of policy.yml or of the waivers."""

    document: PolicyDocument
    waivers: tuple[Waiver, ...]
    version: str

    def effect(self, result: RuleResult) -> Effect | None:
        """What a result does to the publication; None for a pass."""
        if result.status == "pass":
            return None
        if result.status == "waived":
            return "warn"
        if result.status != "not_assessed":
            return getattr(self.document.failed, result.severity)
        if result.cause == "uncovered":
            return self.document.uncovered_table
        causes: NotAssessed = getattr(self.document.not_assessed, result.severity)
        if result.cause in ("source_absent", "empty", "too_few_rows"):
            return getattr(causes, result.cause)
        return causes.broken

    def waiver(self, result: RuleResult, day: date) -> Waiver | None:
        """The living waiver of a result, the one that expires last when there are several."""
        living = [waiver for waiver in self.waivers if waiver.covers(result) and waiver.is_alive(day)]
        return max(living, key=lambda waiver: waiver.expires_on, default=None)


def load_policy(path: Path = POLICY_FILE, waivers: Path | None = None) -> Policy:
    """Read policy.yml and, when the file exists, a company's waivers.csv.

    waivers.csv: columns rule_id, table_name (may be empty), author, reason, expires_on (yyyy-mm-dd); UTF-8,
    comma. Errors: CatalogueError names the file, the line and the reason.
    """
    document, version = read_document(path)
    try:
        policy = PolicyDocument.model_validate(document)
    except ValidationError as error:
        raise CatalogueError(f"E-EXP-001 {path.name}: {explain(error)}") from error
    found = policy.waivers
    if waivers is not None and waivers.exists():
        found += tuple(_read_waivers(waivers))
        version = hashlib.sha256(version.encode() + waivers.read_bytes()).hexdigest()[:12]
    return Policy(document=policy, waivers=found, version=version)


def _read_waivers(path: Path) -> Iterable[Waiver]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != WAIVER_COLUMNS:
            raise CatalogueError(
                f"E-EXP-001 {path.name}: columns {', '.join(WAIVER_COLUMNS)} expected in this order"
            )
        for row in reader:
            try:
                yield Waiver.model_validate({**row, "table_name": row["table_name"] or None})
            except ValidationError as error:
                raise CatalogueError(
                    f"E-EXP-001 {path.name} line {reader.line_num}: {explain(error)}"
                ) from error


def apply_waivers(results: Iterable[RuleResult], policy: Policy, day: date) -> list[RuleResult]:
    """Failing results under a living waiver become `waived`; a dead waiver changes nothing and stays
    visible.
    """
    return [_waived(result, policy, day) for result in results]


def _waived(result: RuleResult, policy: Policy, day: date) -> RuleResult:
    if result.status not in ("fail", "warn"):
        return result
    waiver = policy.waiver(result, day)
    if waiver is not None:
        detail = f"waived until {waiver.expires_on} by {waiver.author}: {waiver.reason}"
        return replace(result, status="waived", waived_until=waiver.expires_on, detail=detail)
    dead = max((each.expires_on for each in policy.waivers if each.covers(result)), default=None)
    return result if dead is None else replace(result, detail=f"the waiver expired on {dead}")
