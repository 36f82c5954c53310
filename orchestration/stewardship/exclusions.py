"""Exclusion lists: <company>/stewardship/exclusions.csv, which only grows.

A line puts a person or a company on a list for a time: nobody contacts them, or by one channel alone. To change or end
it is another line of the same exclusion_id; the last one holds. What does NOT belong here: who is contacted in spite of
it (quality_dbt.dq_contact_breaches), who may be contacted (dq_contactability), the command line.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from orchestration.stewardship.decisions import decision_id
from orchestration.stewardship.errors import StewardshipError
from orchestration.stewardship.growing_files import append_line, read_lines, wrong_value

FILE = "exclusions.csv"
COLUMNS = (
    *("exclusion_id", "subject_key", "list_code", "channel_code", "valid_from", "valid_to"),
    *("escalated_to", "reason_code", "author", "decided_at"),
)
LISTS = ("dispute", "no_reach", "vip", "manual")
#: The one channel that may be left open, validated by whom the case was escalated to.
CHANNELS = ("voice", "email", "social")
REASONS = ("complaint", "key_account", "litigation", "manager_decision", "outlier_risk", "refusal")
_FREE = ("author",)
_ID = re.compile(r"exc_[0-9a-f]{12}")
#: A golden person or company, or a record of a source (instance/contract/id).
_SUBJECT = re.compile(r"(per|acc)_[0-9a-f]{12}|[^/\s]+/[^/\s]+/.+")
_ROLE = re.compile(r"[a-z][a-z0-9_]{0,31}")

SCHEMA = pa.schema(
    [
        ("decision_id", pa.string()),
        ("exclusion_id", pa.string()),
        ("subject_key", pa.string()),
        ("list_code", pa.string()),
        ("channel_code", pa.string()),
        ("valid_from", pa.date32()),
        ("valid_to", pa.date32()),
        ("escalated_to", pa.string()),
        ("reason_code", pa.string()),
        ("author", pa.string()),
        ("decided_at", pa.timestamp("us")),
        ("status", pa.string()),
    ]
)


@dataclass(frozen=True)
class Exclusion:
    """One line. valid_from: first day in the company's zone; valid_to: first day that no longer counts, None for good.

    channel_code: the single channel still allowed, None for none. escalated_to: a role, never a name.
    decided_at: naive UTC.
    """

    exclusion_id: str
    subject_key: str
    list_code: str
    channel_code: str | None
    valid_from: dt.date
    valid_to: dt.date | None
    escalated_to: str
    reason_code: str
    author: str
    decided_at: dt.datetime

    @property
    def decision_id(self) -> str:
        """An id of everything the line says: what a publication depends on."""
        return decision_id("exclusion", *_cells(self).values())


def exclude(
    subject_key: str,
    list_code: str,
    channel_code: str | None,
    valid_from: dt.date,
    valid_to: dt.date | None,
    escalated_to: str,
    reason_code: str,
    author: str,
    decided_at: dt.datetime,
) -> Exclusion:
    """The line that puts a subject on a list. Raises StewardshipError E-STW-002 for a value no line can have."""
    moment = f"{decided_at:%Y-%m-%dT%H:%M:%S}"
    name = decision_id("exclusion", subject_key, list_code, str(valid_from), author, moment)
    made = Exclusion(
        name.replace("dec_", "exc_"), subject_key, list_code, channel_code, valid_from, valid_to, escalated_to,
        reason_code, author, decided_at,
    )  # fmt: skip
    return _line(_cells(made), FILE)


def end(standing: Exclusion, on: dt.date, author: str, decided_at: dt.datetime) -> Exclusion:
    """The line that ends an exclusion: `on` is the first day that no longer counts, the first day itself for never.

    Raises StewardshipError E-STW-002 for an end before its beginning.
    """
    if on < standing.valid_from:
        raise wrong_value(FILE, "valid_to", str(on), f">= {standing.valid_from}")
    return replace(standing, valid_to=on, author=author, decided_at=decided_at)


def read_exclusions(folder: Path) -> tuple[Exclusion, ...]:
    """Every line below `folder`, in the order of the file; none without a file.

    Raises StewardshipError E-STW-001, 002, 005 or 019: other columns, a wrong value, no text, an id that two subjects
    share.
    """
    found: list[Exclusion] = []
    subjects: dict[str, tuple[str, str, str]] = {}
    for where, cells in read_lines(folder, FILE, COLUMNS, _FREE):
        line = _line(cells, where)
        before = subjects.setdefault(line.exclusion_id, (line.subject_key, line.list_code, where))
        if before[:2] != (line.subject_key, line.list_code):
            raise StewardshipError(
                "E-STW-019", where, is_usage=True, exclusion=line.exclusion_id, other=before[2]
            )
        found.append(line)
    return tuple(found)


def append_exclusion(folder: Path, made: Exclusion) -> None:
    """Add a line. The file is replaced by rename, readable by its owner only."""
    append_line(folder, FILE, COLUMNS, _cells(made), _FREE)


def standing(lines: Iterable[Exclusion]) -> dict[str, Exclusion]:
    """Exclusion id -> the line that holds, the last one."""
    return {line.exclusion_id: line for line in lines}


def known_at(lines: Sequence[Exclusion], end: dt.date) -> tuple[Exclusion, ...]:
    """The lines that a cycle which ends before the day `end` knows of, in their order.

    A line decided on `end` or later is read only where it changes a day before `end`: a beginning or an end before it,
    another channel, role or reason. What begins or ends later was not known then; a cycle run again stays as it was.
    """
    found: list[Exclusion] = []
    held: dict[str, Exclusion] = {}
    for line in lines:
        before = held.get(line.exclusion_id)
        if line.decided_at.date() >= end and _before(line, end) == (_before(before, end) if before else None):
            continue
        held[line.exclusion_id] = line
        found.append(line)
    return tuple(found)


def _before(line: Exclusion, end: dt.date) -> tuple[object, ...] | None:
    """What a line says of the days before `end`; None where it begins later."""
    if line.valid_from >= end:
        return None
    until = line.valid_to if line.valid_to is not None and line.valid_to < end else None
    return line.channel_code, line.valid_from, until, line.escalated_to, line.reason_code


def exclusion_table(lines: Sequence[Exclusion]) -> pa.Table:
    """The lines (SCHEMA). status: active, or replaced by a later line of the same exclusion."""
    last = standing(lines)
    rows = [
        {name: getattr(line, name) for name in (*COLUMNS, "decision_id")}
        | {"status": "active" if last[line.exclusion_id] is line else "replaced"}
        for line in lines
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _cells(line: Exclusion) -> dict[str, str]:
    cells = {name: str(getattr(line, name) or "") for name in COLUMNS}
    return cells | {"decided_at": f"{line.decided_at:%Y-%m-%dT%H:%M:%SZ}"}


def _line(cells: dict[str, str], where: str) -> Exclusion:
    for name, pattern, said in (
        ("exclusion_id", _ID, "exc_0123456789ab"),
        ("subject_key", _SUBJECT, "per_..., acc_..., source/contract/id"),
        ("escalated_to", _ROLE, "a role, such as sales_manager"),
    ):
        if not pattern.fullmatch(cells[name]):
            raise wrong_value(where, name, cells[name], said)
    for name, possible in (
        ("list_code", LISTS),
        ("channel_code", ("", *CHANNELS)),
        ("reason_code", REASONS),
    ):
        if cells[name] not in possible:
            raise wrong_value(where, name, cells[name], ", ".join(each or "-" for each in possible))
    if not cells["author"]:
        raise wrong_value(where, "author", "", "...")
    valid_from, valid_to = (_day(cells, name, where) for name in ("valid_from", "valid_to"))
    if valid_from is None:
        raise wrong_value(where, "valid_from", "", "yyyy-mm-dd")
    if valid_to is not None and valid_to < valid_from:
        raise wrong_value(where, "valid_to", cells["valid_to"], f">= {valid_from}")
    try:
        decided_at = dt.datetime.fromisoformat(cells["decided_at"].removesuffix("Z"))
    except ValueError:
        decided_at = None
    if decided_at is None or decided_at.tzinfo is not None:
        raise wrong_value(where, "decided_at", cells["decided_at"], "yyyy-mm-ddThh:mm:ssZ")
    return Exclusion(
        exclusion_id=cells["exclusion_id"],
        subject_key=cells["subject_key"],
        list_code=cells["list_code"],
        channel_code=cells["channel_code"] or None,
        valid_from=valid_from,
        valid_to=valid_to,
        escalated_to=cells["escalated_to"],
        reason_code=cells["reason_code"],
        author=cells["author"],
        decided_at=decided_at,
    )


def _day(cells: dict[str, str], name: str, where: str) -> dt.date | None:
    if not cells[name]:
        return None
    try:
        return day_of(cells[name])
    except ValueError as error:
        raise wrong_value(where, name, cells[name], "yyyy-mm-dd") from error


def day_of(text: str) -> dt.date:
    """A date written yyyy-mm-dd. Raises ValueError for anything else, other forms of ISO 8601 too."""
    found = dt.date.fromisoformat(text)
    if found.isoformat() != text:
        raise ValueError(text)
    return found
