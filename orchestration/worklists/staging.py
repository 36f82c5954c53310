"""Which staging table holds the records of a contract, and which delivery brought a record.

What does NOT belong here: what is to be mended (building.py), what hangs on it (impact.py).
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb


def staging_tables(con: duckdb.DuckDBPyConnection, contracts: Iterable[str]) -> dict[str, str]:
    """contract -> its table in schema staging, of those that are in the warehouse."""
    there = {
        name.partition("__")[2]: name
        for (name,) in con.execute(
            "select table_name from information_schema.tables where table_schema = 'staging'"
        ).fetchall()
    }
    found = {}
    for contract in contracts:
        plural = f"{contract[:-1]}ies" if contract.endswith("y") else f"{contract}s"
        table = there.get(plural.partition("_")[2]) or there.get(plural)
        if table:
            found[contract] = f"staging.{table}"
    return found


def find_origins(con: duckdb.DuckDBPyConnection) -> None:
    """Temp table `origins` (record_key, _delivery_id) for rows of temp table `raised` that name no delivery."""
    con.execute(
        "create temp table unnamed as select distinct contract, record_key from raised"
        " where _delivery_id is null and contract is not null"
    )
    contracts = [
        name for (name,) in con.execute("select distinct contract from unnamed order by 1").fetchall()
    ]
    selects = [
        "select cast(null as varchar) as record_key, cast(null as varchar) as _delivery_id where false"
    ]
    selects += [
        f"select t.record_key, t._delivery_id from {table} as t"
        f" inner join unnamed as u on t.record_key = u.record_key and u.contract = '{contract}'"
        for contract, table in staging_tables(con, contracts).items()
    ]
    con.execute(
        "create temp table origins as select record_key, min(_delivery_id) as _delivery_id"
        f" from ({' union all '.join(selects)}) group by record_key"
    )
