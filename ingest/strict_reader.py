"""The strict reader: RFC 4180 record by record, resynchronising on every physical line.

A record that never closes its quotes, or has a wrong number of fields, sends only its first physical line to
quarantine; reading resumes on the next line, so a damaged line cannot take its neighbours with it.
Used only for files on which the fast reader cannot be believed. Lines on which no two readers can differ
(line_forms.py) are split in bulk, the others one by one; a block of the text is held at a time.
What does NOT belong here: decoding (text_preparation.py) and types (conversion.py).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from ingest.errors import RefusedFile
from ingest.line_forms import regular_lines

BLOCK_BYTES = 16 << 20
MAX_LINE_BYTES = 64 << 20
MAX_QUARANTINED = 2_000_000
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
    """Physical lines of a small UTF-8 text with LF ends, without their ends; nothing follows a final newline."""
    lines = path.read_bytes().decode("utf-8").split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    return lines


class RecordParser:
    """Splits one record. Returns a list of fields, or the reason code why the text is no record."""

    def __init__(self, delimiter: str, quote: str | None, escape: str | None) -> None:
        self.delimiter, self.quote = delimiter, quote
        self.escape = escape or quote
        # What cannot close a quoted value: a doubled quote, or whatever follows an escape.
        pair = re.escape(self.escape or "") + ("." if self.escape != quote else re.escape(quote or ""))
        self._pairs = re.compile(pair, re.DOTALL)

    def split(self, text: str, most: int | None = None) -> list[str] | str:
        """Fields of `text`, or `unclosed_quote` / `broken_quoting`.

        most: a text whose quotes are open after so many fields can be no record whatever follows.
        """
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
                    return "unclosed_quote" if most is None or len(fields) < most else "broken_quoting"
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

    def may_close(self, line: str) -> bool:
        """False when a quoted value that is open before `line` is certainly open after it."""
        quote = self.quote or ""
        return quote in line and quote in self._pairs.sub("", line)

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


def text_blocks(path: Path, offset: int, where: str) -> Iterator[tuple[bytes, bool]]:
    """(whole lines of a text from byte `offset` on, whether they are the last ones); every line ends with LF.

    Raises RefusedFile E-ING-190 for a line that no table has.
    """
    held = b""
    with path.open("rb") as stream:
        stream.seek(offset)
        chunk = stream.read(BLOCK_BYTES)
        while chunk:
            following = stream.read(BLOCK_BYTES)
            held += chunk
            if not following and not held.endswith(b"\n"):
                held += b"\n"
            cut = held.rfind(b"\n") + 1
            if len(held) - cut > MAX_LINE_BYTES:
                raise RefusedFile("E-ING-190", where, limit=MAX_LINE_BYTES >> 20)
            if cut:
                yield held[:cut], not following
                held = held[cut:]
            chunk = following


def check_quarantine(quarantine: list[Quarantined], where: str) -> None:
    """Refuse a file (E-ING-191) of which more lines are no record than can be kept one by one."""
    if len(quarantine) > MAX_QUARANTINED:
        line, reason, *_ = quarantine[0]
        raise RefusedFile("E-ING-191", where, count=MAX_QUARANTINED, line=line, detail=reason)


def read_strictly(
    path: Path, offset: int, first_line: int, n_columns: int, parser: RecordParser,
    undecodable: dict[int, str], outcome: StrictOutcome, where: str,
) -> Iterator[pa.Table]:  # fmt: skip
    """Yield tables of _row (physical line where the record begins) and c0..cN; quarantine and counts go to
    `outcome`.

    offset, first_line: where data begin, as byte and as 1-based physical line. undecodable: physical line -> why it
    is no text. Raises RefusedFile E-ING-190 (a line without end) and E-ING-191 (hardly any record).
    """
    schema = records_schema(n_columns)
    held = b""
    for block, is_last in text_blocks(path, offset, where):
        block = held + block
        starts = np.concatenate(([0], np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == 10) + 1))
        reading = _Block(block, starts, first_line, n_columns, parser, undecodable, outcome, is_last, where)
        used = reading.read()
        held = block[starts[used] :]
        first_line += used
        outcome.n_physical_lines += used
        check_quarantine(outcome.quarantine, where)
        table = reading.table(schema)
        if table.num_rows:
            yield table


@dataclass
class _Block:
    """Whole lines of a text: line i is content[starts[i]:starts[i + 1]], its number first_line + i."""

    content: bytes
    starts: np.ndarray
    first_line: int
    n_columns: int
    parser: RecordParser
    undecodable: dict[int, str]
    outcome: StrictOutcome
    is_last: bool
    where: str
    numbers: list[int] = field(default_factory=list)
    fields: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.regular = regular_lines(
            self.content,
            self.starts,
            self.n_columns,
            self.parser.delimiter,
            self.parser.quote,
            self.parser.escape,
        )
        if self.undecodable:
            numbers = np.fromiter(self.undecodable, dtype=np.int64) - self.first_line
            self.regular[numbers[(numbers >= 0) & (numbers < len(self.regular))]] = False

    def line(self, index: int) -> str:
        """Text of a line without its end."""
        return self.content[self.starts[index] : self.starts[index + 1] - 1].decode("utf-8")

    def read(self) -> int:
        """Read the lines that are not regular one by one; number of lines of the block that are dealt with.

        A record that needs lines beyond a block that is not the last is left to the next one. A regular line that a
        record takes as its continuation is no record of its own any more.
        """
        position, n_lines = 0, len(self.regular)
        for index in np.flatnonzero(~self.regular).tolist():
            if index < position:
                continue
            used = self._read_at(index)
            if used is None:
                n_lines = index
                break
            self.regular[index + 1 : index + used] = False
            position = index + used
        self.regular = self.regular[:n_lines]
        n_regular = int(np.count_nonzero(self.regular))
        self.outcome.n_records += n_regular
        self.outcome.n_record_lines += n_regular
        return n_lines

    def _read_at(self, index: int) -> int | None:
        """Lines used by what begins at a line; None when the block ends before that is known."""
        number, line, outcome = self.first_line + index, self.line(index), self.outcome
        if number in self.undecodable:
            outcome.quarantine.append(
                (number, "undecodable_bytes", line[:RAW_LINE_LIMIT], self.undecodable[number])
            )
            return 1
        delimiter = self.parser.delimiter
        if not line.strip() and not (delimiter in line and self.n_columns == line.count(delimiter) + 1):
            outcome.n_blank_lines += 1
            return 1
        found = self._record_at(index, line)
        if found is None:
            return None
        fields, used = found
        if isinstance(fields, str):
            outcome.quarantine.append((number, fields, line[:RAW_LINE_LIMIT], ""))
            return 1
        if len(fields) != self.n_columns:
            detail = f"{len(fields)} fields, {self.n_columns} declared"
            outcome.quarantine.append((number, "wrong_field_count", line[:RAW_LINE_LIMIT], detail))
            return 1
        outcome.n_records += 1
        outcome.n_record_lines += used
        self.numbers.append(number)
        self.fields.append(fields)
        return used

    def _record_at(self, index: int, line: str) -> tuple[list[str] | str, int] | None:
        """Fields (or reason) of the record that begins at a line, and the physical lines it uses."""
        fields = self.parser.split(line)
        if fields != "unclosed_quote":
            return fields, 1
        lines, size = [line], len(line)
        while len(lines) < MAX_RECORD_LINES and size < MAX_LINE_BYTES:
            at = index + len(lines)
            if at == len(self.regular):
                return ("unclosed_quote", 1) if self.is_last else None
            following = self.line(at)
            if self.first_line + at in self.undecodable or self._is_record(following):
                return "unclosed_quote", 1
            lines.append(following)
            size += len(following)
            if self.parser.may_close(following):
                fields = self.parser.split("\n".join(lines), self.n_columns)
                if fields != "unclosed_quote":
                    return fields, len(lines)
        return "unclosed_quote", 1

    def _is_record(self, line: str) -> bool:
        """True when a line that should continue a quoted value is a whole record by itself.

        Then the quote before it was opened by damage, not by an author.
        """
        if self.n_columns < SUSPECT_FROM_COLUMNS or self.parser.delimiter not in line:
            return False
        fields = self.parser.split(line)
        return isinstance(fields, list) and len(fields) == self.n_columns

    def table(self, schema: pa.Schema) -> pa.Table:
        """Records of the lines that were dealt with, in their order."""
        columns = list(zip(*self.fields, strict=True)) or [()] * self.n_columns
        arrays = [pa.array(self.numbers, pa.int64()), *(pa.array(c, pa.string()) for c in columns)]
        single = pa.Table.from_arrays(arrays, schema=schema)
        if not self.regular.any():
            return single
        rows = pa.array(np.flatnonzero(self.regular) + self.first_line)
        bulk = pa.Table.from_arrays([rows, *self._split_in_bulk(len(rows))], schema=schema)
        return pa.concat_tables([bulk, single]).sort_by("_row") if self.numbers else bulk

    def _split_in_bulk(self, n_rows: int) -> list[pa.ChunkedArray]:
        edges = np.flatnonzero(np.diff(np.concatenate(([0], self.regular.view(np.int8), [0]))))
        spans = self.starts[edges].reshape(-1, 2).tolist()
        content = b"".join(self.content[start:end] for start, end in spans)
        names = [f"c{i}" for i in range(self.n_columns)]
        table = pyarrow.csv.read_csv(
            pa.BufferReader(content),
            pyarrow.csv.ReadOptions(column_names=names, block_size=len(content) + 1, use_threads=False),
            pyarrow.csv.ParseOptions(
                delimiter=self.parser.delimiter,
                quote_char=self.parser.quote or False,
                double_quote=True,
                ignore_empty_lines=False,
            ),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
        if table.num_rows != n_rows:
            raise RefusedFile("E-ING-014", self.where, relation=table.num_rows, expected=n_rows)
        return table.columns


def records_schema(n_columns: int) -> pa.Schema:
    """_row BIGINT, then c0..cN VARCHAR."""
    return pa.schema([("_row", pa.int64())] + [(f"c{i}", pa.string()) for i in range(n_columns)])


def tables_of(records: Iterator[tuple[int, list[str]]], n_columns: int) -> Iterator[pa.Table]:
    """(row number, texts) as tables of records_schema, a batch at a time."""
    schema = records_schema(n_columns)
    while batch := list(itertools.islice(records, BATCH)):
        columns = zip(*(texts for _, texts in batch), strict=True)
        arrays = [pa.array([number for number, _ in batch], pa.int64())]
        yield pa.Table.from_arrays([*arrays, *(pa.array(c, pa.string()) for c in columns)], schema=schema)


def write_records(tables: Iterator[pa.Table], n_columns: int, target: Path) -> Path:
    """Write records as Parquet: _row BIGINT, then c0..cN VARCHAR. Bounded memory: one table at a time."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(target, records_schema(n_columns), compression="lz4") as writer:
        for table in tables:
            writer.write_table(table)
    return target
