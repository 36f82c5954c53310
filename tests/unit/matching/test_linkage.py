"""The engine on generated sets with known truth: targets of the specification, traps, order, threads, bad input."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from orchestration.evaluation.metrics import score_clusters
from orchestration.matching.errors import MatchingError
from orchestration.matching.linkage import link
from orchestration.matching.linkage.explanation import explain, wording
from orchestration.matching.linkage.model import MODELS, load_model, model_of
from tests.linkage import sets
from tests.linkage.vocabulary import GIVEN, syllable_names

CONTACT = {"given_name": "first_name", "family_name": "last_name", "email": "email", "phone": "phone",
           "mobile": "mobile", "company": "company"}  # fmt: skip
PRIVATE = {"given_name": "first_name", "family_name": "last_name", "birth_date": "birth_date", "phone": "phone",
           "address": "address", "postal_code": "postal_code", "city": "city"}  # fmt: skip
SITE = {"name": "name", "address": "address", "postal_code": "postal_code", "city": "city", "phone": "phone",
        "website": "website"}  # fmt: skip
FIRM = {
    "name": "name",
    "registration_number": "siren",
    "website": "website",
    "country": "country",
    "city": "city",
}
CASES = {
    "business_contacts": ("person", CONTACT, 0.95),
    "private_persons": ("person", PRIVATE, 0.95),
    "business_sites": ("site", SITE, 0.95),
    "organisations": ("organisation", FIRM, 0.95),
}


def found_of(records, linked):
    """(cluster, truth, trap) of each record, in record_key order."""
    table = records.sort_by("rec_id")
    assert table["rec_id"].to_pylist() == linked.clusters["record_key"].to_pylist()
    columns = (linked.clusters["cluster_key"], table["truth"], table["trap"])
    return tuple(np.asarray(column.to_pylist(), dtype=str) for column in columns)


def false_merges(cluster, truth, trap):
    """Traps of which two records of different truth share a cluster."""
    planted = trap != ""
    cells = {(t, c): set() for t, c in zip(trap[planted], cluster[planted], strict=True)}
    for t, c, true in zip(trap[planted], cluster[planted], truth[planted], strict=True):
        cells[t, c].add(true)
    return sorted({t for (t, _), entities in cells.items() if len(entities) > 1})


@pytest.mark.audit("MD2", "CL3")
@pytest.mark.parametrize("seed", [7, 8])
@pytest.mark.parametrize("name", list(CASES))
def test_planted_traps_never_merge_and_most_true_pairs_are_found(name, seed):
    entity, roles, recall = CASES[name]
    planted = getattr(sets, name)(800, seed, 50)
    records = planted.table()
    linked = link(records, entity, {**roles, "record_key": "rec_id"}, region="FR")
    cluster, truth, trap = found_of(records, linked)
    assert planted.n_traps >= 100
    assert false_merges(cluster, truth, trap) == []
    scores = score_clusters(cluster, truth)
    assert scores.pairs.precision >= 0.998
    assert scores.pairs.recall >= recall


def test_the_traps_of_both_seeds_are_more_than_five_hundred():
    assert sum(getattr(sets, name)(20, 1, 50).n_traps for name in CASES) >= 500


def test_parameters_estimated_from_the_data_keep_the_traps_apart():
    records = sets.private_persons(400, 5, 40).table()
    roles = {**PRIVATE, "record_key": "rec_id"}
    linked = link(records, "person", roles, parameters="estimated", region="FR")
    cluster, truth, trap = found_of(records, linked)
    assert false_merges(cluster, truth, trap) == []
    scores = score_clusters(cluster, truth)
    assert scores.pairs.precision >= 0.99 and scores.pairs.recall >= 0.95


def test_the_number_of_true_pairs_is_estimated_without_labels():
    records = sets.private_persons(500, 5).table()
    linked = link(records, "person", {**PRIVATE, "record_key": "rec_id"}, parameters="estimated", region="FR")
    cluster, truth, _ = found_of(records, linked)
    assert linked.report.expected_matches == pytest.approx(
        score_clusters(cluster, truth).pairs.n_true, rel=0.1
    )


@pytest.mark.parametrize("parameters", ["stored", "estimated"])
def test_row_order_and_threads_change_nothing(parameters):
    records = sets.business_contacts(200, 3, 20).table()
    model = load_model("person")
    given = {
        "roles": {**CONTACT, "record_key": "rec_id"},
        "model": replace(model, blocking=model.blocking[1:]),  # all pairs at once would leave sampling out
        "parameters": parameters,
        "region": "FR",
    }
    first = link(records, "person", threads=1, **given)
    order = np.random.default_rng(9).permutation(records.num_rows)
    second = link(records.take(order), "person", threads=4, **given)
    assert first.clusters.equals(second.clusters)
    assert first.edges.equals(second.edges)
    assert first.model == second.model


def test_records_without_a_key_are_named_by_their_content():
    records = sets.business_sites(120, 4, 5).table().drop_columns(["rec_id", "trap"])
    order = np.random.default_rng(2).permutation(records.num_rows)
    first = link(records, "site", SITE)
    second = link(records.take(order), "site", SITE)
    assert first.clusters.equals(second.clusters)


def table(rows, **columns):
    names = ["rec_id", *columns]
    return pa.table({n: pa.array([row[i] for row in rows], pa.string()) for i, n in enumerate(names)})


FIRMS = table(
    [
        ("a", "Acme Widgets SAS", "552100554", "acme.fr"),
        ("b", "Acme Widgets", "552100554", None),
        ("c", "Acme Widgets", "732829320", "acme.fr"),
        ("d", "Renamed Holding", "732829320", None),
        ("e", "Acme Widgets", "000000000", "acme.fr"),
    ],
    name="", siren="", website="",
)  # fmt: skip
FIRM_ROLES = {"record_key": "rec_id", "name": "name", "registration_number": "siren", "website": "website"}


def clusters_of(linked):
    groups = {}
    for key, cluster in zip(
        *(linked.clusters[c].to_pylist() for c in ("record_key", "cluster_key")), strict=True
    ):
        groups.setdefault(cluster, set()).add(key)
    return sorted(map(sorted, groups.values()))


def decided(*pairs):
    return pa.table({"left_record_key": [a for a, _ in pairs], "right_record_key": [b for _, b in pairs]})


def apart(*pairs):
    rows = [(key, number, part) for number, pair in enumerate(pairs) for part, key in enumerate(pair)]
    return pa.table(dict(zip(("record_key", "group", "part"), zip(*rows, strict=True), strict=True)))


def test_one_registration_number_joins_and_two_separate_whatever_the_name():
    clusters = clusters_of(link(FIRMS, "organisation", FIRM_ROLES))
    together = {frozenset(each) for each in clusters}
    assert any({"a", "b"} <= each for each in together) and any({"c", "d"} <= each for each in together)
    assert not any({"a", "c"} <= each for each in together)


def test_two_establishments_are_one_organisation_and_two_sites():
    # Two SIRET of one SIREN (732829320), the sums of both satisfy Luhn.
    rows = [
        ("a", "Acme Widgets", "73282932000074", "acme.fr"),
        ("b", "Acme Widgets", "73282932000017", "acme.fr"),
    ]
    branches = table(rows, name="", siren="", website="")
    merged = link(branches, "organisation", FIRM_ROLES)
    assert clusters_of(merged) == [["a", "b"]]
    assert "different_registration_number" not in merged.edges["reason"].to_pylist()
    sites = link(branches, "site", FIRM_ROLES)
    assert clusters_of(sites) == [["a"], ["b"]]


def test_a_decision_separates_what_the_number_joins_and_waits_for_a_person():
    linked = link(FIRMS, "organisation", FIRM_ROLES, cannot_link=apart(("a", "b")))
    assert not any({"a", "b"} <= set(each) for each in clusters_of(linked))
    assert linked.report.contradictions == [
        {"left_record_key": "a", "right_record_key": "b", "reason": "contradictory_decisions"}
    ]


def test_contradictory_decisions_merge_nothing_and_are_named():
    people = table(
        [("a", "Jean", "Martin"), ("b", "Jeanne", "Dupont"), ("c", "Paul", "Durand")], given="", family=""
    )
    roles = {"record_key": "rec_id", "given_name": "given", "family_name": "family"}
    agreed = link(people, "person", roles, must_link=decided(("a", "b"), ("b", "c")))
    assert clusters_of(agreed) == [["a", "b", "c"]]
    linked = link(
        people, "person", roles, must_link=decided(("a", "b"), ("b", "c")), cannot_link=apart(("c", "a"))
    )
    assert clusters_of(linked) == [["a"], ["b"], ["c"]]
    assert linked.report.contradictions[0]["reason"] == "contradictory_decisions"
    decisions = [e["decision"] for e in linked.edges.to_pylist() if e["evidence_code"] == "decided_same"]
    assert decisions == ["review", "review"]


def test_a_decision_against_two_registration_numbers_is_reported_not_obeyed():
    linked = link(FIRMS, "organisation", FIRM_ROLES, must_link=decided(("a", "c")))
    assert not any({"a", "c"} <= set(each) for each in clusters_of(linked))
    assert linked.report.contradictions[0]["reason"] == "different_registration_number"


def test_decisions_hold_where_scores_say_otherwise():
    records = sets.private_persons(150, 6).table()
    roles = {**PRIVATE, "record_key": "rec_id"}
    plain = link(records, "person", roles)
    pair = next(each for each in clusters_of(plain) if len(each) == 2)
    alone = [each[0] for each in clusters_of(plain) if len(each) == 1][:2]
    linked = link(records, "person", roles, must_link=decided(tuple(alone)), cannot_link=apart(tuple(pair)))
    clusters = clusters_of(linked)
    assert not any(set(pair) <= set(each) for each in clusters)
    assert any(set(alone) <= set(each) for each in clusters)


def test_namesakes_of_one_company_with_another_mailbox_and_another_number_wait_for_a_person():
    """Name and company said 7 bits: two employees of one name were one person."""
    people = [
        (f"x{k}", f"Given{k}", f"Family{k}", f"g{k}@firm{k}.fr", f"+3368{k:07d}", f"Firm{k}")
        for k in range(60)
    ]
    one = ("a", "Jean", "Martin", "jean.martin@durand.fr", "+33611111111", "Durand SA")
    other = ("b", "Jean", "Martin", "j.martin@durand.fr", "+33622222222", "Durand SA")
    roles = CONTACT | {"record_key": "rec_id"}
    roles.pop("phone")
    named = dict.fromkeys(("first_name", "last_name", "email", "mobile", "company"), "")
    linked = link(table([*people, one, other], **named), "person", roles)
    assert not any({"a", "b"} <= set(each) for each in clusters_of(linked))
    (edge,) = [e for e in linked.edges.to_pylist() if (e["left_node"], e["right_node"]) == (0, 1)]
    assert (edge["decision"], edge["reason"]) == ("review", "other_contact")
    same_mobile = link(table([*people, one, (*other[:4], one[4], other[5])], **named), "person", roles)
    assert any({"a", "b"} <= set(each) for each in clusters_of(same_mobile))


def test_empty_and_constant_columns_are_left_out_and_said():
    people = table(
        [("a", "Jean", "Martin", "", "FR"), ("b", "Jean", "Martin", None, "FR"), ("c", "Paul", "Durand", " ", "FR")],
        given="", family="", mail="", town="",
    )  # fmt: skip
    roles = {
        "record_key": "rec_id",
        "given_name": "given",
        "family_name": "family",
        "email": "mail",
        "city": "town",
    }
    linked = link(people, "person", roles)
    assert linked.report.unused == {"email": "empty", "city": "constant"}
    assert clusters_of(linked) == [["a"], ["b"], ["c"]]  # a name alone merges no one
    assert (
        linked.edges["reason"].to_pylist()[0] == "names_alone"
        or linked.edges["decision"].to_pylist()[0] != "accepted"
    )


def test_nothing_but_empty_columns_is_an_error():
    with pytest.raises(MatchingError, match="E-MAT-003"):
        link(table([("a", ""), ("b", None), ("c", "")], mail=""), "person", {"email": "mail"})


@pytest.mark.parametrize(
    ("roles", "code"),
    [
        ({"email": "nowhere"}, "E-MAT-001"),
        ({"nonsense": "mail"}, "E-MAT-002"),
        ({"record_key": "mail", "email": "mail"}, "E-MAT-008"),
        ({}, "E-MAT-003"),
    ],
)
def test_wrong_roles_are_named(roles, code):
    records = table([("a", "x@y.fr"), ("b", "x@y.fr")], mail="")
    with pytest.raises(MatchingError, match=code):
        link(records, "person", roles)


@pytest.mark.parametrize("parameters", ["stored", "estimated"])
def test_in_a_handful_of_records_a_value_seen_twice_is_not_taken_for_a_common_one(parameters):
    rows = [
        ("a", "Jean", "Martin", "jm@acme.fr"),
        ("b", "JEAN", "MARTIN", "jm@acme.fr"),
        ("c", "Paul", "Durand", None),
    ]
    roles = {"record_key": "rec_id", "given_name": "given", "family_name": "family", "email": "mail"}
    linked = link(table(rows, given="", family="", mail=""), "person", roles, parameters=parameters)
    assert clusters_of(linked) == [["a", "b"], ["c"]]


def test_identical_empty_records_stay_apart():
    people = table([(str(i), None, "x@acme.fr" if i == 0 else None) for i in range(5)], given="", mail="")
    people = people.append_column("family", pa.array(["A", None, None, None, "B"]))
    roles = {"record_key": "rec_id", "given_name": "given", "email": "mail", "family_name": "family"}
    assert len(clusters_of(link(people, "person", roles))) == 5


def test_one_giant_block_is_dropped_and_reported():
    n = 3000
    shared = pa.table(
        {
            "rec_id": [str(i) for i in range(n)],
            "given": ["Jean"] * (n - 1) + ["Paul"],
            "family": ["Martin"] * (n - 1) + ["Durand"],
            "company": ["Acme"] * n,
        }
    )
    roles = {"record_key": "rec_id", "given_name": "given", "family_name": "family", "company": "company"}
    linked = link(shared, "person", roles)
    assert linked.report.n_candidates < n
    names = next(rule for rule in linked.report.blocking if rule.rule == "names")
    assert names.dropped_records == n - 1 and names.dropped_pairs == (n - 1) * (n - 2) // 2
    assert linked.report.largest_cluster == 1


def test_a_switchboard_and_a_shared_mailbox_identify_nobody():
    people = pa.table(
        {
            "rec_id": [f"{i:02d}" for i in range(12)],
            "given": GIVEN[:60:5],
            "family": syllable_names(np.random.default_rng(1), 12),
            "phone": ["0142685300"] * 12,
            "mail": ["equipe.projet@acme.fr"] * 12,
        }
    )
    roles = {
        "record_key": "rec_id",
        "given_name": "given",
        "family_name": "family",
        "phone": "phone",
        "email": "mail",
    }
    stranger = {
        "rec_id": "99",
        "given": "Élodie",
        "family": "Morvan",
        "phone": "0299887766",
        "mail": "e.m@other.fr",
    }
    linked = link(
        pa.concat_tables([people, pa.table({k: [v] for k, v in stranger.items()})]), "person", roles
    )
    assert linked.report.largest_cluster == 1
    assert {row["column"]: row["n_values"] for row in linked.report.shared_values} == {"phone": 1, "email": 1}


def test_two_files_are_linked_across_only():
    records = sets.business_sites(150, 11).table()
    half = pa.array(["left" if i % 2 else "right" for i in range(records.num_rows)])
    roles = {**SITE, "record_key": "rec_id", "source": "side"}
    linked = link(records.append_column("side", half), "site", roles, between_sources=True)
    side = dict(zip(records["rec_id"].to_pylist(), half.to_pylist(), strict=True))
    keys = linked.clusters["record_key"].to_pylist()
    for left, right in zip(
        *(linked.candidates[c].to_pylist() for c in ("left_node", "right_node")), strict=True
    ):
        assert side[keys[left]] != side[keys[right]]


def test_names_alone_are_compared_by_their_letters():
    rows = [
        ("a", "Boulangerie Trilunil SARL"), ("b", "BOULANGERIE TRILUNIL"), ("c", "Boulangerie Trilunill"),
        ("d", "Transports Kaudoux"), ("e", "Kaudoux Transports SAS"), ("f", "Zwikkelberg Textile GmbH"),
    ]  # fmt: skip
    linked = link(table(rows, name=""), "organisation", {"record_key": "rec_id", "name": "name"})
    assert linked.report.method == "names"
    assert clusters_of(linked) == [["a", "b", "c"], ["d", "e"], ["f"]]


@pytest.mark.parametrize("entity", ["person", "site", "organisation"])
def test_stored_models_are_of_the_schema_and_worded_in_both_languages(entity):
    model = load_model(entity)
    for language in ("en", "fr"):
        words = wording()[language]
        assert {c.name for c in model.comparisons} <= set(words["comparisons"])
        assert {level.code for c in model.comparisons for level in c.levels} <= set(words["levels"])
        assert {gate.code for gate in model.gates} <= set(words["reasons"])


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(schema="splink/4"),
        lambda m: m.pop("comparisons"),
        lambda m: m["comparisons"][0]["levels"][0].update(m=0.99),
        lambda m: m["thresholds"].update(accept=-9),
        lambda m: m["gates"][0].update(sql="{given_name:unheard_of}"),
        lambda m: m["gates"][0].update(cap="maybe"),
        lambda m: m["blocking"][0].update(extra=1),
    ],
)
def test_a_model_of_another_schema_is_refused(change):
    content = json.loads((MODELS / "person.json").read_text())
    change(content)
    with pytest.raises(MatchingError, match="E-MAT-007"):
        model_of(content)


def test_a_model_of_another_entity_is_refused():
    with pytest.raises(MatchingError, match="E-MAT-007"):
        link(FIRMS, "organisation", FIRM_ROLES, model=load_model("person"))
    assert replace(load_model("person"), entity="organisation").entity == "organisation"


def test_the_steps_of_an_explanation_add_up_to_the_score():
    linked = link(sets.business_contacts(200, 3, 10).table(), "person", {**CONTACT, "record_key": "rec_id"})
    edges = [edge for edge in linked.edges.to_pylist() if edge["weight"] is not None]
    assert len(edges) > 50
    for edge in edges:
        told = explain(linked.model, edge)
        total = sum(step.weight + step.rarity for step in told.steps)
        assert total == pytest.approx(edge["weight"], abs=1e-3)
        for language in ("en", "fr"):
            assert len(told.sentences(language)) == len(told.steps) + 1


def sides(n, seed):
    """Two registers of one set of sites: the right one is written anew, and neither repeats a site."""
    rng = np.random.default_rng(seed)
    planted = sets.business_sites(n, seed)
    first = {}
    rows = []
    for row in planted.rows:
        seen = first.setdefault(row["truth"], [])
        if len(seen) < 2 and not (len(seen) == 1 and rng.random() < 0.2):
            rows.append({**row, "side": "right" if seen else "left", "rec_id": f"{row['truth']}-{len(seen)}"})
            seen.append(row)
    return pa.Table.from_pylist(rows)


def test_two_registers_without_duplicates_give_each_record_one_partner():
    records = sides(300, 12)
    # A second shop of the same name in the same street: alone it looks like the first one written badly.
    row = next(r for r in records.to_pylist() if r["side"] == "right")
    near = {
        **row,
        "rec_id": "near",
        "truth": "near",
        "phone": None,
        "website": None,
        "name": f"{row['name']} II",
    }
    records = pa.concat_tables([records, pa.Table.from_pylist([near], schema=records.schema)])
    roles = {**SITE, "record_key": "rec_id", "source": "side"}
    linked = link(records, "site", roles, between_sources=True)
    assert linked.report.one_to_one
    assert all(len(cluster) <= 2 for cluster in clusters_of(linked))
    free = link(records, "site", roles, between_sources=True, one_to_one=False)
    assert not free.report.one_to_one
    side = dict(zip(records["rec_id"].to_pylist(), records["side"].to_pylist(), strict=True))
    for cluster in clusters_of(linked):
        assert len({side[key] for key in cluster}) == len(cluster)
    assert any(len(cluster) > 2 for cluster in clusters_of(free))


def test_a_register_with_duplicates_of_its_own_is_not_held_to_one_partner():
    records = sets.business_sites(150, 11).table()
    half = pa.array(["left" if i % 2 else "right" for i in range(records.num_rows)])
    roles = {**SITE, "record_key": "rec_id", "source": "side"}
    linked = link(records.append_column("side", half), "site", roles, between_sources=True)
    assert not linked.report.one_to_one
    free = link(records.append_column("side", half), "site", roles, between_sources=True, one_to_one=False)
    assert linked.edges.equals(free.edges) and linked.clusters.equals(free.clusters)


def test_dates_of_birth_within_a_year_wait_only_when_nothing_else_agrees():
    rows = [
        ("a", "Aria", "Wilson", "1999-02-08", "mlopez@henry.biz", None),
        ("b", "Aria", "Wilson", "1998-11-13", "mlopez@henry.biz", None),
        ("c", "Jean", "Kaudoux", "1950-02-08", None, "Lyon"),
        ("d", "Jean", "Kaudoux", "1950-11-23", None, "Lyon"),
        ("e", "Paul", "Morvan", "1950-02-08", "morvan@henry.biz", None),
        ("f", "Paul", "Morvan", "1980-11-23", "morvan@henry.biz", None),
        *(
            (f"z{i}", f"Nom{i}", f"Famille{i}", f"19{i}-06-01", f"p{i}@x{i}.fr", "Paris")
            for i in range(10, 40)
        ),
    ]
    columns = {"given": "", "family": "", "born": "", "mail": "", "town": ""}
    roles = {"record_key": "rec_id", "given_name": "given", "family_name": "family", "birth_date": "born"}
    linked = link(table(rows, **columns), "person", {**roles, "email": "mail", "city": "town"})
    assert [cluster for cluster in clusters_of(linked) if cluster[0] in "abcdef"] == [
        ["a", "b"], ["c"], ["d"], ["e"], ["f"],
    ]  # fmt: skip


def test_a_region_speaks_where_no_postal_code_and_no_city_agrees():
    rows = [
        ("a", "Trilunil Boulangerie", "12 rue Haute", "Lyon", "Rhône"),
        ("b", "Trilunil Boulangerie", "12 rue Haute", "Lyon", "Rhône"),
        ("c", "Kaudoux Textile", "3 rue Basse", "Lyn", "Rhône"),
        ("d", "Kaudoux Textile", "3 rue Basse", "Villeurbanne", "Rhône"),
        ("e", "Zwikkelberg", "7 quai Nord", "Quimper", "Finistère"),
    ]
    columns = {"name": "", "address": "", "city": "", "region": ""}
    linked = link(table(rows, **columns), "site", {"record_key": "rec_id", **{c: c for c in columns}})
    levels = {(e["left_node"], e["right_node"]): e["gamma_region"] for e in linked.edges.to_pylist()}
    assert levels[0, 1] == -1 and levels[2, 3] == 1
