"""What people say of outliers: lines of a file, the last one about a value holds, the rules come back."""

from __future__ import annotations

import datetime as dt
import json
import stat
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from orchestration import cli
from orchestration.commands import exit_codes
from orchestration.inputs import list_inputs
from orchestration.stewardship.errors import StewardshipError
from orchestration.stewardship.outlier_classes import (
    AS_RULED,
    COLUMNS,
    FILE,
    append_outlier_class,
    decide,
    outlier_table,
    read_outlier_classes,
    statuses,
)
from orchestration.stewardship.preparing import prepare
from orchestration.stewardship.tables import decisions_in_force

WHEN = dt.datetime(2026, 7, 2, 8, 5)
DEAL = "opportunity_amount:crm/crm_opportunity/0061:b"


def _decided(class_code: str, key: str = DEAL, minute: int = 0, reason: str = "=a; 'frame' contract"):
    return decide(key, class_code, "Zoé", reason, WHEN + dt.timedelta(minutes=minute))


def test_lines_come_back_as_written_for_their_owner_alone(tmp_path: Path) -> None:
    made = [_decided("error"), _decided("exceptional", minute=1, reason="-5\nsecond line")]
    for each in made:
        append_outlier_class(tmp_path, each)
    assert list(read_outlier_classes(tmp_path)) == made
    text = (tmp_path / FILE).read_text(encoding="utf-8")
    assert "'=a" in text and ",=a" not in text, "no cell is a formula"
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    again = "﻿" + text.replace(",", ";")
    (tmp_path / FILE).write_text(again.replace("=a; ", "=a, "), encoding="utf-8")
    assert [each.class_code for each in read_outlier_classes(tmp_path)] == ["error", "exceptional"]
    append_outlier_class(tmp_path, _decided(AS_RULED, minute=2))
    assert [each.class_code for each in read_outlier_classes(tmp_path)][2:] == [AS_RULED]


