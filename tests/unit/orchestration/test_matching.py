"""Planted traps for certain evidence and golden ids in the matching step; scores: see tests/unit/matching."""

from __future__ import annotations

import datetime as dt
import random
import shutil
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.matching import match
from orchestration.matching.apart import Apart
from orchestration.matching.components import component_labels
from orchestration.matching.joining import Constraints, join
from tests.match_bench import ACCOUNT, DAY, SIREN_A, SIREN_B, SIREN_C, Bench, account, person


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_legal_keys_codes_and_merges_join_accounts(bench: Bench) -> None:
    ids, edges, report = bench.run(
        [
            account("crm/1", registration_number=SIREN_A),
            account("crm/2", registration_number=SIREN_A, accountancy_code="C1"),
            account("erp/1", contract="erp_customer", source_instance="erp", accountancy_code="C1"),
            account("crm/3", must_link_key="crm/1"),
            account("crm/4", vat_number="DE136695976"),
            account("crm/5", vat_number="DE136695976"),
            account("crm/6"),
        ]
    )
    assert ids["crm/1"] == ids["crm/2"] == ids["erp/1"] == ids["crm/3"]
    assert ids["crm/4"] == ids["crm/5"] != ids["crm/1"]
    assert len(set(ids.values())) == 3
    found = report.accounts
    assert (found.n_records, found.n_clusters, found.largest_cluster) == (7, 3, 4)
    assert {edge["decision"] for edge in edges} == {"accepted"}


def test_two_different_sirens_never_share_a_cluster(bench: Bench) -> None:
    ids, edges, _ = bench.run(
        [
            account("crm/1", registration_number=SIREN_A, accountancy_code="C1"),
            account("crm/2", accountancy_code="C1", must_link_key="crm/3"),
            account("crm/3", registration_number=SIREN_B),
            account("erp/1", contract="erp_customer", source_instance="erp", accountancy_code="C1"),
            account("crm/4", registration_number=SIREN_A, vat_number="DE136695976"),
            account("crm/5", registration_number=SIREN_B, vat_number="DE136695976"),
        ]
    )
    assert ids["crm/1"] != ids["crm/3"] and ids["crm/4"] != ids["crm/5"]
    assert ids["crm/2"] == ids["crm/1"], "the accountancy code is stronger than the CRM merge"
    rejected = [edge for edge in edges if edge["decision"] == "rejected"]
    assert {edge["reason"] for edge in rejected} == {"different_registration_number"}
    assert {(edge["left_record_key"], edge["right_record_key"]) for edge in rejected} == {
        ("crm/2", "crm/3"), ("crm/4", "crm/5")
    }  # fmt: skip
    items = pq.read_table(bench.folder / "out" / "review_items.parquet").to_pylist()
    assert {item["kind"] for item in items} == {"conflict"}, "a strong key with two numbers is asked about"


def test_two_valid_vat_numbers_of_one_country_are_two_companies(bench: Bench) -> None:
    same = {
        "name": "Kessler Druck",
        "name_key": "KESSLER DRUCK",
        "domain": "kessler.example",
        "country_code": "DE",
    }
    ids, _, _ = bench.run(
        [
            account("crm/1", vat_number="DE136695976", **same),
            account("crm/2", vat_number="DE129274202", **same),
            account("crm/3", vat_number="NL004495445B01", must_link_key="crm/1", **same),
            account("crm/4", vat_number="DE000000000", must_link_key="crm/2", **same),
        ]
    )
    assert ids["crm/1"] != ids["crm/2"]
    assert ids["crm/3"] == ids["crm/1"], "one company may be registered in two countries"
    assert ids["crm/4"] == ids["crm/2"], "a number that is none separates nobody"


