"""cycles/<yyyy-mm>.yml of a company -> the framing note of a cycle, checked (rows FR1-FR9, FR13-FR15).

The note says what the cycle is for and what its figures are computed with. A person approves its content; what is
written to close the cycle comes later and is no part of what was approved.
What does NOT belong here: stamping an approval (stamping.py), what a missing one does to a verdict (expectations.gate),
counting what the note names (statistics.cycle_framing).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ingest.approved_content import content_hash
from ingest.errors import ConfigurationError
from ingest.strict_yaml import read_yaml, validate
from ingest.zone_names import Zone

FOLDER = "cycles"
#: Top-level keys that no approval covers: the approval itself, and what is written when the cycle is over.
NOT_APPROVED_CONTENT = ("approval", "closing", "closed")
#: What an effective contact is made of; a note that declares another one would not say what is computed.
CONTACT_CHANNELS = ("email", "meeting", "voice")
CONTACT_DIRECTIONS = ("inbound", "outbound")
AUDIENCES = ("accounts", "finance", "management", "marketing", "revops", "sales")

Standing = Literal["missing", "not_approved", "changed", "approved"]
_Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
_Member = Annotated[str, Field(min_length=1, max_length=80)]
_Text = Annotated[str, Field(min_length=10, max_length=2000)]
_Name = Annotated[str, Field(min_length=2, max_length=80)]
_Days = Annotated[int, Field(ge=1, le=365)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Segment(_Part):
    """A population by declared dimensions: values of one dimension are alternatives, dimensions add up."""

    code: _Code
    channel_code: tuple[Literal["inbound", "outbound", "partner", "unknown"], ...] = ()
    size_band_code: tuple[Literal["smb", "mid", "enterprise", "unknown"], ...] = ()
    team_code: tuple[_Member, ...] = ()
    phase: tuple[Literal["lead", "mql", "sql"], ...] = ()

    @property
    def filters(self) -> dict[str, tuple[str, ...]]:
        """Dimension -> its admitted values, without the dimensions that let everything in."""
        found = {
            name: getattr(self, name) for name in ("channel_code", "size_band_code", "team_code", "phase")
        }
        return {name: values for name, values in found.items() if values}


class Period(_Part):
    """Half-open: the first day counts, the last one named does not. timezone: that of the company."""

    start: date
    end: date
    timezone: Zone | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end <= self.start:
            raise ValueError("end must come after start")
        return self


class Phase(_Part):
    """A phase of the funnel and the event that counts as its conversion. stage_code: of an opportunity only."""

    code: Literal["lead", "mql", "sql", "opportunity"]
    stage_code: (
        Literal["prospecting", "qualification", "meeting", "needs_defined", "proposal", "negotiation"] | None
    ) = None
    conversion_event: Literal["qualification", "meeting", "conversion", "won"]

    @model_validator(mode="after")
    def _has_its_stage(self) -> Self:
        if (self.code == "opportunity") != (self.stage_code is not None):
            raise ValueError("stage_code belongs to the phase opportunity, and to no other")
        return self

    @property
    def item_code(self) -> str:
        """`mql`, or `opportunity:<stage>`."""
        return f"{self.code}:{self.stage_code}" if self.stage_code else self.code


class ContactDefinition(_Part):
    """What counts as a contact: an answered conversation long enough, a delivered mail, a held meeting."""

    channels: tuple[str, ...]
    directions: tuple[str, ...]
    min_conversation_seconds: Annotated[int, Field(ge=0, le=3600)]
    approved_by: _Name
    approved_on: date

    @field_validator("channels")
    @classmethod
    def _channels_are_those_computed(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _as_computed(value, CONTACT_CHANNELS)

    @field_validator("directions")
    @classmethod
    def _directions_are_those_computed(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _as_computed(value, CONTACT_DIRECTIONS)


def _as_computed(value: tuple[str, ...], computed: tuple[str, ...]) -> tuple[str, ...]:
    if sorted(value) != sorted(computed):
        raise ValueError(f"a contact is computed from {', '.join(computed)}, and the note must say so")
    return computed


class ConversionDefinition(_Part):
    """What counts as the conversion of a lead; a phase may name an event of its own."""

    event: Literal["lead_converted"]
    approved_by: _Name
    approved_on: date


class LightBars(_Part):
    """Bars of the traffic light, inclusive. delta_points: gain in percentage points of an experiment."""

    r_green: Annotated[Decimal, Field(gt=0, lt=1, decimal_places=4)] = Decimal("0.25")
    r_amber: Annotated[Decimal, Field(gt=0, lt=1, decimal_places=4)] = Decimal("0.10")
    delta_points: Annotated[Decimal, Field(gt=0, le=50, decimal_places=4)] = Decimal("2")

    @field_validator("r_green", "r_amber", "delta_points", mode="before")
    @classmethod
    def _exact(cls, value: Any) -> Any:
        return Decimal(repr(value)) if isinstance(value, float) else value

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.r_amber > self.r_green:
            raise ValueError("r_amber must not lie above r_green")
        return self


class LegalBasis(_Part):
    """On which ground persons are contacted for one purpose, on one channel."""

    purpose: _Code
    channel: Literal["email", "call"]
    basis: Literal["legitimate_interest", "consent", "contract"]


class Approval(_Part):
    """Who approved which content, and when."""

    approved_by: _Name
    approved_on: date
    note_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ManagerLearning(_Part):
    """What the manager of a team brings to the end of a cycle: two insights and one experiment (row PB11)."""

    insights: tuple[_Text, ...] = ()
    experiments: tuple[_Text, ...] = ()


class Closing(_Part):
    """What people write at the end of a cycle (rows FR15, EX9): so what, what next, three lessons."""

    business_story: _Text | None = None
    retrospective: _Text | None = None
    lessons: Annotated[tuple[_Text, ...], Field(max_length=3)] = ()
    managers: dict[_Member, ManagerLearning] = Field(default_factory=dict)
    scripts: dict[Literal["q1", "q3"], _Text] = Field(default_factory=dict)

    @property
    def missing(self) -> tuple[str, ...]:
        """Keys without which a cycle cannot be closed."""
        found = [name for name in ("business_story", "retrospective") if getattr(self, name) is None]
        return (*found, *(("lessons",) if len(self.lessons) < 3 else ()))


class Closed(_Part):
    """Who closed the cycle, and when."""

    closed_by: _Name
    closed_on: date


class Framing(_Part):
    """The framing note of one cycle. Without a period it speaks of the month of the cycle."""

    version: Literal[1]
    cycle: Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
    decision_sought: _Text
    unit: Literal["lead"] = "lead"
    segments: Annotated[tuple[Segment, ...], Field(min_length=1)]
    period: Period | None = None
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    contact: ContactDefinition
    conversion: ConversionDefinition
    attribution_window_days: _Days
    landmarks_days: Annotated[tuple[_Days, ...], Field(min_length=1, max_length=3)] = (3, 5, 10)
    kpis: Annotated[tuple[_Code, ...], Field(min_length=1)]
    raci: dict[_Code, Annotated[str, Field(pattern=r"^[RACI](/[RACI])?$")]]
    audiences: dict[_Code, tuple[Literal[AUDIENCES], ...]] = Field(default_factory=dict)
    legal_basis: Annotated[tuple[LegalBasis, ...], Field(min_length=1)]
    thresholds_in_force: _Name
    team_capacity: dict[_Member, Annotated[int, Field(ge=0, le=100_000)]] = Field(default_factory=dict)
    minimum_n: Annotated[int, Field(ge=3)] = 30
    minimum_events: Annotated[int, Field(ge=1)] = 10
    bars: LightBars = LightBars()
    approval: Approval | None = None
    closing: Closing | None = None
    closed: Closed | None = None

    @field_validator("cycle", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return value.strftime("%Y-%m") if isinstance(value, date) else value

    @property
    def bounds(self) -> tuple[date, date]:
        """First day of the period and first day after it; the month of the cycle when no period is declared."""
        year, month = (int(part) for part in self.cycle.split("-"))
        end = date(year + month // 12, month % 12 + 1, 1)
        return (self.period.start, self.period.end) if self.period else (date(year, month, 1), end)

    @model_validator(mode="after")
    def _ends_with_the_cycle(self) -> Self:
        year, month = (int(part) for part in self.cycle.split("-"))
        if self.period and self.period.end > date(year + month // 12, month % 12 + 1, 1):
            raise ValueError("period: ends after the month of the cycle, of which nothing is known")
        return self

    @model_validator(mode="after")
    def _says_who_answers(self) -> Self:
        duties = [letter for each in self.raci.values() for letter in each.split("/")]
        if duties.count("A") != 1:
            raise ValueError(f"raci: exactly one role is A (accountable), found {duties.count('A')}")
        if "R" not in duties:
            raise ValueError("raci: at least one role is R (responsible)")
        for name in self.audiences:
            if name not in self.raci:
                raise ValueError(f"audiences: {name} has no duty in raci")
        return self

    @model_validator(mode="after")
    def _names_things_once(self) -> Self:
        for what, codes in (
            ("segments", [each.code for each in self.segments]),
            ("phases", [each.item_code for each in self.phases]),
            ("legal_basis", [each.purpose for each in self.legal_basis]),
            ("landmarks_days", list(self.landmarks_days)),
        ):
            twice = sorted({str(code) for code in codes if codes.count(code) > 1})
            if twice:
                raise ValueError(f"{what}: {twice[0]} is declared twice")
        if list(self.landmarks_days) != sorted(self.landmarks_days):
            raise ValueError("landmarks_days: from the first day to the last")
        if self.landmarks_days[-1] >= self.attribution_window_days:
            raise ValueError("landmarks_days: a landmark comes before the end of the attribution window")
        return self


class Note(_Part):
    """A framing note with the hash of what can be approved in it."""

    framing: Framing
    content_hash: str

    @cached_property
    def standing(self) -> Standing:
        """Whether this content is approved."""
        approval = self.framing.approval
        if approval is None:
            return "not_approved"
        return "approved" if approval.note_hash == self.content_hash else "changed"

    @property
    def version(self) -> str:
        """12 hex that change with the content and its approval, and with nothing else."""
        approval = self.framing.approval
        stamp = approval.model_dump(mode="json") if approval else {}
        return content_hash({"content": self.content_hash, "approval": stamp})[:12]


def note_path(company_root: Path, cycle: str) -> Path:
    """Where the note of a cycle lies; the file may be absent."""
    return company_root / FOLDER / f"{cycle}.yml"


def read_note(company_root: Path, cycle: str, timezone: str | None = None) -> Note | None:
    """The note of a cycle, None without a file. timezone: that of the company, which the period must be in.

    Raises ConfigurationError (E-ING-10x) naming file and key for what is not understood.
    """
    path = note_path(company_root, cycle)
    if not path.is_file():
        return None
    content, where = read_yaml(path), f"{FOLDER}/{path.name}"
    if not isinstance(content, dict):
        raise ConfigurationError("E-ING-105", where, detail="keys with values expected")
    framing = validate(Framing, content, where)
    if framing.cycle != cycle:
        detail = f"{framing.cycle} in the file of {cycle}"
        raise ConfigurationError("E-ING-105", f"{where}: cycle", detail=detail)
    stated = framing.period.timezone if framing.period else None
    if timezone and stated and stated != timezone:
        detail = f"{stated}, and the company counts its days in {timezone}"
        raise ConfigurationError("E-ING-105", f"{where}: period.timezone", detail=detail)
    return Note(framing=framing, content_hash=content_hash(content, NOT_APPROVED_CONTENT))


def read_framing(company_root: Path, cycle: str) -> Framing | None:
    """What the note of a cycle says, approved or not; None without a file. Raises as read_note."""
    note = read_note(company_root, cycle)
    return note.framing if note else None
