"""A reader of the demo extracts that shares no code with the generator or the ingest: plain Python."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CDR = [
    "accountcode",
    "src",
    "dst",
    "dcontext",
    "clid",
    "channel",
    "dstchannel",
    "lastapp",
    "lastdata",
    "start",
    "answer",
    "end",
    "duration",
    "billsec",
    "disposition",
    "amaflags",
    "uniqueid",
    "userfield",
    "peeraccount",
    "linkedid",
    "sequence",
]


@dataclass(frozen=True)
class Record:
    """One record: where it begins (1-based line) and its values, None when the line is no record."""

    file: str
    line: int
    text: str
    values: dict[str, Any] | None
    is_repeat: bool


def read_all(extracts: Path) -> dict[str, list[Record]]:
    """Records by kind of file: crm/Lead, erp/factures, ledger, telephony, mailing."""
    found: dict[str, list[Record]] = {}
    for path in sorted(p for p in extracts.rglob("*") if p.is_file()):
        name = path.relative_to(extracts).as_posix()
        folder, stem = name.split("/")[0], path.stem
        if path.suffix == ".csv" and folder == "crm":
            found.setdefault(f"crm/{stem}", []).extend(_quoted_csv(path, name))
        elif path.suffix == ".csv" and folder == "erp":
            kind = stem.split("_corrections")[0]
            found.setdefault(f"erp/{kind}", []).extend(_separated(path, name, ";"))
        elif folder == "ledger":
            found.setdefault("ledger", []).extend(_separated(path, name, "\t"))
        elif folder == "telephony":
            found.setdefault("telephony", []).extend(_call_log(path, name))
        elif folder == "mailing" and "resent" not in name:
            found.setdefault("mailing", []).extend(_json_lines(path, name))
    return found


def _quoted_csv(path: Path, name: str) -> list[Record]:
    text = path.read_bytes().decode("utf-8-sig")
    if path.stem == "Account":  # the only file with newlines inside quotes, and without a broken line
        reader = csv.reader(io.StringIO(text), strict=True)
        header, records = next(reader), []
        before = reader.line_num
        for row in reader:
            records.append(Record(name, before + 1, "", dict(zip(header, row, strict=True)), False))
            before = reader.line_num
        return records
    lines = text.split("\n")[:-1]
    header = next(csv.reader([lines[0]]))
    return _by_line(lines, name, lambda line: _one(line, header), first=1)


def _call_log(path: Path, name: str) -> list[Record]:
    lines = path.read_bytes().decode("latin-1").split("\n")[:-1]
    return _by_line(lines, name, lambda line: _one(line, CDR), first=0)


def _json_lines(path: Path, name: str) -> list[Record]:
    def parse(line: str) -> dict[str, Any] | None:
        try:
            return json.loads(line)
        except ValueError:
            return None

    return _by_line(path.read_text(encoding="utf-8").split("\n")[:-1], name, parse, first=0)


def _separated(path: Path, name: str, separator: str) -> list[Record]:
    text = path.read_bytes().decode("cp1252").replace("\r", "")
    lines = text.split("\n")[:-1]
    header = lines[0].split(separator)

    def parse(line: str) -> dict[str, Any] | None:
        values = line.split(separator)
        return dict(zip(header, values, strict=True)) if len(values) == len(header) else None

    return [Record(name, n + 1, line, parse(line), False) for n, line in enumerate(lines) if n]


def _one(line: str, header: list[str]) -> dict[str, Any] | None:
    try:
        row = next(csv.reader([line], strict=True))
    except csv.Error:
        return None
    return dict(zip(header, row, strict=True)) if len(row) == len(header) else None


def _by_line(lines: list[str], name: str, parse, first: int) -> list[Record]:
    records = []
    for n, line in enumerate(lines):
        if n >= first:
            values = parse(line)
            is_repeat = values is not None and n > first and line == lines[n - 1]
            records.append(Record(name, n + 1, line, values, is_repeat))
    return records