def test_one_siren_under_several_vat_prefixes_is_one_company(bench: Bench) -> None:
    ids, _, _ = bench.run(
        [
            account("crm/1", registration_number=SIREN_A, vat_number="FR44" + SIREN_A),
            account("crm/2", registration_number=SIREN_A, vat_number="FR83" + SIREN_A),
        ]
    )
    assert ids["crm/1"] == ids["crm/2"]


def test_a_name_on_a_domain_joins_the_only_company_that_bears_it(bench: Bench) -> None:
    one = {"name": "Un SARL", "name_key": "UN", "domain": "one.example"}
    ids, _, _ = bench.run(
        [
            account("crm/1", registration_number=SIREN_A, country_code="FR", **one),
            account("lead/1", contract="crm_lead", country_code="FR", **one),
            account("lead/2", contract="crm_lead", country_code="DE", **one),
            account("lead/3", contract="crm_lead", **one | {"name": "Autre", "name_key": "AUTRE"}),
        ]
    )
    assert ids["lead/1"] == ids["crm/1"]
    assert ids["lead/2"] != ids["crm/1"], "another country is a question"
    assert ids["lead/3"] != ids["crm/1"], "another name on the domain may be another company of the group"


def test_a_group_domain_merges_nothing(bench: Bench) -> None:
    group = {"name": "Groupe", "name_key": "GROUPE", "domain": "group.example"}
    family = {"name": "Famille", "name_key": "FAMILLE", "domain": "family.example"}
    ids, edges, _ = bench.run(
        [
            account("crm/1", registration_number=SIREN_A, **group),
            account("crm/2", registration_number=SIREN_B, **group),
            account("lead/1", **group),
            account("crm/7", **family),
            account("crm/8", parent_record_key="crm/7", **family),
            account("lead/2", **family),
        ]
    )
    assert len(set(ids.values())) == 6
    assert "several_companies_fit" in {edge["reason"] for edge in edges if "lead/1" in str(edge)}


def test_one_accountancy_code_in_two_erps_is_a_question_not_a_merge(bench: Bench) -> None:
    ids, _, _ = bench.run(
        [
            account("crm/1", accountancy_code="C1"),
            account("erp_a/1", contract="erp_customer", source_instance="erp_a", accountancy_code="C1"),
            account("erp_b/1", contract="erp_customer", source_instance="erp_b", accountancy_code="C1"),
        ]
    )
    assert len(set(ids.values())) == 3


def test_a_customer_of_a_ledger_joins_by_its_code_and_never_by_its_name(bench: Bench) -> None:
    """Two ERPs use C1 for two customers, each with its own books; those of C2 cut its name; nobody else has C9."""
    ledger = {"contract": "ledger_customer", "source_instance": "erp_a"}
    erp = {"contract": "erp_customer", "source_instance": "erp_a"}
    ids, edges, _ = bench.run(
        [
            account("erp_a/1", **erp, accountancy_code="C1", name="Moulin Roux", name_key="MOULIN ROUX"),
            account("erp_b/1", **erp | {"source_instance": "erp_b"}, accountancy_code="C1", name="Ivry Fret"),
            account("fec/a/C1", **ledger, accountancy_code="C1", name="Moulin Roux", name_key="MOULIN ROUX"),
            account("fec/b/C1", **ledger | {"source_instance": "erp_b"}, accountancy_code="C1", name="Ivry Fret"),
            account("crm/2", accountancy_code="C2", name_key="BERTHOLLET TRANSPORTS", registration_number=SIREN_A),
            account("fec/a/C2", **ledger, accountancy_code="C2", name_key="BERTHOLLET TRAN"),
            account("fec/b/C2", **ledger | {"source_instance": "fec_b"}, accountancy_code="C2",
                    name_key="BERTHOLLET TRANSPORTS"),
            account("crm/3", name="Halles Nord", name_key="HALLES NORD", country_code="FR", employee_count=43,
                    accountancy_code="C3"),
            account("lead/3", name="Halles Nord", name_key="HALLES NORD", country_code="FR", employee_count=43,
                    contract="crm_lead"),
            account("fec/a/C9", **ledger, accountancy_code="C9", name="Halles Nord", name_key="HALLES NORD"),
            account("crm/4", accountancy_code="C4", name="Avenir", name_key="AVENIR"),
            account("fec/a/C4", **ledger, accountancy_code="C4", name="Avenir", name_key="AVENIR"),
            account("fec/b/C4", **ledger | {"source_instance": "fec_b"}, accountancy_code="C4", name_key="ZENITH"),
        ]
    )  # fmt: skip
    assert ids["fec/a/C1"] == ids["erp_a/1"] != ids["erp_b/1"] == ids["fec/b/C1"]
    assert ids["crm/2"] == ids["fec/a/C2"] == ids["fec/b/C2"]
    assert ids["crm/3"] == ids["lead/3"], (
        "a ledger's customer without a country does not spoil a certain name"
    )
    assert len({ids["crm/3"], ids["fec/a/C9"]}) == 2, "a name alone is no proof"
    assert ids["crm/4"] == ids["fec/a/C4"] != ids["fec/b/C4"], (
        "two ledgers, two names: the other name is a question"
    )
    assert ("same_accountancy_code", "review") in {
        (edge["evidence_code"], edge["decision"]) for edge in edges
    }


