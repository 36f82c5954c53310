"""What the matching step joins, leaves apart and asks: scores, constraints, published ids, bad input."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import random
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from orchestration.matching import evidence, policy
from orchestration.matching.components import component_labels
from orchestration.matching.errors import MatchingError
from orchestration.stewardship.decisions import Decision
from orchestration.stewardship.standing import stand
from tests.match_bench import SIREN_A, SIREN_B, SIREN_C, Bench, account, decision, person

LYON = {"country_code": "FR", "postal_code": "69002", "city": "Lyon"}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def firm(key: str, name: str, **values: object) -> dict:
    return account(key, name=name, name_key=name.upper(), **values)


def strangers(n: int) -> list[dict]:
    """People who share nothing, so that a score has a population behind it."""
    return [
        person(
            f"x/{k:03d}", name_key=f"Given{k} Family{k}", email=f"g{k}@firm{k}.example",
            company_name=f"Firm{k}", company_name_key=f"FIRM{k}",
        )
        for k in range(n)
    ]  # fmt: skip


def works(key: str, name: str, company: str, **values: object) -> dict:
    return person(key, name_key=name, company_name=company, company_name_key=company.upper(), **values)


@pytest.mark.audit("MD2")
def test_one_name_in_one_company_is_one_person_although_the_mailboxes_differ(bench: Bench) -> None:
    ids, edges, report = bench.run(
        persons=[
            *strangers(60),
            works("l/1", "Aurelie Vasseur", "Froid Veria", email="aurelie.vasseur@froid-veria.example"),
            works("l/2", "Aurelie Vasseur", "Froid Veria", email="a.vasseur77@freemail.example"),
        ]
    )
    assert ids["l/1"] == ids["l/2"]
    (edge,) = [edge for edge in edges if edge["reason"] == "score"]
    terms = json.loads(edge["terms"])
    assert terms[0]["comparison"] == "prior" and {"company", "email"} <= {
        term["comparison"] for term in terms
    }
    assert sum(term["weight"] for term in terms) == pytest.approx(edge["weight"], abs=0.01)
    assert "vasseur" not in edge["terms"].lower(), "an explanation shows no value"
    assert report.persons.engine["n_records"] == 2, "people who share nothing are not scored"


def test_homonyms_of_two_companies_stay_apart_although_names_mails_and_numbers_nearly_agree(
    bench: Bench,
) -> None:
    ids, _, _ = bench.run(
        persons=[
            *strangers(60),
            works("l/1", "Hugo Faure", "Formation Orodis", email="hugo.faure@formation-orodis.example",
                  mobile="+33199002539"),
            works("l/2", "Hugo Faure", "Formation Corodis", email="hugo.faure@formation-corodis.example",
                  mobile="+33199002538"),
            works("l/3", "Jean Martin", "Levage Belia", email="jean.martin@levage-belia.example",
                  mobile="+33199000005"),
            works("l/4", "Jean Martin", "Services Kelodis", email="jean.martin@services-kelodis.example",
                  mobile="+33199000006"),
        ]
    )  # fmt: skip
    assert len(set(ids.values())) == 64


def test_a_company_is_found_again_behind_a_person_and_behind_name_and_head_count(bench: Bench) -> None:
    ids, _, _ = bench.run(
        [
            firm("crm/1", "Froid Veria", registration_number=SIREN_A, employee_count=23, **LYON),
            firm("lead/1", "Froid Veria", country_code="FR", employee_count=23),
            firm("lead/2", "Froid Veria", country_code="FR", employee_count=7),
            firm("lead/3", "Froid Veria", country_code="FR"),
            firm("crm/9", "Veria", registration_number=SIREN_B, employee_count=23, country_code="FR"),
            firm("lead/9", "Veria", country_code="FR", employee_count=23),
        ],
        [
            person("lead/3", account_record_key="lead/3", name_key="anne roux", email="anne@froid.example"),
            person("c/1", account_record_key="crm/1", name_key="anne roux", email="anne@froid.example"),
        ],
    )
    found = pq.read_table(bench.folder / "out" / "account_members.parquet").to_pydict()
    ids = dict(zip(found["record_key"], found["account_id"], strict=True))
    assert ids["lead/1"] == ids["crm/1"], "the only company of its name, and the same head count"
    assert ids["lead/2"] != ids["crm/1"], "another head count: the name alone decides nothing"
    assert ids["lead/3"] == ids["crm/1"], "its person is a contact of the company"
    assert ids["lead/9"] != ids["crm/9"], "a name of one word decides nothing"
    asked = {(item["left_record_key"], item["right_record_key"]) for item in bench.items()}
    assert ("crm/1", "lead/2") in asked


def test_a_name_that_two_companies_bear_attaches_nobody(bench: Bench) -> None:
    ids, _, _ = bench.run(
        [
            firm("crm/1", "Garage Martin", registration_number=SIREN_A, employee_count=5, **LYON),
            firm("crm/2", "Garage Martin", registration_number=SIREN_B, employee_count=5, country_code="FR"),
            firm("lead/1", "Garage Martin", country_code="FR", employee_count=5),
            firm("lead/2", "Garage Martin", country_code="BE", employee_count=5),
        ]
    )
    assert len(set(ids.values())) == 4


def test_neighbours_whose_names_and_numbers_differ_by_one_letter_stay_apart(bench: Bench) -> None:
    firms = [
        firm("crm/1", "Menuiserie Halbert", phone="+33478000001", **LYON),
        firm("crm/2", "Menuiserie Halberg", phone="+33478000002", **LYON),
    ]
    others = [
        firm(f"crm/x{k}", f"Societe{k} Nom{k}", country_code="FR", postal_code=f"{10000 + k}")
        for k in range(60)
    ]
    ids, _, _ = bench.run(firms + others)
    assert len(set(ids.values())) == 62


def test_a_decision_same_joins_and_a_decision_different_parts_against_any_evidence(bench: Bench) -> None:
    records = [
        account("crm/1", registration_number=SIREN_A),
        account("crm/2", registration_number=SIREN_A),
        account("crm/3", registration_number=SIREN_A),
        account("crm/4"),
        account("crm/5"),
    ]
    ids, edges, _ = bench.run(
        records,
        decisions=[
            decision("cannot", "crm/1", "crm/2"),
            decision("cannot", "crm/1", "crm/3", 2),
            decision("must", "crm/4", "crm/5", 3),
        ],
    )
    assert ids["crm/2"] == ids["crm/3"] != ids["crm/1"], "the rest stays together without its first record"
    assert ids["crm/4"] == ids["crm/5"]
    assert {edge["reason"] for edge in edges if edge["decision"] == "rejected"} == {"decided_different"}
    assert bench.items() == [], "what is decided is not asked again"


def test_decisions_that_contradict_each_other_are_obeyed_by_none_and_named(bench: Bench) -> None:
    ids, _, _ = bench.run(
        [account(f"crm/{n}") for n in range(1, 5)],
        decisions=[
            decision("must", "crm/1", "crm/2", 1),
            decision("must", "crm/2", "crm/3", 2),
            decision("cannot", "crm/1", "crm/3", 3),
            decision("must", "crm/3", "crm/4", 4),
        ],
    )
    assert len(set(ids.values())) == 3 and ids["crm/3"] == ids["crm/4"], "a decision beside the fight stands"
    (item,) = bench.items()
    assert item["kind"] == "contradiction" and item["weight"] is None
    assert [each["decision_id"] for each in json.loads(item["terms"])] == ["dec_1", "dec_2", "dec_3"]


def test_a_decision_same_never_joins_two_legal_numbers(bench: Bench) -> None:
    ids, _, _ = bench.run(
        [account("crm/1", registration_number=SIREN_A), account("crm/2", registration_number=SIREN_B)],
        decisions=[decision("must", "crm/1", "crm/2")],
    )
    assert ids["crm/1"] != ids["crm/2"]
    assert "contradiction" in {item["kind"] for item in bench.items()}


def test_of_decisions_that_join_two_legal_numbers_over_others_none_is_obeyed(bench: Bench) -> None:
    """The first of the two once won by its place in the file."""
    firms = [
        account("c/1", registration_number=SIREN_A), account("c/2"), account("c/3", registration_number=SIREN_B),
        account("c/4"), account("c/5", registration_number=SIREN_B),
    ]  # fmt: skip
    chain = [decision("must", "c/1", "c/2", 1), decision("must", "c/2", "c/3", 2)]
    beside = [decision("must", "c/3", "c/4", 3)]
    ids, _, _ = bench.run(firms, decisions=chain + beside)
    assert len(set(ids.values())) == 3 and ids["c/3"] == ids["c/4"] == ids["c/5"], (
        "what lies beside the way stands"
    )
    (item,) = bench.items()
    assert (item["kind"], item["left_record_key"], item["right_record_key"]) == (
        "contradiction",
        "c/1",
        "c/3",
    )
    assert [each["decision_id"] for each in json.loads(item["terms"])] == ["dec_1", "dec_2"]


def test_matching_and_stewardship_say_the_same_of_decisions_that_fight(bench: Bench) -> None:
    draw = random.Random(11)
    names = [f"crm/crm_account/{k}" for k in range(8)]
    hashes = {"account": dict.fromkeys(names, "0" * 12), "person": {}}
    n_fights = 0
    for _ in range(12):
        made = [
            Decision(f"dec_{k}", draw.choice(["same", "same", "different"]), "account", tuple(draw.sample(names, 2)),
                     ("", ""), "Ann Lee", "seen", dt.datetime(2026, 1, 1))
            for k in range(8)
        ]  # fmt: skip
        standing = stand(made, hashes, dt.date(2026, 2, 1))
        n_fights += bool(standing.contradictions)
        rows = [
            decision("must" if each.kind == "same" else "cannot", *each.pair, int(each.decision_id[4:]))
            for each in made
        ]
        ids, _, _ = bench.run([account(name) for name in names], decisions=rows)
        in_force = [each for each in standing.in_force() if each.kind == "same"]
        left, right = ([names.index(each.pair[end]) for each in in_force] for end in (0, 1))
        labels = component_labels(8, np.array(left, int), np.array(right, int))
        for one, other in itertools.combinations(range(8), 2):
            assert (ids[names[one]] == ids[names[other]]) == (labels[one] == labels[other])
        told = {
            tuple(sorted(each["decision_id"] for each in json.loads(item["terms"]))) for item in bench.items()
        }
        assert {name for names_ in told for name in names_} == {
            name for each in standing.contradictions for name in each.decision_ids
        }
    assert n_fights > 3


def test_a_question_keeps_its_number_from_run_to_run(bench: Bench) -> None:
    records = [
        firm("crm/1", "Froid Veria", registration_number=SIREN_A, country_code="FR"),
        firm("lead/1", "Froid Veria", country_code="FR"),
    ]
    bench.run(records)
    (first,) = bench.items()
    bench.run([*records, firm("crm/2", "Autre Chose", registration_number=SIREN_C)])
    (again,) = bench.items()
    assert first["item_id"] == again["item_id"]
    assert first["item_id"].startswith("rev_") and len(first["item_id"]) == 16


def _pairs_of_records(second: dict) -> list[dict]:
    """Two persons of two records each; the second one has the values given."""
    one = works("l/1", "Aurelie Vasseur", "Froid Veria", email="aurelie.vasseur@froid-veria.example")
    two = works("l/3", "Aurelie Vasseur", "Levage Belia", email="a.vasseur77@freemail.example") | second
    return [*strangers(60), one, one | {"record_key": "l/2"}, two, two | {"record_key": "l/4"}]


MOVED = {"company_name": "Froid Veria", "company_name_key": "FROID VERIA"}


def test_two_published_persons_are_merged_above_their_bar_only(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, edges, _ = bench.run(persons=_pairs_of_records(MOVED))
    (weight,) = {edge["weight"] for edge in edges if edge["weight"]}
    before, _, _ = bench.run(persons=_pairs_of_records({}))
    assert before["l/1"] == before["l/2"] != before["l/3"]
    bench.remember()
    content = yaml.safe_load(policy.POLICY.read_text(encoding="utf-8"))
    for bar, merged in ((weight - 0.1, True), (weight + 0.1, False)):
        content["person"]["live_merge"]["weight"] = bar
        other = bench.folder / f"policy{merged}.yml"
        other.write_text(yaml.safe_dump(content), encoding="utf-8")
        monkeypatch.setattr(
            "orchestration.matching.resolution.load_policy",
            lambda entity, path=other: policy.load_policy(entity, path),
        )
        after, _, _ = bench.run(persons=_pairs_of_records(MOVED), cycle="2026-02")
        assert (after["l/1"] == after["l/3"]) is merged
        assert ("live_merge" in {item["kind"] for item in bench.items()}) is not merged


def test_certain_evidence_merges_published_persons(bench: Bench) -> None:
    before, _, _ = bench.run(persons=_pairs_of_records({}))
    bench.remember()
    after, _, _ = bench.run(persons=_pairs_of_records({"must_link_key": "l/1"}), cycle="2026-02")
    assert after["l/1"] == after["l/3"] and after["l/1"] in before.values()


def _lone_firms(**second: object) -> list[dict]:
    """Two companies of one record each, that bear one name; the second one has the values given."""
    one = {"domain": "veria.example", "employee_count": 23, "accountancy_code": "C9", "country_code": "FR"}
    return [
        firm("crm/1", "Froid Veria", registration_number=SIREN_A, vat_number="DE136695976", **one),
        firm("lead/1", "Froid Veria", **{"country_code": "FR"} | second),
    ]


def _merged_by(edges: list[dict]) -> str | None:
    """What joined the published ids: evidence that needs no weight, or one not below the bar."""
    found = [edge for edge in edges if edge["decision"] == "accepted"]
    if any(edge["weight"] is None and edge["evidence_code"] in evidence.PROOFS for edge in found):
        return "proof"
    bar = policy.load_policy("account").live_weight
    return "weight" if any((edge["weight"] or 0) >= bar for edge in found) else None


def _lone_people(**second: object) -> list[dict]:
    one = {"email": "anne.roux@veria.example", "mobile": "+33600000001", "account_record_key": "crm/1"}
    return [person("p/1", name_key="Anne Roux", **one), person("p/2", name_key="Anne Roux", **second)]


@pytest.mark.parametrize(
    ("later", "by"),
    [
        ({"registration_number": SIREN_A}, "proof"),
        ({"vat_number": "DE136695976"}, "proof"),
        ({"must_link_key": "crm/1"}, "proof"),
        ({"accountancy_code": "C9"}, None),
        ({"domain": "veria.example"}, "weight"),
        ({"employee_count": 23}, None),
    ],
)
def test_published_companies_of_one_record_become_one_by_proof_and_are_asked_about_otherwise(
    bench: Bench, later: dict, by: str | None
) -> None:
    assert len(set(bench.run(_lone_firms(**later))[0].values())) == 1, "a first meeting needs no more"
    before, _, _ = bench.run(_lone_firms())
    assert before["lead/1"] != before["crm/1"]
    bench.remember()
    after, edges, _ = bench.run(_lone_firms(**later), cycle="2026-02")
    assert (after["lead/1"] == after["crm/1"]) is (by is not None)
    assert _merged_by(edges) == by
    assert [item["kind"] for item in bench.items()] == ([] if by else ["live_merge"])
    answered, _, _ = bench.run(
        _lone_firms(**later), cycle="2026-02", decisions=[decision("must", "crm/1", "lead/1")]
    )
    assert answered["lead/1"] == answered["crm/1"] and bench.items() == []


@pytest.mark.parametrize(
    ("later", "by"),
    [
        ({"email": "anne.roux@veria.example"}, "proof"),
        ({"must_link_key": "p/1"}, "proof"),
        ({"mobile": "+33600000001"}, "weight"),
    ],
)
def test_published_persons_of_one_record_become_one_by_proof_or_a_weight_above_the_bar(
    bench: Bench, later: dict, by: str
) -> None:
    assert len(set(bench.run(persons=_lone_people(**later))[0].values())) == 1
    before, _, _ = bench.run(persons=_lone_people())
    assert before["p/1"] != before["p/2"]
    bench.remember()
    after, edges, _ = bench.run(persons=_lone_people(**later), cycle="2026-02")
    assert after["p/1"] == after["p/2"] and bench.items() == []
    assert _merged_by(edges) == by


def test_a_person_on_both_merges_no_two_published_companies(bench: Bench) -> None:
    people = _lone_people(email="anne.roux@veria.example", account_record_key="lead/1")
    bench.run(_lone_firms(), people[:1])
    bench.remember()
    after, _, _ = bench.run(_lone_firms(), people, cycle="2026-02")
    assert after["lead/1"] != after["crm/1"]
    assert [item["kind"] for item in bench.items()] == ["live_merge"]


def test_a_record_seen_for_the_first_time_joins_a_published_id_by_any_evidence_and_stays(
    bench: Bench,
) -> None:
    before, _, _ = bench.run(_lone_firms()[:1])
    bench.remember()
    joined = _lone_firms(employee_count=23)
    for cycle in ("2026-02", "2026-03", "2026-04"):
        after, _, _ = bench.run(joined, cycle=cycle)
        assert after["lead/1"] == after["crm/1"] == before["crm/1"] and bench.items() == []
        bench.remember(cycle)


def test_a_new_record_that_fits_two_published_companies_merges_them_not(bench: Bench) -> None:
    two = [firm("crm/1", "Froid Veria", accountancy_code="C9"), firm("crm/2", "Froid Veria Travaux")]
    before, _, _ = bench.run(two)
    bench.remember()
    coded = [two[0], two[1] | {"accountancy_code": "C9"}, firm("crm/0", "Froid Veria", accountancy_code="C9")]
    after, _, _ = bench.run(coded, cycle="2026-02")
    assert {key: after[key] for key in before} == before and after["crm/0"] in before.values()
    assert [item["kind"] for item in bench.items()] == ["live_merge"]


def test_a_past_cycle_is_matched_on_what_was_published_before_it(bench: Bench) -> None:
    """The bar once read today's registry: cycle 01 run again after 02 parted what it had merged."""
    first, _, _ = bench.run(persons=_pairs_of_records(MOVED), cycle="2026-01")
    assert first["l/1"] == first["l/3"]
    bench.remember("2026-01")
    second, _, _ = bench.run(persons=_pairs_of_records({}), cycle="2026-02")
    assert second["l/1"] != second["l/3"]
    bench.remember("2026-02")
    for cycle, records, ids in (
        ("2026-01", _pairs_of_records(MOVED), first),
        ("2026-02", _pairs_of_records({}), second),
        ("2026-01", _pairs_of_records(MOVED), first),
    ):
        again, _, _ = bench.run(persons=records, cycle=cycle)
        assert again == ids
        assert "live_merge" not in {item["kind"] for item in bench.items()}
        bench.remember(cycle)


