"""Builds metrics, quality and marts on tables planted at the border of the master layer.

The planted tables take their columns and types from the project's own YAML, so a contract that changes
upstream breaks the plant and not only production. Not here: which rows are planted (`planted_company.py`)
and what must come out (`kpi_oracle.py`).
"""

import os
import re
import shutil
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa
import yaml

from tests.golden.planted_company import SETTINGS, master_tables

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "dbt_project"
# The staging views that the quality models read; the others need rows in the master layer's own places.
_READERS = [*(PROJECT / "models" / "quality").glob("*.sql"),
            *(PROJECT / "macros" / name for name in ("ledger_terms.sql", "contact_policy.sql"))]  # fmt: skip
QUALITY_VIEWS = sorted(
    {
        name
        for path in _READERS
        for name in re.findall(r"ref\('(stg_\w+)'\)", path.read_text(encoding="utf-8"))
    }
)
BUILT_HERE = [
    "opportunity_stages",
    "stage_gates",
    "time_zones",
    "public_holidays",
    "lead_definitions",
    "lead_sources",
    "usage_definitions",
    "health_components",
    "finance_assumptions",
    "cadence_templates",
    "cadence_steps",
    "int_undated_refusals",
    *QUALITY_VIEWS,
    "path:models/metrics",
    "path:models/quality",
    "path:models/marts",
]


def model_columns() -> dict[str, tuple[str, dict[str, str]]]:
    """Relation of the master layer -> (schema, column -> type), from the YAML beside the models."""
    found = {}
    for path in sorted((PROJECT / "models" / "master").rglob("*.yml")):
        schema = "conforming" if path.parent.name == "conforming" else "master"
        for model in yaml.safe_load(path.read_text())["models"]:
            columns = {c["name"]: c["data_type"] for c in model.get("columns", []) if "data_type" in c}
            if columns:
                found[model["name"]] = (schema, columns)
    exclusions = (
        "stream contract source_instance _delivery_id _source_row_id _record_part record_key reason_code"
    )
    types = {"_source_row_id": "bigint", "_record_part": "int"}
    found["int_fact_exclusions"] = ("conforming", {c: types.get(c, "string") for c in exclusions.split()})
    return found


def source_columns() -> dict[str, dict[str, str]]:
    """'raw.crm_lead' and every other declared source -> column -> type."""
    found = {}
    for path in sorted((PROJECT / "models" / "sources").glob("*.yml")):
        for source in yaml.safe_load(path.read_text())["sources"]:
            for table in source["tables"]:
                found[f"{source['schema']}.{table['name']}"] = {
                    c["name"]: c["data_type"] for c in table.get("columns", [])
                }
    return found


def _fill(con: duckdb.DuckDBPyConnection, relation: str, columns: dict[str, str], rows: list[dict]) -> None:
    spelled = {c: t.replace("array<string>", "string[]") for c, t in columns.items()}
    con.execute(f"create table {relation} ({', '.join(f'{c} {t}' for c, t in spelled.items())})")
    unknown = {c for row in rows for c in row} - set(columns)
    assert not unknown, f"{relation} has no column {sorted(unknown)}"
    if rows:
        con.register("planted_rows", pa.Table.from_pylist([{c: row.get(c) for c in columns} for row in rows]))
        con.execute(f"insert into {relation} by name select * from planted_rows")
        con.unregister("planted_rows")


def write_sources(work: Path, rows: dict[str, list[dict]]) -> None:
    """Every declared source as Parquet under `work`; those without rows are there and empty."""
    con = duckdb.connect()
    for n, (name, columns) in enumerate(source_columns().items()):
        schema, table = name.split(".")
        target = work / schema / (f"{table}/part.parquet" if schema == "raw" else f"{table}.parquet")
        target.parent.mkdir(parents=True, exist_ok=True)
        _fill(con, f"source_{n}", columns, rows.get(name, []))
        con.execute(f"copy source_{n} to '{target}' (format parquet)")
    con.close()


def write_relations(warehouse: Path, rows: dict[str, list[dict]]) -> None:
    """Every relation of the master layer in a new DuckDB file; those without rows are there and empty."""
    con = duckdb.connect(str(warehouse))
    for schema in ("master", "conforming"):
        con.execute(f"create schema {schema}")
    days = [date(2025, 1, 1) + timedelta(days=n) for n in range(700)]
    calendar = [{"date_day": d, "period_month": d.replace(day=1)} for d in days]
    for name, (schema, columns) in model_columns().items():
        _fill(con, f"{schema}.{name}", columns, rows.get(name, calendar if name == "dim_dates" else []))
    con.close()


def run_dbt(work: Path, project: Path, *arguments: str) -> None:
    """dbt in this process on a copy of the project; raises AssertionError with the failing nodes."""
    from dbt.cli.main import dbtRunner

    os.environ["ETALON_WORK"] = str(work)
    paths = ["--project-dir", str(project), "--profiles-dir", str(project), "--quiet"]
    result = dbtRunner().invoke([*arguments, *paths])
    failed = [
        f"{r.node.name}: {r.message}" for r in (result.result or []) if str(r.status) in ("error", "fail")
    ]
    assert result.success, failed or result.exception


@cache
def built_company(session_folder: Path) -> Path:
    """Work folder of the planted company after metrics, quality and marts; built once per test session."""
    folder = session_folder / "planted_company"
    tables = master_tables()
    # a name with a schema is a file that a step of Python leaves, as statistics.deal_scores
    sources = {name: rows for name, rows in tables.items() if "." in name}
    return build(folder, tables, {"run.settings": [SETTINGS], **sources})


def build(folder: Path, relations: dict[str, list[dict]], sources: dict[str, list[dict]]) -> Path:
    """Plants the rows, builds metrics, quality and marts with their tests; returns the work folder.

    The ledger of a company planted at the master layer cannot balance: nothing came through raw. Its test
    only warns.
    """
    work, project = folder / "work", folder / "project"
    work.mkdir(parents=True)
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    admitted = {"cycle": "2026-06", "verdict": "publish", "ledger_imbalances": 0}
    estimates = {name: rows for name, rows in relations.items() if "." in name}  # of the statistics step
    write_sources(work, {"quality.gate_verdicts": [admitted], **estimates, **sources})
    write_relations(work / "warehouse.duckdb", relations)
    # what came through raw is not planted here: neither its rows to count nor the records of rates
    aside = (
        *("--exclude", "assert_every_kept_row_is_counted_or_excluded"),
        "assert_every_exchange_rate_names_its_record",
    )
    run_dbt(work, project, "build", "--select", *BUILT_HERE, *aside, "--indirect-selection", "buildable")
    return work
