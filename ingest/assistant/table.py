"""The whole file as one Parquet of text columns in a scratch folder, and what does not fit its layout.

Everything that is counted over all rows is counted by DuckDB on that file, so memory stays bounded.
What does NOT belong here: what the values mean (columns.py, dates.py, numbers.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingest.errors import RefusedFile
from ingest.reading import MAX_RECORD_BYTES
from ingest.record_count import count_records
from ingest.sql import connect, ident, literal, write_parquet

SAMPLE_ROWS = 20_000


@dataclass(frozen=True)
class Table:
    """Rows of the file: `all_rows` and `sample` are relations of trimmed text columns c0..cN, empty text null."""

    connection: duckdb.DuckDBPyConnection
    all_rows: str
    sample: str
    names: tuple[str, ...]
    n_rows: int
    n_misfits: int

    def column(self, at: int) -> str:
        """Internal name of a column, quoted."""
        return ident(f"c{at}")

    def rows(self, query: str) -> list[tuple]:
        """Result of a query of this connection."""
        return self.connection.execute(query).fetchall()

    def row(self, query: str) -> tuple:
        """The only row of a query."""
        (found,) = self.rows(query)
        return found


@contextmanager
def open_table(
    text: Path, offset: int, delimiter: str, quote: str | None, names: tuple[str, ...], scratch: Path
) -> Iterator[Table]:
    """The records of `text` from byte `offset` on. Rows with another number of fields are counted, not kept."""
    connection = connect(scratch)
    try:
        count = count_records(text, offset, delimiter, quote)
        body = text
        if offset:
            body = scratch / "body.txt"
            _copy_from(text, offset, body)
        columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(names)))
        scan = (
            f"read_csv({literal(str(body))}, auto_detect=false, header=false, delim={literal(delimiter)}, "
            f"quote={literal(quote or '')}, escape={literal(quote or '')}, columns={{{columns}}}, new_line='\\n', "
            f"null_padding=false, strict_mode=true, ignore_errors=true, max_line_size={MAX_RECORD_BYTES})"
        )
        selected = ", ".join(f"nullif(trim(c{i}), '') AS c{i}" for i in range(len(names)))
        target = scratch / "rows.parquet"
        try:
            n_rows = write_parquet(connection, f"SELECT {selected} FROM {scan}", target)
        except duckdb.Error as error:
            detail = " ".join(str(error).split())[:200]
            raise RefusedFile("E-ING-023", text.name, detail=detail) from None
        body.unlink() if body != text else None
        all_rows = f"read_parquet({literal(str(target))})"
        step = max(1, n_rows // SAMPLE_ROWS)
        connection.execute(
            "CREATE TEMP TABLE sampled AS SELECT * EXCLUDE (_n) FROM (SELECT row_number() OVER () AS _n, * "
            f"FROM {all_rows}) WHERE _n <= 2000 OR _n % {step} = 0"
        )
        yield Table(connection, all_rows, "sampled", names, n_rows, max(0, count.records - n_rows))
    finally:
        connection.close()


def _copy_from(text: Path, offset: int, target: Path) -> None:
    with text.open("rb") as source, target.open("wb") as sink:
        source.seek(offset)
        while chunk := source.read(8 << 20):
            sink.write(chunk)