def test_homonyms_generic_mailboxes_and_switchboards_never_merge_persons(bench: Bench) -> None:
    ids, _, _ = bench.run(
        persons=[
            person("l/1", name_key="jean martin", email="jean.martin@one.example"),
            person("l/2", name_key="jean martin", email="jean.martin@two.example"),
            person("l/3", name_key="anne roux", email="contact@one.example", is_generic_email=True),
            person("l/4", name_key="luc petit", email="contact@one.example", is_generic_email=True),
            *[person(f"s/{n}", name_key=f"nom{n} prenom{n}", phone="+33140000000") for n in range(3)],
            person("s/3", name_key="nom1 prenom1", phone="+33140000000"),
        ]
    )
    assert len(set(ids.values())) == len(ids)


def test_email_and_phone_under_one_name_merge_persons(bench: Bench) -> None:
    ids, _, _ = bench.run(
        persons=[
            person("l/1", name_key="anne roux", email="a.roux@one.example", mobile="+33600000001"),
            person("l/2", name_key="anne durand", email="a.roux@one.example"),
            person("l/3", name_key="roux anne", phone="+33600000001"),
            person("l/4", name_key="luc roux", mobile="+33600000002"),
            person("l/5", name_key=None, mobile="+33600000001"),
            person("l/6", name_key=None, email="b.petit@one.example"),
            person("l/7", name_key="berthe petit", email="b.petit@one.example"),
            person("c/1", must_link_key="l/4", name_key="l roux"),
        ]
    )
    assert ids["l/1"] == ids["l/3"]
    assert ids["l/2"] != ids["l/1"], "another family name on a mailbox is a question"
    assert ids["l/4"] == ids["c/1"] != ids["l/1"]
    assert ids["l/5"] not in (ids["l/1"], ids["l/4"])
    assert ids["l/6"] == ids["l/7"], "a mailbox that says its only name is that person's, named or not"


def test_an_attendee_with_the_name_of_a_lead_is_a_question_and_a_number_joins_nobody(bench: Bench) -> None:
    """Two mailboxes of one mail domain under one name may be two employees."""
    attendee = {"contract": "calendar_attendee"}
    firm = {"company_name": "Firm", "company_name_key": "FIRM"}
    ids, edges, _ = bench.run(
        persons=[
            person(
                "l/1", name_key="ANN MARTIN", email="ann.martin@firm.example", phone="+33600000009", **firm
            ),
            person("a/1", **attendee, name_key="ANN MARTIN", email="amartin@firm.example"),
            person("a/2", **attendee, name_key="ANN MARTIN", email="ann.martin@other.example"),
            person("a/3", **attendee, email="a.martin@firm.example"),
            person("m/3", contract="email_recipient", email="a.martin@firm.example"),
            person("t/1", contract="call_party", phone="+33600000009"),
        ]
    )
    assert {(e["left_record_key"], e["right_record_key"]) for e in edges if e["decision"] == "review"} >= {
        ("a/1", "l/1")
    }
    assert ids["a/3"] == ids["m/3"], "one address in mails and meetings is one person"
    assert len({ids[key] for key in ("l/1", "a/1", "a/2", "a/3", "t/1")}) == 5


