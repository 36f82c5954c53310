"""Files that are tables already (Parquet) -> the same relation of text columns that the other readers give.

A record is a row; its number is its position in the file. Every value becomes text by one declared rule, so
that a mapping reads a number, a date or a list the same way whatever the format it came in.
What does NOT belong here: delimited text (reading.py) and types (conversion.py).
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.errors import RefusedFile
from ingest.mapping import FileSpec
from ingest.reading import LineCounts, Records, check_header, positions
from ingest.sql import literal, write_parquet
from ingest.text_preparation import Prepared

# Above this a double no longer tells neighbouring whole numbers apart.
EXACT_WHOLE = 1 << 53
NESTED = ("STRUCT", "MAP", "UNION")


def parquet_records(
    connection: duckdb.DuckDBPyConnection, prepared: Prepared, spec: FileSpec, used: set[str], scratch: Path,
    where: str,
) -> Records:  # fmt: skip
    """Rows of a Parquet file, every column as text; as many as its footer says.

    used: column names that the mapping reads. Raises RefusedFile E-ING-006/007 (columns), E-ING-013 (no Parquet,
    damaged), E-ING-014 (other rows than the footer announces).
    """
    try:
        footer = pq.read_metadata(prepared.path)
        names = [spec.header_aliases.get(name, name) for name in footer.schema.to_arrow_schema().names]
    except (pa.ArrowException, OSError, ValueError) as error:  # a name that is no UTF-8 is a ValueError
        detail = str(error).splitlines()[0]
        raise RefusedFile("E-ING-013", where, format="Parquet", detail=detail) from None
    check_header(names, "", spec, used, where)
    columns = [f"c{i}" for i in range(len(names))]
    scan = f"read_parquet({literal(str(prepared.path))}, file_row_number=true) AS t({', '.join(columns)}, _place)"
    target = scratch / f"{prepared.path.name}.table.parquet"
    try:
        kinds = [row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()]
        texts = [f"{_text(c, kind)} AS {c}" for c, kind in zip(columns, kinds, strict=False)]
        found = write_parquet(
            connection, f"SELECT {', '.join(['_place + 1 AS _row', *texts])} FROM {scan}", target
        )
    except duckdb.Error as error:
        is_cut = "Could not read enough bytes" in str(error)
        if isinstance(error, (duckdb.IOException, duckdb.OutOfMemoryException)) and not is_cut:
            raise
        detail = str(error).splitlines()[0]
        raise RefusedFile("E-ING-013", where, format="Parquet", detail=detail) from None
    if found != footer.num_rows:
        raise RefusedFile("E-ING-014", where, relation=found, expected=footer.num_rows)
    return Records(
        f"SELECT _row, 0 AS _part, * EXCLUDE (_row) FROM read_parquet({literal(str(target))})",
        positions(tuple(names)), footer.num_rows, LineCounts(found, 0, 0, found, 0), "fast",
        prepared.n_bytes_read, temporary=[target], is_header_only=found == 0,
    )  # fmt: skip


def _text(column: str, kind: str) -> str:
    """SQL of a column as text: whole doubles without decimals, lists and structures as JSON, the rest as DuckDB
    writes it (ISO dates and times, those with a zone in UTC).
    """
    if kind in {"DOUBLE", "FLOAT"}:
        is_whole = f"{column} = trunc({column}) AND abs({column}) < {EXACT_WHOLE}"
        return f"CASE WHEN {is_whole} THEN CAST(CAST({column} AS BIGINT) AS VARCHAR) ELSE CAST({column} AS VARCHAR) END"
    if kind.endswith("]") or kind.startswith(NESTED):
        return f"CAST(to_json({column}) AS VARCHAR)"
    return f"CAST({column} AS VARCHAR)"
