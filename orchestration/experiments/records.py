"""What the command leaves beside a protocol: registration.json, assignment.csv for the CRM, assignment.json.

A registration is written once, before the first day; arms are drawn once, for the registered protocol, before the first
day. All are only ever read afterwards, and each is checked against what it was made of. What does NOT belong here:
who is eligible (population), the hash (assignment).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from ingest.inert_text import FORMULA, inert_text
from orchestration.experiments.assignment import by_block, by_hash
from orchestration.experiments.errors import ExperimentError
from orchestration.experiments.protocol import FOLDER, Protocol
from orchestration.safe_sheets import csv_table

REGISTRATION, ASSIGNMENT, DRAWN = "registration.json", "assignment.csv", "assignment.json"
COLUMNS = (
    "unit_id", "arm_code", "stratum_code", "n_prior_leads", "n_prior_conversions", "contract", "source_instance",
    "source_record_id",
)  # fmt: skip
_TYPES = (
    pa.string(),
    pa.string(),
    pa.string(),
    pa.int64(),
    pa.int64(),
    pa.string(),
    pa.string(),
    pa.string(),
)
_INERT = f"^'+[{re.escape(''.join(FORMULA))}]"
_SHA256 = re.compile(r"^[0-9a-f]{64}$")


@dataclass(frozen=True)
class Registration:
    """registered_at: naive UTC. registered_on: its day in the company's zone."""

    protocol_sha256: str
    registered_at: dt.datetime
    registered_on: dt.date
    author: str


@dataclass(frozen=True)
class Unit:
    """One eligible unit as it stood when arms were drawn. records: (contract, source_instance, source_record_id)."""

    unit_id: str
    stratum_code: str
    n_prior_leads: int
    n_prior_conversions: int
    records: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Drawn:
    """Units with their arms. assigned_on: day in the company's zone; cycle: of the run that told who was eligible.

    rows: COLUMNS, one row per unit and record. is_intact: the file holds the units and arms that were written, and the
    seed gives these arms.
    """

    protocol_sha256: str
    assigned_at: dt.datetime
    assigned_on: dt.date
    author: str
    cycle: str
    sha256: str
    rows: pa.Table
    is_intact: bool

    @property
    def arms(self) -> dict[str, str]:
        """Unit -> its arm."""
        told = self.rows.select(["unit_id", "arm_code"]).to_pydict()
        return dict(zip(told["unit_id"], told["arm_code"], strict=True))


def arms_of(protocol: Protocol, units: Sequence[str], strata: Sequence[str]) -> list[str]:
    """The arm of each unit, by the registered method, seed and weights."""
    weights = [arm.weight for arm in protocol.arms]
    if protocol.assignment == "block":
        numbers = by_block(protocol.hash_seed, units, strata, weights)
    else:
        numbers = by_hash(protocol.hash_seed, units, weights)
    codes = [arm.code for arm in protocol.arms]
    return [codes[number] for number in numbers.tolist()]


def register(
    folder: Path, protocol: Protocol, author: str, moment: dt.datetime, today: dt.date
) -> Registration:
    """Write registration.json. Raises ExperimentError E-XPT-003 on or after start_on, E-XPT-004 when there is one."""
    if (before := read_registration(folder)) is not None:
        raise ExperimentError("E-XPT-004", protocol.code, is_usage=True, registered_on=before.registered_on)
    _refuse_late(protocol, today)
    made = Registration(protocol.sha256, moment, today, author)
    _write(folder / REGISTRATION, _json({
        "code": protocol.code,
        "protocol_sha256": made.protocol_sha256,
        "registered_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "registered_on": today.isoformat(),
        "author": author,
    }))  # fmt: skip
    return made


