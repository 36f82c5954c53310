"""thresholds.yml of a company -> dated rows: which bar holds for which segment, since when, on whose word.

A row is never changed: it ends on the day that a later row of the same rule and segment begins, or on its valid_to.
Rows of the company stand before the defaults of the method, which dbt_project.yml ships; among equals the row that
names more of the segment stands, its size before its channel. What does NOT belong here: what the data propose
(orchestration.audit.thresholds), who keeps to the rows (metrics.fct_lead_adherences).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from expectations.catalogue import CatalogueError, explain, read_document
from expectations.checks import Strict

FILE = "thresholds.yml"
#: Where a run keeps what dbt is given, below work/.
KEPT = Path("run") / "thresholds.json"
ALL = "all"
MOST_DAYS = 60


@dataclass(frozen=True)
class Rule:
    """One kind of threshold. is_windowed: it speaks about the first days of a lead. is_action: people keep to it; the
    others are parameters of the proposals. low, high: what a value can be. is_whole: no fraction."""

    is_windowed: bool
    is_action: bool
    low: Decimal
    high: Decimal
    is_whole: bool = True


_MANY = Decimal(1000)
RULES: Mapping[str, Rule] = {
    "min_touches": Rule(True, True, Decimal(0), _MANY),
    "max_touches": Rule(True, True, Decimal(0), _MANY),
    "min_channels": Rule(True, True, Decimal(1), Decimal(10)),
    "min_contacts": Rule(True, True, Decimal(1), _MANY),
    "max_mails_a_day": Rule(True, True, Decimal(0), _MANY),
    "warm_intro_after": Rule(True, True, Decimal(0), _MANY),
    "ttf_max_hours": Rule(False, True, Decimal("0.1"), Decimal(720), is_whole=False),
    "hot_min_touches": Rule(True, True, Decimal(1), _MANY),
    "hot_cool_down_days": Rule(True, True, Decimal(1), Decimal(MOST_DAYS)),
    "hot_score_cut": Rule(False, False, Decimal(-1_000_000), Decimal(1_000_000), is_whole=False),
    "coverage_rate": Rule(False, False, Decimal("0.01"), Decimal(1), is_whole=False),
    "yield_floor_rate": Rule(False, False, Decimal("0.0001"), Decimal(1), is_whole=False),
    "yield_horizon_days": Rule(False, False, Decimal(1), Decimal(MOST_DAYS)),
    "ttf_margin_rate": Rule(False, False, Decimal("0.0001"), Decimal(1), is_whole=False),
}
CHANNELS = ("voice", "email", "social", "meeting", "event", "chat")

_Text = Annotated[str, Field(min_length=2, max_length=400)]


class Threshold(Strict):
    """One row.

    channel_code, size_band_code: the leads it speaks about. window_days: days after creation, the last one included.
    channels: min_channels counts these alone. interval, n_units, n_events, cycle: what a value from data rested on.
    valid_from: first day of creation that it concerns, None from ever. valid_to: first one that it no longer does.
    """

    rule_code: str
    channel_code: Literal["all", "inbound", "outbound", "partner", "unknown"] = "all"
    size_band_code: Literal["all", "smb", "mid", "enterprise", "unknown"] = "all"
    value: Annotated[Decimal, Field(max_digits=18, decimal_places=4)]
    window_days: Annotated[int, Field(ge=1, le=MOST_DAYS)] | None = None
    channels: Annotated[list[Literal[CHANNELS]], Field(min_length=1)] | None = None
    origin_code: Literal["data", "method_default", "human"]
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]
    approved_by: _Text
    approved_on: date | None = None
    reason: _Text
    interval: tuple[Decimal | None, Decimal | None] | None = None
    n_units: Annotated[int, Field(ge=0)] | None = None
    n_events: Annotated[int, Field(ge=0)] | None = None
    cycle: Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")] | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Threshold:
        rule = RULES.get(self.rule_code)
        if rule is None:
            raise ValueError(f"rule_code {self.rule_code}: one of {', '.join(RULES)} expected")
        if not rule.low <= self.value <= rule.high:
            raise ValueError(f"{self.rule_code}: a value from {rule.low} to {rule.high} expected")
        if rule.is_whole and self.value != self.value.to_integral_value():
            raise ValueError(f"{self.rule_code}: a whole number expected")
        if rule.is_windowed != (self.window_days is not None):
            wanted = "needs window_days" if rule.is_windowed else "has no window_days"
            raise ValueError(f"{self.rule_code} {wanted}")
        if self.rule_code == "hot_cool_down_days" and self.window_days + self.value > MOST_DAYS:
            raise ValueError(f"hot_cool_down_days: window_days and value make more than {MOST_DAYS} days")
        if self.channels and self.rule_code != "min_channels":
            raise ValueError(f"{self.rule_code} has no channels")
        if self.channels and self.value > len(set(self.channels)):
            raise ValueError("min_channels: more than the channels listed")
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise ValueError("valid_to must come after valid_from")
        return self

    @property
    def place(self) -> tuple[str, str, str]:
        """Rule and segment."""
        return self.rule_code, self.channel_code, self.size_band_code

    def holds_on(self, day: date) -> bool:
        """Whether the day lies in its days."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day < self.valid_to
        )

    def as_row(self) -> dict[str, Any]:
        """What a file holds of it: no empty keys, numbers as text."""
        found = {name: value for name, value in self.model_dump(mode="json").items() if value is not None}
        return {**found, "value": f"{self.value.normalize():f}"}

    def as_written(self) -> dict[str, Any]:
        """The same as a person would write it: days as days, the value as a number."""
        days = {name: getattr(self, name) for name in ("approved_on", "valid_from", "valid_to")}
        number = int(self.value) if self.value == self.value.to_integral_value() else float(self.value)
        return {**self.as_row(), **{name: day for name, day in days.items() if day}, "value": number}


