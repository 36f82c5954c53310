"""Twenty-four months of records that come, change and go, with decisions taken, undone and expired on the way."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from planted_decisions import key

from orchestration.matching.linkage.linking import link
from orchestration.stewardship.content import content_hashes
from orchestration.stewardship.decisions import Decision, decision_id
from orchestration.stewardship.files import append_decisions, read_decisions
from orchestration.stewardship.preparing import prepare

_ROLES = {"record_key": "record_key", "name": "name", "registration_number": "registration_number",
          "city": "city", "postal_code": "postal_code", "website": "website"}  # fmt: skip
_NAMES = ("Verrerie Calia", "Négoce Veria", "Levage Lumia", "Serres Tavia", "Moulins Daria", "Ateliers Novia")
_TOWNS = (("Lyon", "69001"), ("Paris", "75011"), ("Nantes", "44000"))


def _firm(draw: random.Random, number: int) -> dict[str, str | None]:
    name = draw.choice(_NAMES)
    city, postal_code = draw.choice(_TOWNS)
    site = f"{name.split()[1].lower()}{draw.randrange(3)}.example" if draw.random() < 0.6 else None
    return {"name": name + draw.choice(["", " SA", " France"]), "registration_number": None, "city": city,
            "postal_code": postal_code, "website": site, "record_key": key(f"{number:04}")}  # fmt: skip


def _write(work: Path, firms: dict[str, dict]) -> pa.Table:
    table = pa.Table.from_pylist([firms[each] for each in sorted(firms)])
    (work / "exchange").mkdir(parents=True, exist_ok=True)
    pq.write_table(table, work / "exchange" / "int_account_records.parquet")
    pq.write_table(
        pa.table({"record_key": pa.array([], pa.string())}), work / "exchange" / "int_person_records.parquet"
    )
    return table


def _decide(
    draw: random.Random, work: Path, folder: Path, clusters: dict[str, str], month: dt.datetime
) -> None:
    """Six decisions a month, half of them against what the engine did; one is undone."""
    made: list[Decision] = []
    for number in range(6):
        left, right = draw.sample(sorted(clusters), 2)
        together = [each for each in clusters if clusters[each] == clusters[left]]
        if number % 3 == 0 and len(together) > 2:
            kind, keys = "unmerge", tuple(together)
        else:
            kind, keys = draw.choice(["same", "different"]), (left, right)
        seen = content_hashes(work, "account", keys)
        made.append(
            Decision(
                decision_id(kind, *keys, str(month), str(number)), kind, "account", keys,
                tuple(seen[each] for each in keys), "A", "r", month,
                month.date() + dt.timedelta(days=draw.choice([60, 9999])),
                parts=tuple(str(i % 2) for i in range(len(keys))) if kind == "unmerge" else (),
            )
        )  # fmt: skip
    before = [each.decision_id for each in read_decisions(folder) if each.kind != "undo"]
    if before:
        name = draw.choice(before)
        made.append(
            Decision(
                decision_id("undo", name, str(month)), "undo", "", (), (), "A", "r", month, undone_id=name
            )
        )
    append_decisions(folder, made)


def _violations(constraints: pa.Table, clusters: dict[str, str]) -> list[dict]:
    rows = [row for row in constraints.to_pylist() if row["kind"] != "part"]
    parts = [row for row in constraints.to_pylist() if row["kind"] == "part"]
    for one, other in itertools.combinations(parts, 2):
        if (
            one["decision_id"] == other["decision_id"]
            and one["right_record_key"] != other["right_record_key"]
        ):
            rows.append(one | {"kind": "cannot", "right_record_key": other["left_record_key"]})
    found = []
    for row in rows:
        left, right = clusters.get(row["left_record_key"]), clusters.get(row["right_record_key"])
        is_together = left == right
        if left and right and is_together != (row["kind"] == "must"):
            found.append(row)
    return found


def _must(constraints: pa.Table) -> pa.Table:
    wanted = constraints.filter(pc.equal(constraints["kind"], "must"))
    return wanted.select(["left_record_key", "right_record_key"])


def _cannot(constraints: pa.Table) -> pa.Table:
    rows = []
    for each in constraints.to_pylist():
        left, right, name = each["left_record_key"], each["right_record_key"], each["decision_id"]
        if each["kind"] == "cannot":
            rows += [(left, name, left), (right, name, right)]
        elif each["kind"] == "part":
            rows.append((left, name, right))
    names = ("record_key", "group", "part")
    return pa.table({name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(names)})


def test_in_24_replays_no_decision_in_force_is_violated(tmp_path: Path) -> None:
    draw = random.Random(2026)
    work, folder = tmp_path / "work", tmp_path / "stewardship"
    firms = {each["record_key"]: each for each in (_firm(draw, number) for number in range(60))}
    clusters: dict[str, str] = {}
    seen, n_constraints = set(), 0
    for number in range(24):
        month = dt.datetime(2024 + number // 12, number % 12 + 1, 1)
        if number:
            for gone in draw.sample(sorted(firms), 2):
                del firms[gone]
            for changed in draw.sample(sorted(firms), 2):
                firms[changed] |= {"name": draw.choice(_NAMES), "website": None}
            firms |= {
                each["record_key"]: each for each in (_firm(draw, 1000 + number * 10 + i) for i in range(4))
            }
        records = _write(work, firms)
        if clusters:
            here = {each: clusters[each] for each in clusters if each in firms}
            _decide(draw, work, folder, here, month)
        standing = prepare(folder, work, month.date() + dt.timedelta(days=31))
        seen |= set(standing.statuses.values())
        constraints = pq.read_table(work / "stewardship" / "constraints.parquet")
        linked = link(
            records, "organisation", _ROLES, must_link=_must(constraints),
            cannot_link=_cannot(constraints),
        )  # fmt: skip
        clusters = dict(
            linked.clusters.select(["record_key", "cluster_key"]).to_pandas().itertuples(index=False)
        )
        assert _violations(constraints, clusters) == [], month
        assert linked.report.contradictions == []
        n_constraints += constraints.num_rows
        # The same month again gives the same: decisions are data, not events.
        again = prepare(folder, work, month.date() + dt.timedelta(days=31))
        assert again.statuses == standing.statuses
    assert seen == {"active", "to_confirm", "expired", "orphaned", "undone", "contradicted"}
    free = link(records, "organisation", _ROLES).clusters.select(["record_key", "cluster_key"]).to_pandas()
    n_against = len(_violations(constraints, dict(free.itertuples(index=False))))
    assert n_constraints > 500 and n_against > 10  # the engine alone would have done otherwise
