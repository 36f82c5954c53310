"""24 monthly cycles over 10,000 records that arrive, vanish, come back, merge, split, move and are unmerged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from orchestration.matching.golden_ids import REGISTRY_SCHEMA, Assigned, assign_golden_ids
from orchestration.matching.member_history import HISTORY_SCHEMA

N_MONTHS, N_FIRST, N_ARRIVALS = 24, 10_000, 150


@dataclass
class Month:
    """What matching would say. touched: kind of event -> records of the clusters it concerned."""

    cycle: str
    records: np.ndarray  # numbers of the records present
    labels: np.ndarray  # their clusters
    returned: set[int]
    must: list[tuple[int, int]]  # pairs that stewards joined, in force
    cannot: list[tuple[int, int]]  # pairs that stewards put apart, in force
    touched: dict[str, set[int]] = field(
        default_factory=lambda: {"merge": set(), "part": set(), "undo": set()}
    )


def months() -> Iterator[Month]:
    """The planted two years: 5 merges, 2 splits, 2 moves and 2 unmerges a month."""
    rng = np.random.default_rng(24)
    total = N_FIRST + N_MONTHS * N_ARRIVALS
    cluster = np.full(total, -1)
    cluster[:N_FIRST] = rng.integers(0, 8_000, N_FIRST)
    present = np.arange(total) < N_FIRST
    fresh = iter(range(8_000, 10**6))
    undoable: list[tuple[np.ndarray, int, tuple[int, int]]] = []
    must: list[tuple[int, int]] = []
    cannot: list[tuple[int, int]] = []
    n_known = N_FIRST
    for number in range(N_MONTHS):
        month = Month(f"{2026 + number // 12}-{number % 12 + 1:02d}", *([np.empty(0)] * 2), set(), [], [])
        if number:
            known = np.arange(n_known)
            gone = known[~present[:n_known]]
            back = gone[rng.random(gone.size) < 0.3]
            present[rng.choice(known[present[:n_known]], 50, replace=False)] = False
            present[back] = True
            month.returned = set(back.tolist())
            for _ in range(5):
                into, joined = rng.choice(np.unique(cluster[:n_known][present[:n_known]]), 2, replace=False)
                of_into, of_joined = (np.flatnonzero(cluster == name) for name in (into, joined))
                pair = (_first_present(of_into, present), _first_present(of_joined, present))
                month.touched["merge"] |= {*of_into.tolist(), *of_joined.tolist()}
                cluster[of_joined] = into
                must.append(pair)
                undoable.append((of_joined, int(joined), pair))
            for _ in range(2):
                several = [name for name in rng.choice(cluster[:n_known], 60) if (cluster == name).sum() > 1]
                left = np.flatnonzero(cluster == several[0])
                month.touched["part"] |= set(left.tolist())
                _release(left[0], must, undoable)
                cluster[left[0]] = next(fresh)
            for _ in range(2):
                moved, target = rng.choice(n_known, 2, replace=False)
                month.touched["part"] |= set(np.flatnonzero(cluster == cluster[moved]).tolist())
                month.touched["part"] |= set(np.flatnonzero(cluster == cluster[target]).tolist())
                _release(moved, must, undoable)
                cluster[moved] = cluster[target]
            if number > 3:
                for _ in range(2):
                    joined, name, pair = undoable.pop(int(rng.integers(len(undoable))))
                    month.touched["undo"] |= set(np.flatnonzero(cluster == cluster[joined[0]]).tolist())
                    cluster[joined] = name
                    must.remove(pair)
                    cannot.append(pair)
            new = np.arange(n_known, n_known + N_ARRIVALS)
            cluster[new] = np.where(
                rng.random(N_ARRIVALS) < 0.6,
                cluster[rng.integers(0, n_known, N_ARRIVALS)],
                next(fresh) + new * 10**6,
            )
            present[new] = True
            n_known += N_ARRIVALS
        month.records = np.flatnonzero(present)
        month.labels = cluster[month.records]
        month.touched["return"] = set(
            month.records[np.isin(month.labels, cluster[list(month.returned)])].tolist()
        )
        of = cluster.tolist()
        cannot = [pair for pair in cannot if of[pair[0]] != of[pair[1]]]  # a later merge overruled it
        month.must = [pair for pair in must if present[list(pair)].all()]
        month.cannot = [pair for pair in cannot if present[list(pair)].all()]
        yield month


def _first_present(records: np.ndarray, present: np.ndarray) -> int:
    return int(records[present[records]][0])


def _release(record: int, must: list, undoable: list) -> None:
    """A record that leaves its cluster is bound no more."""
    must[:] = [pair for pair in must if record not in pair]
    undoable[:] = [item for item in undoable if record not in item[0] and item[2] in must]


@pytest.fixture(scope="module")
def planned() -> list[Month]:
    return list(months())


def keys_of(records: np.ndarray) -> pa.Array:
    return pa.array(
        np.char.add("crm/crm_lead/", np.char.zfill(records.astype(str), 6)).astype(object), pa.string()
    )


def run(month: Month, registry: pa.Table, history: pa.Table, order: np.ndarray | None = None) -> Assigned:
    order = np.arange(month.records.size) if order is None else order
    seen = (np.datetime64("2020-01-01") + month.records[order] % 2_000).astype("datetime64[D]")
    table = pa.table(
        {"record_key": keys_of(month.records[order]), "label": month.labels[order], "first_seen_on": pa.array(seen)}
    )  # fmt: skip
    return assign_golden_ids(table, registry, history, "person", month.cycle)


@pytest.fixture(scope="module")
def replayed(planned: list[Month]) -> list[Assigned]:
    found = []
    registry, history = REGISTRY_SCHEMA.empty_table(), HISTORY_SCHEMA.empty_table()
    for month in planned:
        found.append(run(month, registry, history))
        registry, history = found[-1].registry, found[-1].history
    return found


def codes(table: pa.Table, column: str = "golden_id") -> np.ndarray:
    return table[column].combine_chunks().dictionary_encode().indices.to_numpy()


def numbers(table: pa.Table) -> np.ndarray:
    return np.array([int(key[-6:]) for key in table["record_key"].to_pylist()], dtype=int)


def test_every_cluster_has_one_id_and_no_constraint_is_violated(planned, replayed) -> None:
    n_must = n_cannot = 0
    for month, found in zip(planned, replayed, strict=True):
        assert numbers(found.members).tolist() == month.records.tolist()
        ids, labels = codes(found.members), np.unique(month.labels, return_inverse=True)[1]
        pairs = np.unique(np.stack([ids, labels]), axis=1).shape[1]
        assert pairs == np.unique(ids).size == np.unique(labels).size
        id_of = dict(zip(month.records.tolist(), ids.tolist(), strict=True))
        assert all(id_of[left] == id_of[right] for left, right in month.must)
        assert all(id_of[left] != id_of[right] for left, right in month.cannot)
        n_must, n_cannot = n_must + len(month.must), n_cannot + len(month.cannot)
    assert n_must > 500 and n_cannot > 200


def test_at_most_three_ids_in_a_thousand_change_in_a_month_and_each_for_a_planted_reason(
    planned, replayed
) -> None:
    previous: dict[int, str] = {}
    seen_causes: set[str] = set()
    for month, found in zip(planned, replayed, strict=True):
        now = dict(zip(month.records.tolist(), found.members["golden_id"].to_pylist(), strict=True))
        changed = {
            record for record, golden_id in now.items() if previous.get(record, golden_id) != golden_id
        }
        assert len(changed) <= 0.003 * month.records.size
        causes = dict(zip(numbers(found.changes).tolist(), found.changes["cause"].to_pylist(), strict=True))
        first = {record for record, cause in causes.items() if cause == "first_seen"}
        assert first == now.keys() - previous.keys(), "a record is seen first once"
        assert causes.keys() - first == changed, "every change is explained and nothing else is"
        back = {previous[record] for record in month.returned}  # what they held is asked for again
        month.touched["return"] |= {record for record in now if previous.get(record) in back}
        events = set().union(*month.touched.values())
        assert changed <= events
        for record in changed - month.touched["return"]:
            cause = causes[record]
            if cause == "merge":
                assert record in month.touched["merge"] | month.touched["part"]
            elif cause in ("unmerge", "restored"):
                assert record in month.touched["undo"] | month.touched["part"]
            else:
                assert record in month.touched["part"] | month.touched["undo"], cause
        seen_causes |= set(causes.values())
        previous |= now
    assert seen_causes >= {"first_seen", "merge", "split", "unmerge", "moved"}


def test_the_registry_only_grows_and_a_retired_id_leads_to_a_live_one(planned, replayed) -> None:
    rows: dict[str, dict] = {}
    for month, found in zip(planned, replayed, strict=True):
        now = {row["golden_id"]: row for row in found.registry.to_pylist()}
        assert rows.keys() <= now.keys() and len(now) == found.registry.num_rows
        for golden_id, row in now.items():
            before = rows.get(
                golden_id, {"anchor_record_key": row["anchor_record_key"], "minted_in_cycle": month.cycle}
            )
            assert row["anchor_record_key"] == before["anchor_record_key"]
            assert row["minted_in_cycle"] == before["minted_in_cycle"]
            assert (row["status"] == "retired") == (row["merged_into"] is not None)
            assert (row["status"] == "retired") == (row["retired_in_cycle"] is not None)
        for row in (row for row in now.values() if row["merged_into"]):
            steps = 0
            while row["merged_into"]:
                row, steps = now[row["merged_into"]], steps + 1
                assert steps < 24
        held = set(found.members["golden_id"].to_pylist())
        assert all(now[golden_id]["status"] == "active" for golden_id in held)
        rows = now


def test_the_history_is_the_sequence_of_the_months(planned, replayed) -> None:
    """Recomputed month by month from the members alone."""
    days = [np.datetime64(month.cycle, "M") + 1 for month in planned]
    expected: set[tuple] = set()
    begun: dict[int, tuple[str, np.datetime64]] = {}
    for month, found, day in zip(planned, replayed, days, strict=True):
        now = dict(zip(month.records.tolist(), found.members["golden_id"].to_pylist(), strict=True))
        for record, (golden_id, since) in list(begun.items()):
            if now.get(record) != golden_id:
                expected.add((record, golden_id, str(since), str(day)))
                del begun[record]
        begun |= {record: (golden_id, day) for record, golden_id in now.items() if record not in begun}
    expected |= {(record, golden_id, str(since), None) for record, (golden_id, since) in begun.items()}
    history = replayed[-1].history
    found = zip(
        numbers(history).tolist(), history["golden_id"].to_pylist(),
        pc.strftime(history["valid_from"], "%Y-%m").to_pylist(), pc.strftime(history["valid_to"], "%Y-%m").to_pylist(),
        strict=True,
    )  # fmt: skip
    assert set(found) == expected and history.num_rows == len(expected)


def test_months_run_again_in_another_order_of_rows_end_the_same(planned, replayed) -> None:
    rng = np.random.default_rng(1)
    registry, history = REGISTRY_SCHEMA.empty_table(), HISTORY_SCHEMA.empty_table()
    for number, month in enumerate(planned):
        for _ in range(2 if number % 4 == 3 else 1):
            found = run(month, registry, history, rng.permutation(month.records.size))
            registry, history = found.registry, found.history
        assert found.members.equals(replayed[number].members)
        assert found.changes.equals(replayed[number].changes)
    assert registry.equals(replayed[-1].registry) and history.equals(replayed[-1].history)


def test_past_months_are_answered_as_they_were(planned, replayed) -> None:
    last = replayed[-1]
    for number in (0, 7, 15, 22):
        again = run(planned[number], last.registry, last.history)
        assert again.members.equals(replayed[number].members)
        columns = ["record_key", "previous_id", "golden_id"]
        assert again.changes.select(columns).equals(replayed[number].changes.select(columns))
        columns = ["record_key", "golden_id", "valid_from", "valid_to"]
        assert again.history.select(columns).equals(replayed[number].history.select(columns))
