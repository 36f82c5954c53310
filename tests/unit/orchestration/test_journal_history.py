"""The journal over publications: what was decided once stays told, and when it ended."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from planted_candidate import MANIFEST, plant

from orchestration import cli
from orchestration.damaged_file import DamagedFileError
from orchestration.publication import publish
from orchestration.publication.journal_history import changes, ended_entries


def decide(root: Path, *steps: str) -> None:
    """The candidate's journal holds one decision of each step and no other."""
    with duckdb.connect(str(root / "work" / "warehouse.duckdb")) as con:
        con.execute(
            "delete from quality_dbt.dq_journal where not list_contains($steps, step_code)",
            {"steps": list(steps)},
        )
        con.execute("delete from quality_dbt.dq_journal_summary")
        con.execute(
            "insert into quality_dbt.dq_journal_summary select step_code, contract, action, reason_code, count(*)"
            " from quality_dbt.dq_journal group by all"
        )


def publish_with(root: Path, delivery: str, *steps: str) -> str:
    company = plant(root, delivery=delivery)
    decide(root, *steps)
    return publish(company, MANIFEST).publication_id


def entries(root: Path) -> list[tuple]:
    table = pq.read_table(root / "published" / "registry" / "journal_entries.parquet")
    return [
        tuple(row.values())
        for row in table.select(["journal_id", "first_sequence", "last_sequence"]).to_pylist()
    ]


@pytest.mark.audit("CL2")
def test_an_entry_keeps_its_first_and_last_publication_and_is_never_lost(tmp_path: Path) -> None:
    publish_with(tmp_path, "d1", "merge", "record")
    assert entries(tmp_path) == [("j_merge", 1, 1)], "rows in bulk are counted, not listed"
    assert [each.n_before for each in changes(tmp_path / "published")] == [None, None]
    first = publish_with(tmp_path, "d2", "merge", "record")
    assert entries(tmp_path) == [("j_merge", 1, 2)]
    assert publish_with(tmp_path, "d2", "merge", "record") == first
    assert entries(tmp_path) == [("j_merge", 1, 2)], "published twice is published once"
    publish_with(tmp_path, "d3", "record")
    assert entries(tmp_path) == [("j_merge", 1, 2)]
    (ended,) = ended_entries(tmp_path / "published", 10)
    assert (ended["journal_id"], ended["golden_id"], ended["last_publication_id"]) == (
        "j_merge",
        "per_1",
        first,
    )
    told = {each.step_code: (each.n_decisions, each.n_before) for each in changes(tmp_path / "published")}
    assert told == {"record": (1, 1), "merge": (0, 1)}
    counted = pq.read_table(tmp_path / "published" / "registry" / "journal_history.parquet").to_pylist()
    assert [row["sequence"] for row in counted] == [1, 1, 2, 2, 3]


def test_the_command_tells_what_changed_and_what_ended(tmp_path: Path) -> None:
    publish_with(tmp_path, "d1", "merge", "record")
    publish_with(tmp_path, "d2", "record")
    arguments = ["journal", "--history", "--company", str(tmp_path)]
    assert "stand no more" in CliRunner().invoke(cli.etalon, arguments).output
    content = json.loads(CliRunner().invoke(cli.etalon, [*arguments, "--json"]).output)
    assert [row["journal_id"] for row in content["ended"]] == ["j_merge"]


def test_a_damaged_history_stops_the_publication_instead_of_beginning_again(tmp_path: Path) -> None:
    publish_with(tmp_path, "d1", "merge")
    (tmp_path / "published" / "registry" / "journal_entries.parquet").write_bytes(b"no parquet")
    with pytest.raises(DamagedFileError, match="journal_entries"):
        publish_with(tmp_path, "d2", "merge")
