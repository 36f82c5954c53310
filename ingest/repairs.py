"""Repairs of quarantined lines: what a person wrote in place of a line that is no record, and how it is read.

A repair is anchored on the bytes of the file (SHA-256), the line and the text that stood there: on other bytes or
another text it does nothing. A repaired line is read by the same rules as the line would have been, alone, so that
it cannot change its neighbours.
What does NOT belong here: showing lines (quarantine.py), deciding and recording (replay.py).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field

from ingest.decisions import decision_files
from ingest.deliveries import Delivery
from ingest.errors import ConfigurationError
from ingest.json_reading import json_cells
from ingest.mapping import FileSpec
from ingest.reading import Records, RepairedLine
from ingest.sql import literal
from ingest.strict_reader import RAW_LINE_LIMIT, RecordParser, tables_of, write_records
from ingest.strict_yaml import read_yaml, validate
from ingest.text_preparation import Prepared

# Formats in which a line is a record: only there a line can be repaired alone.
REPAIRABLE = ("delimited", "fixed_width", "jsonl")
FOLDER = "repairs"
RepairState = Literal["applied", "not_needed", "does_not_fit", "not_delivered"]


@dataclass(frozen=True)
class Repair:
    """One repaired line. raw_sha256: of the text of the line as it was. stated_in: file below decisions/."""

    source_instance: str
    file_path: str
    file_sha256: str
    line: int
    raw_sha256: str
    repaired: str
    author: str
    reason: str
    decided_on: str
    stated_in: str = ""

    @property
    def place(self) -> str:
        """The line, as people name it."""
        return f"{self.source_instance}:{self.file_path}:{self.line}"


Repairs = Mapping[
    tuple[str, str], tuple[Repair, ...]
]  # (source instance, SHA-256 of the file) -> its repairs


class _RepairModel(BaseModel):
    model_config = ConfigDict(extra="forbid")
    line: int = Field(ge=1)
    raw_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    repaired: str = Field(min_length=1)
    author: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    decided_on: dt.date


class _RepairFileModel(BaseModel):
    model_config = ConfigDict(extra="forbid")
    version: int = Field(ge=1, le=1)
    source: str
    file: str
    file_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    repairs: list[_RepairModel]


def load_repairs(decisions: Path) -> dict[tuple[str, str], tuple[Repair, ...]]:
    """Every recorded repair, each once, by line.

    Raises ConfigurationError: E-ING-1xx for a file that cannot be read, E-ING-170 when two repairs of one line
    differ.
    """
    found: dict[tuple[str, str, int], Repair] = {}
    for path in decision_files(decisions / FOLDER):
        name = path.relative_to(decisions).as_posix()
        model = validate(_RepairFileModel, read_yaml(path), name)
        for item in model.repairs:
            repair = Repair(
                model.source, model.file, model.file_sha256, item.line, item.raw_sha256, item.repaired,
                item.author, item.reason, item.decided_on.isoformat(), name,
            )  # fmt: skip
            known = found.setdefault((repair.source_instance, repair.file_sha256, repair.line), repair)
            require_agreement(known, repair)
    by_file: dict[tuple[str, str], list[Repair]] = {}
    for source, sha256, line in sorted(found):
        by_file.setdefault((source, sha256), []).append(found[(source, sha256, line)])
    return {key: tuple(repairs) for key, repairs in by_file.items()}


def require_agreement(known: Repair, other: Repair) -> None:
    """Raise ConfigurationError E-ING-170 when two repairs of one line put different texts in its place."""
    if (known.raw_sha256, known.repaired) != (other.raw_sha256, other.repaired):
        raise ConfigurationError("E-ING-170", known.place, first=_said(known), second=_said(other))


def _said(repair: Repair) -> str:
    place = f", {repair.stated_in}" if repair.stated_in else ""
    return f"{repair.author} ({repair.decided_on}{place})"


def repair_states(
    work: Path, repairs: Repairs, deliveries: list[Delivery]
) -> Iterator[tuple[Repair, RepairState, str | None]]:
    """Each repair, what became of it and the delivery it belongs to, from what landing wrote.

    applied; not_needed: the line is no longer quarantined; does_not_fit: it is, and the repair is no record of its
    file any more; not_delivered: the bytes it belongs to are not (or no longer) among the deliveries.
    """
    by_bytes = {(d.source_instance, d.file_sha256): d for d in deliveries}
    for key, of_file in repairs.items():
        delivery = by_bytes.get(key)
        lines: dict[int, bool] = {}
        if delivery is not None and delivery.has_quarantine:
            path = work / "quarantine" / f"{delivery.delivery_id}.parquet"
            table = pq.read_table(path, columns=["_source_row_id", "repaired_line"]).to_pydict()
            lines = {
                line: text is not None
                for line, text in zip(table["_source_row_id"], table["repaired_line"], strict=True)
            }
        for repair in of_file:
            if delivery is None:
                yield repair, "not_delivered", None
            elif repair.line not in lines:
                yield repair, "not_needed", delivery.delivery_id
            else:
                state = "applied" if lines[repair.line] else "does_not_fit"
                yield repair, state, delivery.delivery_id


def text_sha256(text: str) -> str:
    """64 hex of a line's text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def lines_at(text: Path, numbers: Iterable[int]) -> dict[int, str]:
    """Whole lines of a prepared text by number (1-based), without their ends. Reads the text once, line by line."""
    wanted = set(numbers)
    with text.open(encoding="utf-8", newline="\n") as stream:
        found = {
            number: line.removesuffix("\n") for number, line in enumerate(stream, start=1) if number in wanted
        }
    if 1 in found:
        found[1] = found[1].removeprefix("\ufeff")
    return found


