"""A value on so many records that they are not compared by it is a question, not only a number of the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestration.matching.linkage.explanation import wording
from orchestration.matching.linkage.model import MODELS, load_model
from orchestration.stewardship.decisions import item_id
from tests.match_bench import Bench, account, person

N_DIVERS = 150


def _firm(key: str, name: str, **values: object) -> dict:
    return account(key, name=name, name_key=name.upper(), country_code="FR", **values)


@pytest.fixture
def divers(tmp_path: Path) -> Bench:
    """A company whose CRM has 150 accounts *Client Divers* in one town, each with another telephone."""
    bench = Bench(tmp_path)
    others = [_firm(f"z/{k:03d}", f"Societe{k} Nom{k}", postal_code=f"{10000 + k}") for k in range(60)]
    crowd = [
        _firm(f"c/{k:03d}", "Client Divers", postal_code="69002", city="Lyon", phone=f"+3347{k:07d}")
        for k in range(N_DIVERS)
    ]
    bench.ids, _, bench.report = bench.run([*others, *crowd])
    return bench


def test_a_value_on_too_many_records_is_one_question_that_names_rule_and_number(divers: Bench) -> None:
    assert divers.report.accounts.dropped_blocks > 0
    (asked,) = [item for item in divers.items() if item["reason"] == "block_too_large"]
    ends = ("c/000", f"c/{N_DIVERS - 1:03d}")
    assert (asked["kind"], asked["left_record_key"], asked["right_record_key"]) == ("oversized", *ends)
    assert asked["item_id"] == item_id("account", "oversized", *ends)
    assert asked["weight"] is None
    (block,) = json.loads(asked["terms"])
    assert block == {"block": asked["evidence_code"], "records": N_DIVERS}
    assert len({divers.ids[f"c/{k:03d}"] for k in range(N_DIVERS)}) == N_DIVERS


def test_the_question_shows_no_value_of_a_record(divers: Bench) -> None:
    told = json.dumps([item for item in divers.items() if item["reason"] == "block_too_large"]).lower()
    assert "divers" not in told and "+3347" not in told and "lyon" not in told


def test_blocks_that_are_compared_are_no_question(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    people = [
        person(f"p/{k}", name_key=f"anne nom{k}", email=f"a{k}@acme.example", company_name="Acme",
               company_name_key="ACME")
        for k in range(40)
    ]  # fmt: skip
    bench.run([], people)
    assert not [item for item in bench.items() if item["kind"] == "oversized"]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_blocking_rule_of_a_model_is_worded(language: str) -> None:
    rules = {
        rule.code
        for path in MODELS.glob("*.json")
        if "report" not in path.stem
        for rule in load_model(path.stem).blocking
    }
    assert set(wording()[language]["blocks"]) == rules - {"all_pairs"}
