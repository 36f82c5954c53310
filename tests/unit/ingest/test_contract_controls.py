"""Keys of a contract that declare controls: what they may name and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.contract import load_contracts
from ingest.errors import ConfigurationError

ORDERS = """
contract: orders
grain: One row per order.
domain: erp
update: latest
order_by: [changed_on]
freshness_days: 35
references: {buyer_id: buyers}
order: [[placed_on, changed_on]]
columns:
  source_record_id: {type: text, required: true, description: id}
  buyer_id: {type: text, description: buyer}
  placed_on: {type: date, description: day}
  changed_on: {type: date, description: day}
"""
BUYERS = """
contract: buyers
grain: One row per buyer.
domain: erp
update: latest
freshness_days: 35
columns:
  source_record_id: {type: text, required: true, description: id}
"""


def contracts_of(folder: Path, orders: str) -> dict:
    (folder / "orders.yml").write_text(orders, encoding="utf-8")
    (folder / "buyers.yml").write_text(BUYERS, encoding="utf-8")
    return load_contracts(folder)


def test_references_and_order_are_read(tmp_path: Path) -> None:
    orders = contracts_of(tmp_path, ORDERS)["orders"]
    assert orders.references == (("buyer_id", "buyers"),)
    assert orders.order == (("placed_on", "changed_on"),)
    assert orders.freshness_days == 35


@pytest.mark.parametrize(
    ("old", "new", "code", "nearest"),
    [
        ("{buyer_id: buyers}", "{buyr_id: buyers}", "E-ING-130", "buyer_id"),
        ("{buyer_id: buyers}", "{buyer_id: buyer}", "E-ING-131", "buyers"),
        ("[[placed_on, changed_on]]", "[[placd_on, changed_on]]", "E-ING-130", "placed_on"),
        ("order_by: [changed_on]", "order_by: [changd_on]", "E-ING-130", "changed_on"),
        ("[[placed_on, changed_on]]", "[[placed_on, placed_on]]", "E-ING-132", "placed_on"),
        ("[[placed_on, changed_on]]", "[[buyer_id, placed_on]]", "E-ING-132", "buyer_id"),
        ("references:", "refrences:", "E-ING-104", "references"),
        ("freshness_days: 35", "freshnes_days: 35", "E-ING-104", "freshness_days"),
    ],
)
def test_what_a_control_cannot_name_is_refused_with_the_nearest_name(
    tmp_path: Path, old: str, new: str, code: str, nearest: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        contracts_of(tmp_path, ORDERS.replace(old, new))
    assert caught.value.problem.code == code
    assert nearest in str(caught.value)


def test_a_contract_without_a_deadline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="freshness_days"):
        contracts_of(tmp_path, ORDERS.replace("freshness_days: 35\n", ""))


def test_every_column_that_names_another_record_is_a_reference() -> None:
    """`<x>_id: source_record_id of <contract>` in prose is a reference in data."""
    for contract in load_contracts().values():
        referenced = dict(contract.references)
        for column in contract.columns:
            said = re.match(r"source_record_id of ((?:crm|erp)_\w+)", column.description)
            if said:
                assert referenced.get(column.name) == said[1], f"{contract.name}.{column.name}"