def test_numbers_that_no_record_bears_change_no_score(bench: Bench) -> None:
    firm = {"company_name": "Firm", "company_name_key": "FIRM"}
    known = [
        person("l/1", name_key="ANN MARTIN", email="ann.martin@firm.example", **firm),
        person("l/2", name_key="ANNE MARTIN", email="amartin@firm.example", **firm),
        person("l/3", name_key="LUC PETIT", email="luc@other.example"),
    ]
    strangers = [
        person(f"t/{n}", contract="call_party", phone=f"+3361000{n:04d}", source_instance="pbx")
        for n in range(2000)
    ]
    weights = []
    for rows in (known, known + strangers):
        bench.run(persons=rows)
        edges = pq.read_table(bench.folder / "out" / "edges.parquet").to_pylist()
        weights.append([(edge["left_record_key"], edge["weight"], edge["decision"]) for edge in edges])
    assert weights[0] == weights[1] != []


def test_an_address_used_under_many_names_is_a_shared_mailbox(bench: Bench) -> None:
    ids, _, _ = bench.run(
        persons=[
            person(f"l/{n}", name_key=f"nom{n} prenom{n}", email="booking@one.example") for n in range(6)
        ]
    )
    assert len(set(ids.values())) == 6


def test_a_chain_of_strong_keys_is_one_person(bench: Bench) -> None:
    mail, mobile = {"email": "a.roux@x.example"}, {"mobile": "+33600000001"}
    people = [
        person(f"l/{n}", name_key="anne roux", **values)
        for n, values in enumerate((mail, mail | mobile, mobile, {"must_link_key": "l/2"}))
    ]
    ids, _, report = bench.run(persons=people)
    assert len(set(ids.values())) == 1 and report.persons.largest_cluster == 4


def test_records_that_point_to_a_vanished_survivor_stay_together(bench: Bench) -> None:
    ids, _, _ = bench.run(persons=[person("l/1", must_link_key="gone"), person("l/2", must_link_key="gone")])
    assert ids["l/1"] == ids["l/2"]


def test_a_merge_retires_the_younger_id_with_a_pointer(bench: Bench) -> None:
    old = [person("l/1", name_key="anne roux", email="a@x.example")]
    first, _, _ = bench.run(persons=old)
    bench.remember()
    young = [person(f"l/{n}", name_key="luc petit", email="b@x.example") for n in (2, 3)]
    second, _, _ = bench.run(persons=old + young, cycle="2026-02")
    bench.remember()
    merged = [*old, person("l/2", name_key="luc petit", email="b@x.example", must_link_key="l/1"), young[1]]
    third, _, _ = bench.run(persons=merged, cycle="2026-03")
    assert set(third.values()) == {first["l/1"]}
    registry = pq.read_table(bench.folder / "out" / "golden_ids.parquet")
    retired = {row["golden_id"]: row for row in registry.to_pylist()}[second["l/2"]]
    assert (retired["status"], retired["merged_into"], retired["reason"]) == (
        "retired",
        first["l/1"],
        "merge",
    )


