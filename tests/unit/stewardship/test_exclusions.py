"""Exclusion lists: lines that only grow, the last one of an exclusion holds; the commands that write them."""

from __future__ import annotations

import datetime as dt
import json
import stat
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from orchestration import cli
from orchestration.commands import exit_codes
from orchestration.inputs import list_inputs
from orchestration.stewardship.errors import StewardshipError
from orchestration.stewardship.exclusions import (
    COLUMNS,
    FILE,
    Exclusion,
    append_exclusion,
    end,
    exclude,
    exclusion_table,
    known_at,
    read_exclusions,
    standing,
)
from orchestration.stewardship.preparing import prepare
from orchestration.stewardship.tables import decisions_in_force

WHEN = dt.datetime(2026, 7, 2, 8, 5)
DAY = dt.date(2026, 7, 1)
#: First day after the cycle that knows them.
END = dt.date(2026, 8, 2)


def _made(subject: str = "crm/crm_lead/1", author: str = "=Zoé", **other: object) -> Exclusion:
    given = {"list_code": "vip", "channel_code": "voice", "valid_from": DAY, "valid_to": None}
    given |= {"escalated_to": "sales_director", "reason_code": "key_account", **other}
    return exclude(subject, author=author, decided_at=WHEN, **given)  # type: ignore[arg-type]


@pytest.mark.audit("DE12", "DE14")
def test_lines_come_back_as_written_and_the_last_one_holds(tmp_path: Path) -> None:
    first, other = _made(), _made("acc_0a1b2c3d4e5f", channel_code=None, list_code="dispute")
    ended = end(first, dt.date(2026, 8, 1), "Ann", WHEN + dt.timedelta(days=20))
    for each in (first, other, ended):
        append_exclusion(tmp_path, each)
    assert read_exclusions(tmp_path) == (first, other, ended)
    assert standing(read_exclusions(tmp_path)) == {first.exclusion_id: ended, other.exclusion_id: other}
    assert exclusion_table(read_exclusions(tmp_path))["status"].to_pylist() == [
        "replaced",
        "active",
        "active",
    ]
    text = (tmp_path / FILE).read_text(encoding="utf-8")
    assert "'=Zoé" in text and ",=Zoé" not in text, "no cell is a formula"
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    with pytest.raises(StewardshipError, match="E-STW-002"):
        end(first, dt.date(2026, 6, 30), "Ann", WHEN)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("exclusion_id", "1"),
        ("subject_key", "Jane Doe"),
        ("list_code", "friends"),
        ("channel_code", "fax"),
        ("valid_from", ""),
        ("valid_from", "20260701"),
        ("valid_to", "2026-06-30"),
        ("escalated_to", "Jane Doe"),
        ("reason_code", "because"),
        ("author", ""),
        ("decided_at", "yesterday"),
    ],
)
def test_a_value_that_is_not_understood_is_refused_with_its_line(
    tmp_path: Path, column: str, value: str
) -> None:
    append_exclusion(tmp_path, _made())
    header, line = (tmp_path / FILE).read_text(encoding="utf-8").splitlines()
    cells = line.split(",")
    cells[header.split(",").index(column)] = value
    (tmp_path / FILE).write_text(f"{header}\n{','.join(cells)}\n", encoding="utf-8")
    with pytest.raises(StewardshipError) as refused:
        read_exclusions(tmp_path)
    assert (
        refused.value.code == "E-STW-002"
        and f"{FILE}:2" in str(refused.value)
        and column in str(refused.value)
    )


def test_one_id_for_two_subjects_and_other_columns_are_refused(tmp_path: Path) -> None:
    append_exclusion(tmp_path, _made())
    text = (tmp_path / FILE).read_text(encoding="utf-8")
    line = text.splitlines()[1]
    (tmp_path / FILE).write_text(
        f"{text}{line.replace('crm/crm_lead/1', 'crm/crm_lead/2')}\n", encoding="utf-8"
    )
    with pytest.raises(StewardshipError) as refused:
        read_exclusions(tmp_path)
    assert refused.value.code == "E-STW-019" and f"{FILE}:3" in str(refused.value)
    (tmp_path / FILE).write_text("who,until\n", encoding="utf-8")
    with pytest.raises(StewardshipError, match="E-STW-001"):
        read_exclusions(tmp_path)


