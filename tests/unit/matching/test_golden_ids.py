"""Golden ids over many runs: round trips of merges, reruns, crashes, past cycles; all on planted partitions."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter, defaultdict
from collections.abc import Mapping

import pyarrow as pa
import pytest

from orchestration.matching.golden_ids import REGISTRY_SCHEMA, Assigned, assign_golden_ids
from orchestration.matching.member_history import HISTORY_SCHEMA

SEEN = dt.date(2024, 1, 1)
CLUSTERS = pa.schema([("record_key", pa.string()), ("label", pa.int64()), ("first_seen_on", pa.date32())])


def cycle_of(number: int) -> str:
    return f"{2026 + number // 12}-{number % 12 + 1:02d}"


def day_after(cycle: str) -> dt.date:
    year, month = map(int, cycle.split("-"))
    return dt.date(year + month // 12, month % 12 + 1, 1)


class Book:
    """A registry that runs one cycle after the other. clusters: record -> any name of its cluster."""

    def __init__(self) -> None:
        self.registry = REGISTRY_SCHEMA.empty_table()
        self.history = HISTORY_SCHEMA.empty_table()

    def assign(
        self, clusters: Mapping[str, object], cycle: str, ages: Mapping[str, int] | None = None
    ) -> Assigned:
        names = {name: number for number, name in enumerate(sorted(set(clusters.values()), key=str))}
        rows = [
            {"record_key": key, "label": names[name], "first_seen_on": SEEN - dt.timedelta((ages or {}).get(key, 0))}
            for key, name in clusters.items()
        ]  # fmt: skip
        random.Random(len(rows)).shuffle(rows)
        table = pa.Table.from_pylist(rows, schema=CLUSTERS)
        return assign_golden_ids(table, self.registry, self.history, "person", cycle)

    def run(
        self, clusters: Mapping[str, object], cycle: str, ages: Mapping[str, int] | None = None
    ) -> dict[str, str]:
        """Assign and promote; returns record -> golden id. Every cluster has one id and every id one cluster."""
        found = self.assign(clusters, cycle, ages)
        self.registry, self.history = found.registry, found.history
        ids = dict(zip(*found.members.to_pydict().values(), strict=True))
        assert ids.keys() == clusters.keys()
        assert len({(ids[key], name) for key, name in clusters.items()}) == len(set(ids.values()))
        assert len(set(ids.values())) == len(set(clusters.values()))
        rows = {row["golden_id"]: row for row in found.registry.to_pylist()}
        assert all(rows[golden_id]["status"] == "active" for golden_id in ids.values())
        return ids

    def rows(self) -> dict[str, dict]:
        """golden id -> its row, without the reason: a restored id says `unmerge` for good."""
        return {
            row.pop("golden_id"): {name: row[name] for name in row if name != "reason"}
            for row in self.registry.to_pylist()
        }

    def reasons(self) -> dict[str, str]:
        return dict(zip(*self.registry.select(["golden_id", "reason"]).to_pydict().values(), strict=True))

    def current_id(self, golden_id: str) -> str:
        rows = self.rows()
        while rows[golden_id]["merged_into"]:
            golden_id = rows[golden_id]["merged_into"]
        return golden_id


def test_an_unmerge_restores_the_retired_id_and_the_survivor_keeps_its_own() -> None:
    book = Book()
    apart = {"a1": "A", "a2": "A", "c1": "C"}
    before = book.run(apart, "2026-01", ages={"c1": 1})
    rows = book.rows()
    together = book.run(dict.fromkeys(apart, "C"), "2026-02")
    retired = book.rows()[before["c1"]]
    assert set(together.values()) == {before["a1"]}
    assert (retired["status"], retired["merged_into"], retired["retired_in_cycle"]) == (
        "retired", before["a1"], "2026-02"
    )  # fmt: skip
    assert book.run(apart, "2026-03") == before
    assert book.rows() == rows and book.reasons()[before["c1"]] == "unmerge"


def test_an_unmerge_of_the_larger_part_leaves_the_survivor_its_id() -> None:
    """Votes for the id held last would give the survivor's id to the part that joined it."""
    book = Book()
    before = book.run({"c1": "C"}, "2026-01")
    before |= book.run({"c1": "C"} | {f"a{n}": "A" for n in range(9)}, "2026-02")
    joined = dict.fromkeys([*before, "n1", "n2"], "C")
    assert set(book.run(joined, "2026-03", ages={"n1": 5000, "n2": 5000}).values()) == {before["c1"]}
    apart = {key: "C" if key == "c1" else "A" for key in joined}
    after = book.run(apart, "2026-04", ages={"n1": 5000, "n2": 5000})
    assert {key: after[key] for key in before} == before
    assert after["n1"] == after["n2"] == before["a0"], "what came after the merge follows its part"


