"""Damaged extracts at scale: nothing undamaged is lost, nothing is invented, every identity holds on recount.

The fast tier lands new seeds of every kind and shape; the nightly one lands all files of docs/faults.md again.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.faults.damage import figures
from tests.faults.damage.harness import Case, Outcome, cases, run_batch
from tests.faults.damage.kinds import ELEVEN, FURTHER, KINDS, TWELFTH, Damaged
from tests.faults.damage.streams import STREAMS, Stream

PUBLISHED = figures.DOCS / "faults.json"


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_no_row_that_damage_did_not_touch_is_lost_altered_or_invented(tmp_path: Path, stream: Stream) -> None:
    seeds = range(90_000, 90_002)
    made = [case for kind in KINDS if kind != "huge_field" for case in cases(stream, kind, seeds)]
    outcome = run_batch(tmp_path, stream, made)
    assert outcome.faults == []
    assert figures.is_sound(outcome)
    assert outcome.files == len(made) == 30
    assert outcome.refused == 4  # the files that end early


def test_the_truth_of_a_sound_file_is_what_lands(tmp_path: Path) -> None:
    for stream in STREAMS:
        generator = random.Random(stream.name)
        rows = stream.rows(generator, 50, "sound")
        content = stream.head + b"".join(row.raw + stream.end for row in rows)
        case = Case("sound", rows, Damaged(tuple(range(50)), frozenset()), content)
        outcome = run_batch(tmp_path / stream.name, stream, [case])
        assert outcome.faults == [] and outcome.untouched == 50 and outcome.quarantined_lines == 0


def test_the_count_sees_what_is_lost_altered_and_out_of_balance(tmp_path: Path) -> None:
    stream = STREAMS[0]
    (case,) = cases(stream, "blank_line", range(1))
    other = case.rows[3].raw.replace(b"ACME", b"ECMA").replace(b"example", b"elpmaxe")
    content = case.content.replace(case.rows[3].raw, other).replace(case.rows[5].raw + stream.end, b"")
    spoilt = Case(case.name, case.rows, case.damaged, content)
    outcome = run_batch(tmp_path, stream, [spoilt])
    assert outcome.altered and outcome.lost and outcome.imbalances


def test_the_same_seed_gives_the_same_bytes_and_damage_touches_what_it_says() -> None:
    for stream in STREAMS:
        for kind in KINDS:
            first, again = (cases(stream, kind, range(7, 8))[0] for _ in range(2))
            assert first.content == again.content
            n_touched = len(first.damaged.touched)
            if kind in {k.__name__ for k in ELEVEN}:
                assert n_touched <= 1
            elif kind == TWELFTH.__name__:
                assert n_touched == 2
            untouched = [row.raw for i, row in enumerate(first.rows) if i not in first.damaged.touched]
            assert all(raw in first.content for raw in untouched)


def test_the_published_figures_hold_what_the_page_says() -> None:
    told = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    assert PUBLISHED.with_suffix(".md").read_text(encoding="utf-8") == figures.page(told)
    assert set(told["kinds"]) == set(KINDS)
    twelve = [kind for name, kind in told["kinds"].items() if name not in {k.__name__ for k in FURTHER}]
    assert sum(kind["files"] for kind in twelve) >= 10_000
    for kind in told["kinds"].values():
        assert kind["lost"] == kind["altered"] == kind["invented"] == kind["imbalances"] == 0


@pytest.mark.nightly
def test_landing_all_damaged_files_again_gives_the_published_figures(tmp_path: Path) -> None:
    told = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    outcomes = [figures.batch(job) for job in figures.jobs(told["seeds"], told["further_seeds"])]
    by_kind, by_stream = figures.summed(outcomes)
    again = figures.result(by_kind, by_stream, told["seeds"], told["further_seeds"])
    assert all(figures.is_sound(outcome) for outcome in (*by_kind.values(), Outcome()))
    assert {**again, "versions": {}} == {**told, "versions": {}}
