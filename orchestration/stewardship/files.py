"""Decisions as files: <company>/stewardship/*.csv, which only grow. Read strictly, written whole by rename.

They are input like the extracts: a work directory built again from nothing obeys them. A line is added, never changed
or removed; a line of undos.csv names the decision that holds no longer. Files of decisions are written by people, some
hundred lines: reading them row by row is what gives an error its line.
What does NOT belong here: what a decision does (standing.py) and whether it may be recorded (recording.py).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ingest.inert_text import inert_text, meant_text
from ingest.private_files import private_files
from orchestration.stewardship.decisions import (
    ATTRIBUTES,
    ENTITIES,
    LINK_KINDS,
    PAIR_KINDS,
    Decision,
    possible_value,
)
from orchestration.stewardship.errors import StewardshipError

_DECIDED = ("author", "reason", "decided_at", "expires_on")
#: File -> its columns. The order in a file is free; every column must be there and no other.
LAYOUTS: dict[str, tuple[str, ...]] = {
    "pair_decisions.csv": (
        "decision_id",
        "entity",
        "decision",
        "left_record_key",
        "right_record_key",
        "left_content_hash",
        "right_content_hash",
        "item_id",
        *_DECIDED,
    ),
    "unmerges.csv": ("decision_id", "entity", "record_key", "part", "content_hash", *_DECIDED),
    "field_overrides.csv": (
        "decision_id",
        "entity",
        "record_key",
        "attribute",
        "value",
        "content_hash",
        *_DECIDED,
    ),
    "group_links.csv": (
        "decision_id",
        "child_record_key",
        "parent_record_key",
        "kind_code",
        "valid_from",
        "valid_to",
        *_DECIDED,
    ),
    "undos.csv": ("decision_id", "undone_decision_id", "author", "reason", "decided_at"),
}
#: Columns that may be empty.
_OPTIONAL = {
    "expires_on",
    "item_id",
    "content_hash",
    "left_content_hash",
    "right_content_hash",
    "valid_from",
    "valid_to",
}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_RECORD_KEY = re.compile(r"[^/]+/[a-z_]+/.+", re.DOTALL)
_HASH = re.compile(r"[0-9a-f]{12}")
#: Columns in which people write what they like.
_FREE = ("author", "reason", "value", "part")
_DATE = "yyyy-mm-dd"
_MOMENT = "yyyy-mm-ddThh:mm:ssZ"


@dataclass(frozen=True)
class _Row:
    """One line of a file: its values and where it stands."""

    values: dict[str, str]
    place: str

    def choice(self, column: str, possible: Sequence[str]) -> str:
        value = self.values[column]
        if value not in possible:
            raise self.error(column, ", ".join(possible))
        return value

    def matching(self, column: str, pattern: re.Pattern[str], possible: str) -> str:
        value = self.values[column]
        if value and not pattern.fullmatch(value):
            raise self.error(column, possible)
        return value

    def date(self, column: str) -> dt.date | None:
        value = self.values[column]
        if not value:
            return None
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            raise self.error(column, _DATE)
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            raise self.error(column, _DATE) from None

    def moment(self, column: str) -> dt.datetime:
        """An instant in UTC; a day alone is its first instant."""
        value = self.values[column]
        if not re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", value):
            raise self.error(column, _MOMENT)
        try:
            return dt.datetime.fromisoformat(value.removesuffix("Z"))
        except ValueError:
            raise self.error(column, _MOMENT) from None

    def error(self, column: str, possible: str) -> StewardshipError:
        return StewardshipError(
            "E-STW-002", self.place, is_usage=True, column=column, value=repr(self.values[column][:60]),
            possible=possible,
        )  # fmt: skip


def read_decisions(folder: Path) -> tuple[Decision, ...]:
    """Every decision ever recorded below `folder`, undos included, file by file in the order of their lines.

    Raises StewardshipError E-STW-001 to 005: other columns, a wrong value, a repeated id, an undo of nothing,
    a file that is no text.
    """
    decisions: list[Decision] = []
    for name in LAYOUTS:
        path = folder / name
        if path.is_file():
            decisions += _DECODERS[name](_read_rows(path))
    _check_ids(decisions)
    return tuple(decisions)


def append_decisions(folder: Path, made: Iterable[Decision]) -> None:
    """Add decisions to the files they belong to. Each file is replaced by rename, readable by its owner only."""
    lines: dict[str, list[dict[str, str]]] = {}
    for decision in made:
        name, rows = _encode(decision)
        lines.setdefault(name, []).extend(rows)
    with private_files(folder):
        for name, rows in lines.items():
            _append(folder / name, rows)


#: A company's own rules of survivorship (orchestration.survivorship), which lie beside its decisions.
SURVIVORSHIP = "survivorship.csv"


def steward_files(folder: Path) -> list[Path]:
    """The files of decisions and rules that are there, by path: a run looks at them like at extracts."""
    return sorted(path for name in (*LAYOUTS, SURVIVORSHIP) if (path := folder / name).is_file())


def _append(path: Path, rows: list[dict[str, str]]) -> None:
    before = path.read_bytes() if path.is_file() else b""
    columns, delimiter = LAYOUTS[path.name], ","
    if before:
        delimiter, header = _header(before.decode("utf-8-sig"))
        columns = tuple(header)
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, delimiter=delimiter, lineterminator="\n")
    if not before:
        writer.writeheader()
    elif not before.endswith(b"\n"):
        text.write("\n")
    writer.writerows(
        {column: inert_text(cell) if column in _FREE else cell for column, cell in row.items()}
        for row in rows
    )
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(before + text.getvalue().encode())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _header(text: str) -> tuple[str, list[str]]:
    """(delimiter, column names) of a file: a spreadsheet may have saved it with semicolons."""
    first = text.splitlines()[0] if text.strip() else ""
    delimiter = ";" if first.count(";") > first.count(",") else ","
    return delimiter, next(csv.reader([first], delimiter=delimiter), [])


def _read_rows(path: Path) -> list[_Row]:
    place = f"stewardship/{path.name}"
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StewardshipError(
            "E-STW-005", place, is_usage=True, detail=f"byte {error.start} is not UTF-8"
        ) from error
    delimiter, header = _header(text)
    expected = LAYOUTS[path.name]
    if sorted(header) != sorted(expected):
        missing, unknown = set(expected) - set(header), set(header) - set(expected)
        detail = ", ".join(
            [f"-{name}" for name in sorted(missing)] + [f"+{name!r}" for name in sorted(unknown)]
        )
        raise StewardshipError(
            "E-STW-001", place, is_usage=True, detail=detail or "repeated", columns=",".join(expected)
        )
    rows = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        next(reader)
        for cells in reader:
            where = f"{place}:{reader.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                detail = f"{len(cells)} / {len(header)}"
                raise StewardshipError(
                    "E-STW-001", where, is_usage=True, detail=detail, columns=",".join(expected)
                )
            values = zip(header, (cell.strip() for cell in cells), strict=True)
            row = _Row(
                {column: meant_text(cell) if column in _FREE else cell for column, cell in values}, where
            )
            empty = next((name for name in expected if not row.values[name] and name not in _OPTIONAL), None)
            if empty:
                raise row.error(empty, "...")
            row.matching("decision_id", _ID, "A-Z a-z 0-9 _ . : -")
            rows.append(row)
    except csv.Error as error:
        raise StewardshipError(
            "E-STW-005", f"{place}:{reader.line_num}", is_usage=True, detail=error
        ) from error
    return rows


def _decided(row: _Row, kind: str, entity: str, keys: tuple[str, ...], hashes: tuple[str, ...]) -> Decision:
    return Decision(
        decision_id=row.values["decision_id"], kind=kind, entity=entity, record_keys=keys, content_hashes=hashes,
        author=row.values["author"], reason=row.values["reason"], decided_at=row.moment("decided_at"),
        expires_on=row.date("expires_on") if "expires_on" in row.values else None, place=row.place,
    )  # fmt: skip


def _keys(row: _Row, *columns: str) -> tuple[str, ...]:
    return tuple(row.matching(column, _RECORD_KEY, "source/contract/id") for column in columns)


def _hashes(row: _Row, *columns: str) -> tuple[str, ...]:
    return tuple(row.matching(column, _HASH, "12 hex") for column in columns)


def _read_pairs(rows: list[_Row]) -> list[Decision]:
    made = []
    for row in rows:
        keys = _keys(row, "left_record_key", "right_record_key")
        if keys[0] == keys[1] and row.values["decision"] != "cannot_say":  # a question about one record
            raise row.error("right_record_key", "another record")
        decided = _decided(
            row, row.choice("decision", PAIR_KINDS), row.choice("entity", ENTITIES), keys,
            _hashes(row, "left_content_hash", "right_content_hash"),
        )  # fmt: skip
        made.append(replace(decided, item_id=row.values["item_id"]))
    return made


def _read_overrides(rows: list[_Row]) -> list[Decision]:
    made = []
    for row in rows:
        entity = row.choice("entity", ENTITIES)
        attribute = row.choice("attribute", ATTRIBUTES[entity])
        possible = possible_value(attribute, row.values["value"])
        if possible:
            raise row.error("value", possible)
        decided = _decided(row, "override", entity, _keys(row, "record_key"), _hashes(row, "content_hash"))
        made.append(replace(decided, attribute=attribute, value=row.values["value"]))
    return made


def _read_links(rows: list[_Row]) -> list[Decision]:
    made = []
    for row in rows:
        keys = _keys(row, "child_record_key", "parent_record_key")
        valid_from, valid_to = row.date("valid_from"), row.date("valid_to")
        if valid_from and valid_to and valid_to <= valid_from:
            raise row.error("valid_to", f"> {valid_from}")
        decided = _decided(row, "group_link", "account", keys, ("", ""))
        kind = row.choice("kind_code", LINK_KINDS)
        made.append(replace(decided, link_kind=kind, valid_from=valid_from, valid_to=valid_to))
    return made


def _read_unmerges(rows: list[_Row]) -> list[Decision]:
    """The lines of one decision id are one decision, each line one record and its part."""
    together: dict[str, list[_Row]] = {}
    for row in rows:
        together.setdefault(row.values["decision_id"], []).append(row)
    made = []
    for lines in together.values():
        first = lines[0]
        for line in lines[1:]:
            for column in ("entity", *_DECIDED):
                if line.values[column] != first.values[column]:
                    raise line.error(column, repr(first.values[column][:60]))
        keys = tuple(_keys(line, "record_key")[0] for line in lines)
        repeated = next((line for i, line in enumerate(lines) if keys[i] in keys[:i]), None)
        if repeated:
            raise repeated.error("record_key", "another record")
        parts = tuple(line.values["part"] for line in lines)
        if len(set(parts)) < 2:
            raise lines[-1].error("part", ">= 2 parts")
        hashes = tuple(_hashes(line, "content_hash")[0] for line in lines)
        decided = _decided(first, "unmerge", first.choice("entity", ENTITIES), keys, hashes)
        made.append(replace(decided, parts=parts))
    return made


def _read_undos(rows: list[_Row]) -> list[Decision]:
    return [
        replace(_decided(row, "undo", "", (), ()), undone_id=row.values["undone_decision_id"]) for row in rows
    ]


_DECODERS: dict[str, Callable[[list[_Row]], list[Decision]]] = {
    "pair_decisions.csv": _read_pairs,
    "unmerges.csv": _read_unmerges,
    "field_overrides.csv": _read_overrides,
    "group_links.csv": _read_links,
    "undos.csv": _read_undos,
}


def _check_ids(decisions: list[Decision]) -> None:
    places: dict[str, str] = {}
    for decision in decisions:
        if decision.decision_id in places:
            raise StewardshipError(
                "E-STW-003", decision.place, is_usage=True, decision=decision.decision_id,
                other=places[decision.decision_id],
            )  # fmt: skip
        # Undos are read last and in order: what one names stands before it.
        if decision.kind == "undo" and decision.undone_id not in places:
            raise StewardshipError("E-STW-004", decision.place, is_usage=True, decision=decision.undone_id)
        places[decision.decision_id] = decision.place


def _encode(decision: Decision) -> tuple[str, list[dict[str, str]]]:
    """The file a decision belongs to and its lines."""
    decided = {
        "decision_id": decision.decision_id,
        "author": decision.author,
        "reason": decision.reason,
        "decided_at": f"{decision.decided_at:%Y-%m-%dT%H:%M:%SZ}",
        "expires_on": _text(decision.expires_on),
    }
    if decision.kind == "undo":
        decided.pop("expires_on")
        return "undos.csv", [decided | {"undone_decision_id": decision.undone_id}]
    if decision.kind == "group_link":
        child, parent = decision.record_keys
        link = {"child_record_key": child, "parent_record_key": parent, "kind_code": decision.link_kind}
        dates = {"valid_from": _text(decision.valid_from), "valid_to": _text(decision.valid_to)}
        return "group_links.csv", [decided | link | dates]
    decided["entity"] = decision.entity
    if decision.kind == "override":
        (key,), (seen,) = decision.record_keys, decision.content_hashes
        override = {"record_key": key, "content_hash": seen}
        return "field_overrides.csv", [
            decided | override | {"attribute": decision.attribute, "value": decision.value}
        ]
    if decision.kind == "unmerge":
        rows = zip(decision.record_keys, decision.parts, decision.content_hashes, strict=True)
        return "unmerges.csv", [
            decided | {"record_key": key, "part": part, "content_hash": seen} for key, part, seen in rows
        ]
    (left, right), (left_hash, right_hash) = decision.record_keys, decision.content_hashes
    return "pair_decisions.csv", [
        decided
        | {"decision": decision.kind, "left_record_key": left, "right_record_key": right}
        | {"left_content_hash": left_hash, "right_content_hash": right_hash, "item_id": decision.item_id}
    ]


def _text(day: dt.date | None) -> str:
    return day.isoformat() if day else ""
