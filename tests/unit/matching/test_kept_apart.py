"""Records kept apart as groups with parts: the same as every pair written out, at a cost linear in the records."""

from __future__ import annotations

import itertools
import random
import time
from pathlib import Path

import numpy as np
import pytest

from orchestration.matching.apart import Apart
from orchestration.matching.joining import Constraints, join
from tests.match_bench import Bench, account, decision, person


def _drawn(rng: np.random.Generator, n: int) -> Apart:
    rows = int(rng.integers(0, 12))
    return Apart(*(rng.integers(0, most, rows) for most in (n, 4, 3)))


def _pairs(apart: Apart) -> set[tuple[int, int]]:
    rows = list(zip(apart.node.tolist(), apart.group.tolist(), apart.part.tolist(), strict=True))
    return {
        (min(a, b), max(a, b))
        for (a, group, part), (b, other, far) in itertools.combinations(rows, 2)
        if group == other and part != far and a != b
    }


def test_groups_say_the_same_as_their_pairs() -> None:
    rng = np.random.default_rng(11)
    n_apart = 0
    for _ in range(400):
        n = int(rng.integers(2, 9))
        apart = _drawn(rng, n)
        labels = rng.integers(0, n, n)
        pairs = _pairs(apart)
        near, far = (each.ravel() for each in np.meshgrid(np.arange(n), np.arange(n)))
        said = apart.are_apart(near, far).tolist()
        assert said == [
            (min(a, b), max(a, b)) in pairs for a, b in zip(near.tolist(), far.tolist(), strict=True)
        ]
        n_apart += sum(said)
        within = {(min(a, b), max(a, b)) for a, b in np.stack(apart.pairs_within(labels), axis=1).tolist()}
        assert within == {(a, b) for a, b in pairs if labels[a] == labels[b]}
        clash = {labels[a] for a, b in pairs if labels[a] == labels[b]}
        assert set(labels[apart.node[apart.split_groups(labels)]].tolist()) == clash
        assert _pairs(apart.at(labels)) == {
            (min(a, b), max(a, b)) for a, b in ((labels[a], labels[b]) for a, b in pairs) if a != b
        } - {(a, a) for a in range(n)}
    assert n_apart > 1000


def test_edges_are_refused_as_if_every_pair_were_written_out() -> None:
    rng = np.random.default_rng(12)
    n_refused = 0
    for _ in range(300):
        n = int(rng.integers(3, 14))
        apart = _drawn(rng, n) + _drawn(rng, n)
        pairs = np.array(sorted(_pairs(apart)), dtype=np.int64).reshape(-1, 2)
        left, right = rng.integers(0, n, 20), rng.integers(0, n, 20)
        labels, accepted = join(np.arange(n), left, right, Constraints(apart=apart))
        written_out = Constraints(apart=Apart.of_pairs(pairs[:, 0], pairs[:, 1]))
        expected, kept = join(np.arange(n), left, right, written_out)
        assert labels.tolist() == expected.tolist() and accepted.tolist() == kept.tolist()
        n_refused += int((~kept).sum())
    assert n_refused > 100


def _apart_rows(parts: dict[str, int], number: int, entity: str) -> list[dict]:
    heads = {part: min(key for key in parts if parts[key] == part) for part in parts.values()}
    rows = [decision("part", key, heads[part], number, entity) for key, part in parts.items()]
    must = [
        decision("must", heads[part], key, number, entity)
        for key, part in parts.items()
        if key != heads[part]
    ]
    return rows + must


@pytest.mark.parametrize("seed", range(6))
def test_an_unmerge_parts_records_of_one_mailbox_as_its_pairs_would(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    people = [
        person(f"p/{k:02d}", name_key="anne roux", email=f"anne.roux{k % 3}@acme.example", company_name="Acme",
               company_name_key="ACME")
        for k in range(18)
    ]  # fmt: skip
    keys = [each["record_key"] for each in people]
    grouped, written_out = [], []
    for number in (1, 2):
        parts = {key: draw.randrange(3) for key in draw.sample(keys, 7)}
        rows = _apart_rows(parts, number, "person") if number == 1 else [
            row for row in _apart_rows(parts, number, "person") if row["kind"] == "part"
        ]  # fmt: skip
        grouped += rows
        written_out += [row for row in rows if row["kind"] == "must"]
        written_out += [
            decision("cannot", *sorted(pair), number, "person")
            for pair in itertools.combinations(sorted(parts), 2)
            if parts[pair[0]] != parts[pair[1]]
        ]
    bench = Bench(tmp_path)
    ids, _, _ = bench.run(persons=people, decisions=grouped)
    asked = {(item["kind"], item["left_record_key"], item["right_record_key"]) for item in bench.items()}
    expected, _, _ = bench.run(persons=people, decisions=written_out)
    assert ids == expected
    assert {each for each in asked if each[0] != "contradiction"} == {
        (item["kind"], item["left_record_key"], item["right_record_key"])
        for item in bench.items()
        if item["kind"] != "contradiction"
    }


def test_a_pair_decided_different_that_nothing_else_compares_is_obeyed(tmp_path: Path) -> None:
    people = [person(f"p/{k}", name_key=f"nom{k} prenom{k}", email=f"n{k}@d{k}.example") for k in range(4)]
    ids, _, _ = Bench(tmp_path).run(persons=people, decisions=[decision("cannot", "p/0", "p/1", 1, "person")])
    assert len(set(ids.values())) == 4


def test_thousands_of_records_taken_apart_stay_apart_in_seconds(tmp_path: Path) -> None:
    firms = [
        account(f"c/{k:05d}", registration_number="732829320", name="Acme", name_key="ACME")
        for k in range(10_000)
    ]
    alone = [decision("part", each["record_key"], each["record_key"]) for each in firms[:5_000]]
    bench = Bench(tmp_path)
    bench.run(firms)
    began = time.process_time()
    free, _, _ = bench.run(firms)
    plain = time.process_time() - began
    began = time.process_time()
    ids, _, _ = bench.run(firms, decisions=alone)
    spent = time.process_time() - began
    assert len(set(free.values())) == 1
    apart = {ids[each["record_key"]] for each in firms[:5_000]}
    assert len(apart) == 5_000 and len({ids[each["record_key"]] for each in firms[5_000:]} - apart) <= 1
    assert spent < plain + 5