def test_new_records_leave_the_ids_of_the_others_as_they_were(bench: Bench) -> None:
    people = [
        *strangers(40),
        works("l/1", "Aurelie Vasseur", "Froid Veria", email="aurelie.vasseur@froid-veria.example"),
        works("l/2", "Aurelie Vasseur", "Froid Veria", email="a.vasseur77@freemail.example"),
    ]
    before, _, _ = bench.run(persons=people)
    bench.remember()
    new = [
        works("a/1", "Aurelie Vasseur", "Froid Veria", email="a.vasseur77@freemail.example"),
        works("a/2", "Luc Petit", "Froid Veria", email="luc.petit@froid-veria.example"),
    ]
    after, _, _ = bench.run(persons=new + people, cycle="2026-02")
    assert {key: after[key] for key in before} == before
    assert after["a/1"] == before["l/1"] and after["a/2"] not in before.values()


def test_threads_and_row_order_change_no_byte(bench: Bench) -> None:
    rng = random.Random(3)
    people = [
        works(
            f"l/{k:03d}", f"{rng.choice(['Anne', 'Luc', 'Zoe'])} {rng.choice(['Roux', 'Petit', 'Renard'])}",
            f"Firm{k % 9}", email=f"m{k % 70}@firm{k % 9}.example", mobile=f"+336{rng.randrange(60):08d}",
        )
        for k in range(150)
    ]  # fmt: skip
    firms = [
        firm(
            f"crm/{k:03d}", f"{rng.choice(['Froid', 'Levage'])} {rng.choice(['Veria', 'Belia', 'Belja'])}",
            domain=rng.choice([None, f"d{k % 8}.example"]), phone=rng.choice([None, f"+331{k % 12:08d}"]),
            employee_count=rng.choice([None, 7, 23]), **LYON,
        )
        for k in range(90)
    ]  # fmt: skip
    seen = set()
    for threads in (1, 2, 4):
        rng.shuffle(people)
        rng.shuffle(firms)
        bench.run(firms, people, threads=threads)
        out = bench.folder / "out"
        names = ("account_members", "person_members", "edges", "review_items")
        seen.add(tuple((out / f"{name}.parquet").read_bytes() for name in names))
    assert len(seen) == 1


