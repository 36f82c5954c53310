"""`etalon contactable`: the published answer for a person or company, and the file for the CRM."""

from __future__ import annotations

import csv
import json
import stat
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from planted_candidate import COMPANY_YML

from orchestration import cli
from orchestration.commands import exit_codes
from orchestration.commands.output import wording
from orchestration.project import DBT_PROJECT

PAGE = Path(__file__).resolve().parents[3] / "docs" / "guard_rails.md"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    (tmp_path / "company.yml").write_text(COMPANY_YML)
    (tmp_path / "published").mkdir()
    with duckdb.connect(str(tmp_path / "published" / "marts.duckdb")) as con:
        con.execute(
            "create table dim_publication as select '2026-06-0a1b2c3d4e5f' as publication_id, '2026-06' as cycle,"
            " 'planted' as company, 'publish' as verdict, 'EUR' as reporting_currency, true as is_current"
        )
        con.execute(
            "create table mart_revops_contactability_person as select person_id, account_id, false as is_consumer,"
            " 'legitimate_interest' as legal_basis_code, v is null as is_voice_allowed, v as voice_reason_code,"
            " timestamp '2026-07-02 07:00:00' as voice_next_slot_at, m is null as is_mail_allowed,"
            " m as mail_reason_code, null::timestamp as mail_next_slot_at, true as is_social_allowed,"
            " null::varchar as social_reason_code, timestamp '2026-06-30 22:00:00' as social_next_slot_at"
            " from (values ('per_1', 'acc_1', 'cool_down', 'opt_out'), ('per_2', 'acc_1', null, 'opt_out'),"
            " ('=cmd|1', 'unknown', null, null)) as t(person_id, account_id, v, m)"
        )
    return tmp_path


def _invoke(company: Path, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(cli.etalon, ["contactable", *arguments, "--company", str(company)])
    assert done.exit_code == code, done.output
    return done.output


def test_a_person_is_told_why_not_and_when(published: Path) -> None:
    told = _invoke(published, "per_1")
    assert "calls: not allowed (pause after contacts without an answer)  from 2026-07-02 07:00:00 UTC" in told
    assert "mails: not allowed (the person refuses)  no end is known" in told
    assert "réseaux sociaux: autorisé" in _invoke(published, "per_1", "--language", "fr").replace(
        "\u00a0:", ":"
    )
    found = json.loads(_invoke(published, "acc_1", "--channel", "voice", "--json"))
    assert [(row["person_id"], row["channels"]["voice"]["is_allowed"]) for row in found["persons"]] == [
        ("per_1", False), ("per_2", True),
    ]  # fmt: skip
    assert found["publication"]["cycle"] == "2026-06"
    assert "1 of 2" in _invoke(published, "acc_1", "--limit", "1")


def test_the_export_is_private_and_no_cell_is_a_formula(published: Path) -> None:
    for name, arguments, persons in (("all.csv", (), 3), ("calls.csv", ("--channel", "voice"), 2)):
        path = published / name
        assert (
            json.loads(_invoke(published, "--export", str(path), *arguments, "--json"))["persons"] == persons
        )
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter=";"))
        assert len(rows) == persons and rows[0]["person_id"] == "'=cmd|1"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    _invoke(published, "--export", str(published / "all.csv"), code=exit_codes.IO_ERROR)


def test_what_cannot_be_answered_is_said(published: Path, tmp_path: Path) -> None:
    for arguments in ((), ("per_9",), ("unknown",), ("per_1", "--export", "x.csv"), ("' or 1=1 --",)):
        _invoke(published, *arguments, code=exit_codes.USAGE)
    (published / "published" / "marts.duckdb").unlink()
    assert "etalon run" in _invoke(published, "per_1", code=exit_codes.IO_ERROR)


@pytest.mark.audit("DE12")
def test_the_page_has_every_reason_in_the_order_of_the_model_and_both_languages_have_words() -> None:
    model = (DBT_PROJECT / "models" / "quality" / "dq_contactability.sql").read_text(encoding="utf-8")
    listed = model.partition("{% set reasons = [")[2].partition("]")[0]
    reasons = [each.strip().strip("'") for each in listed.split(",")]
    table = [
        line.split("`")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    start = table.index(reasons[0])
    assert table[start : start + len(reasons)] == reasons and len(reasons) == 15
    for reason in reasons:
        for language in ("en", "fr"):
            assert wording(f"contact_reason_{reason}", language)
