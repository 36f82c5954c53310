"""People whom their data hardly tells apart: homonyms, families, switchboards, shared mailboxes, nameless records.

What does NOT belong here: companies (see test_match_step), weights of scores (see test_linkage).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.match_bench import Bench, account, person

LINE, MOBILE, OTHER_MOBILE = "+33478000001", "+33611111111", "+33622222222"
FIRM = {"company_name": "Durand Sa", "company_name_key": "DURAND SA"}
OTHER_FIRM = {"company_name": "Zeta Gaz", "company_name_key": "ZETA GAZ"}
STRANGERS = [
    person(
        f"x/{k:03d}", name_key=f"given{k} family{k}", email=f"g{k}@firm{k}.example",
        company_name=f"Firm{k}", company_name_key=f"FIRM{k}",
    )
    for k in range(60)
]  # fmt: skip


def named(given: str, local: str | None = None, domain: str = "durand.example", **values: object) -> dict:
    mail = {"email": f"{local}@{domain}"} if local else {}
    return {"name_key": f"{given} martin", **FIRM, **mail} | values


#: Two people each, and whether a person is asked about them.
APART = {
    "homonyms on a switchboard": (
        named("jean", "jean.martin", phone=LINE, mobile=MOBILE),
        named("jean", "jean.martin2", phone=LINE, mobile=OTHER_MOBILE), True),
    "homonyms of two companies on a switchboard": (
        named("jean", "jean.martin", phone=LINE, mobile=MOBILE),
        named("jean", "jmartin", "zeta.example", phone=LINE, mobile=OTHER_MOBILE, **OTHER_FIRM), False),
    "father and son on a home line": (
        named("jean", "jean.martin", "free.example", phone=LINE, mobile=MOBILE,
              company_name=None, company_name_key=None),
        named("jean", "jmartin90", "mail.example", phone=LINE, mobile=OTHER_MOBILE, company_name=None,
              company_name_key=None), False),
    "homonyms with numbered mailboxes": (
        named("jean", "jean.martin1"), named("jean", "jean.martin2"), True),
    "homonyms with two mailboxes and two mobiles": (
        named("jean", "jean.martin", mobile=MOBILE), named("jean", "j.martin", mobile=OTHER_MOBILE), True),
    "name and company only": (named("jean"), named("jean"), True),
    "resembling mailboxes and one line": (
        named("julien", "julien.martin", phone=LINE), named("julie", "julie.martin", phone=LINE), True),
    "resembling mailboxes": (named("julien", "julien.martin"), named("julie", "julie.martin"), True),
    "one generic mailbox and one line": (
        named("paul", "contact", phone=LINE, is_generic_email=True),
        named("paula", "contact", phone=LINE, is_generic_email=True), True),
    "one mailbox of a family and one line": (
        named("paul", "martin", "free.example", phone=LINE),
        named("paula", "martin", "free.example", phone=LINE), True),
    "one mailbox of a family and names that resemble": (
        named("marie", "martin", "free.example", phone=LINE),
        named("marc", "martin", "free.example", phone=LINE), True),
    "one mailbox used again and two mobiles": (
        named("julien", "j.martin", mobile=MOBILE), named("julie", "j.martin", mobile=OTHER_MOBILE), True),
    "one mobile at two companies": (
        named("julien", mobile=MOBILE), named("julie", mobile=MOBILE, **OTHER_FIRM), True),
}  # fmt: skip


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize("case", APART)
def test_two_people_are_not_merged_but_asked_about(bench: Bench, case: str) -> None:
    one, other, is_asked = APART[case]
    ids, _, _ = bench.run(persons=[*STRANGERS, person("p/1", **one), person("p/2", **other)])
    assert ids["p/1"] != ids["p/2"]
    asked = {(item["left_record_key"], item["right_record_key"]) for item in bench.items()}
    assert (("p/1", "p/2") in asked) is is_asked


def test_a_third_record_that_resembles_both_joins_nobody_in_doubt(bench: Bench) -> None:
    ids, _, _ = bench.run(
        persons=[
            *STRANGERS,
            person("p/1", **named("julien", "j.martin", mobile=MOBILE)),
            person("p/2", **named("julie", "j.martin", mobile=OTHER_MOBILE)),
            person("p/3", **named("j", "j.martin")),
        ]
    )
    assert ids["p/1"] != ids["p/2"]


def test_given_names_that_people_bear_who_are_not_compared_are_known_names(bench: Bench) -> None:
    bearers = [
        person(
            f"y/{k:03d}", name_key=f"{('julien', 'julie')[k % 2]} family{k}", email=f"g{k}@other{k}.example"
        )
        for k in range(20)
    ]
    pair = [
        person("p/1", **named("julien", "julie.martin", phone=LINE)),
        person("p/2", **named("julie", "julie.martin", phone=LINE)),
    ]
    ids, edges, report = bench.run(persons=[*STRANGERS, *bearers, *pair])
    assert ids["p/1"] != ids["p/2"]
    assert report.persons.engine["n_records"] == 2
    assert [edge["reason"] for edge in edges if edge["right_record_key"] == "p/2"] == ["given_names_differ"]


def test_a_mobile_is_certain_under_one_name_and_one_mailbox_unless_a_company_publishes_it(
    bench: Bench,
) -> None:
    pairs = {
        "own": ({}, {}),
        "companys": ({}, {}),
        "mailboxes": ({"email": "a.roux@one.example"}, {"email": "a.roux@two.example"}),
    }
    rows, mobiles = [], {}
    for k, (name, values) in enumerate(pairs.items()):
        mobiles[name] = f"+3369{k:07d}"
        for n in (0, 1):
            rows.append(person(f"{name}/{n}", name_key=f"anne roux{name}", mobile=mobiles[name], **values[n]))
    _, edges, _ = bench.run([account("crm/1", phone=mobiles["companys"])], [*STRANGERS, *rows])
    certain = {edge["left_record_key"] for edge in edges if edge["evidence_code"] == "same_phone_and_name"}
    assert certain == {"own/0"}


def test_nameless_records_lend_a_mailbox_no_certainty(bench: Bench) -> None:
    ids, _, _ = bench.run(
        persons=[
            *STRANGERS,
            person("p/1", **named("jean", "atelier")),
            person("p/2", email="atelier@durand.example", phone=LINE),
            person("p/3", email="atelier@durand.example"),
            person("p/4", name_key="berthe petit", email="b.petit@one.example"),
            person("p/5", email="b.petit@one.example"),
            person("p/6", name_key="luc noir", email="noir@one.example"),
            person("p/7", name_key="eva noir", email="noir@one.example"),
            person("p/8", email="noir@one.example"),
        ]
    )
    assert ids["p/4"] == ids["p/5"], "the mailbox says its only name"
    apart = [ids[f"p/{n}"] for n in (1, 2, 3, 4, 6, 7, 8)]
    assert len(set(apart)) == 7
    assert {"nameless"} <= {item["reason"] for item in bench.items()}


def test_the_same_mailbox_and_name_or_a_misspelt_name_on_its_own_mailbox_is_one_person(bench: Bench) -> None:
    ids, edges, _ = bench.run(
        persons=[
            *STRANGERS,
            person("p/1", **named("aurelie", "aurelie.martin", mobile=MOBILE)),
            person("p/2", **named("aurelie", "aurelie.martin")),
            person("p/3", **named("aureli", "aurelie.martin", mobile=MOBILE)),
            person("p/4", **named("berthe", "berthe.petit", name_key="berthe petit")),
            person("p/5", **named("berte", "berthe.petit", name_key="berte petit")),
        ]
    )
    assert ids["p/1"] == ids["p/2"] == ids["p/3"] != ids["p/4"] == ids["p/5"]
    assert "same_email" in {edge["evidence_code"] for edge in edges if edge["decision"] == "accepted"}