@pytest.mark.parametrize("n", [0, 1])
def test_no_record_or_one_record_is_no_error(bench: Bench, n: int) -> None:
    ids, edges, report = bench.run(
        [account(f"crm/{k}") for k in range(n)], [person(f"l/{k}") for k in range(n)]
    )
    assert len(ids) == 2 * n and edges == [] and report.persons.n_clusters == n


def test_empty_and_constant_columns_merge_nobody(bench: Bench) -> None:
    ids, _, report = bench.run(
        [account(f"crm/{k}", name="Client", name_key="CLIENT", city="Paris") for k in range(30)],
        [person(f"l/{k}") for k in range(30)],
    )
    assert len(set(ids.values())) == 60
    assert "not_scored" in report.persons.engine or report.persons.engine == {}


def test_any_column_may_be_empty(bench: Bench) -> None:
    """A column without a value once ended the step: the database folds a query over it to nothing and fails."""
    one = {"registration_number": SIREN_A, "domain": "one.example", "phone": "+33478000001", "country_code": "FR",
           "accountancy_code": "C1", "employee_count": 7, "city": "Lyon"}  # fmt: skip
    someone = {"email": "anne@one.example", "phone": "+33478000001", "mobile": "+33600000001",
               "company_name": "Un Deux", "company_name_key": "UN DEUX", "account_record_key": "crm/1"}  # fmt: skip
    for left_out in range(7):
        firms = [
            firm(key, "Un Deux", **{column: v for k, (column, v) in enumerate(one.items()) if k != left_out})
            for key in ("crm/1", "crm/2")
        ]
        people = [
            person(key, name_key=name, **{c: v for k, (c, v) in enumerate(someone.items()) if k != left_out})
            for key, name in (("l/1", "anne roux"), ("l/2", "luc petit"))
        ]
        bench.run(firms, people)
    bare = [account("crm/1", name_key="UN"), account("crm/2", name_key="DEUX")]
    for values in ({}, *({column: value} for column, value in someone.items())):
        bench.run(bare, [person("l/1", name_key="anne roux", **values), person("l/2", **values)])


