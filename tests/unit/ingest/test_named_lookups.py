"""A mapping may join other files of its source to the rows of a table and use their columns in expressions"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from company_site import Site

from ingest import CollectReport, collect
from ingest.company import Source
from ingest.errors import ConfigurationError
from ingest.mapping import load_mapping

MAPPING = """
version: 1
source: {system: small_crm, domain: crm}
defaults: {currency: EUR, null_values: ["", "-"]}
files:
  deals: {path: "deals.csv", format: delimited, delimiter: ",", expected_columns: [4]}
  stages: {path: "stages.csv", format: delimited, delimiter: ",", expected_columns: [4], required: false}
tables:
  crm_opportunity:
    from: deals
    where: coalesce("stage.label", '') <> 'Test'
    lookups:
      stage: {file: stages, match: {id: stage_id, pipeline: pipeline}}
      merge: {file: deals, match: {absorbed: id}, split: ";"}
    columns:
      source_record_id: {source: id}
      name: {source: merge.id}
      stage:
        expr: coalesce("stage.label", "stage_id", 'none')
      status:
        expr: case "stage.state" when 'W' then 'won' when 'L' then 'lost' else 'open' end
      created_at: {const: "2024-01-01"}
"""
STAGES = "id,pipeline,label,state\n1,a,Won,W\n1,b,Signed,W\n2,a,Talk,-\n2,a,Meet,-\n9,a,Test,L\n"
DEALS = "id,pipeline,stage_id,absorbed\n10,a,1,11; 12\n11,b,1,\n12,a,2,-\n13,a,7,\n14,a,,\n15,a,9,\n"


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """A company with one small CRM of its own mapping; its extracts are written by the test."""
    (tmp_path / "extracts" / "crm").mkdir(parents=True)
    (tmp_path / "small_crm.yml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "company.yml").write_text(
        "version: 1\ncompany: small\nreporting_currency: EUR\ncycle: 2024-01\n"
        "sources:\n  - {instance: crm, mapping: small_crm.yml, folder: crm}\n",
        encoding="utf-8",
    )
    return tmp_path


def deliver(company: Path, **files: str) -> CollectReport:
    for name, text in files.items():
        (company / "extracts" / "crm" / f"{name}.csv").write_bytes(text.encode())
    return collect(company)


def rows(company: Path) -> dict[str, tuple]:
    found = duckdb.execute(
        "SELECT source_record_id, name, stage, status, _set_aside FROM "
        f"read_parquet('{company}/work/raw/crm_opportunity/crm__*.parquet')"
    ).fetchall()
    return {row[0]: row[1:] for row in found}


def test_columns_of_a_named_lookup_are_used_in_expressions_sources_and_conditions(company: Path) -> None:
    report = deliver(company, deals=DEALS, stages=STAGES)
    assert report.refusals == ()
    assert report.imbalances == ()
    assert rows(company) == {
        "10": (None, "Won", "won", None),
        "11": ("10", "Signed", "won", None),
        "12": ("10", "2", "open", None),  # two labels for one key: none of them is taken
        "13": (None, "7", "open", None),  # no row matches
        "14": (None, "none", "open", None),
        "15": (None, "Test", "lost", "kept_out_by_mapping"),
    }


def test_a_named_lookup_that_finds_nothing_is_no_issue(company: Path) -> None:
    deliver(company, deals=DEALS, stages=STAGES)
    changes = duckdb.execute(f"SELECT count(*) FROM '{company}/work/collect/changes.parquet'").fetchone()
    assert changes == (0,)


def test_without_a_file_that_is_not_required_its_columns_are_null(company: Path) -> None:
    report = deliver(company, deals=DEALS)
    assert report.refusals == ()
    assert rows(company)["10"] == (None, "1", "open", None)


def test_a_lookup_file_that_arrives_later_changes_the_rows_already_landed(company: Path) -> None:
    deliver(company, deals=DEALS)
    report = deliver(company, stages=STAGES)
    assert rows(company)["10"] == (None, "Won", "won", None)
    assert report.imbalances == ()
    assert not collect(company).changed


def test_a_named_lookup_of_an_unknown_file_or_on_another_lookup_is_refused(company: Path) -> None:
    mapping = company / "small_crm.yml"
    mapping.write_text(MAPPING.replace("{file: stages,", "{file: stage,"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="stages"):
        load_mapping(Source("crm", "small_crm.yml", "crm"), company)
    mapping.write_text(MAPPING.replace("{absorbed: id}", "{absorbed: stage.id}"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="own file"):
        load_mapping(Source("crm", "small_crm.yml", "crm"), company)


def test_an_unknown_column_of_a_lookup_file_is_named(company: Path) -> None:
    mapping = company / "small_crm.yml"
    declared = "expected_columns: [id, pipeline, label, state], required: false}"
    text = MAPPING.replace("expected_columns: [4], required: false}", declared)
    mapping.write_text(text.replace('"stage.state"', '"stage.stat"'), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="stat"):
        deliver(company, deals=DEALS, stages=STAGES)


def test_a_calendar_lands_after_a_file_that_only_serves_lookups(tmp_path: Path) -> None:
    """The count of the looked-up file stayed open and refused the calendar its table."""
    site = Site(
        tmp_path / "site",
        """
        version: 1
        source: {system: vendor}
        files:
          users: {path: Users.csv, format: delimited, delimiter: ",", expected_columns: [Id, Name]}
        tables: {}
        """,
    )
    company = site.root / "company.yml"
    company.write_text(
        company.read_text(encoding="utf-8") + "  - {instance: zz, mapping: icalendar, folder: zz}\n",
        encoding="utf-8",
    )
    site.put("Users.csv", "Id,Name\n" + "1,Jo\n" * 200)  # the largest file lands first
    site.put(
        "../zz/2026-06/jo.ics",
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1@x.example\r\nDTSTART:20260601T080000Z\r\n"
        "DTEND:20260601T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    )
    site.collect()
    assert site.rows("SELECT uid FROM raw.calendar_event") == [("1@x.example",)]