def cells_of(text: str, spec: FileSpec, n_columns: int, where: str) -> list[str | None] | str:
    """Cells of one line as its format cuts them, or why it is no record. n_columns: those of the file."""
    if spec.format == "jsonl":
        return "line break" if "\n" in text else json_cells(text, spec, where)
    if spec.format == "fixed_width":
        shortest, longest = spec.line_lengths()
        if "\n" in text or not shortest <= len(text) <= longest:
            declared = str(longest) if shortest == longest else f"{shortest} to {longest}"
            return f"{len(text)} characters, {declared} declared"
        return [text[start - 1 : start - 1 + size] for start, size in spec.field_places().values()]
    parser = RecordParser(spec.delimiter or ",", spec.quote, spec.escape_character)
    breaks = [at for at, character in enumerate(text) if character == "\n"]
    if any(parser.split(text[:at]) != "unclosed_quote" for at in breaks):
        return "a line break outside quotes"
    fields = parser.split(text)
    if isinstance(fields, str):
        return fields
    return list(fields) if len(fields) == n_columns else f"{len(fields)} fields, {n_columns} declared"


def apply_repairs(
    connection: duckdb.DuckDBPyConnection, records: Records, repairs: tuple[Repair, ...], prepared: Prepared,
    spec: FileSpec, scratch: Path, where: str,
) -> None:  # fmt: skip
    """Turn the quarantined lines of `records` that have a repair into records. The others are left as they are:
    a repair of another text, or one that is no record itself, changes nothing.
    """
    by_line = {repair.line: repair for repair in repairs}
    waiting = {item[0]: item for item in records.quarantine if item[0] in by_line}
    if not waiting or spec.format not in REPAIRABLE:
        return
    n_columns = len(connection.sql(records.relation).columns) - 2
    raw = lines_at(prepared.path, waiting)
    rows, repaired = [], []
    for line, (_, reason_code, _, detail) in sorted(waiting.items()):
        repair = by_line[line]
        cells = cells_of(repair.repaired, spec, n_columns, where)
        if text_sha256(raw[line]) != repair.raw_sha256 or isinstance(cells, str):
            continue
        rows.append((line, cells))
        repaired.append(
            RepairedLine(
                line,
                reason_code,
                raw[line][:RAW_LINE_LIMIT],
                detail,
                repair.repaired,
                repair.author,
                repair.reason,
                repair.decided_on,
            )
        )
    if not rows:
        return
    target = scratch / f"{prepared.path.name}.repaired.parquet"
    write_records(tables_of(iter(rows), n_columns), n_columns, target)
    records.relation = (
        f"SELECT * FROM ({records.relation}) UNION ALL "
        f"SELECT _row, 0 AS _part, * EXCLUDE (_row) FROM read_parquet({literal(str(target))})"
    )
    done = {line.line for line in repaired}
    records.quarantine = [item for item in records.quarantine if item[0] not in done]
    records.repaired = repaired
    records.expected += len(rows)
    records.lines = replace(
        records.lines,
        quarantined=records.lines.quarantined - len(rows),
        repaired=records.lines.repaired + len(rows),
    )
    records.temporary.append(target)
    records.is_header_only = False
