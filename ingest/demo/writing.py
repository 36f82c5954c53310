"""Files are written from DuckDB queries whose rows are whole records; planted defects are located on the way.

A query gives, in file order: line (text, may hold newlines), defects (comma-joined class numbers of
sources.md section 4, or null), key (what identifies the record, or null).

What does NOT belong here: the layout of any system.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.demo.scratch import Scratch

DEFECT_SCHEMA = pa.schema(
    [("defect_no", pa.int32()), ("file", pa.string()), ("line", pa.int64()), ("key", pa.string())]
)


@dataclass(frozen=True)
class WrittenFile:
    """One file under extracts/: `records` counts defective lines, not the header."""

    path: str
    records: int
    bytes: int
    sha256: str


@dataclass
class ExtractWriter:
    """Writes files below `root` (extracts/) and remembers each file and each planted defect."""

    scratch: Scratch
    root: Path
    files: list[WrittenFile] = field(default_factory=list)
    defect_rows: list[pa.Table] = field(default_factory=list)

    def write(
        self,
        path: str,
        query: str,
        *,
        header: str | None = None,
        footer: str = "",
        encoding: str = "utf-8",
        newline: str = "\n",
        bom: bool = False,
    ) -> WrittenFile:
        """Write one file from `query` (line without its final newline, defects, key)."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        digest, size, records = hashlib.sha256(), 0, 0
        head = header + "\n" if header is not None else ""
        line_number = 1 + head.count("\n")
        with target.open("wb") as out:

            def put(data: bytes) -> None:
                nonlocal size
                out.write(data)
                digest.update(data)
                size += len(data)

            def encoded(data: bytes) -> bytes:
                if newline != "\n":
                    data = data.replace(b"\n", newline.encode())
                return data if encoding == "utf-8" else data.decode().encode(encoding)

            put((b"\xef\xbb\xbf" if bom else b"") + encoded(head.encode()))
            reader = self.scratch.con.sql(
                f"select line || chr(10) as line, defects, key from ({query})"
            ).to_arrow_reader(100_000)
            for batch in reader:
                put(encoded(_text_of(batch.column(0))))
                records += batch.num_rows
                line_number = self._locate(batch, path, line_number)
            put(encoded(footer.encode()))
        if records == 0 and header is not None:
            target.unlink()  # a system without changes in the month delivers no file
            return WrittenFile(path, 0, 0, "")
        return self._remember(path, records, size, digest.hexdigest())

    def write_bytes(self, path: str, data: bytes, records: int = 0) -> WrittenFile:
        """Write ready-made bytes."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        return self._remember(path, records, len(data), hashlib.sha256(data).hexdigest())

    def copy(self, source: str, path: str) -> WrittenFile:
        """The same bytes under another name."""
        original = next(f for f in self.files if f.path == source)
        return self.write_bytes(path, (self.root / source).read_bytes(), original.records)

    def note(self, defect_no: int, path: str, key: str | None = None, line: int | None = None) -> None:
        """Remember a defect that no query located (a property of a whole file: line is null)."""
        row = {"defect_no": [defect_no], "file": [path], "line": [line], "key": [key]}
        self.defect_rows.append(pa.table(row, schema=DEFECT_SCHEMA))

    def save_defects(self, path: Path) -> pa.Table:
        """All planted defects, sorted, as Parquet; returns the table."""
        table = pa.concat_tables([DEFECT_SCHEMA.empty_table(), *self.defect_rows]).combine_chunks()
        table = table.sort_by(
            [("defect_no", "ascending"), ("file", "ascending"), ("line", "ascending"), ("key", "ascending")]
        )
        pq.write_table(table, path)
        return table

    def _remember(self, path: str, records: int, size: int, sha256: str) -> WrittenFile:
        written = WrittenFile(path, records, size, sha256)
        self.files.append(written)
        return written

    def _locate(self, batch: pa.RecordBatch, path: str, line_number: int) -> int:
        lines, defects, keys = batch.column(0), batch.column(1), batch.column(2)
        spans = pc.count_substring(lines, "\n")
        ends = pc.cumulative_sum(spans)
        flagged = pc.is_valid(defects)
        if pc.any(flagged).as_py():
            begins = pc.add(pc.subtract(ends, spans), line_number)
            numbers = pc.split_pattern(pc.filter(defects, flagged), ",")
            parent = pc.list_parent_indices(numbers)
            self.defect_rows.append(
                pa.table(
                    {
                        "defect_no": pc.cast(pc.list_flatten(numbers), pa.int32()),
                        "file": pa.repeat(pa.scalar(path), len(parent)),
                        "line": pc.cast(pc.take(pc.filter(begins, flagged), parent), pa.int64()),
                        "key": pc.cast(pc.take(pc.filter(keys, flagged), parent), pa.string()),
                    },
                    schema=DEFECT_SCHEMA,
                )
            )
        return line_number + (ends[-1].as_py() if len(ends) else 0)


def _text_of(column: pa.Array) -> bytes:
    """The bytes of all strings of `column`, one after the other, without a Python loop."""
    column = column.cast(pa.large_string()) if not pa.types.is_large_string(column.type) else column
    _, offsets, data = column.buffers()
    width = 8
    first = int.from_bytes(offsets.slice(column.offset * width, width).to_pybytes(), "little")
    last = int.from_bytes(offsets.slice((column.offset + len(column)) * width, width).to_pybytes(), "little")
    return data.slice(first, last - first).to_pybytes()


def quoted(*expressions: str) -> str:
    """SQL of one CSV line with every value in double quotes."""
    parts = ", ".join(f"coalesce({e}, '')" for e in expressions)
    return f"""'"' || concat_ws('","', {parts}) || '"'"""


def separated(separator: str, *expressions: str) -> str:
    """SQL of one line of unquoted values."""
    return f"concat_ws('{separator}', " + ", ".join(f"coalesce({e}, '')" for e in expressions) + ")"


def doubled(expression: str) -> str:
    """SQL of a text whose quotes are doubled."""
    return f"""replace({expression}, '"', '""')"""
