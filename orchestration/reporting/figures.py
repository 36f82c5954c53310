"""What a report shows, as frozen values: templates read nothing else, so tests plant any company they like.

What does not belong here: reading (inputs.py) and wording. Text fields hold what the data say, unescaped; the
renderer escapes. Counts are `int`, quantities `Decimal`; a missing value is None and carries a reason code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from orchestration.audit.traffic_light import METHOD_BARS, Bars
from orchestration.reporting.bounds import exact_upper_95
from orchestration.reporting.quality_figures import (
    Compliance,
    FigureMove,
    FormerAccount,
    History,
    IdChange,
    JournalSample,
    KpiImpact,
    OwnerWork,
    ReconciliationCause,
    ReviewCount,
    SegmentMove,
    StewardDecision,
)

VERDICTS = ("publish", "publish_with_warnings", "hold", "not_decided")
STATUSES = ("fail", "warn", "not_assessed", "waived", "pass")
DIMENSIONS = (
    *("completeness", "validity", "uniqueness", "consistency", "timeliness"),
    *("volume", "integrity", "reconciliation", "plausibility"),
)
SEVERITIES = ("critical", "warning", "info")
CONTROL_LEVELS = ("error", "warn", "info")
TRUSTS = ("reliable", "caution", "unreliable", "not_assessed")


@dataclass(frozen=True)
class RunFacts:
    """What identifies a run; `publication_id` is None when nothing was published."""

    company: str
    cycle: str  # '2026-06'
    as_of: datetime | None  # UTC
    reporting_currency: str
    timezone: str
    run_id: str
    code_version: str
    policy_version: str
    conversion_window_days: int
    publication_id: str | None = None


@dataclass(frozen=True)
class Verdict:
    """The gate's word. `reasons` are its sentences per language, which may be empty."""

    code: str = "not_decided"
    rule_ids: tuple[str, ...] = ()
    ledger_imbalances: int = 0
    reasons_fr: tuple[str, ...] = ()
    reasons_en: tuple[str, ...] = ()


@dataclass(frozen=True)
class SetAside:
    """Records of one stream that were not kept, by reason. `label_*` is the wording of reasons.yml."""

    disposition: str  # quarantined, excluded
    reason_code: str
    n_records: int
    label_fr: str = ""
    label_en: str = ""


@dataclass(frozen=True)
class RowAccount:
    """Records of one source and contract. `kept` includes the `merged` ones (None: not an entity)."""

    source_instance: str
    contract: str
    records_in: int
    kept: int
    quarantined: int
    excluded: int
    exact_duplicate: int
    superseded: int
    merged: int | None = None
    set_aside: tuple[SetAside, ...] = ()
    suppressed: int = 0

    @property
    def kept_as_own(self) -> int:
        return self.kept - (self.merged or 0)

    @property
    def not_kept(self) -> int:
        return self.quarantined + self.excluded + self.exact_duplicate + self.superseded + self.suppressed

    @property
    def difference(self) -> int:
        """Zero when every record has exactly one fate."""
        return self.records_in - self.kept - self.not_kept


@dataclass(frozen=True)
class LineAccount:
    """Physical lines of one source's files. `set_aside` are the lines that are no record, by reason."""

    source_instance: str
    n_files: int
    file_bytes: int
    physical_lines: int
    header_lines: int
    blank_lines: int
    record_lines: int
    quarantined_lines: int
    set_aside: tuple[SetAside, ...] = ()
    repaired_lines: int = 0

    @property
    def difference(self) -> int:
        return (
            self.physical_lines
            - self.header_lines
            - self.blank_lines
            - self.record_lines
            - self.quarantined_lines
            - self.repaired_lines
        )


@dataclass(frozen=True)
class RuleOutcome:
    rule_id: str
    layer: str
    table_name: str
    severity: str
    status: str
    n_evaluated: int | None = None
    n_failed: int | None = None
    tolerance: Decimal | None = None
    owner: str = ""
    question_fr: str = ""
    question_en: str = ""
    detail: str = ""
    waived_until: date | None = None
    dimension: str = ""
    origin: str = "catalogue"  # or dbt: a test or constraint of the models
    detail_fr: str = ""


@dataclass(frozen=True)
class Waiver:
    """Who let a rule fail until when, and why. table_name: `*` for every table; is_alive: on the cycle's last day."""

    rule_id: str
    table_name: str
    author: str
    reason: str
    expires_on: date
    is_alive: bool = True


