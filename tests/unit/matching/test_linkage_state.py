"""Runs that build on a kept state: new and changed records only, with the edges and weights of a run over all."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from orchestration.matching.errors import MatchingError
from orchestration.matching.linkage import link
from orchestration.matching.linkage.model import load_model
from tests.linkage import sets
from tests.unit.matching.test_linkage import CONTACT, FIRM, FIRM_ROLES, FIRMS, apart, clusters_of

ROLES = {**CONTACT, "record_key": "rec_id"}


def blocked(entity="person"):
    """The stored model without its rule that compares every record of a small set with every other."""
    model = load_model(entity)
    return replace(model, blocking=model.blocking[1:])


def edges_of(linked):
    """Every edge by record keys, without the columns of one run's numbering."""
    keys = linked.clusters["record_key"].to_pylist()
    rows = linked.edges.to_pylist()
    return sorted(
        (
            (keys[row.pop("left_node")], keys[row.pop("right_node")], sorted(row.items(), key=str))
            for row in rows
        ),
        key=str,
    )


def month_later(records, seed):
    """(records of the first run, of the second): some arrive, some change, some vanish."""
    n = records.num_rows
    rng = np.random.default_rng(seed)
    fate = rng.choice(["stays", "arrives", "changes", "vanishes"], n, p=[0.85, 0.05, 0.05, 0.05])
    first = records.filter(pa.array(fate != "arrives"))
    later = records.filter(pa.array(fate != "vanishes"))
    changed = set(np.asarray(records["rec_id"].to_pylist())[fate == "changes"])
    column = "company" if "company" in later.column_names else "name"
    rows = [
        {**row, column: f"{row[column]} Monde"} if row["rec_id"] in changed else row
        for row in later.to_pylist()
    ]
    return first, pa.Table.from_pylist(rows, schema=later.schema)


@pytest.mark.parametrize("parameters", ["stored", "estimated"])
@pytest.mark.parametrize("name", ["business_contacts", "organisations"])
def test_new_and_changed_records_get_the_edges_of_a_run_over_all(tmp_path, name, parameters):
    entity, roles = (
        ("person", ROLES)
        if name == "business_contacts"
        else ("organisation", {**FIRM, "record_key": "rec_id"})
    )
    first, later = month_later(getattr(sets, name)(900, 3, 30).table(), 4)
    given = {"roles": roles, "model": blocked(entity), "parameters": parameters, "region": "FR"}
    link(first, entity, keep=tmp_path / "state", **given)
    step = link(later, entity, state=tmp_path / "state", keep=tmp_path / "next", **given)
    whole = link(later, entity, state=tmp_path / "state", recompute=True, **given)
    assert 0 < step.report.n_standardised < later.num_rows / 5 and step.report.n_gone > 0
    assert whole.report.n_standardised == later.num_rows
    assert step.report.n_candidates < whole.report.n_candidates / 2
    assert edges_of(step) == edges_of(whole)
    assert step.clusters.equals(whole.clusters)
    # The next month builds on it in turn; a month without change compares nothing.
    still = link(later, entity, state=tmp_path / "next", **given)
    assert still.report.n_candidates == 0 and still.report.n_standardised == 0
    assert still.edges.equals(step.edges) and still.clusters.equals(step.clusters)


def test_a_state_may_be_replaced_by_the_run_that_reads_it(tmp_path):
    first, later = month_later(sets.business_contacts(200, 5).table(), 6)
    given = {"roles": ROLES, "model": blocked(), "region": "FR"}
    link(first, "person", keep=tmp_path, **given)
    step = link(later, "person", state=tmp_path, keep=tmp_path, **given)
    again = link(later, "person", state=tmp_path, **given)
    assert again.edges.equals(step.edges)
    assert not list(tmp_path.glob("*.new"))


def people(rows):
    columns = ("rec_id", "given", "family", "phone", "company")
    return pa.table({c: pa.array([row[i] for row in rows], pa.string()) for i, c in enumerate(columns)})


PEOPLE_ROLES = {
    "record_key": "rec_id",
    "given_name": "given",
    "family_name": "family",
    "phone": "phone",
    "company": "company",
}


