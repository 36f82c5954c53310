"""The dbt project without data: sources and staging repeat the contracts."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ingest.contract import PROVENANCE, load_contracts

PROJECT = Path(__file__).resolve().parents[3] / "dbt_project"
SPARK_TYPES = {
    "VARCHAR": "string", "BOOLEAN": "boolean", "BIGINT": "bigint", "INTEGER": "int", "DATE": "date",
    "TIMESTAMP": "timestamp",
}  # fmt: skip


def declared(name: str) -> dict[str, dict[str, str]]:
    """table -> column -> type of a file of sources."""
    content = yaml.safe_load((PROJECT / "models" / "sources" / f"{name}.yml").read_text(encoding="utf-8"))
    return {
        table["name"]: {column["name"]: column["data_type"] for column in table["columns"]}
        for source in content["sources"]
        for table in source["tables"]
    }


def spark_type(duckdb_type: str) -> str:
    return SPARK_TYPES.get(duckdb_type, duckdb_type.lower())


@pytest.mark.parametrize("contract", sorted(load_contracts()))
def test_the_raw_source_repeats_its_contract(contract: str) -> None:
    expected = {name: spark_type(kind) for name, _, kind in PROVENANCE}
    expected |= {c.name: spark_type(c.duckdb_type) for c in load_contracts()[contract].columns}
    assert declared("raw")[contract] == expected


@pytest.mark.parametrize("contract", sorted(load_contracts()))
def test_the_staging_view_selects_every_column_of_its_contract(contract: str) -> None:
    staging = (PROJECT / "models" / "staging").rglob("*.sql")
    views = [p for p in staging if f"source('raw', '{contract}')" in p.read_text(encoding="utf-8")]
    assert len(views) == 1
    text = views[0].read_text(encoding="utf-8")
    missing = [c for c in load_contracts()[contract].names if f"records.{c}" not in text]
    assert not missing
