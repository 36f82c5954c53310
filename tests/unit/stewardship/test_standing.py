"""Which decisions a run obeys, and what it tells matching and dbt."""

from __future__ import annotations

import datetime as dt
import random
import time
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from planted_decisions import AS_OF, key, pair, write_exchange

from orchestration.stewardship.content import content_hashes, read_records
from orchestration.stewardship.decisions import Decision, item_id
from orchestration.stewardship.files import append_decisions
from orchestration.stewardship.preparing import of_the_cycle, prepare
from orchestration.stewardship.standing import Standing, decision_tables, stand
from orchestration.stewardship.tables import SCHEMAS, decisions_in_force

HERE = {"account": {key(name): f"{i:012x}" for i, name in enumerate("abcdefgh")}, "person": {}, "": {}}


def _standing(*decisions: Decision, as_of: dt.date = AS_OF) -> Standing:
    return stand(decisions, HERE, as_of)


def _undo(name: str, of: str) -> Decision:
    return pair(name, "undo", "a", "a", entity="", record_keys=(), content_hashes=(), undone_id=of)


def _unmerge(name: str, parts: str, keys: str) -> Decision:
    unseen = ("",) * len(keys)
    record_keys = tuple(map(key, keys))
    return pair(name, "unmerge", "a", "b", record_keys=record_keys, content_hashes=unseen, parts=tuple(parts))


def test_a_decision_has_the_status_that_time_and_records_give_it() -> None:
    seen = (HERE["account"][key("a")], HERE["account"][key("b")])
    standing = _standing(
        pair("active", "same", "a", "b", content_hashes=seen),
        pair("unseen", "same", "a", "b"),
        pair("changed", "same", "a", "b", content_hashes=(seen[0], "f" * 12)),
        pair("gone", "same", "a", "zz"),
        pair("last_day", "different", "c", "d", expires_on=AS_OF - dt.timedelta(days=1)),
        pair("past", "different", "c", "d", expires_on=AS_OF - dt.timedelta(days=2)),
        pair("undone", "different", "a", "b"),
        _unmerge("two_parts_left", "112", ("e", "f", "g")),
        _unmerge("one_part_left", "112", ("e", "f", "zz")),
        _undo("u", "undone"),
    )
    assert standing.statuses == {
        "active": "active", "unseen": "active", "changed": "to_confirm", "gone": "orphaned", "last_day": "active",
        "past": "expired", "undone": "undone", "two_parts_left": "active", "one_part_left": "orphaned",
    }  # fmt: skip
    assert not standing.contradictions
    obeyed = ["active", "unseen", "changed", "last_day", "two_parts_left"]
    assert [each.decision_id for each in standing.in_force()] == obeyed


def test_what_expires_on_the_last_day_of_a_cycle_is_in_force_in_it_whatever_its_kind() -> None:
    last_day = dt.date(2026, 1, 31)
    decisions = (
        pair("d", "different", "a", "b", expires_on=last_day),
        pair("o", "override", "a", "a", record_keys=(key("a"),), content_hashes=("",), attribute="city",
             value="Lyon", expires_on=last_day),
        pair("l", "group_link", "b", "c", link_kind="legal", expires_on=last_day),
    )  # fmt: skip
    in_january = _standing(*decisions, as_of=dt.date(2026, 2, 1))
    assert in_january.statuses == dict.fromkeys("dol", "active")
    in_february = _standing(*decisions, as_of=dt.date(2026, 3, 1))
    assert in_february.statuses == dict.fromkeys("dol", "expired")


def test_opposite_answers_to_one_pair_are_obeyed_by_nobody() -> None:
    standing = _standing(
        pair("s", "same", "a", "b"), pair("d", "different", "b", "a"), pair("o", "same", "c", "d")
    )
    assert standing.statuses == {"s": "contradicted", "d": "contradicted", "o": "active"}
    (found,) = standing.contradictions
    assert (found.keys, found.decision_ids) == ((key("a"), key("b")), ("d", "s"))