def test_a_phone_that_became_a_switchboard_since_no_longer_joins_the_old_records(tmp_path):
    pair = [("a", "Jean", "Martin", "0142685300", None), ("b", "Jean", "Martin", "0142685300", None)]
    others = [(f"o{i}", f"Prénom{i}", f"Famille{i}", f"01426853{i + 10}", None) for i in range(20)]
    named = zip("ABCDEFG", "hijklmn", strict=True)
    crowd = [(f"z{x}", f"{x}ndré", f"{x}{y}rand", "0142685300", None) for x, y in named]
    link(people(pair + others), "person", PEOPLE_ROLES, model=blocked(), keep=tmp_path)
    before = link(people(pair + others), "person", PEOPLE_ROLES, model=blocked(), state=tmp_path)
    assert ["a", "b"] in clusters_of(before)
    later = people(pair + others + crowd)
    step = link(later, "person", PEOPLE_ROLES, model=blocked(), state=tmp_path)
    whole = link(later, "person", PEOPLE_ROLES, model=blocked(), state=tmp_path, recompute=True)
    assert step.report.shared_values[0]["n_values"] == 1
    assert ["a", "b"] not in clusters_of(step)
    assert edges_of(step) == edges_of(whole)


def test_a_block_that_outgrew_its_limit_is_compared_anew(tmp_path):
    rng = np.random.default_rng(1)
    base = [(f"k{i}", f"Jean{i}", f"Dupont{i}", None, "Acme") for i in range(20)]
    rows = [(f"n{i:03d}", f"Jean{rng.integers(9999)}", "Dupont", None, f"Firme {i % 7}") for i in range(60)]
    model = blocked()
    link(people(base + rows[:8]), "person", PEOPLE_ROLES, model=model, keep=tmp_path)
    later = people(base + rows)
    step = link(later, "person", PEOPLE_ROLES, model=model, state=tmp_path)
    whole = link(later, "person", PEOPLE_ROLES, model=model, state=tmp_path, recompute=True)
    assert any(rule.refined_blocks or rule.dropped_blocks for rule in step.report.blocking)
    assert edges_of(step) == edges_of(whole)


def test_decisions_and_legal_numbers_are_read_anew_each_time(tmp_path):
    link(FIRMS, "organisation", FIRM_ROLES, keep=tmp_path)
    parted = link(FIRMS, "organisation", FIRM_ROLES, state=tmp_path, cannot_link=apart(("a", "b")))
    assert parted.report.contradictions and not any({"a", "b"} <= set(c) for c in clusters_of(parted))
    assert any(
        {"a", "b"} <= set(c) for c in clusters_of(link(FIRMS, "organisation", FIRM_ROLES, state=tmp_path))
    )


def test_names_alone_are_compared_anew(tmp_path):
    names = pa.table({"rec_id": ["a", "b", "c"], "name": ["Acme Textile", "ACME Textile SA", "Kaudoux"]})
    roles = {"record_key": "rec_id", "name": "name"}
    link(names.slice(0, 2), "organisation", roles, keep=tmp_path)
    assert clusters_of(link(names, "organisation", roles, state=tmp_path)) == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "state.json").unlink(),
        lambda folder: (folder / "state.json").write_text("{"),
        lambda folder: (folder / "pairs.parquet").unlink(),
        lambda folder: (folder / "state.json").write_text(
            json.dumps(
                {**json.loads((folder / "state.json").read_text()), "schema": "etalon-linkage-state/0"}
            )
        ),
    ],
)
def test_a_state_that_is_not_whole_is_refused(tmp_path, spoil):
    link(FIRMS, "organisation", FIRM_ROLES, keep=tmp_path)
    spoil(tmp_path)
    with pytest.raises(MatchingError, match="E-MAT-010"):
        link(FIRMS, "organisation", FIRM_ROLES, state=tmp_path)


def test_a_state_of_other_settings_is_refused(tmp_path):
    link(FIRMS, "organisation", FIRM_ROLES, keep=tmp_path)
    model = load_model("organisation")
    for other in ({"region": "FR"}, {"parameters": "estimated"}, {"model": replace(model, version=99)}):
        with pytest.raises(MatchingError, match="E-MAT-010"):
            link(FIRMS, "organisation", FIRM_ROLES, state=tmp_path, **other)
