"""Read-only access to a company's warehouse, with the one set of settings a process must share.

DuckDB refuses two connections of one process to one file with different settings. What does not belong
here: writing.
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb


def settings(warehouse: Path) -> dict[str, str]:
    """DuckDB settings for `warehouse`: two threads, bounded memory, spilling beside the file."""
    return {
        "threads": "2",
        "memory_limit": os.environ.get("ETALON_MEMORY", "3GB"),
        "temp_directory": str(warehouse.parent / "tmp"),
        "preserve_insertion_order": "false",
    }


def connect(warehouse: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection. Errors: duckdb.IOException when another process writes the file."""
    connection = duckdb.connect(str(warehouse), read_only=True, config=settings(warehouse))
    connection.execute("set TimeZone = 'UTC'")
    return connection


def read_cycle(work: Path) -> tuple[str, datetime, date]:
    """(cycle, as_of in UTC, first day after the cycle) of run/settings.parquet."""
    with duckdb.connect() as connection:
        row = connection.execute(
            "select cycle, as_of, cycle_end from read_parquet(?)", [str(work / "run" / "settings.parquet")]
        ).fetchone()
    if row is None:
        raise ValueError("run/settings.parquet holds no row")
    return row[0], row[1].replace(tzinfo=UTC), row[2]
