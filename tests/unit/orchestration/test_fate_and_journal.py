"""`etalon where` and `etalon journal` on the demo company."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from expectations.journal import JournalFilter, journal_counts, journal_rows
from ingest import collect
from orchestration import cli
from orchestration.commands import exit_codes
from orchestration.fate import UnknownRowError, fates
from orchestration.project import ROOT


def rows_of(demo, query: str, **values) -> list[tuple]:
    con = duckdb.connect()
    try:
        return con.execute(query.replace("collect/", f"{demo.work}/collect/"), values).fetchall()
    finally:
        con.close()


@pytest.mark.parametrize("source", ["crm", "erp"])
def test_the_fates_of_a_file_sum_to_the_file(demo_run, source: str) -> None:
    query = """
        select _delivery_id, n_physical_lines, n_header_lines, n_blank_lines, n_quarantined_lines
        from 'collect/deliveries.parquet' where source_instance = $source and n_physical_lines < 150
        order by n_quarantined_lines desc, n_physical_lines desc, _delivery_id limit 1
    """
    delivery, n_lines, n_header, n_blank, n_quarantined = rows_of(demo_run, query, source=source)[0]
    found = [fates(demo_run.work, f"{source}:{delivery}:{line}") for line in range(1, n_lines + 1)]
    assert all(found)
    lines = Counter(each[0].fate_code for each in found)
    assert (lines["header"], lines["blank"], lines["quarantined_line"]) == (n_header, n_blank, n_quarantined)
    records = Counter(
        fate.fate_code.replace("left_out", "kept") for each in found for fate in each if fate.contract
    )
    terms = rows_of(
        demo_run,
        "select name, sum(value) from 'collect/ledger_terms.parquet'"
        " where term = 'C' and _delivery_id = $delivery group by name",
        delivery=delivery,
    )
    expected = {name: value for name, value in terms if name != "records_in" and value}
    assert records == expected


def test_a_record_is_found_by_its_key_and_has_its_golden_ids(demo_run) -> None:
    con = duckdb.connect(str(demo_run.work / "warehouse.duckdb"), read_only=True)
    record, person = con.execute(
        "select record_key, person_id from master.xref_persons where contract = 'crm_lead' order by 1 limit 1"
    ).fetchone()
    con.close()
    source, _, key = record.split("/", 2)
    found = fates(demo_run.work, f"{source}:{key}")
    assert len(found) == 1 and found[0].fate_code in ("kept", "left_out")
    assert found[0].record_key == record and person in found[0].golden_ids
    again = fates(demo_run.work, f"{source}:{found[0].delivery_id}:{found[0].line}")
    assert again == found


def test_a_kept_row_that_a_fact_leaves_out_says_why(demo_run) -> None:
    with duckdb.connect(str(demo_run.work / "warehouse.duckdb"), read_only=True) as con:
        record, reason = con.execute(
            "select record_key, reason_code from quality_dbt.dq_exclusions where stream = 'activity' order by 1"
        ).fetchone()
    source, _, key = record.split("/", 2)
    (found,) = fates(demo_run.work, f"{source}:{key}")
    assert (found.fate_code, found.reason_code) == ("left_out", reason)


def test_an_address_without_a_row_says_why(demo_run) -> None:
    for address in ("crm", "crm:", ":x", "nowhere:file.csv:3", "crm:no-such-key"):
        with pytest.raises(UnknownRowError):
            fates(demo_run.work, address)
    path = rows_of(
        demo_run, "select file_path from 'collect/deliveries.parquet' where source_instance = 'crm' limit 1"
    )[0][0]
    with pytest.raises(UnknownRowError, match="lines 1 to"):
        fates(demo_run.work, f"crm:{path}:9999999")


def test_where_answers_people_and_machines(demo_run) -> None:
    query = (
        "select file_path from 'collect/deliveries.parquet' where source_instance = 'crm' order by 1 limit 1"
    )
    path = rows_of(demo_run, query)[0][0]
    arguments = ["where", f"crm:{path}:1", "--company", str(demo_run.company_dir)]
    english = CliRunner().invoke(cli.etalon, arguments)
    assert english.exit_code == 0 and "header" in english.output
    french = CliRunner().invoke(cli.etalon, [*arguments, "--language", "fr"])
    assert "en-tête" in french.output
    content = json.loads(CliRunner().invoke(cli.etalon, [*arguments, "--json"]).output)
    assert [fate["fate_code"] for fate in content["fates"]] == ["header"]
    unknown = ["where", "crm:nothing", "--company", str(demo_run.company_dir)]
    assert CliRunner().invoke(cli.etalon, unknown).exit_code == 2


COMPANY = """version: 1
company: site
reporting_currency: EUR
cycle: 2026-06
sources: [{instance: crm, mapping: mapping.yml, folder: crm}]
"""
MAPPING = """version: 1
source: {system: vendor}
files: {rows: {path: "{date}/rows.csv", format: delimited, delimiter: ",", expected_columns: [2]}}
tables: {crm_account: {from: rows, columns: {source_record_id: Id, name: Name}}}
"""


@pytest.fixture
def replaced(tmp_path: Path) -> Path:
    """A company whose June extract was replaced twice; its last content also lies under July."""
    (tmp_path / "company.yml").write_text(COMPANY)
    (tmp_path / "mapping.yml").write_text(MAPPING)
    for name in ("Ann", "Bob", "Cid"):
        for month in ("2026-06", "2026-07") if name == "Cid" else ("2026-06",):
            path = tmp_path / "extracts" / "crm" / month / "rows.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"Id,Name\n{name},{name}\n")
        collect(tmp_path)
    return tmp_path


def test_where_shows_the_present_content_of_a_path_and_offers_the_others(replaced: Path) -> None:
    address = "crm:crm/2026-06/rows.csv:2"
    (fate,) = fates(replaced / "work", address)
    assert fate.record_key == "crm/crm_account/Cid"
    arguments = ["where", address, "--company", str(replaced)]
    content = json.loads(CliRunner().invoke(cli.etalon, [*arguments, "--json"]).output)
    ids = [each["delivery_id"] for each in content["deliveries"]]
    assert len(set(ids)) == 3 and ids[0] == fate.delivery_id
    assert [each["is_present"] for each in content["deliveries"]] == [True, False, False]
    for language in ("en", "fr"):
        text = CliRunner().invoke(cli.etalon, [*arguments, "--language", language]).output
        assert f"{ids[0]}." in text
        assert all(f"etalon where crm:{other}:2" in text for other in ids[1:])
    named = {fates(replaced / "work", f"crm:{other}:2")[0].record_key for other in ids}
    assert named == {f"crm/crm_account/{name}" for name in ("Ann", "Bob", "Cid")}


def test_where_knows_every_path_of_a_content_and_guesses_none(replaced: Path) -> None:
    (fate,) = fates(replaced / "work", "crm:2026-07/rows.csv:2")
    assert fate.record_key == "crm/crm_account/Cid"
    with pytest.raises(UnknownRowError, match="several files"):
        fates(replaced / "work", "crm:rows.csv:2")
    for path in (replaced / "extracts").rglob("rows.csv"):
        path.unlink()
    collect(replaced)
    with pytest.raises(UnknownRowError, match="name a delivery of"):
        fates(replaced / "work", "crm:2026-06/rows.csv:2")


@pytest.mark.parametrize("kind", ["gzip", "utf-16"])
def test_lines_without_record_are_told_from_the_text_inside(tmp_path: Path, kind: str) -> None:
    text = 'Id,Name\n1,"one\n\nAnn"\n\n2,Bob\n'
    extra = "compression: gzip" if kind == "gzip" else "encoding: utf-16"
    (tmp_path / "company.yml").write_text(COMPANY)
    mapping = MAPPING.replace("format: delimited", f"format: delimited, {extra}")
    (tmp_path / "mapping.yml").write_text(mapping.replace("rows.csv", "rows*"))
    path = tmp_path / "extracts" / "crm" / "2026-06" / ("rows.csv.gz" if kind == "gzip" else "rows.csv")
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(text.encode()) if kind == "gzip" else text.encode("utf-16"))
    assert not collect(tmp_path).refusals
    found = [fates(tmp_path / "work", f"crm:{path.name}:{line}")[0] for line in range(1, 7)]
    assert [fate.fate_code for fate in found] == [
        "header", "kept", "continuation", "continuation", "blank", "kept"
    ]  # fmt: skip
    assert found[3].winner == f"crm/2026-06/{path.name}:2"


def test_a_line_of_a_refused_file_is_told_with_its_code(tmp_path: Path) -> None:
    (tmp_path / "company.yml").write_text(COMPANY)
    (tmp_path / "mapping.yml").write_text(MAPPING)
    path = tmp_path / "extracts" / "crm" / "2026-06" / "rows.csv"
    path.parent.mkdir(parents=True)
    path.write_text("Id\n1\n")
    (refusal,) = collect(tmp_path).refusals
    (fate,) = fates(tmp_path / "work", "crm:2026-06/rows.csv:2")
    assert (fate.fate_code, fate.reason_code) == ("refused", refusal.problem.code)
    arguments = ["where", "crm:rows.csv:2", "--company", str(tmp_path)]
    assert f"({refusal.problem.code}" in CliRunner().invoke(cli.etalon, arguments).output


def test_the_journal_counts_what_the_ledger_counts(demo_run) -> None:
    counts = journal_counts(demo_run.work, JournalFilter(reason_code="superseded_by_newer"))
    terms = rows_of(
        demo_run,
        "select sum(value) from 'collect/ledger_terms.parquet' where term = 'C' and name = 'superseded'",
    )
    assert sum(row["n_decisions"] for row in counts) == terms[0][0] > 0


def test_the_journal_masks_direct_identifiers(demo_run) -> None:
    rows = journal_rows(demo_run.work, JournalFilter(contract="crm_lead"), 10_000)
    shown = [row for row in rows if row["field"] in ("email", "phone", "mobile", "first_name", "last_name")]
    assert shown and all(row["value_before"] is None or "***" in row["value_before"] for row in shown)
    text = CliRunner().invoke(
        cli.etalon, ["journal", "--rows", "--limit", "5000", "--company", str(demo_run.company_dir)]
    )
    assert text.exit_code == 0 and not re.search(r"[^*\s]@", text.output)
    flagged = journal_rows(demo_run.work, JournalFilter(action="keep_flagged"), 10)
    assert flagged


def test_every_outlier_is_in_the_journal_with_its_class(demo_run) -> None:
    with duckdb.connect(str(demo_run.work / "warehouse.duckdb"), read_only=True) as con:
        classes = con.execute(
            "select 'outlier_' || class_code, count(*), count(*) filter (where metric_code = 'event_id')"
            " from quality_dbt.dq_outliers group by 1"
        ).fetchall()
    told: dict[str, int] = {}
    for row in journal_counts(demo_run.work, JournalFilter()):
        told[row["reason_code"]] = told.get(row["reason_code"], 0) + row["n_decisions"]
    # A repeated event was set aside when it was collected, under the reason that it had there.
    expected = {code: n - n_repeated for code, n, n_repeated in classes}
    assert len(classes) >= 4 and {code: told.get(code) for code in expected} == expected
    (calls,) = journal_counts(demo_run.work, JournalFilter(reason_code="outlier_error", source="pbx"))
    assert (calls["contract"], calls["action"]) == ("telephony_call_leg", "exclude")


def test_a_reader_that_closes_the_pipe_ends_the_command_quietly(demo_run) -> None:
    command = [sys.executable, "-m", "orchestration.cli", "journal", "--company", str(demo_run.company_dir)]
    read, write = os.pipe()
    os.close(read)
    try:
        ended = subprocess.run(
            command, cwd=ROOT, stdout=write, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(write)
    assert (ended.returncode, ended.stderr) == (exit_codes.IO_ERROR, "")
