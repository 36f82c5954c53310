"""dbt sources and docs/contracts.md are those of the contracts."""

from __future__ import annotations

from dataclasses import replace

import yaml

from ingest.contract import PROVENANCE, load_contracts
from ingest.contract_pages import PAGE_FILE, SOURCES_FILE, filling_mappings, page_text, pages, sources_text


def test_the_pages_are_those_of_the_contracts() -> None:
    """When it fails: python -m ingest.contract_pages."""
    for path, text in pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run python -m ingest.contract_pages"


def test_the_sources_carry_types_deadline_and_personal_data_of_each_contract() -> None:
    """Read back from YAML, so that the text is what dbt will see."""
    source = yaml.safe_load(SOURCES_FILE.read_text(encoding="utf-8"))["sources"][0]
    tables = {table["name"]: table for table in source["tables"]}
    assert set(tables) == set(load_contracts())
    rate = {column["name"]: column for column in tables["exchange_rate"]["columns"]}
    assert rate["rate"]["data_type"] == "decimal(18,8)"
    assert [c["name"] for c in tables["crm_quota"]["columns"]][: len(PROVENANCE)] == [
        n for n, _, _ in PROVENANCE
    ]
    for name, contract in load_contracts().items():
        warned = tables[name]["config"]["freshness"]["warn_after"]
        assert warned == {"count": contract.freshness_days, "period": "day"}
        classes = {
            column["name"]: column["config"]["meta"]["pii"]
            for column in tables[name]["columns"]
            if "config" in column
        }
        assert classes == {column.name: column.pii for column in contract.columns if column.pii}
        assert all(column["description"] for column in tables[name]["columns"])


def test_every_contract_has_a_section_with_its_controls() -> None:
    page = PAGE_FILE.read_text(encoding="utf-8")
    for name, contract in load_contracts().items():
        section = page.split(f"\n### {name}\n")[1].split("\n### ")[0]
        assert contract.grain in section
        for column, target in contract.references:
            assert f"`{column}` exists in {target}" in section
        for earlier, later in contract.order:
            assert f"`{earlier}` not after `{later}`" in section


def test_a_changed_contract_makes_both_pages_stale() -> None:
    contracts = dict(load_contracts())
    before = sources_text(contracts), page_text(contracts, {})
    contracts["crm_quota"] = replace(contracts["crm_quota"], freshness_days=1)
    after = sources_text(contracts), page_text(contracts, {})
    assert before[0] != after[0] and before[1] != after[1]


def test_a_mapping_is_named_where_it_fills_a_contract_under_another_table_name() -> None:
    filled = filling_mappings()
    assert "salesforce" in filled["crm_lead"]
    assert set(filled) <= set(load_contracts())
