"""The published registry: promotion, past cycles, the former shape, damage, and what `etalon where` says of an id."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from planted_candidate import plant

from orchestration import cli
from orchestration.matching.errors import MatchingError
from orchestration.matching.golden_ids import REGISTRY_SCHEMA, Assigned, assign_golden_ids
from orchestration.matching.member_history import HISTORY_SCHEMA
from orchestration.matching.registry_files import read_history, read_registry
from orchestration.publication.registry import promote_registry, registry_path

A, C = "acc_00000000000a", "acc_00000000000c"
FILES = ("golden_ids.parquet", "members_accounts.parquet", "members_persons.parquet")


class Company:
    """work/matching and published/ of one company; persons stay empty."""

    def __init__(self, root: Path) -> None:
        self.matching, self.published = root / "work" / "matching", root / "published"
        self.matching.mkdir(parents=True, exist_ok=True)

    def assign(self, clusters: dict[str, int], cycle: str) -> Assigned:
        path = registry_path(self.published)
        registry = read_registry(path)
        table = pa.table(
            {
                "record_key": list(clusters),
                "label": pa.array(clusters.values(), pa.int64()),
                "first_seen_on": [dt.date(2020, 1, 1)] * len(clusters),
            }
        )
        return assign_golden_ids(table, registry, read_history(path, "account", registry), "account", cycle)

    def run(self, clusters: dict[str, int], cycle: str) -> dict[str, str]:
        found = self.assign(clusters, cycle)
        pq.write_table(found.registry, self.matching / "golden_ids.parquet")
        pq.write_table(found.history, self.matching / "account_history.parquet")
        pq.write_table(HISTORY_SCHEMA.empty_table(), self.matching / "person_history.parquet")
        promote_registry(self.matching, self.published, cycle)
        return dict(zip(*found.members.to_pydict().values(), strict=True))

    def content(self) -> dict[str, pa.Table]:
        return {name: pq.read_table(self.published / "registry" / name) for name in FILES}


def test_promoting_a_cycle_again_changes_nothing(tmp_path: Path) -> None:
    company = Company(tmp_path)
    company.run({"a": 1, "c": 2}, "2026-01")
    company.run({"a": 2, "c": 2, "n": 3}, "2026-02")
    before = company.content()
    company.run({"a": 2, "c": 2, "n": 3}, "2026-02")
    assert company.content() == before
    assert before["members_accounts.parquet"].num_rows == 4, "one period more for the record that was merged"


def test_a_past_cycle_published_again_adds_its_new_ids_and_changes_nothing_else(tmp_path: Path) -> None:
    company = Company(tmp_path)
    first = company.run({"a": 1, "c": 2}, "2026-01")
    company.run({"a": 2, "c": 2}, "2026-03")
    before = company.content()
    # a record of January arrives in April, and January is published again
    again = company.run({"a": 1, "c": 2, "late": 3}, "2026-01")
    after = company.content()
    assert {key: again[key] for key in first} == first, "as January was published"
    assert after["members_accounts.parquet"].equals(before["members_accounts.parquet"])
    known = before["golden_ids.parquet"].to_pylist()
    assert [
        row for row in after["golden_ids.parquet"].to_pylist() if row["golden_id"] != again["late"]
    ] == known
    assert company.run({"a": 2, "c": 2, "late": 3}, "2026-04")["late"] == again["late"], "it keeps the id"


def test_a_registry_of_the_former_shape_is_read_as_todays(tmp_path: Path) -> None:
    folder = tmp_path / "published" / "registry"
    folder.mkdir(parents=True)
    columns = [name for name in REGISTRY_SCHEMA.names if name != "retired_in_cycle"]
    row = {"entity": "account", "minted_in_cycle": "2025-11", "reason": "first_seen"}
    rows = [
        row | {"golden_id": A, "anchor_record_key": "a", "status": "retired", "merged_into": C, "reason": "merge"},
        row | {"golden_id": C, "anchor_record_key": "c", "status": "active", "merged_into": None},
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, REGISTRY_SCHEMA).select(columns), folder / FILES[0])
    pq.write_table(pa.table({"record_key": ["a", "c", "gone"], "golden_id": [C, C, A]}), folder / FILES[1])
    company = Company(tmp_path)
    assert company.run({"a": 1, "c": 1, "gone": 1}, "2026-02") == {"a": C, "c": C, "gone": C}
    periods = company.content()["members_accounts.parquet"].to_pylist()
    assert [(row["record_key"], row["golden_id"], row["valid_from"], row["valid_to"]) for row in periods] == [
        ("a", C, dt.date(2025, 12, 1), None),
        ("c", C, dt.date(2025, 12, 1), None),
        ("gone", A, dt.date(2025, 12, 1), dt.date(2026, 3, 1)),
        ("gone", C, dt.date(2026, 3, 1), None),
    ]
    apart = company.run({"a": 1, "c": 1, "gone": 2}, "2026-03")
    assert apart == {"a": C, "c": C, "gone": A}, "the id it held before the merge"


@pytest.mark.parametrize("name", FILES[:2])
@pytest.mark.parametrize("damage", ["truncated", "of other columns", "gone"])
def test_a_damaged_registry_stops_matching_before_every_id_changes(
    tmp_path: Path, name: str, damage: str
) -> None:
    company = Company(tmp_path)
    before = company.run({"a": 1, "c": 2}, "2026-01")
    path = company.published / "registry" / name
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-20])
    elif damage == "of other columns":
        pq.write_table(pa.table({"x": [1]}), path)
    else:
        path.unlink()
    if (
        damage == "gone" and name == FILES[0]
    ):  # as before the first publication: the same anchors mint the same
        assert company.run({"a": 1, "c": 2}, "2026-02") == before
        return
    with pytest.raises(MatchingError, match="E-MAT-030") as caught:
        company.assign({"a": 1, "c": 2}, "2026-02")
    assert name in str(caught.value) and "sauvegarde" in caught.value.text("next", "fr")


def where(root: Path, address: str, *options: str) -> str:
    result = CliRunner().invoke(cli.etalon, ["where", address, "--company", str(root), *options])
    return f"{result.exit_code} {result.output}"


def test_where_answers_a_retired_id_with_its_current_one(tmp_path: Path) -> None:
    plant(tmp_path)
    company = Company(tmp_path)
    assert where(tmp_path, A).startswith("2 ") and "nothing has been published" in where(tmp_path, A)
    first = company.run({"a": 1, "c": 2, "crm/crm_lead/jo@x.example": 2}, "2026-01")
    company.run({"a": 2, "c": 2, "crm/crm_lead/jo@x.example": 2}, "2026-02")
    retired, current = first["a"], first["c"]
    said = where(tmp_path, retired)
    assert f"{retired}  minted in 2026-01, retired in 2026-02 -> {current}, which holds 3 record(s)" in said
    assert "jo@x" not in said and "***@***" in said
    assert "porte 3 enregistrement(s)" in where(tmp_path, retired, "--language", "fr")
    assert f"{current}  active, minted in 2026-01, holds 3 record(s)" in where(tmp_path, current)
    found = json.loads(where(tmp_path, retired, "--json").removeprefix("0 "))["golden_id"]
    assert (found["status"], found["leads_to"], found["n_records"]) == ("retired", [current], 3)
    assert "was ever published" in where(tmp_path, "per_000000000000")