_ROWS = TypeAdapter(list[Threshold])


def read_thresholds(path: Path) -> tuple[Threshold, ...]:
    """The rows of a file with the day on which each ends, by rule, segment and day; none without a file.

    Raises CatalogueError E-EXP-001 for what is not understood, or overlaps.
    """
    if not path.is_file():
        return ()
    content, _ = read_document(path)
    rows = content.get("thresholds") if len(content) == 1 else None
    if not isinstance(rows, list):
        raise CatalogueError(f"E-EXP-001 {path.name}: one list thresholds expected")
    return ended(rows, path.name)


def ended(rows: list[Any], name: str) -> tuple[Threshold, ...]:
    """Rows as thresholds, each ended where the next of its rule and segment begins.

    Raises CatalogueError E-EXP-001 for a wrong row, two rows of one day, or a valid_to after the next row's first day.
    """
    try:
        found = _ROWS.validate_python(rows)
    except ValidationError as error:
        raise CatalogueError(f"E-EXP-001 {name}: {explain(error)}") from error
    found.sort(key=lambda each: (each.place, each.valid_from or date.min))
    closed = []
    for place, group in groupby(found, key=lambda each: each.place):
        of_place = list(group)
        for each, following in zip(of_place, [*of_place[1:], None], strict=True):
            if following is None:
                closed.append(each)
                continue
            first = following.valid_from
            if first is None or first == each.valid_from or (each.valid_to and each.valid_to > first):
                raise CatalogueError(
                    f"E-EXP-001 {name}: {'/'.join(place)}: {each.version} and {following.version} overlap"
                )
            closed.append(each if each.valid_to else each.model_copy(update={"valid_to": first}))
    return tuple(closed)


@dataclass(frozen=True)
class InForce:
    """A threshold that holds for a segment on a day. is_own: of the company, not a default of the method."""

    threshold: Threshold
    is_own: bool


