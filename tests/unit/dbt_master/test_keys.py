"""The primary keys that contracts declare: each model proves its own when its rows are there, and one row too many
stops it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[3] / "dbt_project"


def _declared() -> dict[str, str]:
    """Model of models/master -> columns of its primary key."""
    found = {}
    for path in sorted((PROJECT / "models" / "master").rglob("*.yml")):
        for model in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("models", []):
            for constraint in model.get("constraints") or ():
                if constraint["type"] == "primary_key":
                    found[model["name"]] = ", ".join(constraint["columns"])
    return found


def _run_sql(warehouse: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Model of models/master -> the SQL that dbt ran for it."""
    ((file,),) = warehouse.execute("select path from duckdb_databases() where path is not null").fetchall()
    folder = Path(file).parent / "target" / "run" / "etalon" / "models" / "master"
    return {path.stem: path.read_text(encoding="utf-8") for path in folder.rglob("*.sql")}


def test_every_declared_key_is_proved_where_its_table_is_made(warehouse: duckdb.DuckDBPyConnection) -> None:
    ran, declared = _run_sql(warehouse), _declared()
    assert len(declared) > 15
    unproved = [
        name for name, key in declared.items() if f"group by {key} having count(*) > 1" not in ran[name]
    ]
    assert not unproved
    assert not [name for name, sql in ran.items() if name not in declared and "Duplicate key" in sql]


def test_a_key_held_twice_stops_the_model(warehouse: duckdb.DuckDBPyConnection) -> None:
    sql = _run_sql(warehouse)["dim_persons"]
    check = sql[sql.index("select error(") :]
    with duckdb.connect() as con:
        con.execute("attach ':memory:' as warehouse; create schema warehouse.master")
        table = "warehouse.master.dim_persons"
        con.execute(f"create table {table} as select 'per_' || i as person_id from range(5) as t (i)")
        assert not con.execute(check).fetchall()
        con.execute(f"insert into {table} values ('per_3')")
        # the words by which expectations/structure.py tells a refused key
        with pytest.raises(duckdb.Error, match=r"(?i)duplicate key \(person_id\) in dim_persons"):
            con.execute(check)


def test_a_table_is_built_under_its_own_name_and_not_renamed(warehouse: duckdb.DuckDBPyConnection) -> None:
    ran = _run_sql(warehouse)
    assert 'insert into "warehouse"."master"."dim_persons"' in ran["dim_persons"]
    assert not [name for name in _declared() if "__dbt_tmp" in ran[name]]
