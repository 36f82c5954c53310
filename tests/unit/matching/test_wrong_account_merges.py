"""Pairs of companies that look like one and are two: each is apart, or a question, never a merge.

What does NOT belong here: what must be joined (see test_match_step), persons.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestration.matching.standardise.vocabulary import vocabulary
from orchestration.project import DBT_PROJECT
from tests.match_bench import SIREN_A, Bench, account, decision, person

LYON = {"country_code": "FR", "postal_code": "69002", "city": "Lyon"}
MARSEILLE = {"country_code": "FR", "postal_code": "13001", "city": "Marseille"}
DE_A, DE_B = "DE136695976", "DE129274202"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def firm(key: str, name: str, **values: object) -> dict:
    return account(key, name=name, name_key=name.upper(), **values)


OTHERS = [
    firm(f"z/{k:03d}", f"Societe{k} Nom{k}", country_code="FR", postal_code=f"{10000 + k}", domain=f"nom{k}.example")
    for k in range(60)
]  # fmt: skip


def asked(bench: Bench) -> set[tuple[str, str]]:
    return {(item["left_record_key"], item["right_record_key"]) for item in bench.items()}


@pytest.mark.parametrize(
    "number", ["DE999999999", "DE111111111", "FR00000000000", "FR12345678901", "DE123", "EU9", "GB000000000"]
)
def test_a_vat_number_that_is_none_joins_nobody(bench: Bench, number: str) -> None:
    ids, _, _ = bench.run(
        [firm("c/1", "Alpha Bois", vat_number=number), firm("c/2", "Zeta Gaz", vat_number=number)]
    )
    assert ids["c/1"] != ids["c/2"]


@pytest.mark.parametrize("number", [DE_A, "FR44" + SIREN_A, "GB980780684", "CHE-107.787.577 IVA"])
def test_a_valid_vat_number_joins_whatever_its_spelling(bench: Bench, number: str) -> None:
    ids, _, _ = bench.run(
        [
            firm("c/1", "Alpha Bois", vat_number=number),
            firm("c/2", "Zeta Gaz", vat_number=f"{number[:5]} {number[5:]}"),
        ]
    )
    assert ids["c/1"] == ids["c/2"]


@pytest.mark.parametrize(
    "numbers", [("DE111111111", "DE222222222"), ("DE136695976", "DE123456789"), ("FR12345678901", "FR98765432109")]
)  # fmt: skip
def test_two_stated_vat_numbers_of_one_country_are_a_question(bench: Bench, numbers: tuple[str, str]) -> None:
    same = {"domain": "durand.example", **LYON}
    ids, _, _ = bench.run(
        [
            *OTHERS,
            *[firm(f"c/{k}", "Durand Transports", vat_number=n, **same) for k, n in enumerate(numbers)],
            firm("c/2", "Durand Transports", vat_number=numbers[0], **same),
        ]
    )
    assert ids["c/0"] != ids["c/1"]
    assert ("c/0", "c/1") in asked(bench) or ("c/1", "c/2") in asked(bench)


def test_the_same_code_in_two_crms_without_an_erp_is_a_question(bench: Bench) -> None:
    one, other = (
        firm(f"{crm}/1", name, source_instance=crm, accountancy_code="C1001", country_code=country)
        for crm, name, country in (("crm1", "Alpha Bois", "FR"), ("crm2", "Zeta Gaz", "DE"))
    )
    ids, _, _ = bench.run([one, other])
    assert ids["crm1/1"] != ids["crm2/1"] and ("crm1/1", "crm2/1") in asked(bench)
    ids, _, _ = bench.run([one, other | {"name_key": "ALPHA BOIS"}])
    assert ids["crm1/1"] == ids["crm2/1"], "an agreeing name is the second proof"


def test_a_code_of_the_erp_joins_the_records_that_do_not_contradict_it(bench: Bench) -> None:
    erp = account("erp/1", contract="erp_customer", source_instance="erp", accountancy_code="10001",
                  name_key="ALPHA BOIS", country_code="FR")  # fmt: skip
    bearer = firm("crm/1", "Alpha Bois Lyon", accountancy_code="10001", country_code="FR")
    # the contradicting record comes first in key order: it must not be the centre of the others
    wrong = firm("a/1", "Zeta Gaz", accountancy_code="10001", country_code="DE", domain="zeta.example")
    ids, _, _ = bench.run([erp, bearer, wrong])
    assert ids["erp/1"] == ids["crm/1"] != ids["a/1"]
    assert asked(bench) & {("a/1", "erp/1"), ("a/1", "crm/1")}
    ids, _, _ = bench.run([erp, account("crm/1", accountancy_code="10001")])
    assert ids["erp/1"] == ids["crm/1"], "one ERP, one CRM, nothing contradicts"
    ids, _, _ = bench.run([erp, firm("crm/1", "Zeta Gaz", accountancy_code="10001")])
    assert ids["erp/1"] != ids["crm/1"]


@pytest.mark.parametrize(
    "first", [{}, {"phone": "+33478000001"}, {"registration_number": SIREN_A}], ids=["bare", "phone", "number"]
)  # fmt: skip
def test_agencies_of_a_franchise_are_a_question(bench: Bench, first: dict) -> None:
    name = {"name": "Agence Centrale", "name_key": "AGENCE CENTRALE", "domain": "franchise.example"}
    second = {"phone": "+33491000002"} if "phone" in first else {}
    ids, _, _ = bench.run(
        [
            *OTHERS,
            account("c/1", **name, **LYON, **first),
            account("c/2", **name, **MARSEILLE, **second),
            account("c/3", **name, country_code="FR"),
        ]
    )
    assert ids["c/1"] != ids["c/2"] and ("c/1", "c/2") in asked(bench)
    assert len({ids["c/1"], ids["c/2"], ids["c/3"]}) == 3, "what names no place fits both"


def test_towns_whose_postal_codes_differ_by_one_digit_are_two_places(bench: Bench) -> None:
    name = {
        "name": "Agence Centrale",
        "name_key": "AGENCE CENTRALE",
        "domain": "franchise.example",
        "country_code": "FR",
    }
    records = [
        *OTHERS,
        account("c/1", **name, postal_code="27000", city="EVREUX", phone="+33491000001"),
        account("c/2", **name, postal_code="25000", city="BESANCON", phone="+33491000002"),
    ]
    ids, _, _ = bench.run(records)
    assert ids["c/1"] != ids["c/2"] and ("c/1", "c/2") in asked(bench)


def test_one_domain_and_name_with_numbers_of_two_countries_is_a_question(bench: Bench) -> None:
    same = {"name": "Durand Transports", "name_key": "DURAND TRANSPORTS", "domain": "durand.example"}
    records = [
        *OTHERS,
        account("c/1", registration_number=SIREN_A, **same),
        account("c/2", vat_number=DE_A, **same),
    ]
    ids, _, _ = bench.run(records)
    assert ids["c/1"] != ids["c/2"] and ("c/1", "c/2") in asked(bench)


def test_a_name_on_a_domain_on_too_many_records_is_asked_once_for_the_whole_of_them(bench: Bench) -> None:
    n = 1001
    crowd = [firm(f"c/{k:05d}", "Client Divers", domain="divers.example", **LYON) for k in range(n)]
    ids, _, _ = bench.run([*OTHERS, *crowd])
    assert len({ids[record["record_key"]] for record in crowd}) == n
    # One about what would have been joined as certain, one about the domain by which they were not compared.
    asked_for = sorted((item["kind"], item["reason"]) for item in bench.items())
    assert asked_for == [("oversized", "block_too_large"), ("oversized", "oversized")]


@pytest.mark.parametrize(
    ("one", "other", "contact"),
    [
        ({"country_code": "FR"}, {"country_code": "BE"}, {"email": "anne@free.example"}),
        ({"country_code": "FR", "domain": "gm-lyon.example"}, {"country_code": "FR", "domain": "gm-brest.example"},
         {"email": "anne@free.example"}),
        (LYON, MARSEILLE, {"email": "anne@free.example"}),
        ({"country_code": "FR"}, {"country_code": "FR"}, {"phone": "+33800000000"}),
    ],
    ids=["country", "domain", "place", "switchboard"],
)  # fmt: skip
def test_one_person_and_one_name_do_not_join_what_differs(
    bench: Bench, one: dict, other: dict, contact: dict
) -> None:
    people = [person(f"p/{k}", account_record_key=f"c/{k}", name_key="anne roux", **contact) for k in (1, 2)]
    ids, _, _ = bench.run(
        [firm("c/1", "Garage Martin", **one), firm("c/2", "Garage Martin", **other)], people
    )
    assert ids["c/1"] != ids["c/2"]
    same = [firm(f"c/{k}", "Martin", country_code="FR") for k in (1, 2)]
    ids, _, _ = bench.run(same, people)
    assert ids["c/1"] != ids["c/2"], "a name of one word"


@pytest.mark.parametrize(
    ("known", "bare"),
    [
        ({"employee_count": 23, "phone": "+33478000001", "registration_number": SIREN_A},
         {"employee_count": 23, "phone": "+33491000002"}),
        ({"employee_count": 23, "postal_code": "69002", "registration_number": SIREN_A},
         {"employee_count": 23, "postal_code": "13001"}),
        ({"employee_count": 10, "registration_number": SIREN_A}, {"employee_count": 10}),
        ({"employee_count": 75, "registration_number": SIREN_A}, {"employee_count": 75}),
        ({"employee_count": 23}, {"employee_count": 23}),
    ],
    ids=["phone", "place", "ten", "seventy-five", "nobody known"],
)  # fmt: skip
def test_a_head_count_is_no_proof_where_something_differs_or_is_round(
    bench: Bench, known: dict, bare: dict
) -> None:
    ids, _, _ = bench.run(
        [
            firm("c/1", "Garage Martin", country_code="FR", **known),
            firm("l/1", "Garage Martin", country_code="FR", **bare),
        ]
    )
    assert ids["c/1"] != ids["l/1"] and ("c/1", "l/1") in asked(bench)


GROUP = {"domain": "sg.example", "country_code": "FR"}


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("Veria Energie Nord", "Veria Energie Sud", GROUP),
        ("Veria Energie Nord", "Veria Energie Sud", GROUP | {"phone": "+33478000001"}),
        ("Sci Veria 1", "Sci Veria 2", GROUP),
        ("Veria Logistique 1", "Veria Logistique 2", GROUP | LYON),
        ("Holding Durand", "Durand", LYON | {"phone": "+33478000001"}),
        ("Veria Holding", "Veria", GROUP | {"phone": "+33478000001"}),
        ("Saint Gobain", "Saint Gobain Isover", GROUP | {"phone": "+33478000001"}),
    ],
)
def test_companies_of_one_group_are_a_question(bench: Bench, one: str, other: str, shared: dict) -> None:
    ids, _, _ = bench.run([*OTHERS, firm("c/1", one, **shared), firm("c/2", other, **shared)])
    assert ids["c/1"] != ids["c/2"]


def test_a_third_record_does_not_bridge_what_is_told_apart(bench: Bench) -> None:
    ids, _, _ = bench.run(
        [
            *OTHERS,
            firm("c/1", "Veria Energie Nord", **GROUP),
            firm("c/2", "Veria Energie Sud", **GROUP),
            firm("c/3", "Veria Energie", **GROUP),
        ]
    )
    assert ids["c/1"] != ids["c/2"]


def test_a_parent_and_its_child_stay_apart_although_they_share_a_code(bench: Bench) -> None:
    same = {"accountancy_code": "X1", "domain": "durand.example", **LYON}
    ids, _, _ = bench.run(
        [
            *OTHERS,
            firm("c/1", "Durand Transports", parent_record_key="c/2", **same),
            firm("c/2", "Durand Transports", **same),
            account("erp/1", contract="erp_customer", source_instance="erp", accountancy_code="X1"),
        ]
    )
    assert ids["c/1"] != ids["c/2"]
    ids, _, _ = bench.run(
        [account("c/1", parent_record_key="c/2"), account("c/2")], decisions=[decision("must", "c/1", "c/2")]
    )
    assert ids["c/1"] == ids["c/2"], "what a steward decided stands"


def test_one_parent_among_many_duplicates_leaves_the_others_joined(bench: Bench) -> None:
    n = 120
    head = {"parent_record_key": "c/00001"}
    crowd = [
        firm(f"c/{k:05d}", "Agence Veria", domain="veria.example", **LYON, **(head if k == 0 else {}))
        for k in range(n)
    ]
    ids, _, _ = bench.run([*OTHERS, *crowd])
    assert len({ids[f"c/{k:05d}"] for k in range(2, n)}) == 1
    assert ids["c/00000"] != ids["c/00001"]
    assert {key for pair in asked(bench) for key in pair} >= {"c/00000", "c/00001"}


def test_the_warehouse_and_matching_refuse_the_same_numbers() -> None:
    text = (DBT_PROJECT / "macros" / "normalise_identifiers.sql").read_text(encoding="utf-8")
    (listed,) = re.findall(r"macro sentinel_identifiers\(\) -%}(.*?){%-? endmacro", text, re.DOTALL)
    assert re.findall("'([0-9]+)'", listed) == vocabulary()["sentinel_identifiers"]
    assert text.count("in ({{ sentinel_identifiers() }})") == 2
