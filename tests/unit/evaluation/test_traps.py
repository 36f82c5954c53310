"""What is said about planted traps, on members and questions written by hand."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.evaluation.company import TrapOutcome, evaluate_traps, traps_json


def _write(path: Path, **columns: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def test_a_truth_without_traps_says_nothing(tmp_path: Path) -> None:
    assert evaluate_traps(tmp_path, tmp_path / "work") == []


def test_merged_and_asked_traps_are_counted_by_kind(tmp_path: Path) -> None:
    # t1 merges two of three, t2 is asked about, t3 shares an id across traps only, t4 has a record without an id.
    _write(
        tmp_path / "truth" / "traps.parquet",
        trap_id=["t1", "t1", "t1", "t2", "t2", "t3", "t3", "t4", "t4", "t5", "t5"],
        kind=["shared"] * 5 + ["alike"] * 4 + ["firms"] * 2,
        entity=["person"] * 9 + ["account"] * 2,
        record_key=["a", "b", "c", "d", "e", "f", "g", "h", "i", "k", "l"],
    )
    matching = tmp_path / "work" / "matching"
    _write(
        matching / "person_members.parquet",
        record_key=["a", "b", "c", "d", "e", "f", "g", "h", "k", "l"],
        person_id=["1", "2", "1", "3", "4", "5", "6", "5", "9", "9"],
    )
    _write(matching / "account_members.parquet", record_key=["k", "l"], account_id=["7", "8"])
    _write(
        matching / "review_items.parquet",
        entity=["person", "person", "person"],
        left_record_key=["d", "f", "k"],
        right_record_key=["e", "h", "l"],
    )
    outcomes = evaluate_traps(tmp_path, tmp_path / "work")
    assert outcomes == [
        TrapOutcome("account", "firms", planted=1, merged=0, in_review=0),
        TrapOutcome("person", "alike", planted=2, merged=0, in_review=0),
        TrapOutcome("person", "shared", planted=2, merged=1, in_review=1),
    ]
    told = traps_json(outcomes)
    assert (told["planted"], told["merged"], told["in_review"]) == (5, 1, 1)
    assert told["by_kind"][2] == {
        "entity": "person",
        "kind": "shared",
        "planted": 2,
        "merged": 1,
        "in_review": 1,
    }
