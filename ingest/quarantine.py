"""The rows that did not get in: quarantined lines and records set aside, listed, shown and written out to be repaired.

Reads what the last collect wrote. Text of lines is personal data: it is shown as its shape (letters x, digits 0)
unless asked for.
What does NOT belong here: recording repairs and reading them again (replay.py), printing.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import duckdb

from ingest.company import Company
from ingest.contract import load_contract
from ingest.deliveries import Delivery, DeliveryStore, raw_file
from ingest.errors import NoRunYetError, RefusedFile
from ingest.inert_text import inert_line
from ingest.landing import prepare_delivery
from ingest.line_breaks import Break, break_of
from ingest.mapping import FileSpec, load_mapping
from ingest.reading import read_layout
from ingest.repairs import REPAIRABLE, lines_at
from ingest.sql import ident, literal

Kind = Literal["line", "record"]
KEY = "etalon_key"
# Between a key and its line in formats without a separator.
TAB = "\t"


@dataclass(frozen=True)
class Wanted:
    """What to list; None means everything. file: a path below extracts/, its end or its name."""

    source: str | None = None
    file: str | None = None
    reason: str | None = None
    contract: str | None = None


@dataclass(frozen=True)
class Outside:
    """One row that did not get in. kind `line`: it is no record; `record`: it is one, and a required value is
    not there. raw_line is empty for records and where the mapping keeps columns away from raw.
    """

    kind: Kind
    source_instance: str
    file_path: str
    delivery_id: str
    delivered_on: date | None
    line: int
    reason_code: str
    contract: str | None
    raw_line: str
    detail: str

    @property
    def address(self) -> str:
        """What `etalon where` and `etalon quarantine show` take."""
        return f"{self.source_instance}:{self.delivery_id}:{self.line}"


@dataclass(frozen=True)
class Shown:
    """One row that did not get in, with what is needed to repair it. text: the whole line as it stands."""

    row: Outside
    text: str
    columns: tuple[str, ...]
    breaks: Break | None
    missing: tuple[str, ...]
    record_before: int | None
    record_after: int | None
    others: tuple[int, ...]
    is_repairable: bool
    why_not: str


def rows_outside(work: Path, wanted: Wanted) -> list[Outside]:
    """Every row that did not get in, newest delivery first, then by file and line.

    Raises NoRunYetError before the first collect.
    """
    collect = work / "collect"
    if not (collect / "quarantine_lines.parquet").is_file():
        raise NoRunYetError("no extract has been collected here yet")
    tables = {
        name: f"read_parquet({literal(str(collect / f'{name}.parquet'))})"
        for name in ("quarantine_lines", "dispositions", "deliveries")
    }
    conditions, values = [], {}
    for column, value in (
        ("source_instance", wanted.source), ("reason_code", wanted.reason), ("contract", wanted.contract),
    ):  # fmt: skip
        if value is not None:
            conditions.append(f"{column} = ${column}")
            values[column] = value
    if wanted.file is not None:
        conditions.append("(file_path = $file OR ends_with(file_path, '/' || $file) OR _delivery_id = $file)")
        values["file"] = wanted.file
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"""
            SELECT kind, source_instance, file_path, _delivery_id, delivered_on, line, reason_code, contract,
                   raw_line, detail
            FROM (
                SELECT 'line' AS kind, source_instance, _delivery_id, _source_row_id AS line, reason_code,
                       CAST(NULL AS VARCHAR) AS contract, coalesce(raw_line, '') AS raw_line,
                       coalesce(detail, '') AS detail
                FROM {tables["quarantine_lines"]}
                UNION ALL
                SELECT DISTINCT 'record', source_instance, _delivery_id, _source_row_id, reason_code, contract,
                       '', ''
                FROM {tables["dispositions"]} WHERE disposition = 'quarantined'
            )
            JOIN (SELECT _delivery_id, file_path, delivered_on FROM {tables["deliveries"]}) USING (_delivery_id)
            {where}
            ORDER BY delivered_on DESC NULLS LAST, source_instance, file_path, _delivery_id, line, kind, contract
            """,
            values,
        ).fetchall()
    return [Outside(*row) for row in rows]


def rows_at(work: Path, address: str) -> list[Outside]:
    """The rows that did not get in at `<source>:<file or delivery>:<line>`: several only where one line gives
    records of several contracts, or where a file held several contents. Empty when there is none.
    """
    source, _, rest = address.partition(":")
    file, _, line = rest.rpartition(":")
    if not (source and file and line.isdigit()):
        return []
    return [row for row in rows_outside(work, Wanted(source, file)) if row.line == int(line)]


def grouped(rows: Iterable[Outside]) -> list[dict[str, Any]]:
    """Counts by file, kind, reason and contract, in the order of the rows."""
    counts = Counter(
        (r.source_instance, r.file_path, r.delivery_id, r.delivered_on, r.kind, r.reason_code, r.contract)
        for r in rows
    )
    names = (
        "source_instance", "file_path", "delivery_id", "delivered_on", "kind", "reason_code", "contract",
    )  # fmt: skip
    return [dict(zip(names, key, strict=True), n_rows=n) for key, n in counts.items()]


def shape_of(text: str) -> str:
    """The text with every letter as x and every digit as 0: separators and quotes show, persons do not."""
    return "".join("x" if c.isalpha() else "0" if c.isnumeric() else c for c in text)


def show(company: Company, row: Outside) -> Shown:
    """What a person needs to know to repair one row."""
    delivery = DeliveryStore(company.work).load()[row.delivery_id]
    spec = spec_of(company, delivery)
    why_not = why_not_repairable(spec) if row.kind == "line" else "record"
    text, columns = "", columns_of(company, delivery, spec)
    if row.kind == "line" and not spec.privacy:
        text = whole_lines(company, delivery, spec, [row.line]).get(row.line, row.raw_line)
    before, after = _neighbours(company.work, delivery, row.line)
    others = [
        each.line
        for each in rows_outside(company.work, Wanted(row.source_instance, row.delivery_id))
        if each.line != row.line and abs(each.line - row.line) <= 10
    ]
    breaks = break_of(text, row.reason_code, row.detail, spec, len(columns)) if text else None
    missing = _missing(company.work, delivery, row) if row.kind == "record" and row.contract else ()
    return Shown(
        row, text, columns, breaks, missing, before, after, tuple(sorted(set(others))), not why_not, why_not
    )


def spec_of(company: Company, delivery: Delivery) -> FileSpec:
    """Entry of the mapping that reads a delivery."""
    source = next(s for s in company.sources if s.instance == delivery.source_instance)
    return load_mapping(source, company.root).model.files[delivery.file_key]


def why_not_repairable(spec: FileSpec) -> str:
    """Why the lines of a file cannot be repaired one by one; empty when they can."""
    if spec.privacy:
        return "the mapping keeps columns of it out of every file but the archive (privacy)"
    if spec.format not in REPAIRABLE:
        return f"a record of the format {spec.format} is no line"
    return ""


def whole_lines(
    company: Company, delivery: Delivery, spec: FileSpec, numbers: Iterable[int]
) -> dict[int, str]:
    """Lines of an archived delivery by number, decoded as its mapping says; empty for formats without lines.

    Raises RefusedFile when the archived bytes can no longer be read.
    """
    if spec.format not in REPAIRABLE:
        return {}
    readable = spec.model_copy(update={"on_undecodable": "quarantine"})
    scratch = company.work / "tmp" / "ingest"
    prepared = prepare_delivery(company.work, delivery, readable, delivery.file_path, scratch)
    try:
        return lines_at(prepared.path, numbers)
    finally:
        prepared.close()


def columns_of(company: Company, delivery: Delivery, spec: FileSpec) -> tuple[str, ...]:
    """Columns of a file in their order, as its header or its mapping names them."""
    if spec.format == "fixed_width":
        return tuple(spec.field_places())
    if spec.format in {"json", "jsonl"}:
        return tuple(spec.field_paths())
    if spec.format != "delimited":
        return ()
    readable = spec.model_copy(update={"on_undecodable": "quarantine"})
    scratch = company.work / "tmp" / "ingest"
    prepared = prepare_delivery(company.work, delivery, readable, delivery.file_path, scratch)
    try:
        return read_layout(prepared.path, readable, set(), delivery.file_path).names
    finally:
        prepared.close()


def export(company: Company, rows: Iterable[Outside], target: Path) -> int:
    """Write quarantined lines to `target` (0600), each behind its key, below the header of its file.

    What a spreadsheet would run as a formula stands behind an apostrophe, which a replay takes away again.
    Returns the number of lines. Raises FileExistsError, and RefusedFile E-ING-171 for a file whose lines cannot
    be repaired.
    """
    known = DeliveryStore(company.work).load()
    lines: dict[str, list[int]] = {}
    for row in rows:
        if row.kind == "line":
            lines.setdefault(row.delivery_id, []).append(row.line)
    sections = []
    for delivery_id, numbers in lines.items():
        delivery = known[delivery_id]
        spec = spec_of(company, delivery)
        why_not = why_not_repairable(spec)
        if why_not:
            place = f"{delivery.source_instance}: {delivery.file_path}"
            raise RefusedFile("E-ING-171", place, detail=why_not)
        texts = whole_lines(company, delivery, spec, numbers)
        mark = separator_of(spec)
        header = mark.join(_quoted(name, spec) for name in columns_of(company, delivery, spec))
        sections.append(f"{KEY}{mark}{inert_line(header)}")
        sections += [
            f"{delivery.source_instance}:{delivery_id}:{number}{mark}{inert_line(texts[number])}"
            for number in numbers
        ]
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    # A spreadsheet takes a file without this mark for another encoding.
    with os.fdopen(handle, "w", encoding="utf-8-sig", newline="\n") as stream:
        stream.writelines(f"{line}\n" for line in sections)
    return sum(map(len, lines.values()))


def separator_of(spec: FileSpec) -> str:
    """What stands between a key and its line in a file of lines to repair."""
    return spec.delimiter if spec.format == "delimited" and spec.delimiter else TAB


def _quoted(name: str, spec: FileSpec) -> str:
    quote = spec.quote if spec.format == "delimited" else None
    if quote and (quote in name or (spec.delimiter or ",") in name or "\n" in name):
        return f"{quote}{name.replace(quote, quote * 2)}{quote}"
    return name.replace("\n", " ")


def _neighbours(work: Path, delivery: Delivery, line: int) -> tuple[int | None, int | None]:
    """Lines at which the record before and the record after a line begin."""
    files = [
        raw_file(work, contract, delivery.source_instance, delivery.delivery_id)
        for contract in delivery.tables
    ]
    found: list[tuple[int | None, int | None]] = []
    with duckdb.connect() as connection:
        for file in files:
            row = connection.execute(
                "SELECT max(_source_row_id) FILTER (WHERE _source_row_id < $line), "
                "min(_source_row_id) FILTER (WHERE _source_row_id > $line) "
                f"FROM read_parquet({literal(str(file))})",
                {"line": line},
            ).fetchone()
            if row:
                found.append((row[0], row[1]))
    before = max((each[0] for each in found if each[0] is not None), default=None)
    after = min((each[1] for each in found if each[1] is not None), default=None)
    return before, after


def _missing(work: Path, delivery: Delivery, row: Outside) -> tuple[str, ...]:
    """Required columns of the contract that a record set aside does not have."""
    contract = load_contract(row.contract or "")
    required = [column.name for column in contract.columns if column.required]
    file = raw_file(work, contract.name, delivery.source_instance, delivery.delivery_id)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'")
        found = connection.execute(
            f"SELECT {', '.join(f'bool_or({ident(name)} IS NULL)' for name in required)} "
            f"FROM read_parquet({literal(str(file))}) WHERE _source_row_id = $line AND _set_aside IS NOT NULL",
            {"line": row.line},
        ).fetchone()
    return tuple(name for name, is_null in zip(required, found or (), strict=False) if is_null)
