"""A small warehouse in which every rule passes, and how to make one rule of it fail.

Columns and types are those of the contracts and of the dbt models: a rule on a column that no model has fails
here. What does not belong here: the rows themselves (planted_sources.py, planted_good.py, planted_bad.py).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import duckdb
import planted_bad
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from planted_good import GOOD
from planted_values import MONTH, VAT, Row, staged

from expectations.catalogue import Rule
from expectations.checks import Unique
from ingest.contract import PROVENANCE, load_contracts

__all__ = ["GOOD", "build", "change", "insert", "plant", "staged", "write_kept"]

MODELS = Path(__file__).parents[3] / "dbt_project" / "models"
_BY_NAME = {
    "boolean": ("is_",),
    "bigint": ("n_", "_rank", "effort_s"),
    "timestamp": ("_at",),
    "date": ("_on", "date_day", "period_month"),
    "decimal(18, 4)": ("amount", "_reporting", "_hours", "_days", "_mrr", "score"),
}


@cache
def columns() -> dict[str, dict[str, str]]:
    """Relation -> column -> DuckDB type, of the contracts (staging) and of the dbt models."""
    found = {}
    for table, rows in GOOD.items():
        if table.startswith("staging."):
            contract = load_contracts()[rows[0]["record_key"].split("/")[1]]
            provenance = {name: kind for name, _, kind in PROVENANCE if name in rows[0]}
            found[table] = (
                provenance
                | {"record_key": "varchar"}
                | {column.name: column.duckdb_type for column in contract.columns}
            )
    for file in sorted(MODELS.rglob("*.yml")):
        for model in yaml.safe_load(file.read_text(encoding="utf-8")).get("models", []):
            folder = file.relative_to(MODELS).parts[0]
            schema = "quality_dbt" if folder == "quality" else folder
            if schema != "staging":
                found[f"{schema}.{model['name']}"] = {
                    column["name"]: _type(column["name"], column.get("data_type"))
                    for column in model.get("columns", [])
                }
    return found


def _type(name: str, declared: str | None) -> str:
    """The declared type of a column, else the one that its name says (docs/conventions.md)."""
    if declared:
        return "varchar" if declared == "string" else declared
    for kind, endings in _BY_NAME.items():
        if name.startswith(endings) or name.endswith(endings):
            return kind
    return "varchar"


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[Row]) -> None:
    """Insert rows; columns that a row does not name stay null."""
    for row in rows:
        names = ", ".join(f'"{name}"' for name in row)
        connection.execute(
            f"insert into {table} ({names}) values ({', '.join('?' * len(row))})", list(row.values())
        )


def plant(connection: duckdb.DuckDBPyConnection, rule: Rule) -> None:
    """Make one rule fail once on each of its tables."""
    for table in planted_bad.ABSENT.get(rule.id, ()):
        connection.execute(f"delete from {table}")
    for check in rule.checks:
        if isinstance(check, Unique) and check.column in check.key:
            connection.execute(f"insert into {check.table} select * from {check.table} limit 1")
    for table in planted_bad.CHANGES.get(rule.id, {}):
        insert(connection, table, planted_bad.rows(rule.id, table))


def change(work: Path, *statements: str) -> None:
    """Run statements on the warehouse of a work folder."""
    with duckdb.connect(str(work / "warehouse.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement)


def build(work: Path, rows: dict[str, list[Row]] = GOOD, kept: int | None = 1) -> Path:
    """A warehouse with `rows`, run settings of June 2026, and kept rows for every contract; returns its
    path.
    """
    work.mkdir(parents=True, exist_ok=True)
    warehouse = work / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        schemas = "staging master metrics quality_dbt marts run reference resolution matching"
        for schema in schemas.split():
            connection.execute(f"create schema {schema}")
        connection.execute(
            "create table run.settings as select '2026-06' as cycle, timestamp '2026-07-01' as as_of,"
            f" date '{MONTH}' as cycle_start, date '2026-07-01' as cycle_end"
        )
        for table, examples in rows.items():
            typed = ", ".join(f'"{name}" {kind}' for name, kind in columns()[table].items())
            connection.execute(f"create table {table} ({typed})")
            insert(connection, table, examples)
        connection.execute("create table reference.generic_mailboxes as select 'contact' as local_part")
        connection.execute(f"create table matching.valid_vat_numbers as select '{VAT}' as stated_number")
        connection.execute(
            "create table resolution.int_account_records as select '0123456789ab' as _delivery_id, 7::bigint as"
            f" _source_row_id, * from (values ('one/crm_account/a1', '{VAT}'), ('bad', 'DE999999999'))"
            " as t (record_key, vat_number)"
        )
        settings = connection.sql("select * from run.settings").to_arrow_table()
    write(settings, work / "run" / "settings.parquet")
    if kept is not None:
        write_kept(work, dict.fromkeys(load_contracts(), kept))
    return warehouse


def write_kept(work: Path, kept: dict[str, int]) -> None:
    """collect/ledger_terms.parquet with term C `kept` per contract."""
    rows = [{"contract": name, "term": "C", "name": "kept", "value": value} for name, value in kept.items()]
    schema = pa.schema(
        [("contract", pa.string()), ("term", pa.string()), ("name", pa.string()), ("value", pa.int64())]
    )
    write(pa.Table.from_pylist(rows, schema=schema), work / "collect" / "ledger_terms.parquet")


def write(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
