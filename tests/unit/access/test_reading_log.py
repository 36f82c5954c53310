"""Reads that a command serves leave a line: when, who, what, how much; no value, and no line of another is lost."""

from __future__ import annotations

import json
import multiprocessing
import os
import pwd
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner
from planted_publication import publish

from ingest import load_company
from orchestration import cli
from orchestration.access.reading_log import log_read, log_read_of_work, read_log
from orchestration.access.role_files import build_role_files
from orchestration.run_state import RunState

PERSON = "per_0a1b2c3d4e5f"
CONTACTABLE = (
    "create table mart_revops_contactability_person as select person_id, account_id, false as is_consumer,"
    " 'legitimate_interest' as legal_basis_code, true as is_voice_allowed, null::varchar as voice_reason_code,"
    " timestamp '2026-07-02 07:00:00' as voice_next_slot_at, true as is_mail_allowed,"
    " null::varchar as mail_reason_code, null::timestamp as mail_next_slot_at, true as is_social_allowed,"
    " null::varchar as social_reason_code,"
    " null::timestamp as social_next_slot_at"
    f" from (values ('{PERSON}', 'acc_1'), ('per_2', 'acc_1')) as t(person_id, account_id)"
)
KPIS = (
    "create table mart_management_kpis_month as select 'cr' as metric_name, date '2026-06-01' as period_month,"
    " 'all' as segment_kind_code, 'all' as segment_code, 0.25::decimal(18,10) as metric_value,"
    " 1::decimal(18,4) as numerator, 4::decimal(18,4) as denominator, 'rate' as unit_code,"
    " null::varchar as reporting_currency, 0::bigint as n_immature, null::varchar as reason_code,"
    " null::varchar as caveat_code"
)
TRUST = (
    "create table kpi_trust as select 'cr' as metric_name, date '2026-06-01' as period_month, 'reliable' as trust_code,"
    " false as is_too_few, null::varchar as rule_ids, null::varchar as caveat_fr, null::varchar as caveat_en"
)


@pytest.fixture
def company(tmp_path: Path) -> Path:
    publish(tmp_path, "2026-06-0a1b2c3d4e5f", CONTACTABLE, KPIS, TRUST)
    return tmp_path