def test_one_giant_block_of_one_name_and_place_merges_nobody_and_is_bounded(bench: Bench) -> None:
    n = 3000
    firms = [firm(f"crm/{k:05d}", "Client Divers", employee_count=1 + k % 5, **LYON) for k in range(n)]
    people = [
        works(
            f"l/{k:05d}", "Test Client", "Client Divers", phone="+33100000000", email=f"t{k}@freemail.example"
        )
        for k in range(n)
    ]
    others = [works(f"z/{k}", "Lise Petit", "Autre Firme", email=f"z{k}@freemail.example") for k in range(2)]
    ids, _, report = bench.run(firms, people + others)
    assert len({golden for key, golden in ids.items() if not key.startswith("z/")}) == 2 * n
    assert report.accounts.engine["not_scored"], "values that all records share tell nothing"
    assert report.persons.dropped_blocks, "what was too large to be compared is said"
    assert len(bench.items()) < n


def test_a_policy_that_names_what_the_model_lacks_is_refused(tmp_path: Path) -> None:
    content = yaml.safe_load(policy.POLICY.read_text(encoding="utf-8"))
    content["person"]["gates"][0]["sql"] = "{company:identical}"
    wrong = tmp_path / "policy.yml"
    wrong.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(MatchingError, match="E-MAT-020"):
        policy.load_policy("person", wrong)
