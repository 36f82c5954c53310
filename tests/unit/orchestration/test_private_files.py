"""Personal data under work/ are the owner's alone; what is published follows the umask of whoever runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from planted_candidate import MANIFEST, plant

from ingest import collect
from ingest.private_files import private_files, shared_files
from orchestration.publication import publish, refuse
from orchestration.run_lock import run_lock


@pytest.fixture(params=[0o022, 0o027], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """The umask of whoever starts the process."""
    before = os.umask(request.param)
    yield request.param
    assert os.umask(before) == request.param, "a run leaves the umask as it was"


def modes(folder: Path) -> dict[str, int]:
    return {
        path.relative_to(folder.parent).as_posix(): path.stat().st_mode & 0o777
        for path in (folder, *folder.rglob("*"))
    }


def test_what_collect_writes_is_the_owners_alone(tmp_path: Path, umask: int) -> None:
    (tmp_path / "work").mkdir()  # as an earlier version made it: open
    (tmp_path / "extracts" / "crm").mkdir(parents=True)
    (tmp_path / "extracts" / "crm" / "rows.csv").write_text("Id,Name\n1,Ann\n2,Bob,surplus\n")
    (tmp_path / "company.yml").write_text(
        "version: 1\ncompany: site\nreporting_currency: EUR\ncycle: 2026-06\n"
        "sources: [{instance: crm, mapping: mapping.yml, folder: crm}]\n"
    )
    (tmp_path / "mapping.yml").write_text(
        "version: 1\nsource: {system: vendor}\n"
        'files: {rows: {path: rows.csv, format: delimited, delimiter: ",", expected_columns: [2]}}\n'
        "tables: {crm_account: {from: rows, columns: {source_record_id: Id, name: Name}}}\n"
    )
    collect(tmp_path)
    found = modes(tmp_path / "work")
    assert len(found) > 20
    assert {path: oct(mode) for path, mode in found.items() if mode & 0o077} == {}
    assert found["work"] == 0o700


def test_what_is_published_under_the_lock_follows_the_umask(tmp_path: Path, umask: int) -> None:
    company = plant(tmp_path)
    with run_lock(company.work, "run"):
        publish(company, MANIFEST)
        refuse(company, {})
        (company.work / "later").write_text("x")
    found = modes(company.published)
    assert {"published/marts.duckdb", "published/current.json"} <= found.keys()
    for path, mode in found.items():
        wanted = (0o777 if (tmp_path / path).is_dir() else 0o666) & ~umask
        assert mode == wanted, path
    assert modes(company.work)["work/later"] == 0o600
    assert modes(company.work)["work/run.lock"] == 0o600


def test_a_whole_run_leaves_no_open_file_under_work(demo_run) -> None:
    assert {path: oct(mode) for path, mode in modes(demo_run.work).items() if mode & 0o077} == {}
    umask = os.umask(0)
    os.umask(umask)
    published = modes(demo_run.published)
    assert all(mode & ~umask & 0o044 == 0o044 & ~umask for mode in published.values()), published


def test_blocks_within_blocks_give_back_what_they_found(tmp_path: Path, umask: int) -> None:
    with private_files(tmp_path / "a"), private_files(tmp_path / "b"), shared_files():
        (tmp_path / "open").mkdir()
        with private_files(tmp_path / "c"):
            (tmp_path / "closed").mkdir()
        (tmp_path / "open_again").mkdir()
    with shared_files():
        (tmp_path / "plain").mkdir()
    found = modes(tmp_path)
    names = {name.rpartition("/")[2]: mode for name, mode in found.items()}
    assert {names["open"], names["open_again"], names["plain"]} == {0o777 & ~umask}
    assert {names["closed"], names["a"], names["c"]} == {0o700}
