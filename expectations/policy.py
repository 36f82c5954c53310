"""policy.yml and waivers -> a policy: what each kind of finding does to a publication.

What does not belong here: deciding (gate.py). A ledger difference is absent from the policy on purpose:
nobody can allow a lost row. Waivers are compared with the day after the cycle, never with the clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from expectations.catalogue import CatalogueError, Dimension, explain, read_document
from expectations.checks import Strict, exact
from expectations.results import RuleResult
from expectations.waivers import Judged, Waiver, in_force, read_waivers
from expectations.wording import worded

POLICY_FILE = Path(__file__).with_name("policy.yml")

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
    too_few_rows: Effect  # the contract has rows, the rule had none
    small_sample: Effect  # the rule had rows, and fewer than min_rows
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


class FramingNote(Strict):
    """Effect of a framing note that is missing, not approved, changed since, or not the one that was computed with."""

    missing: Effect
    not_approved: Effect
    changed: Effect
    outdated: Effect


class Slack(Strict):
    """How much larger the failing share may be than in the last publication, and what more than that does."""

    slack: Annotated[Decimal, Field(ge=0, lt=1, decimal_places=6)]
    effect: Effect

    @field_validator("slack", mode="before")
    @classmethod
    def _exact(cls, value: object) -> Decimal:
        return exact(value)


class SlackBySeverity(Strict):
    critical: Slack
    warning: Slack
    info: Slack


class Ratchet(Strict):
    """No worse than the last publication. The entry of a rule comes before its dimension's, that one before
    its severity's.
    """

    min_rows: Annotated[int, Field(ge=1)]  # fewer rows on either side have no share to compare
    severity: SlackBySeverity
    dimension: Mapping[Dimension, Slack]
    rule: Mapping[str, Slack]
    quarantined: Slack  # records of one source and contract
    rules_gone: Effect  # rules that the last publication assessed and that exist no more

    def slack(self, rule_id: str, severity: str, dimension: str) -> Slack:
        """What holds for one rule."""
        found = self.rule.get(rule_id) or self.dimension.get(dimension)
        return found or getattr(self.severity, severity)


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
    framing_note: FramingNote
    required_terms: tuple[Term, ...] = Field(min_length=1)
    ratchet: Ratchet
    waiver_max_days: Annotated[int, Field(ge=1)]
    waivers: tuple[Waiver, ...] = ()

    @model_validator(mode="after")
    def _no_waiver_lasts_too_long(self) -> PolicyDocument:
        for each in self.waivers:
            if each.days > self.waiver_max_days:
                raise ValueError(
                    f"{each.rule_id} is waived for {each.days} days, at most {self.waiver_max_days}"
                )
        return self


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
        if result.cause in ("source_absent", "empty", "too_few_rows", "small_sample"):
            return getattr(causes, result.cause)
        return causes.broken

    def waiver(self, result: Judged, day: date) -> Waiver | None:
        """The waiver in force of a result, the one that expires last when there are several."""
        return in_force(self.waivers, result, day, self.document.waiver_max_days)

    def is_in_force(self, waiver: Waiver, day: date) -> bool:
        """Whether a waiver counts on a day."""
        return waiver.is_in_force(day, self.document.waiver_max_days)


def load_policy(path: Path = POLICY_FILE, waivers: Path | None = None) -> Policy:
    """Read policy.yml and, when the file exists, a company's waivers.csv.

    Errors: CatalogueError names the file, the line and the reason.
    """
    document, version = read_document(path)
    try:
        policy = PolicyDocument.model_validate(document)
    except ValidationError as error:
        raise CatalogueError(f"E-EXP-001 {path.name}: {explain(error)}") from error
    found = policy.waivers
    if waivers is not None and waivers.exists():
        found += read_waivers(waivers, policy.waiver_max_days)
        version = hashlib.sha256(version.encode() + waivers.read_bytes()).hexdigest()[:12]
    return Policy(document=policy, waivers=found, version=version)


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
        detail = worded("waived", author=waiver.author, reason=waiver.reason, expires_on=waiver.expires_on)
        return replace(result, status="waived", waived_until=waiver.expires_on, **detail)
    ended = (each for each in policy.waivers if each.covers(result) and not each.is_alive(day))
    dead = max((each.expires_on for each in ended), default=None)
    return result if dead is None else replace(result, **worded("waiver_expired", expires_on=dead))
