"""What the pages of a cycle show (dashboard, decision, charter, note, stand-up), as frozen values.

What does not belong here: reading (dashboard_inputs.py), wording. A block whose mart does not stand is None, one that
stands and is empty is (). Rates are 0-1 as `Decimal`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from orchestration.reporting.figures import AuditInputs
from orchestration.reporting.pipeline_figures import PipelineReview


@dataclass(frozen=True)
class LinePoint:
    """Leads with one number of touches."""

    n_touches: int
    n_leads: int
    n_converted: int


@dataclass(frozen=True)
class LineFigures:
    """One row of mart_sales_touch_lines_cycle (half year) with its points; names as there."""

    design_code: str
    segment_kind_code: str
    segment_code: str
    n_leads: int = 0
    n_converted: int = 0
    n_converted_before: int = 0
    n_refused_before: int = 0
    n_excluded: int = 0
    n_immature: int = 0
    touches_mean: Decimal | None = None
    conversion_rate: Decimal | None = None
    r: Decimal | None = None
    r_low: Decimal | None = None
    r_high: Decimal | None = None
    p_value: Decimal | None = None
    slope: Decimal | None = None
    slope_low: Decimal | None = None
    slope_high: Decimal | None = None
    intercept: Decimal | None = None
    r_squared: Decimal | None = None
    line_reason_code: str | None = None
    n_q1: int = 0
    n_q2: int = 0
    n_q3: int = 0
    n_q4: int = 0
    n_on_line: int = 0
    q1_share_rate: Decimal | None = None
    top_limit: Decimal | None = None
    n_top_dropped: int = 0
    r_without_top: Decimal | None = None
    slope_without_top: Decimal | None = None
    is_fragile: bool = False
    sensitivity_reason_code: str | None = None
    form_code: str | None = None
    form_knot: Decimal | None = None
    form_reason_code: str | None = None
    is_reversed: bool | None = None
    is_heterogeneous: bool | None = None
    within_slope: Decimal | None = None
    worst_cut_code: str | None = None
    colour_code: str | None = None
    colour_reason_codes: str | None = None
    colour_flag_codes: str | None = None
    points: tuple[LinePoint, ...] = ()

    @property
    def landmark_days(self) -> int:
        """Days after creation before which touches count; 0 for the naive count, which counts them all."""
        return 0 if self.design_code == "naive" else int(self.design_code.removeprefix("landmark_"))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Codes of the rules that fixed the colour, then of the flags that do not change it."""
        return tuple(
            filter(None, f"{self.colour_reason_codes or ''},{self.colour_flag_codes or ''}".split(","))
        )

    @property
    def is_grey(self) -> bool:
        """Too few leads or conversions to be judged, or never judged."""
        return self.colour_code in (None, "grey")


@dataclass(frozen=True)
class SpreadMonth:
    """Touches per lead of the matured leads created in a month ('2026-05')."""

    period: str
    median: Decimal | None
    first_quartile: Decimal | None
    third_quartile: Decimal | None
    n: int
    reason_code: str | None = None


@dataclass(frozen=True)
class FormerLine:
    """r and the share of Q1 that the last publication of an earlier cycle showed."""

    cycle: str
    r: Decimal | None
    q1_share: Decimal | None


@dataclass(frozen=True)
class Bucket:
    """Conversion of the leads first contacted within a delay. until_hours: None for the classes without one."""

    code: str
    until_hours: Decimal | None
    n_leads: int
    n_converted: int
    rate: Decimal | None
    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True)
class Response:
    """Time to first contact of one period and segment: Kaplan-Meier median, and the target over all leads."""

    period: str  # month, half_year
    kind: str
    segment: str
    n_leads: int
    median: Decimal | None
    low: Decimal | None
    high: Decimal | None
    target_min: Decimal | None = None
    target_max: Decimal | None = None
    n_due: int = 0
    met_rate: Decimal | None = None


@dataclass(frozen=True)
class AccountRow:
    """An account that stands in Q1 or Q3 in two of the last three cycles, by golden id."""

    account_id: str
    quadrant: str
    rank: int
    touches: Decimal | None
    rate: Decimal | None
    n_leads: int


@dataclass(frozen=True)
class OutlierRow:
    """One of the top five: who (golden id), what was measured, why it is far, and what to do."""

    rank: int
    key: str
    metric_code: str
    value: Decimal | None
    class_code: str
    reason_code: str
    action_code: str


@dataclass(frozen=True)
class Rail:
    """A guard rail in one week. bar: None where no policy fixes one."""

    code: str  # complaint, unsubscribe, bounce
    week_start_on: date
    n_events: int
    n_units: int
    rate: Decimal | None
    upper: Decimal | None
    bar: Decimal | None
    status: str  # within, breach, not_proved, no_bar, no_delivery
    action: str | None = None
    change: str | None = None  # against the weeks before: proved (not worse), not_proved, worse, no_reference


