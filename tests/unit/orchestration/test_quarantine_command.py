"""`etalon quarantine` and `etalon deliveries` on the demo company: from a broken line to a published record."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from verifier import verify

from ingest import load_company
from orchestration import cli
from orchestration.commands import exit_codes
from orchestration.nothing_new import unchanged_publication


def invoke(company: Path, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(cli.etalon, [*arguments, "--company", str(company)])
    assert result.exit_code == code, result.output
    return result.output


def invoke_json(company: Path, *arguments: str, code: int = 0) -> dict:
    return json.loads(invoke(company, *arguments, "--json", code=code))


@pytest.fixture(scope="module")
def broken_line(demo_run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, int, str]:
    """A copy of the demo company collected with one more broken line: directory, path, line, the sound line."""
    company = tmp_path_factory.mktemp("broken") / "company"
    shutil.copytree(demo_run.company_dir, company)
    path = sorted((company / "extracts" / "crm").glob("*/Lead.csv"))[-1]
    content = path.read_bytes()
    lines = content.split(b"\n")
    at = next(
        i for i in range(len(lines) - 2, 0, -1) if lines[i].count(b",") == lines[0].count(b",")
    )  # a line without quoted separators
    sound = lines[at].rstrip(b"\r").decode()
    lines[at] = b'"' + lines[at].replace(b'"', b"")
    path.write_bytes(b"\n".join(lines))
    shutil.rmtree(company / "work")
    invoke(company, "quarantine", "replay")
    return company, path.relative_to(company / "extracts").as_posix(), at + 1, sound


def test_a_broken_line_is_listed_shown_repaired_and_published(
    broken_line: tuple[Path, str, int, str], tmp_path: Path
) -> None:
    company, path, line, sound = broken_line
    listed = invoke_json(company, "quarantine", "list", "--source", "crm", "--limit", "1000")
    row = next(r for r in listed["rows"] if r["file_path"] == path and r["line"] == line)
    email = re.search(r"[\w.+-]+@[\w.-]+", sound)
    assert email and email[0] not in json.dumps(listed), "personal data are not shown unasked"
    shown = invoke(company, "quarantine", "show", f"crm:{path}:{line}")
    assert "^" in shown and email[0] not in shown and f"etalon quarantine show {row['address']}" in shown
    assert email[0] in invoke(company, "quarantine", "show", f"crm:{path}:{line}", "--raw")

    file = tmp_path / "repair.csv"
    invoke(company, "quarantine", "show", f"crm:{path}:{line}", "--out", str(file))
    key = f"{row['address']},"
    text = file.read_text(encoding="utf-8-sig")
    assert key in text
    file.write_text(text.partition(key)[0] + key + sound + "\n", encoding="utf-8")

    invoke(company, "quarantine", "replay", str(file), code=exit_codes.USAGE)  # nobody decides
    checked = invoke_json(company, "quarantine", "replay", str(file), "--dry-run")["checked"]
    assert [each["state"] for each in checked] == ["new"]
    assert not (company / "decisions").exists()
    said = ("--author", "Ann Lee", "--reason", "quote typed by hand")
    done = invoke_json(company, "quarantine", "replay", str(file), *said)
    assert list(done["files"].values()) == [1]
    assert {"kind": "line", "reason_code": row["reason_code"], "n_rows": 1} in done["recovered"]
    again = invoke_json(company, "quarantine", "replay", str(file), *said)
    assert again["files"] == {} and again["landed"] == []

    invoke(company, "run", "--json")
    assert verify(company) == []
    where = invoke(company, "where", f"crm:{path}:{line}")
    assert "repaired line" in where and "Ann Lee" in where and row["reason_code"] in where
    rows = invoke_json(company, "journal", "--reason", "line_repaired", "--rows")["decisions"]
    assert [(r["action"], r["_source_row_id"], r["value_before"], r["value_after"]) for r in rows] == [
        ("correct", line, "***", "***")
    ]
    with duckdb.connect(str(company / "work" / "warehouse.duckdb"), read_only=True) as con:
        found = con.execute(
            "select actor, value_after, n_decisions from quality_dbt.dq_journal where reason_code = 'line_repaired'"
        ).fetchall()
        assert found == [("Ann Lee", sound, 1)]
        assert con.execute(
            "select count(*) from quality_dbt.dq_ledger_balances where difference <> 0"
        ).fetchone() == (0,)

    settings = load_company(company)
    assert unchanged_publication(settings, None) is not None
    (recorded,) = (company / "decisions" / "repairs").glob("*.yml")
    aside = recorded.rename(tmp_path / "aside.yml")
    assert unchanged_publication(settings, None) is None, "a decision taken away is news"
    assert any("nobody decided" in imbalance for imbalance in verify(company))
    recorded.write_text("version: 1\n")
    assert "decisions" in invoke(company, "doctor", code=exit_codes.USAGE)
    invoke(company, "run", code=exit_codes.USAGE)
    aside.rename(recorded)


def test_unknown_names_are_told_with_the_nearest(demo_run) -> None:
    company = demo_run.company_dir
    assert "unclosed_quote" in invoke(
        company, "quarantine", "list", "--reason", "unclosed_qoute", code=exit_codes.USAGE
    )
    assert "etalon where" in invoke(company, "quarantine", "show", "crm:none.csv:1", code=exit_codes.USAGE)
    invoke(company, "deliveries", "list", "--source", "crn", code=exit_codes.USAGE)


def test_a_filter_that_matches_nothing_does_not_say_that_every_row_got_in(demo_run, tmp_path: Path) -> None:
    company = demo_run.company_dir
    n = invoke_json(company, "quarantine", "list", "--limit", "0")["n_rows"]
    (path,) = {r["file_path"] for r in invoke_json(company, "quarantine", "list", "--limit", "1")["rows"]}
    none = ("quarantine", "list", "--file", path, "--reason", "undecodable_bytes")
    assert (
        n
        and f"{n} rows" in invoke(company, *none)
        and f"{n} lignes" in invoke(company, *none, "--language", "fr")
    )
    text = invoke(company, "quarantine", "list", "--file", path[:-1], code=exit_codes.USAGE)
    assert path in text.replace("\n", "")
    kept = tmp_path / "kept.csv"
    kept.write_text("mine")
    said = invoke(
        company, "quarantine", "list", "--reason", "undecodable_bytes", "--export", str(kept), code=2
    )
    assert "--export." in said and kept.read_text() == "mine"


@pytest.mark.parametrize("option", [("--dry-run",), ("--author", "Ann"), ("--reason", "why")])
def test_what_belongs_to_a_repair_needs_its_file(demo_run, option: tuple[str, ...]) -> None:
    for language, word in (("en", "FILE"), ("fr", "FICHIER")):
        text = invoke(demo_run.company_dir, "quarantine", "replay", *option, "--language", language, code=2)
        assert f"replay {word} {option[0]}" in " ".join(text.split())


def test_deliveries_are_listed_newest_first_with_what_became_of_them(demo_run) -> None:
    rows = invoke_json(demo_run.company_dir, "deliveries", "list")["deliveries"]
    with duckdb.connect() as con:
        files = con.execute(f"select count(*) from '{demo_run.work}/collect/deliveries.parquet'").fetchone()
        kept = con.execute(
            f"select sum(value) from '{demo_run.work}/collect/ledger_terms.parquet' where name = 'kept'"
        ).fetchone()
    assert (len(rows), sum(row["n_kept"] for row in rows)) == (files[0], kept[0])
    dates = [row["delivered_on"] or "" for row in rows]
    assert dates == sorted(dates, reverse=True) and {row["state"] for row in rows} == {"landed"}
    delivery = rows[0]["delivery_id"]
    text = invoke(
        demo_run.company_dir, "deliveries", "accept", delivery, "--author", "A", "--reason", "b",
        code=exit_codes.USAGE,
    )  # fmt: skip
    assert "E-ING-181" in text


def test_both_commands_speak_french(demo_run) -> None:
    text = invoke(demo_run.company_dir, "quarantine", "list", "--language", "fr", "--limit", "1")
    assert "ligne qui n'est pas un enregistrement" in text or "enregistrement mis de côté" in text
    assert "compte" in invoke(demo_run.company_dir, "deliveries", "list", "--language", "fr")
