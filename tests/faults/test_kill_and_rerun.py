"""A process killed at a named point leaves the old publication or the new one, and a rerun ends the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from planted_candidate import MANIFEST, plant

from orchestration.commands import exit_codes
from orchestration.crash_points import CRASH_POINTS, crash_point
from orchestration.project import ROOT
from orchestration.publication import publish
from orchestration.publication.hashing import published_hashes
from orchestration.publication.receipts import current_publication, receipts
from orchestration.publication.report_stamp import STAMP

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


def reports(company_dir: Path) -> dict[str, bytes]:
    """Every file of the reports of the live publication: its name and, where it depends on no clock, its bytes."""
    published = company_dir / "published"
    live = current_publication(published)["publication_id"]
    return {
        f"{folder}/{path.name}": path.read_bytes() if path.suffix == ".html" else b""
        for folder in (live, "latest")
        for path in (published / "reports" / folder).iterdir()
    }


def etalon(company_dir: Path, *arguments: str, crash_at: str | None = None) -> dict:
    """A command with --json, killed where it is told to be; its answer, empty after a kill."""
    command = ["-m", "orchestration.cli", *arguments, "--company", str(company_dir), "--json"]
    ended = run_python(command, crash_at=crash_at)
    assert ended.returncode == (_KILLED if crash_at else 0), ended.stdout + ended.stderr
    return {} if crash_at else json.loads(ended.stdout)


def test_reports_that_a_kill_kept_from_being_written_come_with_the_next_run(
    demo_run, demo_copy: Callable
) -> None:
    """Nothing is new for that run, and the publication stood without a single page of its own."""
    company_dir = demo_copy().company_dir
    expected = reports(company_dir)
    assert len(expected) > 40 and f"latest/{STAMP}" in expected
    shutil.rmtree(company_dir / "published")
    etalon(company_dir, "run", crash_at="publication.recorded")
    assert not (company_dir / "published" / "reports" / "latest" / "sales_audit.en.html").exists()
    told = run_python(["-m", "orchestration.cli", "doctor", "--company", str(company_dir)])
    assert told.returncode == exit_codes.USAGE and "reports/latest/" in told.stdout
    in_the_way = company_dir / "published" / "reports" / "latest" / "sales_audit.en.html"
    in_the_way.mkdir(parents=True)
    failed = run_python(["-m", "orchestration.cli", "run", "--company", str(company_dir), "--json"])
    assert failed.returncode == exit_codes.IO_ERROR, "reports that fail again are not nothing new"
    assert json.loads(failed.stdout)["status"] == "error"
    in_the_way.rmdir()
    again = etalon(company_dir, "run")
    assert (again["status"], again["reports_written"]) == ("nothing_new", True)
    assert reports(company_dir) == expected

    for point in ("reports.kept", "reports.written"):
        etalon(company_dir, "report", crash_at=point)
        again = etalon(company_dir, "run")
        assert (again["status"], again["reports_written"]) == ("nothing_new", True), point
        assert reports(company_dir) == expected, point
    assert etalon(company_dir, "run")["reports_written"] is False
    assert etalon(company_dir, "doctor")["status"] == "ok"


@pytest.mark.nightly
@pytest.mark.parametrize(
    "point", [name for name in CRASH_POINTS if name.startswith(("publication.", "reports."))]
)
def test_a_first_publication_killed_anywhere_has_all_its_reports_after_the_next_run(
    demo_run, demo_copy: Callable, point: str
) -> None:
    company_dir = demo_copy().company_dir
    expected = reports(company_dir)
    shutil.rmtree(company_dir / "published")
    etalon(company_dir, "run", crash_at=point)
    etalon(company_dir, "run")
    assert published_hashes(company_dir / "published" / "marts.duckdb") == published_hashes(demo_run.marts)
    assert reports(company_dir) == expected