@pytest.mark.audit("DE14")
def test_a_run_reads_the_lists_and_a_publication_depends_on_them(site: Path) -> None:
    from ingest import load_company

    company = load_company(site)
    company.stewardship.mkdir(exist_ok=True)
    made = _made()
    append_exclusion(company.stewardship, made)
    assert company.stewardship / FILE in list_inputs(company).files
    prepare(company.stewardship, company.work, DAY)
    assert decisions_in_force(company.work / "stewardship") == [], "it begins after that cycle"
    prepare(company.stewardship, company.work, END)
    assert decisions_in_force(company.work / "stewardship") == [made.decision_id]
    later = end(made, dt.date(2026, 8, 1), "Ann", WHEN)
    append_exclusion(company.stewardship, later)
    prepare(company.stewardship, company.work, END)
    assert decisions_in_force(company.work / "stewardship") == [later.decision_id] != [made.decision_id]


@pytest.mark.audit("DE14", "EX11")
def test_a_cycle_run_again_knows_no_line_about_the_days_after_it() -> None:
    """Lines decided on 2 July: what they say of June is read by June run again, what begins or ends later is not."""
    june = DAY
    planned = replace(_made(valid_from=dt.date(2026, 9, 1)), decided_at=dt.datetime(2026, 6, 30))
    assert known_at([_made(), planned], june) == (planned,), "what was planned in June was known in June"
    old = replace(_made(valid_from=dt.date(2026, 5, 1)), decided_at=dt.datetime(2026, 5, 1))
    unseen = end(old, dt.date(2026, 7, 1), "Ann", WHEN)
    assert known_at([old, unseen], june) == (old,)
    for seen in (
        end(old, dt.date(2026, 6, 30), "Ann", WHEN),
        replace(old, channel_code=None, decided_at=WHEN),
        _made("acc_0a1b2c3d4e5f", valid_from=dt.date(2026, 6, 1)),
    ):
        assert known_at([old, seen], june) == (old, seen), "a correction of the month is read"
    assert known_at([old, unseen], dt.date(2026, 8, 1)) == (old, unseen), "the next month knows the end"
    corrected = end(old, dt.date(2026, 6, 10), "Ann", WHEN)
    taken_back = replace(old, decided_at=WHEN + dt.timedelta(days=1))
    assert known_at([old, corrected, taken_back], june) == (old, corrected, taken_back)


@pytest.fixture
def listed(site: Path) -> Path:
    with duckdb.connect(str(site / "work" / "warehouse.duckdb")) as con:
        con.execute("create schema if not exists master; create schema if not exists quality_dbt")
        con.execute(
            "create table master.xref_persons as select * from (values ('crm/crm_lead/1', 'per_0000000000aa'),"
            " ('crm/crm_contact/9', 'per_0000000000aa'), ('crm/crm_lead/2', 'per_0000000000bb'))"
            " as t(record_key, person_id)"
        )
        con.execute(
            "create table master.xref_accounts as select * from (values ('crm/crm_lead/1', 'acc_0000000000cc'),"
            " ('crm/crm_lead/2', 'acc_0000000000dd'), ('erp/erp_customer/7', 'acc_0000000000dd'))"
            " as t(record_key, account_id)"
        )
        con.execute(
            "create table master.dim_accounts as select distinct account_id from master.xref_accounts"
        )
        con.execute(
            "create table quality_dbt.dq_outliers as select * from (values"
            " ('touches_per_lead:lea_1', 'lea_1', 'touches_per_lead', 'risk', 'dispute', 1),"
            " ('touches_per_lead:lea_2', 'lea_2', 'touches_per_lead', 'risk', 'opt_out', null),"
            " ('touches_per_lead:lea_3', 'lea_3', 'touches_per_lead', 'exceptional', 'strategic_account', 2),"
            " ('opportunity_amount:o1', 'o1', 'opportunity_amount', 'risk', 'complaint_or_dispute', 3))"
            " as t(outlier_key, record_key, metric_code, class_code, reason_code, top_rank)"
        )
        con.execute(
            "create table master.fct_leads as select * from (values ('lea_1', 'per_0000000000aa'),"
            " ('lea_2', 'per_0000000000bb'), ('lea_3', 'per_0000000000aa')) as t(lead_id, person_id)"
        )
        con.execute(
            "create table master.fct_opportunities as select 'o1' as opportunity_id, 'acc_0000000000dd' as account_id"
        )
    return site


