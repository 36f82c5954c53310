"""The SQL that dbt compiled for each model of a built company, and a connection to run it on without changing anything.

Not here: building a company; what is asserted of a query.
"""

from __future__ import annotations

from pathlib import Path

import duckdb


def compiled_models(target: Path, *folders: str) -> dict[str, str]:
    """Model -> compiled SQL below the `target` path of a dbt run; of the named folders of models/, else of all."""
    root = target / "compiled" / "etalon" / "models"
    paths = [path for folder in folders or ("",) for path in sorted((root / folder).rglob("*.sql"))]
    return {path.stem: path.read_text(encoding="utf-8") for path in paths}


def on_warehouse(work: Path) -> duckdb.DuckDBPyConnection:
    """A connection in memory on which the warehouse of a company is attached, read-only, under the name dbt gave it."""
    con = duckdb.connect(config={"threads": 2})
    con.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
    con.execute(f"attach '{work / 'warehouse.duckdb'}' as warehouse (read_only); use warehouse")
    return con