def invoke(company: Path, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(cli.etalon, [*arguments, "--company", str(company)])
    assert done.exit_code == code, done.output
    return done.stdout


@pytest.mark.audit("CP6")
def test_a_read_leaves_who_when_what_and_how_many_rows_and_no_value(company: Path) -> None:
    invoke(company, "metrics", "query", "cr")
    invoke(company, "metrics", "show", "cr")
    invoke(company, "contactable", PERSON)
    invoke(company, "contactable", "acc_1")
    invoke(company, "contactable", "--export", str(company / "crm.csv"))
    (company / "access.yml").write_text("version: 1\nroles: [{role_code: board, tables: [dim_accounts]}]\n")
    build_role_files(load_company(company))
    me = pwd.getpwuid(os.geteuid()).pw_name
    found, n_unreadable = read_log(company)
    assert [(each.command, each.relation, each.n_rows, each.role_code) for each in found] == [
        ("metrics query", "mart_management_kpis_month", 1, None),
        ("metrics show", "mart_management_kpis_month", 1, None),
        ("contactable", "mart_revops_contactability_person", 1, None),
        ("contactable", "mart_revops_contactability_person", 2, None),
        ("contactable --export", "mart_revops_contactability_person", 2, None),
        ("access build", "role_file", 4, "board"),
    ]
    assert {(each.user_name, each.publication_id) for each in found} == {(me, "2026-06-0a1b2c3d4e5f")}
    assert all(each.read_at.endswith("Z") for each in found) and n_unreadable == 0
    text = (company / "access" / "log.jsonl").read_text()
    assert PERSON not in text and "acc_1" not in text and "0.25" not in text
    assert (company / "access" / "log.jsonl").stat().st_mode & 0o007 == 0


@pytest.mark.audit("CP6")
def test_a_question_that_is_refused_is_no_read(company: Path) -> None:
    invoke(company, "metrics", "query", "no_such_metric", code=2)
    invoke(company, "metrics", "list")
    assert read_log(company) == ([], 0)


@pytest.mark.audit("CP6")
def test_the_log_is_told_by_user_relation_and_day(company: Path) -> None:
    invoke(company, "metrics", "query", "cr")
    invoke(company, "contactable", "acc_1")
    told = json.loads(invoke(company, "access", "log", "--relation", "mart_management_kpis_month", "--json"))
    assert told["total"] == 1 and told["reads"][0]["command"] == "metrics query" and told["n_unreadable"] == 0
    assert "1 of 2 reads." in invoke(company, "access", "log", "--limit", "1")
    assert "0 lectures sur 0" in invoke(company, "access", "log", "--since", "2999-01-01", "--language", "fr")
    assert (
        json.loads(invoke(company, "access", "log", "--user", "nobody-of-this-name", "--json"))["total"] == 0
    )


def _append(company: str, number: int) -> None:
    settings = load_company(Path(company))
    for n in range(100):
        log_read(settings, f"worker {number}", "x" * (n * 7), n)


@pytest.mark.audit("CP6")
def test_commands_at_the_same_time_keep_each_others_lines(company: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_append, args=(str(company), number)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found, n_unreadable = read_log(company)
    assert n_unreadable == 0 and len(found) == 400
    assert {each.command for each in found} == {f"worker {number}" for number in range(4)}


@pytest.mark.audit("CP6")
def test_a_line_that_a_full_disk_cut_costs_no_other_line(company: Path) -> None:
    settings, log = load_company(company), company / "access" / "log.jsonl"
    log_read(settings, "first", "a", 1)
    with log.open("ab") as handle:
        handle.write(b'{"read_at": "2026-0')
    log_read(settings, "second", "b", 2)
    found, n_unreadable = read_log(company)
    assert [each.command for each in found] == ["first", "second"] and n_unreadable == 1
    assert "1 lines" in invoke(company, "access", "log")


@pytest.mark.audit("CP6")
@pytest.mark.parametrize(
    "wrong",
    [
        {"read_at": 20260601}, {"command": None}, {"relation": ["a"]}, {"user_name": 0}, {"n_rows": "7"},
        {"n_rows": True}, {"publication_id": 5}, {"role_code": {}},
    ],
)  # fmt: skip
def test_a_line_of_wrong_types_is_one_that_cannot_be_read(company: Path, wrong: dict) -> None:
    settings, log = load_company(company), company / "access" / "log.jsonl"
    log_read(settings, "first", "a", 1)
    with log.open("a") as handle:
        handle.write(json.dumps(json.loads(log.read_text()) | wrong) + "\n")
    found, n_unreadable = read_log(company)
    assert [each.command for each in found] == ["first"] and n_unreadable == 1
    assert "1 lines" in invoke(company, "access", "log")


@pytest.mark.audit("CP6")
def test_the_log_is_for_the_group_of_its_folder_whatever_the_umask(company: Path) -> None:
    folder = company / "access"
    company.chmod(0o2770)
    before = os.umask(0o077)
    try:
        log_read(load_company(company), "first", "a", 1)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o2770  # of a folder whose group is handed down
        assert stat.S_IMODE((folder / "log.jsonl").stat().st_mode) == 0o660
        assert (folder / "log.jsonl").stat().st_gid == folder.stat().st_gid
        folder.chmod(0o750)  # what somebody sets stays
        log_read(load_company(company), "second", "a", 1)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o750
    finally:
        os.umask(before)
    assert [each.command for each in read_log(company)[0]] == ["first", "second"]


@pytest.mark.audit("CP6")
def test_what_lies_in_work_is_of_the_publication_of_the_last_run(company: Path) -> None:
    settings = load_company(company)
    log_read_of_work(settings, "explain", "dim_accounts", 1)
    RunState.start(company / "work", "run-1").note(publication_id="2026-06-ffffffffffff")
    log_read_of_work(settings, "explain", "dim_accounts", 1)
    RunState.start(company / "work", "run-2")  # held, or not come so far
    log_read_of_work(settings, "explain", "dim_accounts", 1)
    assert [each.publication_id for each in read_log(company)[0]] == [None, "2026-06-ffffffffffff", None]


@pytest.mark.audit("CP6")
def test_a_read_that_cannot_be_logged_is_served_and_said(company: Path) -> None:
    (company / "access").write_text("a file where the folder should be")
    done = CliRunner().invoke(cli.etalon, ["metrics", "query", "cr", "--json", "--company", str(company)])
    assert done.exit_code == 0 and json.loads(done.stdout)["rows"]
    assert "not logged" in done.stderr
