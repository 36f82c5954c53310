"""Complete snapshots: what is absent from the newest one is removed, a large removal asks, order does not matter."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from company_site import LEAD_HEADER, LEADS, Site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expectations.gate import decide as decide_cycle
from expectations.gate import read_refusals
from expectations.policy import load_policy
from ingest import load_company
from ingest.delivery_overview import decide, deliveries_of
from ingest.errors import ConfigurationError, catalogue

SNAPSHOTS = LEADS.replace('"{date}/Leads.csv"', '"{date}/Leads*.csv"').replace(
    'delimiter: ","', 'delimiter: ","\n    snapshot: {complete: true, max_removed: 0.5}'
)
DAY = dt.date(2026, 7, 1)


def rows(keys: Iterable[int], name: str = "Ann") -> str:
    return LEAD_HEADER + "".join(f"{key},k{key}@x.fr,Open,2026-06-01 10:00:00,{name}\n" for key in keys)


def kept(where: Site) -> dict[int, str]:
    found = where.rows(
        "SELECT source_record_id::INT, last_name FROM raw.crm_lead r ANTI JOIN collect.dispositions d "
        "USING (_delivery_id, _source_row_id, _record_part)"
    )
    assert len(dict(found)) == len(found), "one kept record a key"
    return dict(found)


def delivery_of(where: Site, path: str) -> str:
    return next(
        row.delivery_id for row in deliveries_of(load_company(where.root)) if row.file_path == f"crm/{path}"
    )


def states(where: Site) -> dict[str, str]:
    return {row.file_path[4:]: row.state for row in deliveries_of(load_company(where.root))}


def questions(where: Site) -> list[str]:
    return [refusal.problem.code for refusal in where.collect().refusals]


def test_a_record_absent_from_the_newest_snapshot_is_removed_and_comes_back(
    site: Callable[..., Site],
) -> None:
    where = site(SNAPSHOTS)
    where.put("2026-04/Leads.csv", rows([1, 2, 3, 4]))
    where.put("2026-05/Leads.csv", rows([1, 2, 3], "Bob"))
    report = where.collect()
    assert kept(where) == {1: "Bob", 2: "Bob", 3: "Bob"} and report.imbalances == ()
    assert where.rows(
        "SELECT source_record_id, disposition, reason_code, winner_delivery_id FROM collect.dispositions "
        "JOIN raw.crm_lead USING (_delivery_id, _source_row_id) WHERE source_record_id = '4'"
    ) == [("4", "excluded", "absent_from_snapshot", delivery_of(where, "2026-05/Leads.csv"))]
    where.put("2026-06/Leads.csv", rows([1, 2, 3, 4], "Cid"))
    where.collect()
    assert kept(where) == {1: "Cid", 2: "Cid", 3: "Cid", 4: "Cid"}


def test_without_the_declaration_nothing_is_removed(site: Callable[..., Site]) -> None:
    where = site()
    where.put("2026-04/Leads.csv", rows([1, 2]))
    where.put("2026-05/Leads.csv", rows([1]))
    where.collect()
    assert set(kept(where)) == {1, 2}


def test_a_snapshot_that_removes_too_much_asks_and_the_old_state_stays(site: Callable[..., Site]) -> None:
    where = site(SNAPSHOTS)
    where.put("2026-04/Leads.csv", rows([1, 2, 3, 4, 5]))
    where.collect()
    where.put("2026-05/Leads.csv", rows([1, 2], "Bob"))
    report = where.collect()
    (question,) = report.refusals
    delivery = delivery_of(where, "2026-05/Leads.csv")
    assert question.problem.code == "E-ING-180" and report.imbalances == ()
    assert "3 of 5 records (60.0 %)" in question.problem.text("why")
    assert "3 enregistrements sur 5 (60.0 %)" in question.problem.text("why", "fr")
    assert f"etalon deliveries accept {delivery}" in question.problem.text("next")
    verdict = decide_cycle(
        [],
        [],
        read_refusals(where.root / "work"),
        load_policy(),
        cycle="2026-06",
        cycle_end=dt.date(2026, 7, 1),
    )
    (asked,) = [sentence for sentence in verdict.sentences if sentence.code == "file_asks"]
    assert (
        asked.effect == "hold" and "60.0 %" in asked.en and f"etalon deliveries reject {delivery}" in asked.fr
    )
    assert kept(where) == dict.fromkeys([1, 2, 3, 4, 5], "Ann"), "neither its removals nor its values count"
    assert where.rows("SELECT DISTINCT reason_code FROM collect.dispositions") == [("snapshot_held",)]
    assert states(where)["2026-05/Leads.csv"] == "held"


@pytest.mark.parametrize(("choice", "expected"), [("accept", {1: "Bob", 2: "Bob"}), ("reject", None)])
def test_a_decision_on_a_held_snapshot_is_data_that_a_rebuild_applies(
    site: Callable[..., Site], choice: str, expected: dict[int, str] | None
) -> None:
    where = site(SNAPSHOTS)
    where.put("2026-04/Leads.csv", rows([1, 2, 3, 4, 5]))
    where.put("2026-05/Leads.csv", rows([1, 2], "Bob"))
    assert questions(where) == ["E-ING-180"]
    company, delivery = load_company(where.root), delivery_of(where, "2026-05/Leads.csv")
    assert decide(company, delivery, choice, "Ann Lee", "checked", DAY).is_new
    content = (where.root / "decisions" / "deliveries.yml").read_bytes()
    assert not decide(company, delivery, choice, "Bea", "again", DAY).is_new
    assert (where.root / "decisions" / "deliveries.yml").read_bytes() == content
    assert questions(where) == []
    assert kept(where) == (expected or dict.fromkeys([1, 2, 3, 4, 5], "Ann"))
    state = where.state()
    shutil.rmtree(where.root / "work")
    assert questions(where) == [] and where.state() == state


def test_the_last_decision_counts_and_the_first_stays_to_be_read(site: Callable[..., Site]) -> None:
    where = site(SNAPSHOTS)
    where.put("2026-04/Leads.csv", rows([1, 2, 3]))
    where.put("2026-05/Leads.csv", rows([1]))
    where.collect()
    company, delivery = load_company(where.root), delivery_of(where, "2026-05/Leads.csv")
    decide(company, delivery, "accept", "Ann", "gone", DAY)
    decide(company, delivery, "reject", "Bea", "cut", DAY)
    where.collect()
    assert set(kept(where)) == {1, 2, 3}
    text = (where.root / "decisions" / "deliveries.yml").read_text()
    assert "Ann" in text and "Bea" in text


def test_an_acceptance_holds_for_what_was_seen_and_a_larger_loss_asks_again(
    site: Callable[..., Site],
) -> None:
    where = site(SNAPSHOTS)
    where.put("2026-04/Leads.csv", rows([1, 2, 3, 4, 5]))
    where.put("2026-06/Leads.csv", rows([1, 2], "Bob"))
    assert questions(where) == ["E-ING-180"]
    company, delivery = load_company(where.root), delivery_of(where, "2026-06/Leads.csv")
    made = decide(company, delivery, "accept", "Ann", "gone", DAY).decision
    assert (made.removed, made.known) == (3, 5) and questions(where) == []
    where.put("2026-05/Leads.csv", rows(range(1, 21), "Cid"))
    assert questions(where) == ["E-ING-180"] and set(kept(where)) == set(range(1, 21))
    again = decide(company, delivery, "accept", "Bea", "all of them", DAY)
    assert again.is_new and (again.decision.removed, again.decision.known) == (18, 20)
    assert questions(where) == [] and kept(where) == {1: "Bob", 2: "Bob"}


def test_a_corrected_snapshot_at_the_same_path_is_not_a_part_of_the_one_before(
    site: Callable[..., Site],
) -> None:
    where = site(SNAPSHOTS)
    where.put("2026-04/Leads.csv", rows([1, 2, 3]))
    where.put("2026-05/Leads.csv", rows([1, 2, 3, 4], "Bob"))
    where.collect()
    where.put("2026-05/Leads.csv", rows([1, 2], "Cid"))
    assert questions(where) == [] and kept(where) == {1: "Cid", 2: "Cid"}


def test_a_plain_delivery_that_is_not_rejected_is_not_accepted(site: Callable[..., Site]) -> None:
    where = site()
    where.put("2026-04/Leads.csv", rows([1]))
    where.collect()
    for delivery in (delivery_of(where, "2026-04/Leads.csv"), "0" * 12):
        with pytest.raises(ConfigurationError, match="E-ING-181"):
            decide(load_company(where.root), delivery, "accept", "Ann", "why", DAY)


def test_an_older_snapshot_that_comes_late_removes_nothing_newer(site: Callable[..., Site]) -> None:
    where = site(SNAPSHOTS)
    where.put("2026-06/Leads.csv", rows([1, 2, 3], "New"))
    where.collect()
    where.put("2026-05/Leads.csv", rows([1, 2], "Old"))
    where.collect()
    assert kept(where) == {1: "New", 2: "New", 3: "New"}


def test_a_snapshot_with_an_unreadable_line_removes_nothing_until_it_is_repaired(
    site: Callable[..., Site],
) -> None:
    where = site(SNAPSHOTS)
    where.put("2026-04/Leads.csv", rows([1, 2, 3]))
    where.put("2026-05/Leads.csv", rows([1]) + "2,k2@x.fr,Open\n")
    report = where.collect()
    assert set(kept(where)) == {1, 2, 3}, "line 3 may be any of them"
    assert "snapshot_incomplete" in [warning["control"] for warning in report.warnings]
    assert states(where)["2026-05/Leads.csv"] == "incomplete"


def test_files_of_one_date_are_one_snapshot(site: Callable[..., Site]) -> None:
    where = site(SNAPSHOTS)
    where.put("2026-04/Leads.csv", rows([1, 2, 3, 4]))
    where.put("2026-05/Leads-1.csv", rows([1, 2]))
    where.put("2026-05/Leads-2.csv", rows([3]))
    assert questions(where) == []
    assert set(kept(where)) == {1, 2, 3}


def test_the_content_of_an_earlier_month_tells_the_state_again_at_its_last_date(
    site: Callable[..., Site],
) -> None:
    where = site(SNAPSHOTS)
    for month, keys in (("04", [1, 2]), ("05", [1, 2, 3]), ("06", [1, 2])):
        where.put(f"2026-{month}/Leads.csv", rows(keys))
        where.collect()
    assert set(kept(where)) == {1, 2}


def test_the_declaration_needs_dates_and_lands_nothing_again(site: Callable[..., Site]) -> None:
    where = site(SNAPSHOTS.replace("{date}", "all"))
    with pytest.raises(ConfigurationError, match="snapshot needs"):
        where.collect()
    plain = site(SNAPSHOTS.replace("    snapshot: {complete: true, max_removed: 0.5}\n", ""), name="plain")
    plain.put("2026-04/Leads.csv", rows([1, 2]))
    plain.put("2026-05/Leads.csv", rows([1]))
    plain.collect()
    (plain.root / "mapping.yml").write_text(SNAPSHOTS, encoding="utf-8")
    report = plain.collect()
    assert report.landed == () and set(kept(plain)) == {1}


def test_the_question_is_asked_in_both_languages() -> None:
    for language in ("en", "fr"):
        assert catalogue()["E-ING-180"][language]["why"].split("?")[0].strip().startswith(("Is it", "Est-il"))


# An oracle in plain Python: dates in order, each snapshot judged against the last one that counted.
Files = dict[str, tuple[frozenset[int], str]]


def expected(
    files: Files, decisions: dict[str, str], seen: dict[str, int] | None = None
) -> tuple[dict[int, str], dict[str, str], dict[str, int]]:
    """Kept key -> name, what became of each file, and how many records it removes, of snapshots by path.

    seen: path -> how many records it removed when it was accepted.
    """
    removes: dict[str, int] = {}
    present: set[int] = set()
    counted: list[tuple[str, str]] = []
    fates: dict[str, str] = {}
    for date in sorted({path[:7] for path in files}):
        parts = [path for path in sorted(files) if path[:7] == date]
        for path in parts:
            if decisions.get(path) == "reject":
                fates[path] = "rejected"
        parts = [path for path in parts if path not in fates]
        if not parts:
            continue
        keys = set().union(*(files[path][0] for path in parts))
        removes |= dict.fromkeys(parts, len(present - keys))
        is_accepted = any(
            decisions.get(path) == "accept" and len(present - keys) <= (seen or {})[path] for path in parts
        )
        if not is_accepted and 2 * len(present - keys) > len(present):
            fates |= dict.fromkeys(parts, "held")
            continue
        fates |= dict.fromkeys(parts, "applied")
        present = keys
        counted += [(date, path) for path in parts]
    names: dict[int, str] = {}
    for _, path in counted:
        names |= {key: files[path][1] for key in files[path][0] if key in present}
    return names, fates, removes


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_snapshots_in_any_order_give_the_state_of_the_oracle(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    months = data.draw(st.lists(st.sampled_from(["03", "04", "05", "06"]), min_size=1, unique=True))
    files: Files = {
        f"2026-{month}/Leads.csv": (data.draw(st.frozensets(st.integers(1, 8))), f"v{month}")
        for month in months
    }
    choices = st.sampled_from(["", "", "accept", "reject"])
    decisions = {path: choice for path in files if (choice := data.draw(choices))}
    order = data.draw(st.permutations(sorted(files)))
    rebuilt = data.draw(st.sets(st.sampled_from(order)))
    folder = tmp_path_factory.mktemp("snapshots")
    together, apart = Site(folder / "together", SNAPSHOTS), Site(folder / "apart", SNAPSHOTS)
    for path, (keys, name) in files.items():
        together.put(path, LEAD_HEADER + rows(sorted(keys), name).removeprefix(LEAD_HEADER) + _mark(name))
    together.collect()
    for path in order:
        if path in rebuilt:
            shutil.rmtree(apart.root / "work", ignore_errors=True)
        apart.put(path, (together.root / "extracts" / "crm" / path).read_text())
        apart.collect()
    for where in (together, apart):
        for path, choice in decisions.items():
            decide(load_company(where.root), delivery_of(where, path), choice, "Ann", "why", DAY)
        assert where.collect().imbalances == ()
        marked = {path: (keys | {int(name[1:]) + 100}, name) for path, (keys, name) in files.items()}
        names, fates, _ = expected(marked, decisions, expected(marked, {})[2])
        assert kept(where) == names and states(where) == fates
    assert together.state() == apart.state()


def _mark(name: str) -> str:
    """One record of its own, so that no two files have the same bytes."""
    key = int(name[1:]) + 100
    return f"{key},k{key}@x.fr,Open,2026-06-01 10:00:00,{name}\n"


def test_nothing_of_a_company_without_snapshots_changes(site: Callable[..., Site], tmp_path: Path) -> None:
    where = site()
    where.put("2026-04/Leads.csv", rows([1]))
    where.collect()
    assert where.rows("SELECT count(*) FROM collect.snapshots") == [(0,)]