def test_a_split_keeps_the_id_with_the_larger_part_and_mints_a_new_one(bench: Bench) -> None:
    together = [person(f"l/{n}", name_key="anne roux", email="a@x.example") for n in range(3)]
    before, _, _ = bench.run(persons=together)
    bench.remember()
    apart = [person("l/0", name_key="anne roux", email="other@x.example"), *together[1:]]
    after, _, _ = bench.run(persons=apart, cycle="2026-02")
    assert after["l/1"] == after["l/2"] == before["l/1"]
    assert after["l/0"] != before["l/0"], "the anchor's own id is taken, so another one is minted"
    registry = pq.read_table(bench.folder / "out" / "golden_ids.parquet").to_pylist()
    assert sorted(row["reason"] for row in registry) == ["first_seen", "split"]


def test_a_publication_cut_between_its_registry_files_changes_no_id(bench: Bench) -> None:
    together = [person(f"l/{n}", name_key="anne roux", email="a@x.example") for n in range(3)]
    bench.run(persons=together)
    bench.remember()
    apart = [person("l/0", name_key="anne roux", email="other@x.example"), *together[1:]]
    after, _, _ = bench.run(persons=apart, cycle="2026-02")
    # the ids were promoted, the members were not
    shutil.copy(bench.folder / "out" / "golden_ids.parquet", bench.registry)
    again, _, _ = bench.run(persons=apart, cycle="2026-02")
    assert again == after
    assert pq.read_table(bench.folder / "out" / "golden_ids.parquet").equals(pq.read_table(bench.registry))


def test_an_id_survives_new_records_and_a_rerun(bench: Bench) -> None:
    people = [person("l/5", name_key="anne roux", email="a@x.example")]
    before, _, _ = bench.run(persons=people)
    bench.remember()
    # a smaller key, seen earlier, would be the anchor of a fresh cluster
    people.append(person("l/1", name_key="anne roux", email="a@x.example", first_seen_on=dt.date(2020, 1, 1)))
    after, _, _ = bench.run(persons=people, cycle="2026-02")
    assert set(after.values()) == {before["l/5"]}
    registry = (bench.folder / "out" / "golden_ids.parquet").read_bytes()
    bench.remember()
    bench.run(persons=people, cycle="2026-02")
    assert (bench.folder / "out" / "golden_ids.parquet").read_bytes() == registry


def test_the_result_does_not_depend_on_row_order(bench: Bench) -> None:
    rng = random.Random(7)
    sirens = [SIREN_A, SIREN_B, SIREN_C, None, None]
    accounts = [
        account(
            f"crm/{n:03d}",
            registration_number=rng.choice(sirens),
            accountancy_code=rng.choice([None, f"C{rng.randrange(20)}"]),
            name=(name := rng.choice(["Alpha Un", "Beta Deux SA", "Gamma Trois"])),
            name_key=name.upper().removesuffix(" SA"),
            domain=rng.choice([None, f"d{rng.randrange(15)}.example"]),
            must_link_key=rng.choice([None, None, f"crm/{rng.randrange(80):03d}"]),
            first_seen_on=DAY + dt.timedelta(days=rng.randrange(9)),
        )
        for n in range(80)
    ]
    persons = [
        person(
            f"l/{n:03d}",
            name_key=rng.choice(["ali bost", "bost ali", "chloe dunn", None]),
            email=rng.choice([None, f"e{rng.randrange(30)}@x.example"]),
            phone=rng.choice([None, f"+331{rng.randrange(25):08d}"]),
        )
        for n in range(120)
    ]
    names = ("account_history", "person_history", "id_changes", "account_members", "person_members", "edges")
    names += ("golden_ids", "review_items")
    seen = set()
    for _ in range(3):
        rng.shuffle(accounts)
        rng.shuffle(persons)
        ids, _, _ = bench.run(accounts, persons)
        seen.add(tuple((bench.folder / "out" / f"{name}.parquet").read_bytes() for name in names))
    assert len(seen) == 1
    sirens_of: dict[str, set[str]] = {}
    for row in accounts:
        if row["registration_number"]:
            sirens_of.setdefault(ids[row["record_key"]], set()).add(row["registration_number"])
    assert all(len(held) == 1 for held in sirens_of.values())