def test_a_chain_is_undone_one_merge_at_a_time() -> None:
    book = Book()
    ages = {"c": 9000, "b": 20, "a": 10}
    first = book.run({"a": 1, "b": 2, "c": 3}, "2026-01", ages)
    book.run({"a": 2, "b": 2, "c": 3}, "2026-02", ages)
    middle = book.rows()
    assert set(book.run(dict.fromkeys("abc", 3), "2026-03", ages).values()) == {first["c"]}
    assert book.current_id(first["a"]) == book.current_id(first["b"]) == first["c"]
    restored = book.run({"a": 2, "b": 2, "c": 3}, "2026-04", ages)
    assert restored == {"a": first["b"], "b": first["b"], "c": first["c"]}
    assert book.rows() == middle, "a still points to b"
    assert book.run({"a": 1, "b": 2, "c": 3}, "2026-05", ages) == first


def test_an_id_below_a_restored_one_points_to_where_its_records_are() -> None:
    """a -> b -> c; b leaves alone, the records of a stay with c."""
    book = Book()
    ages = {"c": 9000, "b": 20, "a": 10}
    first = book.run({"a": 1, "b": 2, "c": 3}, "2026-01", ages)
    book.run({"a": 2, "b": 2, "c": 3}, "2026-02", ages)
    book.run(dict.fromkeys("abc", 3), "2026-03", ages)
    ids = book.run({"a": 3, "b": 2, "c": 3}, "2026-04", ages)
    assert ids == {"a": first["c"], "b": first["b"], "c": first["c"]}
    assert book.current_id(first["a"]) == first["c"]


