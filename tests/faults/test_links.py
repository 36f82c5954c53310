"""Symbolic links under extracts/: a run and the question whether anything is new see the same files."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from ingest import collect, load_company
from orchestration.inputs import scan_inputs

COMPANY = """version: 1
company: site
reporting_currency: EUR
cycle: 2026-06
sources:
  - {instance: crm, mapping: mapping.yml, folder: crm}
"""
MAPPING = """version: 1
source: {system: vendor}
files:
  rows: {path: "{date}/rows*.csv", format: delimited, delimiter: ",", expected_columns: [2]}
tables:
  crm_account:
    from: rows
    columns: {source_record_id: Id, name: Name}
"""


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """A company with one extract of June, and the folder of another company beside it."""
    root = tmp_path / "company"
    (root / "extracts" / "crm" / "2026-06").mkdir(parents=True)
    (root / "company.yml").write_text(COMPANY)
    (root / "mapping.yml").write_text(MAPPING)
    (root / "extracts" / "crm" / "2026-06" / "rows.csv").write_text("Id,Name\n1,Ann\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "rows.csv").write_text("Id,Name\n9,Stranger\n")
    return root


def ids(root: Path) -> set[str]:
    rows = duckdb.sql(f"select source_record_id from '{root}/work/raw/crm_account/*.parquet'").fetchall()
    return {key for (key,) in rows}


def scanned(root: Path) -> dict[str, str]:
    return {item["path"]: item["sha256"] for item in scan_inputs(load_company(root))}


def test_a_link_to_a_file_of_the_extracts_is_read_and_scanned(company: Path) -> None:
    store = company / "extracts" / "store"
    store.mkdir()
    (store / "july.dat").write_text("Id,Name\n2,Bob\n")
    before = scanned(company)
    (company / "extracts" / "crm" / "2026-06" / "rows_2.csv").symlink_to(store / "july.dat")
    report = collect(company)
    assert report.refusals == () and ids(company) == {"1", "2"}
    after = scanned(company)
    linked = "extracts/crm/2026-06/rows_2.csv"
    assert after.keys() - before.keys() == {linked}
    (store / "july.dat").write_text("Id,Name\n3,Cid\n")
    assert scanned(company)[linked] != after[linked], "a changed target is news"
    collect(company)
    assert "3" in ids(company)


@pytest.mark.parametrize(
    ("target", "code"), [("../../../../elsewhere/rows.csv", "E-ING-020"), ("gone.csv", "E-ING-019")]
)
def test_a_link_that_leaves_the_extracts_or_dangles_is_refused_and_is_news(
    company: Path, target: str, code: str
) -> None:
    before = scanned(company)
    (company / "extracts" / "crm" / "2026-06" / "rows_2.csv").symlink_to(target)
    (refusal,) = collect(company).refusals
    assert (refusal.problem.code, refusal.file_path) == (code, "crm/2026-06/rows_2.csv")
    assert refusal.problem.text("next", "fr") != refusal.problem.text("next", "en")
    assert ids(company) == {"1"}
    assert scanned(company).items() - before.items() == {("extracts/crm/2026-06/rows_2.csv", code)}


def test_a_linked_folder_is_never_read_through_the_link(company: Path, tmp_path: Path) -> None:
    crm = company / "extracts" / "crm"
    (crm / "2026-07").symlink_to(tmp_path / "elsewhere")
    (crm / "2026-08").symlink_to(crm / "2026-06")
    (crm / "2026-09").symlink_to(crm)
    report = collect(company)
    assert [(r.problem.code, r.file_path) for r in report.refusals] == [("E-ING-020", "crm/2026-07")]
    assert ids(company) == {"1"}
    listed = duckdb.sql(
        f"select file_path from '{company}/work/collect/control_results.parquet'"
        " where control = 'unmapped_file' order by 1"
    ).fetchall()
    assert listed == [("crm/2026-08",), ("crm/2026-09",)]


def test_extracts_that_are_a_link_themselves_are_read(company: Path, tmp_path: Path) -> None:
    (company / "extracts").rename(tmp_path / "deposited")
    (company / "extracts").symlink_to(tmp_path / "deposited")
    assert collect(company).refusals == () and ids(company) == {"1"}
