"""waivers.csv: who accepts which failing rule or control, why, since when and until when.

What does not belong here: what a waiver does to a result (policy.py) or to a verdict (gate.py), whether the rule it
names exists (the command line asks that before it writes). The file is written by people too: it is read strictly,
with commas or semicolons, and a text that a spreadsheet would run is kept inert.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import StringConstraints, ValidationError, model_validator

from expectations.catalogue import CatalogueError, explain
from expectations.checks import Strict
from ingest.inert_text import inert_text, meant_text

WAIVER_COLUMNS = ("rule_id", "table_name", "author", "reason", "decided_on", "expires_on")
_FREE = ("author", "reason")


class Judged(Protocol):
    """What a waiver can cover: a rule result, a control, or a comparison with the last publication."""

    @property
    def rule_id(self) -> str: ...

    @property
    def table_name(self) -> str: ...


class Found(Judged, Protocol):
    """Something judged, with what came out."""

    @property
    def status(self) -> str: ...


class Waiver(Strict):
    """Somebody accepts a failing rule or control until a date. On that date the waiver is dead.

    rule_id: a rule of rules/*.yml, or a control as `<source>/<control>`.
    """

    rule_id: Annotated[
        str, StringConstraints(pattern=r"^(R-[A-Z]{3}-[0-9]{3}|[a-z][a-z0-9_]*/[a-z][a-z0-9_]*)$")
    ]
    #: A relation of the rule, or a contract of the control; None: every one.
    table_name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")] | None = (
        None
    )
    author: Annotated[str, StringConstraints(min_length=2)]
    reason: Annotated[str, StringConstraints(min_length=10)]
    decided_on: date
    expires_on: date

    @model_validator(mode="after")
    def _lasts(self) -> Waiver:
        if self.expires_on <= self.decided_on:
            raise ValueError("expires_on comes after decided_on")
        return self

    @property
    def days(self) -> int:
        """How long it was granted for."""
        return (self.expires_on - self.decided_on).days

    def is_alive(self, day: date) -> bool:
        """Whether its last day is still to come; not yet whether it counts."""
        return day < self.expires_on

    def is_in_force(self, day: date, max_days: int) -> bool:
        """Whether it counts on a day: alive, and its end no farther off than a waiver may last.

        A decision dated in the future would otherwise be in force until then, and no limit would hold.
        """
        return self.is_alive(day) and (self.expires_on - day).days <= max_days

    def covers(self, result: Judged) -> bool:
        return self.rule_id == result.rule_id and self.table_name in (None, result.table_name)


def in_force(waivers: Iterable[Waiver], result: Judged, day: date, max_days: int) -> Waiver | None:
    """The waiver in force for a result on a day, the one that expires last when there are several."""
    found = [waiver for waiver in waivers if waiver.covers(result) and waiver.is_in_force(day, max_days)]
    return max(found, key=lambda waiver: waiver.expires_on, default=None)


def is_used(waiver: Waiver, found: Iterable[Found]) -> bool:
    """Whether anything fails that the waiver names, waived already or not."""
    return any(each.status in ("fail", "warn", "waived") and waiver.covers(each) for each in found)


def read_waivers(path: Path, max_days: int) -> tuple[Waiver, ...]:
    """The waivers of a company, in the order of their lines; none when the file is absent.

    Errors: CatalogueError E-EXP-001 names the file, the line and the reason; one granted for more than
    `max_days` is refused.
    """
    if not path.exists():
        return ()
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CatalogueError(f"E-EXP-001 {path.name}: byte {error.start} is not UTF-8") from error
    first = text.split("\n", 1)[0]
    reader = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=max(",;", key=first.count), strict=True, restval=""
    )
    if tuple(reader.fieldnames or ()) != WAIVER_COLUMNS:
        raise CatalogueError(
            f"E-EXP-001 {path.name}: columns {', '.join(WAIVER_COLUMNS)} expected in this order"
        )
    found = []
    try:
        for row in reader:
            found.append(_waiver(row, f"{path.name} line {reader.line_num}", max_days))
    except csv.Error as error:
        raise CatalogueError(f"E-EXP-001 {path.name} line {reader.line_num}: {error}") from error
    return tuple(found)


def _waiver(row: dict[str | None, str], place: str, max_days: int) -> Waiver:
    if None in row:
        raise CatalogueError(f"E-EXP-001 {place}: more cells than columns")
    meant = {name: meant_text(cell.strip()) if name in _FREE else cell.strip() for name, cell in row.items()}
    try:
        waiver = Waiver.model_validate({**meant, "table_name": meant["table_name"] or None})
    except ValidationError as error:
        raise CatalogueError(f"E-EXP-001 {place}: {explain(error)}") from error
    if waiver.days > max_days:
        raise CatalogueError(
            f"E-EXP-001 {place}: granted for {waiver.days} days, at most {max_days} are allowed"
        )
    return waiver


def write_waivers(waivers: Sequence[Waiver], path: Path) -> None:
    """The whole file, written beside, flushed and renamed: a reader sees the former one or the new one."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(WAIVER_COLUMNS)
    for waiver in waivers:
        cells = {name: getattr(waiver, name) for name in WAIVER_COLUMNS}
        texts = {name: "" if cell is None else str(cell) for name, cell in cells.items()}
        writer.writerow(inert_text(text) if name in _FREE else text for name, text in texts.items())
    aside = path.with_name(f".{path.name}.{os.getpid()}.aside")
    try:
        with aside.open("wb") as file:
            file.write(text.getvalue().encode())
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