@pytest.mark.audit("MD6")
@pytest.mark.parametrize("is_monthly", [True, False], ids=["a run a month", "runs of one month"])
def test_two_hundred_round_trips_of_merges_are_exact(is_monthly: bool) -> None:
    """200 companies of one registry, each merged one to four times, with records that arrive, vanish and come back;
    then undone merge by merge. Each step back must give the members and the registry rows of that step."""
    rng = random.Random(20261122)
    book, number = Book(), 1
    ages: dict[str, int] = defaultdict(lambda: rng.randrange(900))
    clusters: dict[str, object] = {}
    for trip in range(200):
        size = rng.randrange(4, 20)
        clusters |= {f"{trip:03d}-{n:02d}": (trip, rng.randrange(1 + size // 2)) for n in range(size)}

    def run(now: Mapping[str, object], sides: Mapping[str, object]) -> dict[str, str]:
        nonlocal number
        number += is_monthly
        book.run(_without_some(now, sides, rng), cycle_of(number), ages)
        number += is_monthly
        return book.run(now, cycle_of(number), ages)

    states = [(clusters, book.run(clusters, cycle_of(0), ages), book.rows())]
    for level in range(4):
        into: dict[object, object] = {}
        for trip in range(level * 30, 200):
            names = sorted({name for name in clusters.values() if name[0] == trip})
            chosen = rng.sample(names, min(len(names), rng.choice([2, 2, 3])))
            into |= dict.fromkeys(chosen, chosen[0])
        clusters = {key: into.get(name, name) for key, name in clusters.items()}
        states.append((clusters, run(clusters, states[-1][0]), book.rows()))
    arrived = {f"{key}n": key for key in rng.sample(sorted(clusters), k=300)}
    joined = clusters | {key: clusters[beside] for key, beside in arrived.items()}
    run(joined, clusters)
    assert sum(row["status"] == "retired" for row in book.rows().values()) > 600
    for was, ids, rows in reversed(states[:-1]):
        back = was | {key: was[beside] for key, beside in arrived.items()}
        found = run(back, was)
        assert _differences({key: found[key] for key in was}, ids) == {}
        assert _differences(book.rows(), rows) == {}
        assert all(found[key] == ids[beside] for key, beside in arrived.items())
    assert set(book.reasons().values()) == {"first_seen", "unmerge"}
    _check_history(book, day_after(cycle_of(number)))


def _differences(found: dict, expected: dict) -> dict:
    return {
        key: (found.get(key), expected.get(key))
        for key in found.keys() | expected.keys()
        if found.get(key) != expected.get(key)
    }


def _without_some(clusters: Mapping[str, object], sides: Mapping[str, object], rng: random.Random) -> dict:
    """The clusters without a sixth of the records that `sides` knows; every side of a merge keeps one of them."""
    kept, left = dict(clusters), Counter(sides.values())
    for key in sorted(sides):
        if left[sides[key]] > 1 and rng.random() < 0.16:
            left[sides[key]] -= 1
            del kept[key]
    return kept


def _check_history(book: Book, day: dt.date) -> None:
    periods = defaultdict(list)
    for row in book.history.to_pylist():
        periods[row["record_key"]].append((row["valid_from"], row["valid_to"]))
    for spans in periods.values():
        for (start, end), following in zip(spans, [*spans[1:], None], strict=True):
            assert start <= day and (end is None or start <= end <= day)
            assert following is None or (end is not None and end <= following[0])


def test_a_retired_id_is_never_minted_again() -> None:
    book = Book()
    first = book.run({"a": 1, "c": 2}, "2026-01", {"c": 9})
    book.run({"a": 2, "c": 2}, "2026-02", {"c": 9})
    # the anchor of the retired id is met by a registry that lost the memory of its records
    book.history = HISTORY_SCHEMA.empty_table()
    again = book.run({"a": 1, "c": 2}, "2026-03", {"c": 9})
    assert again["a"] != first["a"] and again["c"] == first["c"]
    assert book.rows()[first["a"]]["status"] == "retired"


def test_a_split_gives_the_id_to_the_part_of_greater_age() -> None:
    book = Book()
    before = book.run(dict.fromkeys(["old", "new1", "new2"], 1), "2026-01")
    after = book.run({"old": 1, "new1": 2, "new2": 2}, "2026-02", {"old": 3000})
    assert after["old"] == before["old"] and after["new1"] == after["new2"] != before["old"]
    assert book.reasons()[after["new1"]] == "split"


def test_of_two_live_ids_the_oldest_stays_and_a_restored_one_never_displaces_a_live_one() -> None:
    book = Book()
    first = book.run({"a": 1, "c": 2}, "2026-01", {"c": 9})
    book.run({"a": 2, "c": 2}, "2026-02", {"c": 9})
    second = book.run({"a": 2, "c": 2, "g1": 3, "g2": 3}, "2026-03", {"c": 9})
    moved = book.run({"a": 3, "c": 2, "g1": 3, "g2": 3}, "2026-04", {"c": 9})
    assert moved == {"a": second["g1"], "c": first["c"], "g1": second["g1"], "g2": second["g1"]}
    assert book.current_id(first["a"]) == second["g1"]


def test_a_record_that_vanished_before_a_merge_comes_back_to_the_survivor() -> None:
    book = Book()
    first = book.run({"a1": 1, "a2": 1, "c": 2}, "2026-01", {"c": 5000})
    book.run({"a1": 1, "c": 2}, "2026-02", {"c": 5000})
    book.run({"a1": 2, "c": 2}, "2026-03", {"c": 5000})
    assert book.run({"a1": 2, "a2": 2, "c": 2}, "2026-04", {"c": 5000})["a2"] == first["c"]
    periods = [row for row in book.history.to_pylist() if row["record_key"] == "a2"]
    assert [(row["golden_id"], row["valid_from"], row["valid_to"]) for row in periods] == [
        (first["a1"], dt.date(2026, 2, 1), dt.date(2026, 3, 1)),
        (first["c"], dt.date(2026, 5, 1), None),
    ]


def test_every_change_of_an_id_has_its_cause() -> None:
    book = Book()
    ages = {"c": 9000, "d": 8000}
    first = book.run({"a": 1, "b": 1, "c": 2, "d": 3, "e": 3}, "2026-01", ages)

    def causes(clusters: dict[str, int], cycle: str) -> dict[str, str]:
        found = book.assign(clusters, cycle, ages)
        book.run(clusters, cycle, ages)
        assert all(row["previous_id"] != row["golden_id"] for row in found.changes.to_pylist())
        again = book.assign(clusters, cycle, ages)
        assert again.changes.equals(found.changes), "against the cycle before, not against the run before"
        return {row["record_key"]: row["cause"] for row in found.changes.to_pylist()}

    merged = {"a": 2, "b": 2, "c": 2, "d": 3, "e": 3}
    assert causes(merged, "2026-02") == {"a": "merge", "b": "merge"}
    assert causes(merged | {"n": 2}, "2026-03") == {"n": "first_seen"}
    undone = {"a": 1, "b": 1, "n": 1, "c": 2, "d": 3, "e": 3}
    assert causes(undone, "2026-04") == {"a": "unmerge", "b": "unmerge", "n": "restored"}
    assert causes(undone | {"e": 4}, "2026-05") == {"e": "split"}
    assert causes(undone | {"e": 2}, "2026-06") == {"e": "merge"}
    assert causes(undone | {"e": 2, "b": 3}, "2026-07") == {"b": "moved"}
    assert book.run(undone | {"e": 2, "b": 3}, "2026-08", ages)["b"] == first["d"]


def test_a_cycle_run_again_replaces_its_own_periods() -> None:
    book = Book()
    book.run({"a": 1, "b": 2}, "2026-01")
    book.run({"a": 1, "b": 2, "n": 3}, "2026-02")
    before = (book.registry, book.history)
    for clusters in ({"a": 1, "b": 1, "n": 1}, {"a": 1, "n": 3}, {"a": 1, "b": 2, "n": 3}):
        book.run(clusters, "2026-02")
        assert book.history.num_rows <= 4, "one row for each record, and one for what changed"
    assert (book.rows(), book.history) == (_rows_of(before[0]), before[1])


def _rows_of(registry: pa.Table) -> dict[str, dict]:
    book = Book()
    book.registry = registry
    return book.rows()


def test_a_past_cycle_is_answered_as_it_was_and_not_recorded() -> None:
    book = Book()
    ages = {"c": 9}
    months = [
        {"a": 1, "c": 2},
        {"a": 1, "c": 2, "x": 4},
        {"a": 2, "c": 2, "x": 4},
        {"a": 2, "c": 2, "n": 2, "x": 4, "y": 4},
    ]
    answers = []
    for number, clusters in enumerate(months):
        book.run(clusters, cycle_of(number), ages)
        answers.append((book.assign(clusters, cycle_of(number), ages), clusters))
    for number, (answer, clusters) in enumerate(answers):
        replayed = book.assign(clusters, cycle_of(number), ages)
        assert replayed.members.equals(answer.members)
        assert replayed.history.drop("home_id").equals(answer.history.drop("home_id"))
        assert replayed.changes.equals(answer.changes)
    # a record that only later cycles knew takes the id that they know it by
    late = book.assign(months[0] | {"y": 4}, cycle_of(0), ages).members.to_pydict()
    assert dict(zip(*late.values(), strict=True))["y"] == book.run(months[3], cycle_of(3), ages)["y"]


@pytest.mark.parametrize("seed", range(12))
def test_a_promotion_cut_after_the_members_ends_with_the_same_ids(seed: int) -> None:
    rng = random.Random(seed)
    book = Book()
    ages = {f"r{n}": rng.randrange(900) for n in range(40)}
    clusters: dict[str, object] = {f"r{n}": n // 2 for n in range(20)}
    for number in range(8):
        clusters |= {key: rng.randrange(12) for key in rng.sample(sorted(clusters), 4)}
        clusters |= {f"r{20 + 2 * number + extra}": rng.randrange(12) for extra in (0, 1)}
        planned = book.assign(clusters, cycle_of(number), ages)
        book.history = planned.history  # the ids were not promoted
        again = book.assign(clusters, cycle_of(number), ages)
        assert again.members.equals(planned.members)
        assert again.registry.equals(planned.registry)
        assert again.history.equals(planned.history)
        book.registry = again.registry


def test_pointers_in_a_circle_end_the_search_and_their_records_are_minted_again() -> None:
    book = Book()
    first = book.run({"a": 1, "c": 2}, "2026-01")
    rows = book.registry.to_pylist()
    for row, other in zip(rows, reversed(rows), strict=True):
        row |= {"status": "retired", "merged_into": other["golden_id"]}
    book.registry = pa.Table.from_pylist(rows, schema=REGISTRY_SCHEMA)
    again = book.run({"a": 1, "c": 2}, "2026-02")
    assert not set(again.values()) & set(first.values())