def read_registration(folder: Path) -> Registration | None:
    """The registration of experiments/<code>; None without one. Raises ExperimentError E-XPT-009."""
    content = _read_json(folder / REGISTRATION)
    if content is None:
        return None
    where = f"{FOLDER}/{folder.name}/{REGISTRATION}"
    try:
        return Registration(
            _sha256(content["protocol_sha256"]),
            _moment(content["registered_at"]),
            dt.date.fromisoformat(content["registered_on"]),
            str(content["author"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise _damaged(where, error) from None


def require_registered(folder: Path, protocol: Protocol) -> Registration:
    """The registration of this very protocol. Raises ExperimentError E-XPT-006 without one, E-XPT-005 for another."""
    found = read_registration(folder)
    if found is None:
        raise ExperimentError("E-XPT-006", protocol.code, is_usage=True)
    if found.protocol_sha256 != protocol.sha256:
        raise ExperimentError("E-XPT-005", protocol.code, is_usage=True)
    return found


def assign(
    folder: Path, protocol: Protocol, units: Sequence[Unit], *, author: str, moment: dt.datetime, today: dt.date,
    cycle: str,
) -> Drawn:  # fmt: skip
    """Draw the arms and write assignment.csv and assignment.json.

    Raises ExperimentError E-XPT-003, -005, -006, E-XPT-007 when arms were drawn before, E-XPT-008 without units.
    """
    if (before := read_assignment(folder, protocol)) is not None:
        raise ExperimentError("E-XPT-007", protocol.code, is_usage=True, assigned_on=before.assigned_on)
    require_registered(folder, protocol)
    _refuse_late(protocol, today)
    if not units:
        raise ExperimentError("E-XPT-008", protocol.code, is_usage=True)
    ordered = sorted(units, key=lambda unit: unit.unit_id)
    arms = arms_of(protocol, [unit.unit_id for unit in ordered], [unit.stratum_code for unit in ordered])
    lines = [line for unit, arm in zip(ordered, arms, strict=True) for line in _lines(unit, arm)]
    rows = pa.Table.from_arrays(
        [pa.array(column, type=kind) for column, kind in zip(zip(*lines, strict=True), _TYPES, strict=True)],
        names=list(COLUMNS),
    )
    sha256 = _content_hash(rows)
    safe = [[inert_text(cell) if isinstance(cell, str) else cell for cell in line] for line in lines]
    _write(folder / ASSIGNMENT, csv_table(COLUMNS, safe))
    _write(folder / DRAWN, _json({
        "code": protocol.code,
        "protocol_sha256": protocol.sha256,
        "assigned_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "assigned_on": today.isoformat(),
        "author": author,
        "cycle": cycle,
        "n_units": len(ordered),
        "content_sha256": sha256,
    }))  # fmt: skip
    return Drawn(protocol.sha256, moment, today, author, cycle, sha256, rows, True)


def read_assignment(folder: Path, protocol: Protocol) -> Drawn | None:
    """The arms of experiments/<code>; None without. A file that people changed is read and is not intact.

    Raises ExperimentError E-XPT-009 for what is no assignment.
    """
    content = _read_json(folder / DRAWN)
    if content is None:
        return None
    where = f"{FOLDER}/{folder.name}"
    try:
        rows = _read_rows(folder / ASSIGNMENT)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise _damaged(f"{where}/{ASSIGNMENT}", error) from None
    try:
        stated = _sha256(content["content_sha256"])
        protocol_sha256 = _sha256(content["protocol_sha256"])
        assigned_at, assigned_on = (
            _moment(content["assigned_at"]),
            dt.date.fromisoformat(content["assigned_on"]),
        )
        author, cycle = str(content["author"]), str(content["cycle"])
    except (KeyError, ValueError, TypeError) as error:
        raise _damaged(f"{where}/{DRAWN}", error) from None
    facts = rows.group_by(list(COLUMNS[:5])).aggregate([])
    is_intact = (
        _content_hash(rows) == stated
        and len(facts["unit_id"].unique()) == facts.num_rows  # nobody has two arms, strata or counts
        and facts["arm_code"].to_pylist()
        == arms_of(protocol, facts["unit_id"].to_pylist(), facts["stratum_code"].to_pylist())
    )
    return Drawn(protocol_sha256, assigned_at, assigned_on, author, cycle, stated, rows, is_intact)


def _lines(unit: Unit, arm: str) -> list[tuple[object, ...]]:
    """One line for each record of the unit in a CRM, one without where it has none."""
    told = (unit.unit_id, arm, unit.stratum_code, unit.n_prior_leads, unit.n_prior_conversions)
    return [(*told, *record) for record in unit.records or (("", "", ""),)]


def _read_rows(path: Path) -> pa.Table:
    """The file as a spreadsheet may have saved it: either separator, texts that were made inert meant as they were."""
    with path.open(encoding="utf-8-sig") as file:
        delimiter = max(";,", key=file.readline().count)
    table = pa_csv.read_csv(
        path,
        parse_options=pa_csv.ParseOptions(delimiter=delimiter),
        convert_options=pa_csv.ConvertOptions(
            include_columns=list(COLUMNS),
            column_types=dict(zip(COLUMNS, _TYPES, strict=True)),
            strings_can_be_null=False,
        ),
    )
    columns = [
        _meant(table[name]) if kind == pa.string() else table[name]
        for name, kind in zip(COLUMNS, _TYPES, strict=True)
    ]
    return pa.Table.from_arrays(columns, names=list(COLUMNS))


def _meant(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """meant_text() of every cell."""
    is_inert = pc.match_substring_regex(cells, _INERT)
    return pc.if_else(is_inert, pc.utf8_slice_codeunits(cells, 1), cells)


def _content_hash(rows: pa.Table) -> str:
    """64 hex over units, arms, strata, records and what was known before, whatever the order and the separator."""
    texts = [rows[name].cast(pa.string()) for name in COLUMNS]
    lines = pc.binary_join_element_wise(*texts, "\x1f").to_pylist()
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _refuse_late(protocol: Protocol, today: dt.date) -> None:
    if today >= protocol.start_on:
        raise ExperimentError(
            "E-XPT-003", protocol.code, is_usage=True, today=today, start_on=protocol.start_on
        )


def _read_json(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise _damaged(f"{FOLDER}/{path.parent.name}/{path.name}", error) from None
    if not isinstance(content, dict):
        raise _damaged(f"{FOLDER}/{path.parent.name}/{path.name}", ValueError("no object"))
    return content


def _sha256(text: str) -> str:
    if not _SHA256.match(text):
        raise ValueError("no sha256")
    return text


def _moment(text: str) -> dt.datetime:
    found = dt.datetime.fromisoformat(text.removesuffix("Z"))
    if found.tzinfo is not None:
        raise ValueError("a moment in UTC is expected")
    return found


def _damaged(where: str, error: Exception) -> ExperimentError:
    return ExperimentError("E-XPT-009", where, detail=type(error).__name__)


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    """Replaced by rename, and on disk before it is in place."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
