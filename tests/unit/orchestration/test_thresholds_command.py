"""`etalon thresholds`: what is shown comes from the last run, and what is approved becomes a row that a run reads."""

from __future__ import annotations

import csv
import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from planted_candidate import plant

from expectations.thresholds import FILE, read_thresholds
from orchestration import cli
from orchestration.access.reading_log import read_log
from orchestration.commands import exit_codes
from orchestration.statistics.thresholds import SCHEMAS

SAID = ["--author", "Ann Lee", "--reason", "committee of 3 July"]


def row(rule: str, kind: str = "channel_size", segment: str = "inbound/smb", **values) -> dict:
    found = dict.fromkeys(SCHEMAS["thresholds"].names)
    found |= {
        "segment_kind_code": kind, "segment_code": segment, "rule_code": rule, "is_action": True,
        "window_days": 10, "in_force_value": Decimal(4), "in_force_origin_code": "method_default",
        "in_force_version": "2026-1", "method_default_value": Decimal(4), "decision_code": "keep",
        "reason_code": "too_few_events", "proposed_value": Decimal(4), "proposed_origin_code": "method_default",
    }  # fmt: skip
    return found | values


MOVED = {
    "data_value": Decimal(6), "data_low": Decimal(5), "data_high": Decimal(7), "n_units": 900, "n_events": 120,
    "method_code": "coverage", "reason_code": None, "proposed_value": Decimal(6), "proposed_origin_code": "data",
    "decision_code": "change",
}  # fmt: skip
KEPT = {**MOVED, "in_force_value": Decimal(6), "decision_code": "keep"}


@pytest.fixture
def company(tmp_path: Path) -> Path:
    plant(tmp_path)
    rows = [
        row("min_touches", **MOVED),
        row("min_touches", segment="outbound/mid", **KEPT),
        row("max_touches", segment="outbound/mid"),
        row("coverage_rate", is_action=False, window_days=None, reason_code="not_from_data"),
        row("min_touches", kind="all", segment="all", in_force_origin_code=None, in_force_value=None),
    ]
    (tmp_path / "work" / "statistics").mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows, schema=SCHEMAS["thresholds"])
    pq.write_table(table, tmp_path / "work" / "statistics" / "thresholds.parquet")
    return tmp_path


def invoke(company: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        cli.etalon, ["thresholds", arguments[0], "--company", str(company), *arguments[1:]]
    )


def test_the_list_tells_what_is_in_force_what_the_data_say_and_what_follows(company: Path) -> None:
    listed = invoke(company, "list")
    assert listed.exit_code == 0 and "4 of 4 shown" in listed.output and "all/all " in listed.output
    assert "in force 4 (method default, 2026-1)" in listed.output and "data 6 [5; 7], n 900" in listed.output
    assert "défaut du document" in invoke(company, "list", "--language", "fr").output
    changes = json.loads(invoke(company, "list", "--changes", "--json").output)
    assert [(r["segment_code"], r["data_value"]) for r in changes["thresholds"]] == [("inbound/smb", "6")]
    whole = json.loads(invoke(company, "list", "--segment", "all", "--json").output)
    assert (whole["total"], whole["thresholds"][0]["in_force_value"]) == (1, None)
    parameter = json.loads(invoke(company, "list", "--rule", "coverage_rate", "--json").output)
    assert parameter["total"] == 1


def test_a_change_of_the_whole_company_or_of_one_channel_is_listed(tmp_path: Path) -> None:
    plant(tmp_path)
    rows = [
        row("min_touches", kind="all", segment="all", **MOVED),
        row("max_touches", kind="channel", segment="inbound", **MOVED),
        row("min_touches", kind="size_band", segment="smb", **KEPT),
    ]
    (tmp_path / "work" / "statistics").mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows, schema=SCHEMAS["thresholds"])
    pq.write_table(table, tmp_path / "work" / "statistics" / "thresholds.parquet")
    changes = json.loads(invoke(tmp_path, "list", "--changes", "--json").output)
    assert [r["segment"] for r in changes["thresholds"]] == ["all/all", "inbound/all"]
    path = tmp_path / "thresholds.csv"
    assert invoke(tmp_path, "export", str(path)).exit_code == 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert [r["segment"] for r in csv.DictReader(file)] == ["all/all", "inbound/all", "all/smb"]
    for each in ("all/all", "inbound/all", "all/smb"):  # what is shown is what --segment takes
        assert json.loads(invoke(tmp_path, "list", "--segment", each, "--json").output)["total"] == 1


