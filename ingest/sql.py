"""Quoting and connections for the SQL of this package: the only way a name or a value reaches SQL text.

What does NOT belong here: any statement about extracts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

DICTIONARY_BYTES = 64 << 10


def ident(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | None) -> str:
    """`value` as a SQL string literal, or NULL."""
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def files_literal(paths: list[Path]) -> str:
    """Paths as a SQL list of literals, for read_parquet."""
    return "[" + ", ".join(literal(str(path)) for path in paths) + "]"


def connect(work: Path, share: int = 1) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB connection bounded by ETALON_MEMORY (default 3GB) that spills under
    work/tmp/ingest.

    share: how many such connections work at once; each takes its part of the memory and of the threads.
    """
    spill = work / "tmp" / "ingest" / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    amount, unit = re.fullmatch(
        r"\s*([0-9.]+)\s*([A-Za-z%]*)\s*", os.environ.get("ETALON_MEMORY", "3GB")
    ).groups()
    threads = int(os.environ.get("ETALON_THREADS", str(min(os.cpu_count() or 2, 8))))
    connection = duckdb.connect()
    for name, value in (
        ("TimeZone", "UTC"),
        ("memory_limit", f"{float(amount) / share:.3f}{unit}"),
        ("temp_directory", str(spill)),
        ("threads", str(max(1, threads // share))),
        ("preserve_insertion_order", "true"),
        ("enable_progress_bar", "false"),
        # It turns IN (a list) into a join, which costs a row of many columns more than it saves.
        ("disabled_optimizers", "in_clause"),
    ):
        connection.execute(f"SET {name} = {literal(value)}")
    return connection


@contextmanager
def planned_as_written(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Within the block DuckDB runs queries as they are written: for wide queries on few rows."""
    connection.execute("PRAGMA disable_optimizer")
    try:
        yield
    finally:
        connection.execute("PRAGMA enable_optimizer")


def write_parquet(connection: duckdb.DuckDBPyConnection, query: str, target: Path) -> int:
    """Write the rows of `query` to `target` (lz4), atomically. Returns the number of rows.

    A dictionary of more than DICTIONARY_BYTES is one of identifiers: it saves hardly any space (2 % of all raw files of
    a demo) and costs a look-up a value.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        copied = connection.execute(
            f"COPY ({query}) TO {literal(str(temporary))} (FORMAT parquet, COMPRESSION lz4, "
            f"STRING_DICTIONARY_PAGE_SIZE_LIMIT {DICTIONARY_BYTES})"
        ).fetchone()
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return int(copied[0]) if copied else 0
