"""What the sections of the data-quality report show beside the run's own counts, as frozen values.

What does not belong here: reading (the *_inputs modules), wording, and the values that both reports share (figures.py).
Text fields hold what the data say, unescaped; the renderer escapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

SWITCH_KINDS = ("rule", "reason", "merge")


@dataclass(frozen=True)
class FormerAccount:
    """The row account of a source and contract as the last publication gave it. published_as: its id."""

    published_as: str
    cycle: str
    source_instance: str
    contract: str
    records_in: int
    kept: int
    quarantined: int
    excluded: int
    exact_duplicate: int
    superseded: int
    suppressed: int


@dataclass(frozen=True)
class KpiImpact:
    """A metric of a month as published, and as it would be with one rule, reason or merge evidence switched off.

    unit: as Kpi.unit. n_rows: rows the decision touched. issue_*: wording of the switch, '' for a code without one.
    """

    metric_name: str
    period: str
    switch_kind: str
    switch_code: str
    unit: str
    published: Decimal | None
    without: Decimal | None
    n_rows: int
    metric_fr: str = ""
    metric_en: str = ""
    issue_fr: str = ""
    issue_en: str = ""

    @property
    def effect(self) -> Decimal:
        """What the cleaning decision did to the metric; 0 when either value is missing."""
        if self.published is None or self.without is None:
            return Decimal(0)
        return self.published - self.without


@dataclass(frozen=True)
class WorkItem:
    """One thing to fix at the source. impact_rank: 1 is the first to fix."""

    item_id: str
    rule_id: str
    reason_code: str
    source_instance: str
    contract: str
    record_key: str
    field_name: str
    owner: str
    assignee: str
    impact_value: Decimal | None
    impact_unit: str
    age_days: int
    impact_rank: int
    label_fr: str = ""
    label_en: str = ""


@dataclass(frozen=True)
class OwnerWork:
    """The worklist of one owner: totals, and its first items. impact: (unit, sum over open items)."""

    owner: str
    n_open: int
    n_closed: int
    oldest_days: int | None
    median_days_to_fix: Decimal | None
    impact: tuple[tuple[str, Decimal], ...] = ()
    items: tuple[WorkItem, ...] = ()


@dataclass(frozen=True)
class JournalSample:
    """One decision of the journal, its values already masked."""

    reason_code: str
    action: str
    table_name: str
    field_name: str
    record_key: str
    before: str
    after: str
    place: str  # source:file:line, '' when the decision is about no line


@dataclass(frozen=True)
class StewardDecision:
    """A decision of a person. status: active, to_confirm, expired, orphaned, undone or contradicted; of the class of an
    outlier active, replaced or withdrawn.
    """

    decision_id: str
    entity: str
    kind: str  # same, different, cannot_say, unmerge, override, group_link, outlier
    status: str
    record_keys: tuple[str, ...]
    author: str
    reason: str
    decided_at: datetime | None
    expires_on: date | None = None
    field_name: str = ""


@dataclass(frozen=True)
class ReviewCount:
    """Questions of one kind that wait for a steward; n_postponed of them were answered "can't say"."""

    entity: str
    kind: str
    n_items: int
    n_postponed: int
    impact_value: Decimal | None
    impact_unit: str


@dataclass(frozen=True)
class IdChange:
    """Records whose golden id is another one than in the cycle before, by cause."""

    entity: str
    cause: str
    n_records: int


@dataclass(frozen=True)
class DimensionPoint:
    """The checks of one dimension in one publication, by status."""

    sequence: int
    published_as: str
    cycle: str
    dimension: str
    n_pass: int
    n_warn: int
    n_fail: int
    n_waived: int
    n_not_assessed: int

    @property
    def n_checks(self) -> int:
        return self.n_pass + self.n_warn + self.n_fail + self.n_waived + self.n_not_assessed

    @property
    def at_fault(self) -> Decimal:
        """Share of the checks that found more faults than they tolerate, waived or not."""
        return Decimal(self.n_warn + self.n_fail + self.n_waived) / max(self.n_checks, 1)

    @property
    def unassessed(self) -> Decimal:
        return Decimal(self.n_not_assessed) / max(self.n_checks, 1)


@dataclass(frozen=True)
class SourcePoint:
    """Records received and set aside (quarantined or excluded) of one source in one publication."""

    sequence: int
    published_as: str
    cycle: str
    source_instance: str
    records_in: int
    n_set_aside: int

    @property
    def set_aside(self) -> Decimal:
        return Decimal(self.n_set_aside) / max(self.records_in, 1)


@dataclass(frozen=True)
class FigureMove:
    """A figure of a past month that the publication before gave otherwise. causes: (code, effect, units) in order.

    before, after: None where a publication gave none; then no effect is known.
    """

    metric_name: str
    period: str
    unit: str
    before: Decimal | None
    after: Decimal | None
    causes: tuple[tuple[str, Decimal | None, int | None], ...]
    metric_fr: str = ""
    metric_en: str = ""


@dataclass(frozen=True)
class SegmentMove:
    """A figure of a segment that moved. cause: of the largest effect; movement: within, or a migration in or out."""

    metric_name: str
    period: str
    unit: str
    kind: str
    segment: str
    before: Decimal
    after: Decimal
    cause: str
    movement: str
    metric_fr: str = ""
    metric_en: str = ""


@dataclass(frozen=True)
class History:
    """The last publications, oldest first, by dimension and by source."""

    dimensions: tuple[DimensionPoint, ...] = ()
    sources: tuple[SourcePoint, ...] = ()


@dataclass(frozen=True)
class ComplianceCount:
    """One check of contacts on one channel in one month. n_assessed 0: not assessed, which is no pass."""

    check_code: str
    channel_code: str
    period: str
    n_assessed: int
    n_breaches: int
    n_not_assessed: int = 0


@dataclass(frozen=True)
class Breach:
    """The row that proves a breach, by ids. profile: which rule of contact it breaks."""

    check_code: str
    channel_code: str
    touch_key: str
    person_id: str
    occurred_at: datetime | None
    profile: str


@dataclass(frozen=True)
class Compliance:
    counts: tuple[ComplianceCount, ...] = ()
    breaches: tuple[Breach, ...] = ()
    n_breaches: int = 0  # of the cycle; `breaches` holds the latest of them


@dataclass(frozen=True)
class ReconciliationCause:
    """Won opportunities against invoice lines that differ for one reason, in one currency and month; exact.

    is_converted: amounts of every currency in the reporting currency; they leave out n_opportunities_unrated and
    n_lines_unrated, which have no exchange rate.
    """

    cause_code: str
    period: str
    currency: str
    n_opportunities: int
    n_lines: int
    crm_amount: Decimal
    erp_amount: Decimal
    difference: Decimal
    is_converted: bool = False
    n_opportunities_unrated: int = 0
    n_lines_unrated: int = 0
