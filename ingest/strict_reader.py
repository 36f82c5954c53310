"""The strict reader: RFC 4180 record by record, resynchronising on every physical line.

A record that never closes its quotes, or has a wrong number of fields, sends only its first physical line to
quarantine; reading resumes on the next line, so a damaged line cannot take its neighbours with it.
About twenty times slower than the fast reader: used only for files on which that one cannot be believed.
What does NOT belong here: decoding (text_preparation.py) and types (conversion.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

MAX_RECORD_LINES = 2000
# Below this many columns free text may hold exactly the declared separators, so a continuation is not
# suspect.
SUSPECT_FROM_COLUMNS = 6
BATCH = 50_000
RAW_LINE_LIMIT = 4000

Quarantined = tuple[int, str, str, str]  # physical line, reason code, raw line, detail


@dataclass
class StrictOutcome:
    """What the strict reader found; line numbers are physical and 1-based."""

    n_records: int = 0
    n_record_lines: int = 0
    n_blank_lines: int = 0
    n_physical_lines: int = 0
    quarantine: list[Quarantined] = field(default_factory=list)


def lines_of(path: Path) -> list[str]:
    """Physical lines of a UTF-8 text with LF ends, without their ends; nothing follows a final newline."""
    lines = path.read_bytes().decode("utf-8").split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    return lines


class RecordParser:
    """Splits one record. Returns a list of fields, or the reason code why the text is no record."""

    def __init__(self, delimiter: str, quote: str | None, escape: str | None) -> None:
        self.delimiter, self.quote = delimiter, quote
        self.escape = escape or quote

    def split(self, text: str) -> list[str] | str:
        """Fields of `text`, or `unclosed_quote` / `broken_quoting`."""
        quote, delimiter = self.quote, self.delimiter
        if quote is None or quote not in text:
            return text.split(delimiter)
        fields, position, size = [], 0, len(text)
        while True:
            start = position
            while start < size and text[start] == " " and delimiter != " ":
                start += 1
            if start < size and text[start] == quote:
                value, position = self.quoted(text, start + 1)
                if value is None:
                    return "unclosed_quote"
                while position < size and text[position] == " " and delimiter != " ":
                    position += 1
                if position < size and text[position] != delimiter:
                    return "broken_quoting"
                fields.append(value)
            else:
                end = text.find(delimiter, position)
                end = size if end < 0 else end
                fields.append(text[position:end])
                position = end
            if position >= size:
                return fields
            position += 1

    def quoted(self, text: str, start: int) -> tuple[str | None, int]:
        """Value of the quoted field whose first character is at `start`, and the position after its quote."""
        quote, escape = self.quote or "", self.escape
        pieces, position = [], start
        while True:
            end = text.find(quote, position)
            if escape != quote and escape:
                mark = text.find(escape, position)
                if mark >= 0 and (end < 0 or mark < end):
                    pieces.append(text[position:mark])
                    following = text[mark + 1 : mark + 2]
                    pieces.append(following if following in (quote, escape) else escape + following)
                    position = mark + 2
                    continue
            if end < 0:
                return None, len(text)
            if escape == quote and text[end + 1 : end + 2] == quote:
                pieces.append(text[position : end + 1])
                position = end + 2
                continue
            pieces.append(text[position:end])
            return "".join(pieces), end + 1


def read_strictly(
    lines: list[str], first_line: int, n_columns: int, parser: RecordParser, undecodable: dict[int, str],
    outcome: StrictOutcome,
) -> Iterator[tuple[int, list[str]]]:  # fmt: skip
    """Yield (physical line where the record begins, fields); quarantine and counts go to `outcome`.

    lines: physical lines from `first_line` (1-based) on. undecodable: physical line -> why it is no text.
    """
    index, total = 0, len(lines)
    outcome.n_physical_lines += total
    while index < total:
        number = first_line + index
        line = lines[index]
        if number in undecodable:
            outcome.quarantine.append(
                (number, "undecodable_bytes", line[:RAW_LINE_LIMIT], undecodable[number])
            )
            index += 1
            continue
        if not line.strip() and not (
            parser.delimiter in line and n_columns == line.count(parser.delimiter) + 1
        ):
            outcome.n_blank_lines += 1
            index += 1
            continue
        fields, used = _record_at(lines, index, n_columns, parser, undecodable, first_line)
        if isinstance(fields, str):
            outcome.quarantine.append((number, fields, line[:RAW_LINE_LIMIT], ""))
            index += 1
        elif len(fields) != n_columns:
            detail = f"{len(fields)} fields, {n_columns} declared"
            outcome.quarantine.append((number, "wrong_field_count", line[:RAW_LINE_LIMIT], detail))
            index += 1
        else:
            outcome.n_records += 1
            outcome.n_record_lines += used
            index += used
            yield number, fields


def _record_at(
    lines: list[str],
    index: int,
    n_columns: int,
    parser: RecordParser,
    undecodable: dict[int, str],
    first_line: int,
) -> tuple[list[str] | str, int]:
    """Fields (or reason) of the record that begins at lines[index], and the physical lines it uses."""
    fields = parser.split(lines[index])
    if fields != "unclosed_quote":
        return fields, 1
    quote = parser.quote or ""
    text, used = lines[index], 1
    while used < MAX_RECORD_LINES and index + used < len(lines):
        following = lines[index + used]
        if first_line + index + used in undecodable or _is_record(following, n_columns, parser):
            return "unclosed_quote", 1
        text += "\n" + following
        used += 1
        if quote in following:
            fields = parser.split(text)
            if fields != "unclosed_quote":
                return fields, used
    return "unclosed_quote", 1


def _is_record(line: str, n_columns: int, parser: RecordParser) -> bool:
    """True when a line that should continue a quoted value is a whole record by itself.

    Then the quote before it was opened by damage, not by an author.
    """
    if n_columns < SUSPECT_FROM_COLUMNS or parser.delimiter not in line:
        return False
    fields = parser.split(line)
    return isinstance(fields, list) and len(fields) == n_columns


def write_records(records: Iterator[tuple[int, list[str]]], n_columns: int, target: Path) -> Path:
    """Write records as Parquet: _row BIGINT, then c0..cN VARCHAR. Bounded memory: one batch at a time."""
    schema = pa.schema([("_row", pa.int64())] + [(f"c{i}", pa.string()) for i in range(n_columns)])
    target.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(target, schema, compression="lz4") as writer:
        batch: list[tuple[int, list[str]]] = []
        for record in records:
            batch.append(record)
            if len(batch) >= BATCH:
                writer.write_table(_table(batch, schema))
                batch.clear()
        if batch:
            writer.write_table(_table(batch, schema))
    return target


def _table(batch: list[tuple[int, list[str]]], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*(fields for _, fields in batch), strict=True))
    arrays = [pa.array([number for number, _ in batch], pa.int64())]
    arrays += [pa.array(column, pa.string()) for column in columns]
    return pa.Table.from_arrays(arrays, schema=schema)
