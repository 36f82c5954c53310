"""Planted traps for the strong-key matching step."""

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
from orchestration.matching.components import add_edges_without_conflict, component_labels
from orchestration.publication.registry import promote_registry, registry_path

SIREN_A, SIREN_B, SIREN_C = "732829320", "552100554", "542065479"
DAY = dt.date(2026, 1, 1)

ACCOUNT = pa.schema(
    [(name, pa.string()) for name in (
        "record_key", "contract", "source_instance", "source_record_id", "name", "name_key",
        "registration_number", "vat_number", "domain", "accountancy_code", "country_code", "postal_code",
        "must_link_key", "parent_record_key")] + [("first_seen_on", pa.date32())]
)  # fmt: skip
PERSON = pa.schema(
    [(name, pa.string()) for name in (
        "record_key", "contract", "source_instance", "source_record_id", "name_key", "email", "phone",
        "mobile", "account_record_key", "must_link_key"
    )] + [("is_generic_email", pa.bool_()), ("first_seen_on", pa.date32())]
)  # fmt: skip


def account(key: str, **values: object) -> dict:
    return {
        "record_key": key,
        "contract": "crm_account",
        "source_instance": "crm",
        "first_seen_on": DAY,
    } | values


def person(key: str, **values: object) -> dict:
    return {
        "record_key": key,
        "contract": "crm_lead",
        "is_generic_email": False,
        "first_seen_on": DAY,
    } | values