def _invoke(site: Path, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(cli.etalon, ["exclusions", *arguments, "--company", str(site)])
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.audit("DE12", "DE14")
def test_people_are_put_on_a_list_and_taken_off(listed: Path) -> None:
    said = ("--escalated-to", "legal", "--reason", "litigation", "--author", "Ann", "--from", "2026-07-01")
    told = json.loads(_invoke(listed, "add", "per_0000000000aa", "dispute", *said, "--json"))["exclusion"]
    assert told["subject_key"] == "crm/crm_contact/9", "the first record of the golden person outlives its id"
    account = json.loads(
        _invoke(listed, "add", "acc_0000000000dd", "vip", "--channel", "email", *said, "--json")
    )
    assert account["exclusion"]["subject_key"] == "erp/erp_customer/7", (
        "the record of a lead would name a person"
    )
    alone = json.loads(_invoke(listed, "add", "acc_0000000000cc", "vip", *said, "--json"))
    assert alone["exclusion"]["subject_key"] == "acc_0000000000cc"
    _invoke(listed, "end", told["exclusion_id"], "--on", "2026-07-10", "--author", "Bea")
    found = json.loads(_invoke(listed, "list", "--on", "2026-07-10", "--json"))
    assert [row["subject_key"] for row in found["exclusions"]] == ["erp/erp_customer/7", "acc_0000000000cc"]
    assert found["total"] == 4
    assert "litige" in _invoke(listed, "list", "--history", "--language", "fr")
    for wrong in (
        ("add", "per_ffffffffffff", "vip", *said),
        ("add", "unknown", "vip", *said),
        ("add", "per_0000000000aa", "vip", *said, "--to", "2026-06-01"),
        ("add", "per_0000000000aa", "vip", *said[:-1], "2026-7-1"),
        ("end", "exc_000000000000", "--author", "Ann"),
        ("end", told["exclusion_id"], "--on", "2026-06-01", "--author", "Ann"),
    ):
        _invoke(listed, *wrong, code=exit_codes.USAGE)
    assert len(read_exclusions(listed / "stewardship")) == 4


@pytest.mark.audit("OU4", "DE14")
def test_outliers_at_risk_propose_and_a_person_accepts(listed: Path) -> None:
    proposed = json.loads(_invoke(listed, "propose", "--json"))["proposals"]
    assert [(row["outlier_key"], row["list_code"]) for row in proposed] == [
        ("touches_per_lead:lea_1", "dispute"), ("opportunity_amount:o1", "manual"),
        ("touches_per_lead:lea_2", "no_reach"),
    ]  # fmt: skip
    assert not (listed / "stewardship" / FILE).exists(), "a proposal is nothing yet"
    key = ("--accept", "touches_per_lead:lea_1")
    _invoke(listed, "propose", *key, code=exit_codes.USAGE)
    _invoke(listed, "propose", "--accept", "touches_per_lead:lea_3", "--author", "Ann", code=exit_codes.USAGE)
    _invoke(listed, "propose", *key, "--author", "Ann")
    (line,) = read_exclusions(listed / "stewardship")
    assert (line.list_code, line.reason_code, line.subject_key) == (
        "dispute",
        "outlier_risk",
        "crm/crm_contact/9",
    )
    left = json.loads(_invoke(listed, "propose", "--json"))["proposals"]
    assert [row["outlier_key"] for row in left] == ["opportunity_amount:o1", "touches_per_lead:lea_2"]


def test_the_columns_are_those_of_the_page() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "guard_rails.md").read_text(encoding="utf-8")
    assert ", ".join(COLUMNS) in " ".join(page.split())
    for name in ("list", "add", "end", "propose"):
        told = CliRunner().invoke(cli.etalon, ["exclusions", name, "--help"]).output
        assert "Examples:" in told and "--json" in told
