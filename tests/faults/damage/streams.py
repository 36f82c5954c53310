"""The shapes of extract of the demo company, generated row by row: bytes, and the values that must come out.

A row is a tuple of encoded pieces that the separator of the shape joins, so that damage can be done to bytes
while the truth stays what it was. Values are known here and never read back from the bytes.
What does NOT belong here: damage (kinds.py), landing (harness.py).
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from decimal import Decimal

#: Columns of the extracts and the columns of the contract crm_account that they fill, in order.
COLUMNS = {
    "Id": "source_record_id",
    "Name": "name",
    "City": "city",
    "Industry": "industry",
    "Staff": "employee_count",
    "Site": "website",
    "Owner": "owner_id",
    "Changed": "modified_at",
}
NARROW = ("Id", "Name", "City")
Value = str | int | None


@dataclass(frozen=True)
class Row:
    """One sound record: its key, what crm_account must hold of it, its bytes without line end, its lines."""

    key: str
    truth: tuple[Value, ...]
    pieces: tuple[bytes, ...]
    separator: bytes

    @property
    def raw(self) -> bytes:
        """Bytes of the record without its line end."""
        return self.separator.join(self.pieces)


@dataclass(frozen=True)
class Stream:
    """One shape of extract. `like` names the vendor file of the demo company that has it."""

    name: str
    like: str
    format: str = "delimited"
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None
    quoting: str = "none"  # all | some | none
    end: bytes = b"\n"
    has_header: bool = True
    has_bom: bool = False
    columns: tuple[str, ...] = tuple(COLUMNS)
    bad_byte: bytes = b"\xff"  # a byte that the encoding does not have

    @property
    def separator(self) -> bytes:
        """Bytes between two pieces of a row."""
        return {"jsonl": b",", "fixed_width": b""}.get(self.format, self.delimiter.encode(self.encoding))

    @property
    def head(self) -> bytes:
        """Bytes before the first row."""
        if self.format != "delimited" or not self.has_header:
            return b""
        cells = [f'"{name}"' if self.quoting == "all" else name for name in self.columns]
        bom = b"\xef\xbb\xbf" if self.has_bom else b""
        return bom + self.delimiter.join(cells).encode(self.encoding) + self.end

    def mapping(self) -> str:
        """Text of the mapping file that declares the shape."""
        lines = ["version: 1", "source: {system: damaged}", "files:", "  rows:", '    path: "*.dat"']
        lines += [f"    format: {self.format}", f"    encoding: {self.encoding}"]
        lines += ["    on_undecodable: quarantine"]
        if self.format == "delimited":
            lines += [f"    delimiter: {json.dumps(self.delimiter)}"]
            lines += [f"    quote: {json.dumps(self.quote)}"]
            lines += [f"    escape: {json.dumps(self.escape)}"] if self.escape else []
            names = ", ".join(self.columns)
            lines += [f"    expected_columns: [{names}]" if self.has_header else f"    header: [{names}]"]
        elif self.format == "jsonl":
            lines += [f"    fields: [{', '.join(self.columns)}]", "    final_newline: required"]
        else:
            places, at = [], 1
            for name in self.columns:
                places.append(f"{name}: [{at}, {WIDTHS[name]}]")
                at += WIDTHS[name]
            lines += [f"    fields: {{{', '.join(places)}}}"]
        lines += ["tables:", "  crm_account:", "    from: rows", "    columns:"]
        lines += [f"      {COLUMNS[name]}: {name}" for name in self.columns]
        return "\n".join(lines) + "\n"

    def rows(self, generator: random.Random, n: int, label: str) -> list[Row]:
        """`n` sound rows; label keeps the keys of one file apart from those of another."""
        return [self._row(generator, f"{label}-{index:03}") for index in range(n)]

    def _row(self, generator: random.Random, key: str) -> Row:
        texts = {
            "Id": key,
            "Name": generator.choice(NAMES) + f" {key}",
            "City": generator.choice(CITIES),
            "Industry": generator.choice(self._notes()),
            "Staff": str(generator.choice([0, 7, 250, 12_000])),
            "Site": f"www{generator.randrange(10_000)}.example",
            "Owner": generator.choice(["", "U1", "U22"]),
            "Changed": f"2026-05-{generator.randrange(1, 29):02} {generator.randrange(24):02}:15:00",
        }
        cells = [texts[name] for name in self.columns]
        truth = tuple(_truth(name, text) for name, text in zip(self.columns, cells, strict=True))
        return Row(key, truth, tuple(self._pieces(generator, cells)), self.separator)

    def _notes(self) -> list[str]:
        plain = ["retail", "bâtiment, gros œuvre" if self.delimiter != "," else "bâtiment", "", "R&D / été"]
        if self.format == "jsonl":
            return [*plain, 'said "yes", twice', "two\nlines", "tab\there", "back\\slash"]
        if self.format == "fixed_width" or self.quoting == "none":
            return [*plain, 'a 5" pipe']
        quoted = [f"one{self.delimiter} two", 'said "yes"', "two\nlines", f'"{self.delimiter}"', 'end"']
        return [*plain, *quoted, "back\\slash"] if self.escape else [*plain, *quoted]

    def _pieces(self, generator: random.Random, cells: list[str]) -> list[bytes]:
        if self.format == "jsonl":
            is_ascii = generator.random() < 0.3
            pairs = [
                f"{json.dumps(name)}: {json.dumps(cell, ensure_ascii=is_ascii)}"
                for name, cell in zip(self.columns, cells, strict=True)
            ]
            pairs[0], pairs[-1] = "{" + pairs[0], pairs[-1] + "}"
            return [pair.encode(self.encoding) for pair in pairs]
        if self.format == "fixed_width":
            return [
                cell[: WIDTHS[name]].ljust(WIDTHS[name]).encode(self.encoding)
                for name, cell in zip(self.columns, cells, strict=True)
            ]
        return [self._cell(cell) for cell in cells]

    def _cell(self, cell: str) -> bytes:
        special = {self.delimiter, self.quote or "", "\n", self.escape or ""} - {""}
        if self.quote and (self.quoting == "all" or any(mark in cell for mark in special)):
            if self.escape:
                cell = cell.replace(self.escape, self.escape * 2)
            cell = '"' + cell.replace('"', (self.escape or '"') + '"') + '"'
        # Inside quotes a line ends as every line of the file does.
        return cell.encode(self.encoding).replace(b"\n", self.end)


def _truth(name: str, text: str) -> Value:
    if name == "Staff":
        return int(Decimal(text))
    return text.strip(" ") or None


NAMES = ["Société Générale d'Été", "Müller & Fils", "O'Neil", "Ærø", "ACME", "L'Oiseau bleu"]
CITIES = ["Lyon", "Saint-Étienne", "", "Orléans", "Genève"]
WIDTHS = {
    "Id": 16, "Name": 44, "City": 16, "Industry": 24, "Staff": 8, "Site": 20, "Owner": 6, "Changed": 19
}  # fmt: skip

STREAMS = (
    Stream("quoted_bom", "Salesforce: Lead.csv, Account.csv", quoting="all", has_bom=True),
    Stream("some_quoted_crlf", "Mailchimp: members.csv", quoting="some", end=b"\r\n"),
    Stream("narrow_quoted", "exchange rates, three columns", quoting="some", columns=NARROW),
    Stream(
        "semicolon_cp1252", "ERP: clients.csv, factures.csv", encoding="cp1252", delimiter=";",
        quoting="some", end=b"\r\n", bad_byte=b"\x81",
    ),
    Stream(
        "tab_cp1252", "FEC, 22 columns", encoding="cp1252", delimiter="\t", quote=None, end=b"\r\r\n",
        bad_byte=b"\x90",
    ),
    Stream("pipe_plain", "FEC, 18 columns", delimiter="|", quote=None),
    Stream("headerless", "Asterisk: Master.csv", quoting="all", has_header=False),
    Stream("backslash", "database dump with escapes", quoting="some", escape="\\"),
    Stream("json_lines", "SendGrid: events.jsonl", format="jsonl"),
    Stream("fixed_width", "SAP flat file", format="fixed_width", encoding="cp1252", bad_byte=b"\x8d"),
)  # fmt: skip