def test_a_contradiction_over_further_records_names_the_decisions_on_the_way_and_no_other() -> None:
    standing = _standing(
        pair("ab", "same", "a", "b"),
        pair("bc", "same", "c", "b"),
        pair("cd", "same", "c", "d"),
        pair("not", "different", "a", "c"),
    )
    assert standing.statuses == {
        "ab": "contradicted",
        "bc": "contradicted",
        "cd": "active",
        "not": "contradicted",
    }


def test_every_way_between_two_records_kept_apart_is_found() -> None:
    standing = _standing(
        pair("ab", "same", "a", "b"), pair("bc", "same", "b", "c"), pair("ad", "same", "a", "d"),
        pair("dc", "same", "d", "c"), pair("not", "different", "a", "c"),
    )  # fmt: skip
    assert set(standing.statuses.values()) == {"contradicted"}


def test_a_decision_about_a_record_that_is_gone_contradicts_nothing() -> None:
    standing = _standing(
        pair("a_", "same", "a", "zz"), pair("_b", "same", "zz", "b"), pair("n", "different", "a", "b")
    )
    assert standing.statuses == {"a_": "orphaned", "_b": "orphaned", "n": "active"}


def test_an_unmerge_fights_with_who_joins_its_parts() -> None:
    unmerge = _unmerge("u", "112", "abc")
    assert _standing(unmerge, pair("s", "same", "b", "c")).statuses == {
        "u": "contradicted",
        "s": "contradicted",
    }
    assert _standing(unmerge, pair("s", "same", "a", "b")).statuses == {"u": "active", "s": "active"}
    assert _standing(unmerge, pair("s", "different", "a", "b")).statuses == {
        "u": "contradicted",
        "s": "contradicted",
    }


def test_two_values_of_one_attribute_and_two_parents_at_one_time_are_contradictions() -> None:
    def override(name: str, value: str, attribute: str = "city") -> Decision:
        return pair(
            name, "override", "a", "a", record_keys=(key("a"),), content_hashes=("",), attribute=attribute, value=value
        )  # fmt: skip

    def link(
        name: str, parent: str, since: dt.date | None, until: dt.date | None, kind: str = "legal"
    ) -> Decision:
        return pair(name, "group_link", "b", parent, link_kind=kind, valid_from=since, valid_to=until)

    change = dt.date(2021, 1, 16)
    standing = _standing(
        override("o1", "Lyon"), override("o2", "Paris"), override("o3", "Tech", "industry"),
        link("l1", "c", None, change), link("l2", "d", change, None), link("l3", "e", None, None, "buying"),
    )  # fmt: skip
    assert [name for name, status in standing.statuses.items() if status == "contradicted"] == ["o1", "o2"]
    late = dt.date(2022, 1, 1)
    standing = _standing(link("l1", "c", None, late), link("l2", "d", change, None))
    assert set(standing.statuses.values()) == {"contradicted"}


def test_what_is_obeyed_never_contradicts_itself_and_does_not_depend_on_the_order() -> None:
    draw = random.Random(7)
    names = "abcdefgh"
    for _ in range(60):
        decisions = [
            pair(f"d{i:02}", draw.choice(["same", "same", "different"]), *draw.sample(names, 2))
            for i in range(9)
        ]
        standing = _standing(*decisions)
        group = {name: {name} for name in names}
        for each in standing.in_force():
            if each.kind == "same":
                left, right = (each_key[-1] for each_key in each.record_keys)
                joined = group[left] | group[right]
                for name in joined:
                    group[name] = joined
        for each in standing.in_force():
            if each.kind == "different":
                left, right = (each_key[-1] for each_key in each.record_keys)
                assert right not in group[left]
        shuffled = draw.sample(decisions, len(decisions))
        assert _standing(*shuffled).statuses == standing.statuses
        # Each contradicted decision is part of a fight: without the others named with it, it can be obeyed.
        for found in standing.contradictions:
            assert len(found.decision_ids) > 1


