"""Build a marts.duckdb and its Parquet folder aside, from the warehouse or from an earlier Parquet folder.

What does NOT belong here: deciding to publish and putting files in place (see publishing).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ingest.sql import ident, literal
from orchestration.publication.files import file_sha256
from orchestration.publication.hashing import logical_hash
from orchestration.publication.tables import Table

#: Files of this storage version open in DuckDB 1.5 clients too.
STORAGE_VERSION = "v1.5.0"
MARTS = "marts.duckdb"


@contextmanager
def connection(warehouse: Path | None, temp: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """In-memory DuckDB with the warehouse attached read-only under its own name."""
    con = duckdb.connect()
    try:
        con.execute("SET threads=2; SET TimeZone='UTC'; SET preserve_insertion_order=false")
        con.execute(f"SET memory_limit={literal(os.environ.get('ETALON_MEMORY', '3GB'))}")
        con.execute(f"SET temp_directory={literal(str(temp))}")
        if warehouse is not None:
            con.execute(f"attach {literal(str(warehouse))} as warehouse (read_only)")
        yield con
    finally:
        con.close()


def build_marts(
    con: duckdb.DuckDBPyConnection,
    tables: Sequence[Table],
    relation_of: Callable[[Table], str],
    aside: Path,
    extra: Sequence[tuple[Table, pa.Table]] = (),
) -> Path:
    """Write aside/marts.duckdb with keys, comments and rows in key order; checkpointed and closed.

    relation_of: SQL relation of a table on `con`. extra: tables made in Python. Returns the file's path.
    Raises duckdb.ConstraintException when a declared key is not one.
    """
    aside.mkdir(parents=True, exist_ok=True)
    path = aside / MARTS
    for stale in (path, path.with_name(MARTS + ".wal")):
        stale.unlink(missing_ok=True)
    con.execute(f"attach {literal(str(path))} as marts (storage_version {literal(STORAGE_VERSION)})")
    try:
        # Some two thousand comments: a statement that commits by itself waits for the disk.
        con.execute("begin")
        try:
            for table in tables:
                _create_table(con, table, relation_of(table))
        except BaseException:
            # Detaching within a failed transaction fails too, and would be told instead of why this did.
            con.execute("rollback")
            raise
        con.execute("commit")
        # Sorting rows keeps one core busy: two tables at once.
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda table: _fill_table(con, table, relation_of(table)), tables))
        for table, rows in extra:
            con.register("extra_rows", rows)
            _create_table(con, table, "extra_rows")
            con.execute(_insertion(table, "extra_rows"))
            con.unregister("extra_rows")
        # An index over rows that are there costs half of one that grows with them.
        for table in (*tables, *(table for table, _ in extra)):
            if table.primary_key:
                key = ", ".join(map(ident, table.primary_key))
                con.execute(f"alter table marts.main.{ident(table.name)} add primary key ({key})")
        con.execute("checkpoint marts")
    finally:
        con.execute("detach marts")
    return path


def export_parquet(
    con: duckdb.DuckDBPyConnection, marts: Path, tables: Sequence[Table], folder: Path
) -> dict[str, dict[str, Any]]:
    """Write one Parquet file per table of a finished marts file; `folder` is emptied first.

    Returns by table: file, sha256, n_rows, logical_hash and the table's declaration.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    con.execute(f"attach {literal(str(marts))} as built (read_only)")

    def export(table: Table) -> dict[str, Any]:
        with con.cursor() as own:
            relation = f"built.main.{ident(table.name)}"
            path = folder / f"{table.name}.parquet"
            own.execute(
                f"copy (select * from {relation}{_order(table)}) to {literal(str(path))}"
                " (format parquet, compression zstd, preserve_order true)"
            )
            return {
                "file": path.name,
                "sha256": file_sha256(path),
                "n_rows": own.execute(f"select count(*) from {relation}").fetchone()[0],
                "logical_hash": logical_hash(own, relation),
                "declaration": table.as_json(),
            }

    try:
        # Tables of one row group keep one core busy: two at once.
        with ThreadPoolExecutor(2) as pool:
            return dict(zip((table.name for table in tables), pool.map(export, tables), strict=True))
    finally:
        con.execute("detach built")


def _fill_table(con: duckdb.DuckDBPyConnection, table: Table, relation: str) -> None:
    with con.cursor() as own:
        own.execute(_insertion(table, relation))


def _insertion(table: Table, relation: str) -> str:
    return f"insert into marts.main.{ident(table.name)} select * from {relation}{_order(table)}"


def _create_table(con: duckdb.DuckDBPyConnection, table: Table, relation: str) -> None:
    types = con.execute(
        f"select column_name, column_type from (describe select * from {relation})"
    ).fetchall()
    nullable = _nullable(con, table)
    required = {name for name, _ in types if name in table.primary_key or not nullable.get(name, True)}
    columns = [f"{ident(name)} {kind}{' not null' if name in required else ''}" for name, kind in types]
    target = f"marts.main.{ident(table.name)}"
    statements = [f"create table {target} ({', '.join(columns)})"]
    if table.comment:
        statements.append(f"comment on table {target} is {literal(table.comment)}")
    present = {name for name, _ in types}
    statements += [
        f"comment on column {target}.{ident(column.name)} is {literal(column.comment)}"
        for column in table.columns
        if column.comment and column.name in present
    ]
    con.execute("; ".join(statements))


def _nullable(con: duckdb.DuckDBPyConnection, table: Table) -> dict[str, bool]:
    rows = con.execute(
        "select column_name, is_nullable from duckdb_columns()"
        " where database_name = 'warehouse' and schema_name = $schema and table_name = $name",
        {"schema": table.schema, "name": table.name},
    ).fetchall()
    return dict(rows)


def _order(table: Table) -> str:
    return f" order by {', '.join(map(ident, table.primary_key))}" if table.primary_key else " order by all"