@pytest.mark.audit("DE1", "DE22")
def test_a_proposal_is_approved_as_a_dated_row_with_who_and_why(company: Path) -> None:
    said = invoke(company, "approve", "min_touches", "inbound/smb", *SAID)
    assert said.exit_code == 0 and "2026-07-01 (2026-06-1)" in said.output and "etalon run" in said.output
    (made,) = read_thresholds(company / FILE)
    assert (made.value, made.origin_code, made.valid_from, made.window_days) == (
        6,
        "data",
        date(2026, 7, 1),
        10,
    )
    assert (made.approved_by, made.reason, made.interval) == ("Ann Lee", "committee of 3 July", (5, 7))
    assert (made.n_units, made.n_events, made.cycle) == (900, 120, "2026-06")
    # the same again is refused: no row is ever changed
    again = invoke(company, "approve", "min_touches", "inbound/smb", *SAID)
    assert again.exit_code == exit_codes.USAGE and "2026-06-1" in again.output
    later = invoke(
        company,
        "approve",
        "min_touches",
        "inbound/smb",
        *SAID,
        "--value",
        "5",
        "--from",
        "2026-08-01",
        "--json",
    )
    assert json.loads(later.output)["approved"]["origin_code"] == "human"
    rows = read_thresholds(company / FILE)
    assert [(r.version, r.value, r.valid_to) for r in rows] == [
        ("2026-06-1", 6, date(2026, 8, 1)), ("2026-06-2", 5, None),
    ]  # fmt: skip
    shown = invoke(company, "show", "min_touches", "inbound/smb")
    assert "Ann Lee: committee of 3 July" in shown.output and "from 2026-07-01 to 2026-08-01" in shown.output


@pytest.mark.audit("DE1")
def test_what_the_data_do_not_move_is_only_changed_on_somebody_s_word(company: Path) -> None:
    kept = invoke(company, "approve", "min_touches", "outbound/mid", *SAID)
    assert kept.exit_code == exit_codes.USAGE and "5 to 7" in kept.output
    silent = invoke(company, "approve", "max_touches", "outbound/mid", *SAID)
    assert silent.exit_code == exit_codes.USAGE and "too few conversions" in silent.output
    unknown = invoke(company, "approve", "ttf_max_hours", "inbound/all", *SAID)
    assert unknown.exit_code == exit_codes.USAGE
    assert not (company / FILE).exists()
    said = invoke(
        company, "approve", "ttf_max_hours", "inbound/all", *SAID, "--value", "4,5", "--until", "2026-09-01"
    )
    assert said.exit_code == 0
    (made,) = read_thresholds(company / FILE)
    assert (made.place, made.value, made.valid_to) == (
        ("ttf_max_hours", "inbound", "all"), Decimal("4.5"), date(2026, 9, 1),
    )  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ("approve", "most_touches", "inbound/smb", *SAID),
        ("approve", "min_touches", "inbound/tiny", *SAID),
        ("approve", "min_touches", "inbound/smb/more", *SAID),
        ("approve", "min_touches", "inbound/smb", *SAID, "--value", "many"),
        ("approve", "min_touches", "inbound/smb", *SAID, "--value", "4.5"),
        ("approve", "min_touches", "inbound/smb", *SAID, "--until", "2026-06-01"),
        ("approve", "min_touches", "inbound/smb", "--author", " ", "--reason", "x y"),
        ("show", "min_touch", "inbound/smb"),
        ("list", "--segment", "web"),
        ("list", "--rule", "min"),
    ],
)
def test_what_cannot_be_is_a_usage_error_and_writes_nothing(
    company: Path, arguments: tuple[str, ...]
) -> None:
    assert invoke(company, *arguments).exit_code == exit_codes.USAGE
    assert not (company / FILE).exists()