def test_the_tables_hold_what_is_in_force(company: Path) -> None:
    work, folder = company / "work", company / "stewardship"
    write_exchange(work, dict.fromkeys("abcdefgh", "Firm"), {"p": "p@x.fr", "q": "q@x.fr"})
    append_decisions(folder, [
        pair("s", "same", "b", "a"), pair("d", "different", "c", "d"),
        pair("k", "cannot_say", "e", "f", item_id="rev_x"),
        _unmerge("u", "1122", "efgh"), pair("gone", "same", "a", "zz"),
        pair("p", "same", "p", "q", entity="person", record_keys=(key("p", "crm_contact"), key("q", "crm_contact"))),
        pair("c1", "same", "c", "g", content_hashes=("f" * 12, "")),
        pair("x1", "same", "b", "e"), pair("x2", "different", "b", "e"),
    ])  # fmt: skip
    standing = prepare(folder, work, AS_OF)
    tables = {name: pq.read_table(work / "stewardship" / f"{name}.parquet") for name in SCHEMAS}
    assert all(tables[name].schema == schema for name, schema in SCHEMAS.items())
    pairs = {
        (row["decision_id"], row["kind"], row["left_record_key"][-1], row["right_record_key"][-1])
        for row in tables["constraints"].to_pylist()
    }
    parts = {("u", "part", name, head) for name, head in zip("efgh", "eegg", strict=True)}
    assert pairs == {("s", "must", "a", "b"), ("d", "cannot", "c", "d"),
                     ("u", "must", "e", "f"), ("u", "must", "g", "h"),
                     ("p", "must", "p", "q"), ("c1", "must", "c", "g"), *parts}  # fmt: skip
    assert tables["decisions"].num_rows == 9
    assert {(row["kind"], row["decision_ids"]) for row in tables["review_items"].to_pylist()} == {
        ("to_confirm", "c1"), ("contradiction", "x1,x2"),
    }  # fmt: skip
    assert tables["postponements"]["item_id"].to_pylist() == ["rev_x"]
    assert decisions_in_force(work / "stewardship") == sorted(
        each.decision_id for each in standing.in_force()
    )
    assert standing.statuses["gone"] == "orphaned"


def test_ten_thousand_records_each_alone_are_as_many_rows_and_stay_apart() -> None:
    keys = tuple(f"crm/crm_account/{number:05}" for number in range(10_000))
    hashes = {"account": dict.fromkeys(keys, "0" * 12), "person": {}, "": {}}
    unmerge = pair("u", "unmerge", "a", "b", record_keys=keys, content_hashes=("1" * 12,) * len(keys),
                   parts=tuple(map(str, range(len(keys)))))  # fmt: skip
    joins = [
        pair(f"s{number}", "same", "a", "b", record_keys=(one, other))
        for number, (one, other) in enumerate([(keys[7], keys[9]), (keys[20], "crm/crm_account/x")])
    ]
    hashes["account"]["crm/crm_account/x"] = "0" * 12
    began = time.process_time()
    tables = decision_tables(stand([unmerge, joins[1]], hashes, AS_OF))
    assert time.process_time() - began < 2
    rows = tables["constraints"].to_pylist()
    assert [row["left_record_key"] for row in rows if row["kind"] == "part"] == list(keys)
    assert all(row["left_record_key"] == row["right_record_key"] for row in rows if row["kind"] == "part")
    (asked,) = tables["review_items"].to_pylist()
    assert (asked["kind"], asked["left_record_key"], asked["right_record_key"]) == ("to_confirm", *keys[:2])
    standing = stand([unmerge, *joins], hashes, AS_OF)
    assert standing.statuses == {"u": "contradicted", "s0": "contradicted", "s1": "active"}
    (fight,) = standing.contradictions
    assert (fight.keys, fight.decision_ids) == ((keys[7], keys[9]), ("s0", "u"))