@dataclass(frozen=True)
class ControlOutcome:
    """A control of what a source delivered. severity: error, warn or info; examples: places `file:line`."""

    control_id: str
    source_instance: str
    contract: str
    severity: str
    status: str
    n_evaluated: int | None = None
    n_failed: int | None = None
    fact_fr: str = ""
    fact_en: str = ""
    examples: tuple[str, ...] = ()
    waived_until: date | None = None


@dataclass(frozen=True)
class CleaningDecision:
    reason_code: str
    action: str
    n_decisions: int
    table_name: str = ""
    field_name: str = ""
    label_fr: str = ""
    label_en: str = ""
    actor: str = "rule"  # or person
    last_decided_at: datetime | None = None


@dataclass(frozen=True)
class MergeEvidence:
    entity: str  # account, person
    evidence_code: str
    decision: str  # accepted, rejected, review
    n_edges: int


@dataclass(frozen=True)
class EntityCount:
    """Source rows of one entity and the golden records they became."""

    entity: str
    n_source_rows: int
    n_golden: int


@dataclass(frozen=True)
class Refusal:
    """One file that was refused. The texts without a language are English."""

    source_instance: str
    file_path: str
    error_code: str
    where: str
    what: str
    why: str
    next_step: str
    what_fr: str = ""
    why_fr: str = ""
    next_fr: str = ""


@dataclass(frozen=True)
class Balance:
    """One identity of the row ledger. `scope`: its code and where, `lines_of_file:crm/0a1b2c3d4e5f`."""

    term: str  # A..G
    stream: str
    scope: str
    left_value: Decimal
    right_value: Decimal
    difference: Decimal


@dataclass(frozen=True)
class DeliveredFile:
    source_instance: str
    file_path: str
    file_sha256: str
    file_bytes: int
    delivered_on: date | None
    n_records: int


