"""A process killed at a named point leaves the old publication or the new one, and a rerun ends the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from planted_candidate import MANIFEST, plant

from orchestration.crash_points import CRASH_POINTS, crash_point
from orchestration.project import ROOT
from orchestration.publication import publish
from orchestration.publication.hashing import published_hashes
from orchestration.publication.receipts import current_publication, receipts

_KILLED = 137
_PUBLISH = """
import sys
from pathlib import Path
from planted_candidate import MANIFEST, plant
from orchestration.publication import publish
publish(plant(Path(sys.argv[1]), n_leads=99, delivery="d2"), MANIFEST)
"""


def run_python(arguments: list[str], crash_at: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "CI": "true"}
    if crash_at:
        environment["ETALON_CRASH_AT"] = crash_at
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("point", [name for name in CRASH_POINTS if name.startswith("publication.")])
def test_a_publication_killed_anywhere_leaves_one_complete_and_a_rerun_finishes_it(
    tmp_path: Path, point: str
) -> None:
    undisturbed = tmp_path / "undisturbed"
    publish(plant(undisturbed), MANIFEST)
    expected = publish(plant(undisturbed, n_leads=99, delivery="d2"), MANIFEST)
    company_dir = tmp_path / "killed"
    old = publish(plant(company_dir), MANIFEST)
    old_hashes = published_hashes(old.marts)

    killed = run_python(["-c", _PUBLISH, str(company_dir)], crash_at=point)
    assert killed.returncode == _KILLED, killed.stderr
    found = published_hashes(company_dir / "published" / "marts.duckdb")
    is_swapped = point in ("publication.swapped", "publication.recorded")
    assert found == (published_hashes(expected.marts) if is_swapped else old_hashes)

    again = publish(plant(company_dir, n_leads=99, delivery="d2"), MANIFEST)
    assert published_hashes(again.marts) == published_hashes(expected.marts)
    published = company_dir / "published"
    assert current_publication(published)["publication_id"] == expected.publication_id
    assert again.content["chain_hash"] == expected.content["chain_hash"]
    assert len(receipts(published)) == 2
    assert sorted(path.name for path in (published / "registry").iterdir()) == [
        "account_history.parquet", "golden_ids.parquet", "journal_entries.parquet", "journal_history.parquet",
        "kpi_evidence", "kpi_history.parquet", "members_accounts.parquet", "members_persons.parquet",
        "publication_log.parquet", "rule_history.parquet",
    ]  # fmt: skip
    assert history(published) == history(undisturbed / "published")
    leftovers = [
        path for path in published.rglob("*") if ".building" in path.parts or path.name.endswith(".gone")
    ]
    assert leftovers == []


def history(published: Path) -> dict[str, list[dict]]:
    """Every file of the history of publications, without the moments of its events."""
    names = (
        "account_history", "journal_entries", "journal_history", "kpi_history", "publication_log", "rule_history",
    )  # fmt: skip
    return {
        name: [
            {column: cell for column, cell in row.items() if column != "recorded_at"}
            for row in pq.read_table(published / "registry" / f"{name}.parquet").to_pylist()
        ]
        for name in names
    }


def test_an_unlisted_crash_point_is_an_error() -> None:
    with pytest.raises(ValueError, match="not listed"):
        crash_point("somewhere")


def _killed_then_rerun(company_dir: Path, points: list[str]) -> dict[str, str]:
    """Kill a forced run at each point in turn, then let one finish; returns the published hashes."""
    command = ["-m", "orchestration.cli", "run", "--company", str(company_dir), "--json"]
    before = published_hashes(company_dir / "published" / "marts.duckdb")
    for point in points:
        killed = run_python([*command, "--force"], crash_at=point)
        assert killed.returncode == _KILLED, f"{point}: {killed.stdout}{killed.stderr}"
        if not point.startswith("publication."):
            assert published_hashes(company_dir / "published" / "marts.duckdb") == before
    finished = run_python([*command, "--force"])
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert json.loads(finished.stdout)["status"] == "published"
    return published_hashes(company_dir / "published" / "marts.duckdb")


def test_a_run_killed_in_the_middle_and_run_again_publishes_the_same_tables(
    demo_run, demo_copy: Callable
) -> None:
    company_dir = demo_copy().company_dir
    assert _killed_then_rerun(company_dir, ["matching.written"]) == published_hashes(demo_run.marts)


@pytest.mark.nightly
def test_a_run_killed_at_every_point_in_turn_publishes_the_same_tables(demo_run, demo_copy: Callable) -> None:
    company_dir = demo_copy().company_dir
    assert _killed_then_rerun(company_dir, list(CRASH_POINTS)) == published_hashes(demo_run.marts)