@pytest.mark.audit("EX11", "MD7")
def test_a_cycle_run_again_knows_no_link_that_begins_after_it_and_every_correction() -> None:
    """AS_OF ends the cycle. A decision on records corrects it whenever it is taken; a later link is no fact of it."""
    late = dt.datetime.combine(AS_OF, dt.time(9)) + dt.timedelta(days=3)

    def link(name: str, begins: dt.date | None, decided_at: dt.datetime) -> Decision:
        made = pair(name, "group_link", "a", "b", link_kind="legal", valid_from=begins)
        return replace(made, decided_at=decided_at)

    before = link("before", AS_OF - dt.timedelta(days=1), late)
    ever = link("ever", None, late)
    planned = link("planned", AS_OF + dt.timedelta(days=40), late - dt.timedelta(days=30))
    later = link("later", AS_OF, late)
    same = replace(pair("same", "same", "c", "d"), decided_at=late)
    undo = replace(_undo("undo", "later"), decided_at=late)
    assert of_the_cycle((before, ever, planned, later, same, undo), AS_OF) == (before, ever, planned, same)
    following = AS_OF + dt.timedelta(days=31)
    assert of_the_cycle((later, undo), following) == (later, undo)


def test_without_decisions_every_table_is_there_and_empty(company: Path) -> None:
    prepare(company / "stewardship", company / "work", AS_OF)
    for name, schema in SCHEMAS.items():
        table = pq.read_table(company / "work" / "stewardship" / f"{name}.parquet")
        assert table.num_rows == 0 and table.schema == schema
    assert decisions_in_force(company / "work" / "stewardship") == []


def test_a_hash_follows_what_speaks_of_identity_and_nothing_else(company: Path) -> None:
    work = company / "work"
    write_exchange(work, {"a": "Firm", "b": "Firm", "c": "Other"})
    before = content_hashes(work, "account", [key("a"), key("b"), key("c"), key("zz")])
    assert len(before) == 3 and before[key("a")] == before[key("b")] != before[key("c")]
    path = work / "exchange" / "int_account_records.parquet"
    table = pq.read_table(path)
    again = pa.array(["x"] * 3)
    changed = table.set_column(table.schema.get_field_index("_delivery_id"), "_delivery_id", again)
    pq.write_table(
        changed.append_column("phone", pa.nulls(3, pa.string())).append_column("score", again), path
    )
    assert content_hashes(work, "account", before) == before
    write_exchange(work, {"a": "Firm SA", "b": "Firm", "c": "Other"})
    after = content_hashes(work, "account", before)
    assert [name for name in before if before[name] != after[name]] == [key("a")]
    shown = read_records(work, "account", [key("a")])[key("a")]
    assert (shown.content_hash, shown.values["name"]) == (after[key("a")], "Firm SA")


def test_a_change_asks_for_confirmation_and_a_return_revives(company: Path) -> None:
    work, folder = company / "work", company / "stewardship"
    write_exchange(work, {"a": "Firm", "b": "Firm"})
    seen = content_hashes(work, "account", [key("a"), key("b")])
    append_decisions(folder, [pair("s", "same", "a", "b", content_hashes=(seen[key("a")], seen[key("b")]))])
    months = [
        {"a": "Firm", "b": "Firm"},
        {"a": "Firm", "b": "Firm Ltd"},
        {"a": "Firm"},
        {"a": "Firm", "b": "Firm"},
    ]
    found = []
    for records in months:
        write_exchange(work, records)
        found.append(prepare(folder, work, AS_OF).statuses["s"])
    assert found == ["active", "to_confirm", "orphaned", "active"]
    assert replace(pair("s", "same", "a", "b")).pair == (key("a"), key("b"))
    assert item_id("account", "pair", "b", "a") == item_id("account", "pair", "a", "b")