@dataclass(frozen=True)
class QualityInputs:
    """Everything the data-quality report shows. None: the step that makes it has not run; (): it found nothing."""

    run: RunFacts
    verdict: Verdict = field(default_factory=Verdict)
    accounts: tuple[RowAccount, ...] = ()
    lines: tuple[LineAccount, ...] = ()
    rules: tuple[RuleOutcome, ...] = ()
    controls: tuple[ControlOutcome, ...] = ()
    decisions: tuple[CleaningDecision, ...] = ()
    merges: tuple[MergeEvidence, ...] = ()
    entities: tuple[EntityCount, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    balances: tuple[Balance, ...] = ()
    files: tuple[DeliveredFile, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    former_accounts: tuple[FormerAccount, ...] = ()
    impacts: tuple[KpiImpact, ...] | None = None
    work: tuple[OwnerWork, ...] | None = None
    samples: tuple[JournalSample, ...] = ()
    steward_decisions: tuple[StewardDecision, ...] = ()
    reviews: tuple[ReviewCount, ...] = ()
    id_changes: tuple[IdChange, ...] = ()
    history: History | None = None
    compliance: Compliance | None = None
    reconciliation: tuple[ReconciliationCause, ...] | None = None
    moves: tuple[FigureMove, ...] | None = None  # None: not published, or no bridge there
    moved_since: str | None = None
    segment_moves: tuple[SegmentMove, ...] = ()
    n_segments_moved: int = 0
    n_decisions_to_measure: int | None = None  # that can be taken the other way; None: not counted


@dataclass(frozen=True)
class Measure:
    """A value with what it was computed from. None has a `reason_code`, a partial one a `caveat_code`."""

    value: Decimal | None
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    reason_code: str | None = None
    caveat_code: str | None = None


@dataclass(frozen=True)
class Kpi:
    """One tile. `history` is oldest first and ends with `period`."""

    name: str
    unit: str  # count, rate, hours, days, touches_per_lead, money
    places: int
    better: str  # up, down, none
    period: str
    measure: Measure
    history: tuple[tuple[str, Decimal | None], ...] = ()
    label_fr: str = ""
    label_en: str = ""
    definition_fr: str = ""
    definition_en: str = ""
    minimum_n: int = 0
    is_cohort: bool = False
    bar: Decimal | None = None
    trust: str = "not_assessed"
    trust_rule_ids: tuple[str, ...] = ()
    trust_question_fr: str = ""  # what the first of these rules asks
    trust_question_en: str = ""

    def before(self, n_months: int) -> Decimal | None:
        """The value `n_months` before `period`, None when the history does not reach it."""
        return self.history[-1 - n_months][1] if len(self.history) > n_months else None

    @property
    def n(self) -> Decimal | None:
        return self.measure.denominator if self.measure.denominator is not None else self.measure.numerator

    @property
    def is_too_few(self) -> bool:
        """A rate or a median on fewer units than its minimum is shown in grey."""
        return self.measure.value is not None and self.n is not None and self.n < self.minimum_n


@dataclass(frozen=True)
class TouchLine:
    """How touches before the landmark and conversion after it go together in one segment, and its light.

    reasons: codes of the rules behind the colour, then of the flags that do not change it. landmark_days: after
    creation.
    """

    n_leads: int
    r: Decimal | None
    r_low: Decimal | None
    r_high: Decimal | None
    reason_code: str | None
    colour_code: str
    reasons: tuple[str, ...]
    landmark_days: int


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval, or the code of the reason why there is none."""

    value: Decimal | None
    low: Decimal | None = None
    high: Decimal | None = None
    reason_code: str | None = None


@dataclass(frozen=True)
class LineChecks:
    """Second looks at the judged line of the whole company; names as in mart_sales_line_checks_cycle."""

    slope: Decimal | None
    adjusted: Estimate
    covariates: tuple[str, ...]
    robustness: Decimal | None
    benchmark_code: str | None
    benchmark_slope: Decimal | None
    is_cancelled: bool | None
    marginal: Estimate
    hazard: Estimate
    form_code: str | None
    form: Estimate


@dataclass(frozen=True)
class Segment:
    """One row of the segment table. `dimension` is size_band or channel."""

    dimension: str
    code: str
    n_leads: int
    cr: Measure
    touches_per_lead: Measure
    ttf_hours: Measure
    contacted_24h_rate: Measure
    line: TouchLine | None = None


@dataclass(frozen=True)
class MrrBridge:
    """Recurring revenue of one month; contraction and churn are negative or zero."""

    period: str
    opening: Decimal
    new: Decimal
    reactivation: Decimal
    expansion: Decimal
    contraction: Decimal
    churn: Decimal
    closing: Decimal

    @property
    def steps(self) -> tuple[tuple[str, Decimal], ...]:
        return (
            ("opening", self.opening),
            ("new", self.new),
            ("reactivation", self.reactivation),
            ("expansion", self.expansion),
            ("contraction", self.contraction),
            ("churn", self.churn),
            ("closing", self.closing),
        )

    @property
    def difference(self) -> Decimal:
        movements = self.new + self.reactivation + self.expansion + self.contraction + self.churn
        return self.closing - self.opening - movements


@dataclass(frozen=True)
class RevenueMonth:
    """None: a line of the month has no exchange rate, so the month has no sum."""

    period: str
    total: Decimal | None
    new_business: Decimal | None


@dataclass(frozen=True)
class ComplaintWeek:
    week_start_on: date
    n_complaints: int
    n_delivered: int
    rate: Decimal | None
    is_breach: bool
    bar: Decimal | None = None  # of the contact policy in that week

    @property
    def upper_95(self) -> Decimal | None:
        """Exact 95 % upper bound of the rate; None where there is no rate."""
        return None if self.rate is None else exact_upper_95(self.n_complaints, self.n_delivered)


@dataclass(frozen=True)
class StageStep:
    """Opportunities that reached a stage (window over) and those that went on, over twelve months."""

    stage_code: str
    n_reached: int
    n_next: int
    conversion: Decimal | None
    verdict: str | None = None  # of the newest month whose windows are over, against the twelve before it
    change: Decimal | None = None
    judged_month: date | None = None


@dataclass(frozen=True)
class AuditInputs:
    run: RunFacts
    verdict: Verdict = field(default_factory=Verdict)
    kpis: tuple[Kpi, ...] = ()
    segments: tuple[Segment, ...] = ()
    segment_period: str | None = None
    line: TouchLine | None = None
    checks: LineChecks | None = None
    bridge: MrrBridge | None = None
    revenue: tuple[RevenueMonth, ...] = ()
    complaints: tuple[ComplaintWeek, ...] = ()
    stages: tuple[StageStep, ...] = ()
    n_rows_in: int = 0
    n_rows_kept: int = 0  # without the merged ones
    n_rows_set_aside: int = 0
    n_rows_repeated: int = 0
    n_rows_merged: int = 0
    n_lines_unreadable: int = 0  # that are no record
    last_delivery_on: date | None = None
    bars: Bars = METHOD_BARS  # of the framing note of the cycle

    @property
    def complaint_bar(self) -> Decimal | None:
        """The bar of the last week with mails; None where no policy holds, or nothing was delivered."""
        return next((week.bar for week in reversed(self.complaints) if week.n_delivered), None)
