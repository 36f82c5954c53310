"""Logical hash of a table: equal for equal contents, whatever the row order, file or engine version.

What does NOT belong here: hashes of files (see files). The hash covers column names, types and every value,
exactly: DECIMAL and timestamps by their canonical text, NULL apart from the empty text.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb

from ingest.sql import ident, literal


def logical_hash(con: duckdb.DuckDBPyConnection, relation: str) -> str:
    """64 hex of a relation (quoted name, or a table function in SQL) readable on `con`.

    Rows are hashed one by one, then the sorted row hashes per first two hex digits, then those: the text
    that is aggregated at once stays small.
    """
    columns = con.execute(
        f"select column_name, column_type from (describe select * from {relation})"
    ).fetchall()
    columns.sort()
    header = hashlib.sha256(repr(columns).encode()).hexdigest()
    # the length before each value keeps ('a','bc') and ('ab','c') apart
    values = [
        f"coalesce(length(cast({ident(name)} as varchar)) || ':' || cast({ident(name)} as varchar), '-')"
        for name, _ in columns
    ]
    body = con.execute(
        f"""
        with hashed as (select sha256(concat_ws('|', {", ".join(values)})) as row_hash from {relation}),
        bucketed as (
            select left(row_hash, 2) as bucket, count(*) as n_rows,
                   sha256(string_agg(row_hash, '' order by row_hash)) as bucket_hash
            from hashed group by bucket
        )
        select coalesce(string_agg(bucket || bucket_hash || n_rows, '|' order by bucket), '') from bucketed
        """
    ).fetchall()[0][0]
    return hashlib.sha256(f"{header}|{body}".encode()).hexdigest()


def published_hashes(marts: Path) -> dict[str, str]:
    """Logical hash of every table of a published marts.duckdb, by table name."""
    con = duckdb.connect()
    try:
        con.execute("SET threads=2; SET TimeZone='UTC'")
        con.execute(f"attach {literal(str(marts))} as marts (read_only)")
        names = con.execute(
            "select table_name from duckdb_tables() where database_name = 'marts' order by table_name"
        ).fetchall()
        return {name: logical_hash(con, f"marts.main.{ident(name)}") for (name,) in names}
    finally:
        con.close()
