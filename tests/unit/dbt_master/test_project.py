"""The dbt project without data: staging repeats the contracts and the row ledger names all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.contract import load_contracts

PROJECT = Path(__file__).resolve().parents[3] / "dbt_project"


@pytest.mark.parametrize("contract", sorted(load_contracts()))
def test_the_staging_view_selects_every_column_of_its_contract(contract: str) -> None:
    staging = (PROJECT / "models" / "staging").rglob("*.sql")
    views = [p for p in staging if f"source('raw', '{contract}')" in p.read_text(encoding="utf-8")]
    assert len(views) == 1
    text = views[0].read_text(encoding="utf-8")
    missing = [c for c in load_contracts()[contract].names if f"records.{c}" not in text]
    assert not missing


def test_the_row_ledger_names_every_contract() -> None:
    text = (PROJECT / "macros" / "ledger_terms.sql").read_text(encoding="utf-8")
    listed = text.split("ledger_contracts() -%}")[1].split("endmacro")[0]
    assert set(re.findall(r"'(\w+)'", listed)) == set(load_contracts())