def test_thresholds_are_exported_for_a_spreadsheet(company: Path, tmp_path: Path) -> None:
    path = tmp_path / "thresholds.csv"
    assert invoke(company, "export", str(path)).exit_code == 0
    assert [(each.command, each.relation, each.n_rows) for each in read_log(company)[0]] == [
        ("thresholds export", "thresholds", 4)
    ]
    with path.open(encoding="utf-8-sig", newline="") as file:
        found = list(csv.DictReader(file))
    assert [(r["segment"], r["rule"], r["in_force"], r["data"]) for r in found] == [
        ("inbound/smb", "min_touches", "4", "6"), ("outbound/mid", "min_touches", "6", "6"),
        ("outbound/mid", "max_touches", "4", ""), ("all/all", "min_touches", "", ""),
    ]  # fmt: skip
    assert invoke(company, "export", str(path), "--language", "fr").exit_code == 0
    assert path.read_text(encoding="utf-8-sig").startswith("Segment;Règle;Fenêtre (jours);En vigueur")
    nowhere = invoke(company, "export", str(tmp_path / "nowhere" / "x.csv"))
    assert nowhere.exit_code == exit_codes.IO_ERROR
    assert "nowhere does not exist" in nowhere.output and "Error" not in nowhere.output


def test_before_a_run_the_way_out_is_said(company: Path) -> None:
    (company / "work" / "statistics" / "thresholds.parquet").unlink()
    for arguments in (("list",), ("show", "min_touches", "all"), ("approve", "min_touches", "all", *SAID)):
        found = invoke(company, *arguments)
        assert found.exit_code == exit_codes.IO_ERROR and "Next: etalon run" in found.output
        assert "E-RUN-001 No run yet" in found.output and "FileNotFoundError" not in found.output


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("[{rule_code: nobody}]", "row 1, value: is missing"),
        (
            "[{rule_code: coverage_rate, value: 2, origin_code: human, version: a, approved_by: Ann, reason: all}]",
            "row 1: coverage_rate: a value from 0.01 to 1 expected",
        ),
    ],
)
def test_a_file_that_is_not_understood_is_told_in_plain_words(company: Path, rows: str, said: str) -> None:
    (company / FILE).write_text(f"thresholds: {rows}\n")
    for arguments in (("list",), ("export", str(company / "x.csv")), ("show", "min_touches", "all")):
        found = invoke(company, *arguments)
        assert found.exit_code == exit_codes.USAGE and said in found.output, found.output
        assert "Value error" not in found.output and FILE in found.output


@pytest.mark.audit("DE1")
def test_a_wrong_file_stops_a_run_before_it_begins_and_a_new_row_is_news(company: Path) -> None:
    from ingest import load_company
    from orchestration.inputs import scan_inputs
    from orchestration.publication.judging import run_fingerprint
    from orchestration.settings import read_settings

    settings, work = read_settings(company / "work"), company / "work"
    before, was = scan_inputs(load_company(company)), run_fingerprint(work, settings)
    assert invoke(company, "approve", "min_touches", "inbound/smb", *SAID).exit_code == 0
    assert scan_inputs(load_company(company)) != before
    from expectations.thresholds import keep_thresholds

    keep_thresholds(company, work, settings.cycle_end)
    assert run_fingerprint(work, settings) == was, (
        "it begins after the cycle, which stays as it was published"
    )
    keep_thresholds(company, work, settings.cycle_end + timedelta(days=1))
    assert run_fingerprint(work, settings) != was
    (company / FILE).write_text("thresholds: [{rule_code: nobody}]\n")
    for command in ("run", "doctor"):
        result = CliRunner().invoke(cli.etalon, [command, "--company", str(company)])
        assert result.exit_code == exit_codes.USAGE
        assert "E-EXP-001" in result.output and FILE in result.output