def in_force(
    own: Iterable[Threshold],
    shipped: Iterable[Threshold],
    rule_code: str,
    channel_code: str,
    size_band_code: str,
    day: date,
) -> InForce | None:
    """The row of a rule for leads of a segment created on a day; 'all' asks for rows that name no segment."""
    candidates = [
        (is_own, each.size_band_code != ALL, each.channel_code != ALL, each)
        for is_own, rows in ((True, own), (False, shipped))
        for each in rows
        if each.rule_code == rule_code
        and each.channel_code in (channel_code, ALL)
        and each.size_band_code in (size_band_code, ALL)
        and each.holds_on(day)
    ]
    if not candidates:
        return None
    is_own, _, _, best = max(candidates, key=lambda each: each[:3])
    return InForce(best, is_own)


def append_threshold(path: Path, row: Threshold) -> None:
    """Add a row to the file, whose other lines stay as they are; replaced by rename.

    Raises CatalogueError E-EXP-001 when the file is not understood, or the row overlaps one that is there.
    """
    before = read_document(path)[0].get("thresholds") if path.is_file() else []
    ended([*(before or []), row.as_written()], path.name)
    text = path.read_text(encoding="utf-8").rstrip() + "\n" if before else "thresholds:\n"
    last = [line for line in text.splitlines() if line.lstrip().startswith("- ")]
    indent = len(last[-1]) - len(last[-1].lstrip()) if last else 2
    line = yaml.safe_dump(
        row.as_written(), default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000
    )
    wanted = [*(before or []), yaml.safe_load(line)]
    grown = f"{text}{' ' * indent}- {line}"
    if not _reads_as(grown, wanted):  # written in a way that cannot be added to line by line
        grown = yaml.safe_dump({"thresholds": wanted}, allow_unicode=True, sort_keys=False)
    aside = path.with_name(f".{path.name}.{os.getpid()}.aside")
    try:
        with aside.open("w", encoding="utf-8") as file:
            file.write(grown)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _reads_as(text: str, rows: list[Any]) -> bool:
    try:
        return yaml.safe_load(text) == {"thresholds": rows}
    except yaml.YAMLError:
        return False


def known_at(rows: Iterable[Threshold], end: date) -> tuple[Threshold, ...]:
    """The rows as they stood before the day `end`: none that begins on it or later, and no end that had not come.

    A later row is a decision for later leads. The end it gives to the row before it is later knowledge as well, so that
    a cycle run again publishes what it published before that decision.
    """
    return tuple(
        each.model_copy(update={"valid_to": None}) if each.valid_to and each.valid_to >= end else each
        for each in rows
        if each.valid_from is None or each.valid_from < end
    )


def keep_thresholds(company_root: Path, work: Path, cycle_end: date) -> None:
    """Write the company's rows, as they stood at the cycle's end, to work/run, where dbt operations and the fingerprint
    take them; remove older ones."""
    rows, kept = known_at(read_thresholds(company_root / FILE), cycle_end), work / KEPT
    if not rows:
        kept.unlink(missing_ok=True)
        return
    aside = kept.with_suffix(".tmp")
    aside.write_text(json.dumps([row.as_row() for row in rows], sort_keys=True), encoding="utf-8")
    aside.replace(kept)


def kept_thresholds(work: Path) -> list[dict[str, Any]] | None:
    """What keep_thresholds() wrote, None when the defaults of the method hold alone."""
    kept = work / KEPT
    return json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else None


#: What dbt is told of a row: no names and reasons, which its log would hold.
_TOLD = (
    *(
        "rule_code",
        "channel_code",
        "size_band_code",
        "value",
        "window_days",
        "channels",
        "origin_code",
        "version",
    ),
    *("valid_from", "valid_to"),
)


def told_thresholds(work: Path) -> list[dict[str, Any]] | None:
    """The kept rows as var thresholds of dbt, without who approved them and why."""
    rows = kept_thresholds(work)
    return rows and [{name: row[name] for name in _TOLD if name in row} for row in rows]