class Bench:
    """One folder with exchange files; `run` returns ids per record and the edges."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registry: Path | None = None

    def run(self, accounts: list[dict] = (), persons: list[dict] = (), cycle: str = "2026-01"):
        for name, rows, schema in (("a", accounts, ACCOUNT), ("p", persons, PERSON)):
            pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), self.folder / f"{name}.parquet")
        out = self.folder / "out"
        report = match(self.folder / "a.parquet", self.folder / "p.parquet", self.registry, cycle, out)
        accounts_of = dict(
            zip(*pq.read_table(out / "account_members.parquet").to_pydict().values(), strict=True)
        )
        persons_of = dict(
            zip(*pq.read_table(out / "person_members.parquet").to_pydict().values(), strict=True)
        )
        return accounts_of | persons_of, pq.read_table(out / "edges.parquet").to_pylist(), report

    def remember(self, cycle: str = "2026-01") -> None:
        """Make the last result the published registry."""
        promote_registry(self.folder / "out", self.folder / "published", cycle)
        self.registry = registry_path(self.folder / "published")


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
            account("crm/4", vat_number="DE123"),
            account("crm/5", vat_number="DE123"),
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
            account("crm/4", registration_number=SIREN_A, vat_number="EU9"),
            account("crm/5", registration_number=SIREN_B, vat_number="EU9"),
        ]
    )
    assert ids["crm/1"] != ids["crm/3"] and ids["crm/4"] != ids["crm/5"]
    assert ids["crm/2"] == ids["crm/1"], "the accountancy code is stronger than the CRM merge"
    rejected = [edge for edge in edges if edge["decision"] == "rejected"]
    assert {edge["evidence_code"] for edge in rejected} == {"different_registration_number"}
    assert {(edge["left_record_key"], edge["right_record_key"]) for edge in rejected} == {
        ("crm/2", "crm/3"), ("crm/4", "crm/5")
    }  # fmt: skip


def test_a_french_vat_number_carries_the_siren_and_filler_numbers_carry_nothing(bench: Bench) -> None:
    ids, _, _ = bench.run(
        [
            account("crm/1", registration_number=SIREN_A),
            account("crm/2", vat_number="FR83" + SIREN_A),
            account("crm/3", registration_number="000000000"),
            account("crm/4", registration_number="000000000"),
            account("crm/5", registration_number="123456789"),
            account("crm/6", registration_number="123456789"),
        ]
    )
    assert ids["crm/1"] == ids["crm/2"]
    assert len({ids[f"crm/{n}"] for n in (3, 4, 5, 6)}) == 4


def test_a_domain_attaches_bare_records_to_its_only_legal_cluster(bench: Bench) -> None:
    ids, _, _ = bench.run(
        [
            account("crm/1", registration_number=SIREN_A, domain="one.example", country_code="FR"),
            account("lead/1", contract="crm_lead", domain="one.example"),
            account("lead/2", contract="crm_lead", domain="one.example", country_code="DE"),
            account("lead/3", contract="crm_lead", domain="bare.example"),
            account("lead/4", contract="crm_lead", domain="bare.example"),
        ]
    )
    assert ids["lead/1"] == ids["crm/1"]
    assert ids["lead/2"] != ids["crm/1"], "another country goes to review"
    assert ids["lead/3"] == ids["lead/4"]


def test_a_group_domain_sends_bare_records_to_review(bench: Bench) -> None:
    ids, edges, _ = bench.run(
        [
            account("crm/1", registration_number=SIREN_A, domain="group.example"),
            account("crm/2", registration_number=SIREN_B, domain="group.example"),
            account("lead/1", domain="group.example"),
            account("crm/7", domain="family.example"),
            account("crm/8", domain="family.example", parent_record_key="crm/7"),
        ]
    )
    assert len(set(ids.values())) == 5
    assert {edge["right_record_key"] for edge in edges if edge["decision"] == "review"} == {"lead/1", "crm/8"}


def test_a_record_with_the_domains_of_two_legal_clusters_joins_one_of_them_only(bench: Bench) -> None:
    ids, edges, _ = bench.run(
        [
            account("crm/1", registration_number=SIREN_A, domain="one.example"),
            account("crm/2", registration_number=SIREN_B, domain="two.example"),
            account("crm/3", domain="one.example"),
            account("crm/4", domain="two.example", must_link_key="crm/3"),
        ]
    )
    assert ids["crm/1"] != ids["crm/2"]
    assert ids["crm/3"] == ids["crm/4"] and ids["crm/3"] in (ids["crm/1"], ids["crm/2"])
    assert [edge["decision"] for edge in edges if edge["evidence_code"] == "same_domain"].count("review") == 1


def test_one_accountancy_code_in_two_erps_is_a_question_not_a_merge(bench: Bench) -> None:
    ids, _, _ = bench.run(
        [
            account("crm/1", accountancy_code="C1"),
            account("erp_a/1", contract="erp_customer", source_instance="erp_a", accountancy_code="C1"),
            account("erp_b/1", contract="erp_customer", source_instance="erp_b", accountancy_code="C1"),
        ]
    )
    assert len(set(ids.values())) == 3


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
    ids, edges, _ = bench.run(
        persons=[
            person("l/1", name_key="anne roux", email="a.roux@one.example", mobile="+33600000001"),
            person("l/2", name_key="anne durand", email="a.roux@one.example"),
            person("l/3", name_key="roux anne", phone="+33600000001"),
            person("l/4", name_key="luc roux", mobile="+33600000001"),
            person("l/5", name_key=None, mobile="+33600000001"),
            person("c/1", must_link_key="l/4", name_key="l roux"),
        ]
    )
    assert ids["l/1"] == ids["l/2"] == ids["l/3"]
    assert ids["l/4"] == ids["c/1"] != ids["l/1"]
    assert ids["l/5"] not in (ids["l/1"], ids["l/4"])
    assert [edge["evidence_code"] for edge in edges if edge["decision"] == "review"] == [
        "same_phone_and_name"
    ]


def test_an_address_used_under_many_names_is_a_shared_mailbox(bench: Bench) -> None:
    ids, edges, _ = bench.run(
        persons=[person(f"l/{n}", name_key=f"nom{n}", email="booking@one.example") for n in range(6)]
    )
    assert len(set(ids.values())) == 6
    assert {edge["decision"] for edge in edges} == {"review"}


def test_a_chain_of_strong_keys_is_one_person(bench: Bench) -> None:
    people = [
        person(f"l/{n}", name_key="anne roux", email=f"a{n // 2}@x.example", mobile=f"+336{(n + 1) // 2:08d}")
        for n in range(6)
    ]
    ids, _, report = bench.run(persons=people)
    assert len(set(ids.values())) == 1 and report.persons.largest_cluster == 6


def test_records_that_point_to_a_vanished_survivor_stay_together(bench: Bench) -> None:
    ids, _, _ = bench.run(persons=[person("l/1", must_link_key="gone"), person("l/2", must_link_key="gone")])
    assert ids["l/1"] == ids["l/2"]


def test_a_merge_retires_the_younger_id_with_a_pointer(bench: Bench) -> None:
    old = [person("l/1", email="a@x.example")]
    first, _, _ = bench.run(persons=old)
    bench.remember()
    young = [person(f"l/{n}", email="b@x.example") for n in (2, 3)]
    second, _, _ = bench.run(persons=old + young, cycle="2026-02")
    bench.remember()
    merged = [*old, person("l/2", email="b@x.example", must_link_key="l/1"), young[1]]
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
    together = [person(f"l/{n}", email="a@x.example") for n in range(3)]
    before, _, _ = bench.run(persons=together)
    bench.remember()
    apart = [person("l/0", email="other@x.example"), *together[1:]]
    after, _, _ = bench.run(persons=apart, cycle="2026-02")
    assert after["l/1"] == after["l/2"] == before["l/1"]
    assert after["l/0"] != before["l/0"], "the anchor's own id is taken, so another one is minted"
    registry = pq.read_table(bench.folder / "out" / "golden_ids.parquet").to_pylist()
    assert sorted(row["reason"] for row in registry) == ["first_seen", "split"]


def test_a_publication_cut_between_its_registry_files_changes_no_id(bench: Bench) -> None:
    together = [person(f"l/{n}", email="a@x.example") for n in range(3)]
    bench.run(persons=together)
    bench.remember()
    apart = [person("l/0", email="other@x.example"), *together[1:]]
    after, _, _ = bench.run(persons=apart, cycle="2026-02")
    # the ids were promoted, the members were not
    shutil.copy(bench.folder / "out" / "golden_ids.parquet", bench.registry)
    again, _, _ = bench.run(persons=apart, cycle="2026-02")
    assert again == after
    assert pq.read_table(bench.folder / "out" / "golden_ids.parquet").equals(pq.read_table(bench.registry))


def test_an_id_survives_new_records_and_a_rerun(bench: Bench) -> None:
    people = [person("l/5", email="a@x.example")]
    before, _, _ = bench.run(persons=people)
    bench.remember()
    # a smaller key, seen earlier, would be the anchor of a fresh cluster
    people.append(person("l/1", email="a@x.example", first_seen_on=dt.date(2020, 1, 1)))
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
            domain=rng.choice([None, f"d{rng.randrange(15)}.example"]),
            must_link_key=rng.choice([None, None, f"crm/{rng.randrange(80):03d}"]),
            first_seen_on=DAY + dt.timedelta(days=rng.randrange(9)),
        )
        for n in range(80)
    ]
    persons = [
        person(
            f"l/{n:03d}",
            name_key=rng.choice(["a b", "b a", "c d", None]),
            email=rng.choice([None, f"e{rng.randrange(30)}@x.example"]),
            phone=rng.choice([None, f"+331{rng.randrange(25):08d}"]),
        )
        for n in range(120)
    ]
    names = ("account_history", "person_history", "id_changes", "account_members", "person_members", "edges")
    names += ("golden_ids",)
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
    labels, accepted = add_edges_without_conflict(np.arange(5), identity, left, right)
    assert accepted.tolist() == [True, True, False, True]
    assert labels.tolist() == [0, 0, 0, 3, 3]
    assert component_labels(0, np.array([], int), np.array([], int)).tolist() == []


def test_duplicate_record_keys_are_an_error(bench: Bench) -> None:
    with pytest.raises(ValueError, match="one row per key"):
        bench.run(persons=[person("l/1"), person("l/1")])


@pytest.mark.nightly
def test_300_000_persons_match_in_10_seconds(tmp_path: Path) -> None:
    n = 300_000
    rng = np.random.default_rng(1)
    who = rng.integers(0, n * 8 // 10, n)
    table = pa.table(
        {
            "record_key": [f"crm/crm_lead/{i}" for i in range(n)],
            "name_key": [f"p{w % 5000} n{w % 7919}" for w in who],
            "email": [f"u{w}@d{w % 20000}.example" for w in who],
            "phone": [f"+331{w % 90000:08d}" for w in who],
            "mobile": [f"+336{w:08d}" for w in who],
            "is_generic_email": [False] * n,
            "must_link_key": pa.nulls(n, pa.string()),
            "first_seen_on": pa.array([DAY] * n),
        }
    )
    pq.write_table(table, tmp_path / "p.parquet")
    pq.write_table(ACCOUNT.empty_table(), tmp_path / "a.parquet")
    start = time.perf_counter()
    report = match(tmp_path / "a.parquet", tmp_path / "p.parquet", None, "2026-01", tmp_path / "out")
    assert time.perf_counter() - start < 10
    assert report.persons.n_records == n and report.persons.largest_cluster < 20