def test_conflicting_components_lose_their_weakest_edge_only() -> None:
    identity = np.array([1, -1, -1, 2, -1])
    left, right = np.array([0, 1, 2, 3]), np.array([1, 2, 3, 4])
    labels, accepted = join(np.arange(5), left, right, Constraints((identity,)))
    assert accepted.tolist() == [True, True, False, True]
    assert labels.tolist() == [0, 0, 0, 3, 3]
    assert component_labels(0, np.array([], int), np.array([], int)).tolist() == []


def test_joining_never_breaks_a_constraint_and_refuses_nothing_without_need() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        n = int(rng.integers(2, 14))
        identities = tuple(np.where(rng.random(n) < 0.4, rng.integers(0, 3, n), -1) for _ in range(2))
        apart = rng.integers(0, n, int(rng.integers(0, 4)))
        foes = (apart, (apart + 1 + rng.integers(0, n - 1, len(apart))) % n)
        left, right = rng.integers(0, n, 20), rng.integers(0, n, 20)
        labels, accepted = join(np.arange(n), left, right, Constraints(identities, Apart.of_pairs(*foes)))
        groups = list(range(n))  # one edge after the other, as slow as can be

        def fits(one: int, other: int, groups: list[int] = groups, identities=identities, foes=foes) -> bool:
            members = [k for k, group in enumerate(groups) if group in (one, other)]
            known = [{int(values[k]) for k in members if values[k] >= 0} for values in identities]
            pairs = zip(foes[0].tolist(), foes[1].tolist(), strict=True)
            return all(len(each) <= 1 for each in known) and not any(
                a in members and b in members for a, b in pairs
            )

        for position, (a, b) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
            one, other = groups[a], groups[b]
            may = one == other or fits(one, other)
            assert bool(accepted[position]) == may
            if may:
                groups[:] = [min(one, other) if group in (one, other) else group for group in groups]
        assert labels.tolist() == groups


def test_duplicate_record_keys_are_an_error(bench: Bench) -> None:
    with pytest.raises(ValueError, match="one row per key"):
        bench.run(persons=[person("l/1"), person("l/1")])


def name_of(number: int) -> str:
    """A word of six letters that looks like no other number's."""
    return "".join(chr(97 + (number * step // 7) % 26) for step in (7, 31, 101, 211, 547, 1181))


@pytest.mark.nightly
def test_300_000_persons_match_in_15_seconds_of_processor_time(tmp_path: Path) -> None:
    n = 300_000
    rng = np.random.default_rng(1)
    who = rng.integers(0, n * 8 // 10, n)
    given, family = [name_of(w % 4999) for w in who], [name_of(w % 7919) for w in who]
    table = pa.table(
        {
            "record_key": [f"crm/crm_lead/{i}" for i in range(n)],
            "name_key": [f"{one} {other}" for one, other in zip(given, family, strict=True)],
            "given_name": given,
            "family_name": family,
            "company_name": [f"d{w % 20011} sas" for w in who],
            "company_name_key": [f"D{w % 20011}" for w in who],
            "account_record_key": pa.nulls(n, pa.string()),
            "email": [f"u{w}@d{w % 20011}.example" for w in who],
            "phone": [f"+331{w % 90001:08d}" for w in who],
            "mobile": [f"+336{w:08d}" for w in who],
            "is_generic_email": [False] * n,
            "must_link_key": pa.nulls(n, pa.string()),
            "first_seen_on": pa.array([DAY] * n),
        }
    )
    pq.write_table(table, tmp_path / "p.parquet")
    pq.write_table(ACCOUNT.empty_table(), tmp_path / "a.parquet")
    start = time.process_time()
    report = match(tmp_path / "a.parquet", tmp_path / "p.parquet", None, "2026-01", tmp_path / "out")
    assert time.process_time() - start < 15
    assert report.persons.n_records == n and report.persons.largest_cluster < 20