@dataclass(frozen=True)
class Threshold:
    """One action threshold of a segment: in force, and what the data propose."""

    kind: str  # all, channel, size_band, channel_size
    segment: str  # of channel_size: `inbound/smb`
    rule: str
    value: Decimal | None
    origin: str | None = None
    window_days: int | None = None
    proposed: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    n: int | None = None
    method: str | None = None
    reason: str | None = None
    decision: str = "keep"  # first, change, keep, none
    approved_by: str | None = None
    valid_from: date | None = None

    @property
    def is_change(self) -> bool:
        """The data propose another value than the one in force."""
        return self.decision in ("first", "change")


@dataclass(frozen=True)
class Experiment:
    """An experiment as its read-out stands. delta: difference of the conversion rates, test less control."""

    code: str
    state: str
    colour: str | None
    reasons: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    delta: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    n_leads: int = 0
    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True)
class CycleStep:
    """One of the seven steps."""

    number: int
    code: str
    state: str
    due_on: date | None
    owner: str | None


@dataclass(frozen=True)
class Question:
    """One of the ten questions of the express diagnosis."""

    number: int
    code: str
    answer: str
    value: Decimal | None
    low: Decimal | None
    high: Decimal | None
    n: int | None
    reason: str | None


@dataclass(frozen=True)
class Quality:
    """Quality of the touches of one channel: answers and meetings per touch; `all` for every channel."""

    channel: str
    n_touches: int
    answer_rate: Decimal | None
    meeting_rate: Decimal | None


@dataclass(frozen=True)
class Note:
    """What the framing note of the cycle says; the texts are a person's."""

    decision_sought: str = ""
    approved_by: str | None = None
    approved_on: date | None = None
    lessons: tuple[str, ...] = ()
    business_story: str = ""
    retrospective: str = ""
    scripts: Mapping[str, str] = field(default_factory=dict)  # q1, q3
    raci: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ContactPolicy:
    """The row of the contact policy in force on the last day of the cycle; keys of contact_policies.yml."""

    version: str
    author: str
    basis: str
    values: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class CycleInputs:
    """Everything the pages of a cycle show beside the tiles and panels of the audit."""

    audit: AuditInputs
    lines: tuple[LineFigures, ...] = ()
    line_first_day: date | None = None
    line_end_day: date | None = None
    spread: tuple[SpreadMonth, ...] = ()
    former: tuple[FormerLine, ...] = ()
    buckets: tuple[Bucket, ...] | None = None
    responses: tuple[Response, ...] | None = None
    accounts: tuple[AccountRow, ...] | None = None
    outliers: tuple[OutlierRow, ...] | None = None
    rails: tuple[Rail, ...] | None = None
    thresholds: tuple[Threshold, ...] | None = None
    experiments: tuple[Experiment, ...] | None = None
    steps: tuple[CycleStep, ...] | None = None
    questions: tuple[Question, ...] | None = None
    quality: tuple[Quality, ...] | None = None
    note: Note | None = None
    policy: ContactPolicy | None = None
    pipeline: PipelineReview | None = None

    @property
    def judged_design(self) -> str:
        """Design of the lines that have a light."""
        return next((each.design_code for each in self.lines if each.colour_code), "")

    def other_designs(self) -> tuple[str, ...]:
        """The other landmarks, ascending, then the naive count."""
        found = {each.design_code for each in self.lines} - {self.judged_design, "naive"}
        return (*sorted(found, key=lambda code: int(code.removeprefix("landmark_"))), "naive")

    def line(self, design: str | None = None, kind: str = "all", segment: str = "all") -> LineFigures | None:
        """The line of one design and segment; design: the judged one without."""
        wanted = (self.judged_design if design is None else design, kind, segment)
        return next(
            (
                each
                for each in self.lines
                if (each.design_code, each.segment_kind_code, each.segment_code) == wanted
            ),
            None,
        )

    def response(self, kind: str = "all", segment: str = "all", period: str = "half_year") -> Response | None:
        """Time to first contact of one segment."""
        wanted = (period, kind, segment)
        return next(
            (each for each in self.responses or () if (each.period, each.kind, each.segment) == wanted), None
        )

    def segments(self) -> tuple[LineFigures, ...]:
        """Judged lines of the cuts that the pages show: channels, then sizes."""
        order = ("channel", "size_band")
        return tuple(
            each
            for kind in order
            for each in self.lines
            if each.design_code == self.judged_design and each.segment_kind_code == kind
        )