def test_the_last_line_about_a_value_holds_and_the_rules_come_back(tmp_path: Path) -> None:
    other = "touches_per_lead:lea_1"
    lines = [_decided("error"), _decided("risk", other), _decided("exceptional", minute=1)]
    assert list(statuses(lines).values()) == ["replaced", "active", "active"]
    lines.append(_decided(AS_RULED, minute=2))
    assert list(statuses(lines).values()) == ["replaced", "active", "replaced", "withdrawn"]
    assert outlier_table(lines).to_pylist()[3] == {
        "decision_id": lines[3].decision_id, "metric_code": "opportunity_amount",
        "record_key": "crm/crm_opportunity/0061:b", "class_code": "rule", "author": "Zoé",
        "reason": "=a; 'frame' contract", "decided_at": WHEN + dt.timedelta(minutes=2), "status": "withdrawn",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a,b\n1,2\n", "E-STW-001"),
        (",".join(COLUMNS) + "\n1,2\n", "E-STW-001"),
        (",".join(COLUMNS) + "\nd,opportunity_amount,r,great,A,why,2026-07-01\n", "E-STW-002"),
        (",".join(COLUMNS) + "\nd,event_id,r,risk,A,why,2026-07-01\n", "E-STW-002"),
        (",".join(COLUMNS) + "\nd,opportunity_amount,r,risk,,why,2026-07-01\n", "E-STW-002"),
        (",".join(COLUMNS) + "\nd,opportunity_amount,r,risk,A,why,yesterday\n", "E-STW-002"),
        (",".join(COLUMNS) + "\n" + "d,opportunity_amount,r,risk,A,why,2026-07-01\n" * 2, "E-STW-003"),
        (",".join(COLUMNS) + '\nd,opportunity_amount,r,risk,A,"why,2026-07-01\n', "E-STW-005"),
    ],
)
def test_a_file_that_is_not_understood_is_refused_with_its_line(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(StewardshipError) as refused:
        read_outlier_classes(tmp_path)
    assert refused.value.code == code and FILE in str(refused.value)


def test_a_run_reads_the_file_like_an_extract_and_a_publication_depends_on_it(site: Path) -> None:
    from ingest import load_company

    company = load_company(site)
    company.stewardship.mkdir(exist_ok=True)
    made = _decided("error")
    append_outlier_class(company.stewardship, made)
    assert company.stewardship / FILE in list_inputs(company).files
    prepare(company.stewardship, company.work, dt.date(2026, 7, 1))
    assert decisions_in_force(company.work / "stewardship") == [made.decision_id]
    assert pq.read_table(company.work / "stewardship" / "outlier_classes.parquet").num_rows == 1


@pytest.fixture
def listed(site: Path) -> Path:
    with duckdb.connect(str(site / "work" / "warehouse.duckdb")) as con:
        con.execute("create schema if not exists quality_dbt")
        con.execute("create schema if not exists conforming")
        con.execute("create schema if not exists metrics")
        con.execute("create schema if not exists staging")
        con.execute(
            "create table quality_dbt.dq_outliers as select * from (values"
            " ('opportunity_amount:crm/o/1', 'crm/o/1', 'opportunity_amount', 900.5, 9.1, null, 'exceptional',"
            "  'strategic_account', 'handle_apart', null, 'rule'),"
            " ('touches_per_lead:lea_1', 'lea_1', 'touches_per_lead', 38, 11.4, 1.6, 'risk_to_review', 'unexplained',"
            "  'review', 1, 'rule')) as t(outlier_key, record_key, metric_code, metric_value, robust_z, cooks_distance,"
            " class_code, reason_code, action_code, top_rank, actor)"
        )
        con.execute("create table conforming.int_opportunities as select 'crm/o/2' as opportunity_id")
    return site


def _invoke(site: Path, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(cli.etalon, ["outliers", *arguments, "--company", str(site)])
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.audit("OU5")
def test_the_list_has_the_five_of_the_cycle_in_both_languages(listed: Path) -> None:
    found = json.loads(_invoke(listed, "list", "--json"))
    assert [row["outlier_key"] for row in found["outliers"]] == [
        "touches_per_lead:lea_1", "opportunity_amount:crm/o/1",
    ]  # fmt: skip
    assert json.loads(_invoke(listed, "list", "--top", "--json"))["total"] == 1
    assert json.loads(_invoke(listed, "list", "--class", "exceptional", "--json"))["total"] == 1
    told = _invoke(listed, "list", "--language", "fr")
    assert "risque à examiner\u00a0: sans raison connue" in told and "38.00" in told
    assert "strategic account" in _invoke(listed, "list", "--metric", "opportunity_amount")


def test_a_class_is_recorded_once_and_taken_back(listed: Path) -> None:
    said = ("--author", "Ann", "--reason", "a frame contract")
    key = "opportunity_amount:crm/o/1"
    assert json.loads(_invoke(listed, "reclassify", key, "error", *said, "--json"))["is_new"] is True
    assert json.loads(_invoke(listed, "reclassify", key, "error", *said, "--json"))["is_new"] is False
    _invoke(listed, "reclassify", "opportunity_amount:crm/o/2", "error", *said)
    _invoke(listed, "reclassify", key, "rule", *said)
    found = json.loads(_invoke(listed, "list", "--decisions", "--json"))["decisions"]
    assert [(each["record_key"], each["class_code"], each["status"]) for each in found] == [
        ("crm/o/1", "rule", "withdrawn"), ("crm/o/2", "error", "active"), ("crm/o/1", "error", "replaced"),
    ]  # fmt: skip
    assert "taken back" in _invoke(listed, "list", "--decisions")


@pytest.mark.parametrize(
    "key", ["event_id:d:1:0", "touches_per_lead", "opportunity_amount:crm/o/none", "x:y"]
)
def test_what_nobody_can_class_is_refused(listed: Path, key: str) -> None:
    told = _invoke(
        listed, "reclassify", key, "error", "--author", "Ann", "--reason", "why", code=exit_codes.USAGE
    )
    assert "etalon outliers list" in told
    assert read_outlier_classes(listed / "stewardship") == ()


def test_help_has_examples() -> None:
    for name in ("list", "reclassify"):
        told = CliRunner().invoke(cli.etalon, ["outliers", name, "--help"]).output
        assert "Examples:" in told and "--json" in told
