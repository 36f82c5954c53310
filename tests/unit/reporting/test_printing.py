"""Printing pages to PDF: what is printed, where it goes, and what is said when nothing can be."""

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from test_report_inputs import PARQUET, PlantedRun, plant

from orchestration import cli, steps
from orchestration.access.reading_log import FILE, read_log
from orchestration.reporting import printing, render_reports
from orchestration.reporting.printing import PrintError, print_pages, print_reports

BROWSER = """#!/bin/sh
for each in "$@"; do case "$each" in --print-to-pdf=*) {body} ;; esac; done
"""
PRINTS = 'printf "%%PDF-1.4" > "${each#--print-to-pdf=}"'


@pytest.fixture
def browser(tmp_path, monkeypatch):
    """Puts a program in place of the browser; its body runs with $each, the switch that names the file."""

    def place(body: str) -> None:
        program = tmp_path / "chromium"
        program.write_text(BROWSER.format(body=body), encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setattr(printing, "find_browser", lambda: str(program))

    return place


def test_without_a_browser_the_error_says_so_in_both_languages(tmp_path, monkeypatch):
    monkeypatch.setattr(printing.shutil, "which", lambda name: None)
    with pytest.raises(PrintError) as raised:
        print_pages([tmp_path / "page.html"])
    assert raised.value.code == "E-REP-001"
    assert "Chromium" in raised.value.text("what", "fr") and "HTML pages are written" in raised.value.text(
        "why"
    )


@pytest.mark.parametrize("body", ["exit 3", "true", 'printf "not a pdf" > "${each#--print-to-pdf=}"'])
def test_a_browser_that_prints_nothing_leaves_no_file(tmp_path, browser, body):
    browser(body)
    (tmp_path / "page.html").write_text("<p>", encoding="utf-8")
    with pytest.raises(PrintError, match="E-REP-002"):
        print_pages([tmp_path / "page.html"])
    assert [path.name for path in tmp_path.iterdir() if "pdf" in path.name] == []


def test_a_browser_that_never_answers_is_given_up(tmp_path, browser, monkeypatch):
    browser("sleep 5")
    monkeypatch.setattr(printing, "PATIENCE", 0.2)
    with pytest.raises(PrintError, match="E-REP-002"):
        print_pages([tmp_path / "page.html"])


@pytest.mark.audit("DA10")
def test_pages_made_for_paper_are_printed_beside_and_under_latest_and_linked(tmp_path, browser):
    company = plant(tmp_path / "company")
    browser(PRINTS)
    made = print_reports(company, render_reports(company, "run-1"))
    reports = company.published / "reports"
    assert {path.name.split(".")[0] for path in made} == set(printing.PRINTED) and len(made) == 2 * len(
        printing.PRINTED
    )
    for path in made:
        assert path.read_bytes() == (reports / "latest" / path.name).read_bytes() == b"%PDF-1.4"
        assert f'href="{path.name}"' in (reports / "latest" / "index.en.html").read_text(encoding="utf-8")
        assert f'href="{path.name}"' in (reports / "run-1" / "index.fr.html").read_text(encoding="utf-8")
    assert not list(reports.rglob("*.writing"))


@pytest.mark.parametrize(("is_found", "exit_code"), [(True, 0), (False, 1)])
def test_the_command_prints_and_fails_when_it_cannot(tmp_path, browser, monkeypatch, is_found, exit_code):
    company = plant(tmp_path / "company")
    run = SimpleNamespace(
        company=company, work=company.work, state=PlantedRun({"publication_id": "2026-06-0a1b"}).state
    )
    monkeypatch.setattr(steps, "resume_run", lambda directory: run)
    monkeypatch.setattr(
        steps, "write_reports", lambda run, *names: render_reports(run.company, "run-1", names)
    )
    if is_found:
        browser(PRINTS)
    else:
        monkeypatch.setattr(printing, "find_browser", lambda: None)
    arguments = ["report", "--company", str(company.root), "--name", "decision", "--pdf", "--json"]
    result = CliRunner().invoke(cli.etalon, arguments)
    assert result.exit_code == exit_code, result.output
    told = json.loads(result.stdout)
    assert told["error"] == (None if is_found else "E-REP-001")
    assert any(path.endswith("decision.fr.html") for path in told["reports"])
    assert any(path.endswith("decision.fr.pdf") for path in told["reports"]) == is_found
    spoken = CliRunner().invoke(cli.etalon, [*arguments[:-1], "--language", "fr"])
    assert spoken.exit_code == exit_code and (
        is_found or "pas de Chromium sur cette machine" in spoken.stderr
    )


def test_a_held_run_writes_its_quality_report_only(tmp_path, monkeypatch):
    company = plant(tmp_path / "company")
    run = SimpleNamespace(company=company, work=company.work, state=PlantedRun().state)
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(steps, "resume_run", lambda directory: run)
    monkeypatch.setattr(steps, "write_reports", lambda run, *names: asked.append(names) or [])
    assert CliRunner().invoke(cli.etalon, ["report", "--company", str(company.root)]).exit_code == 0
    assert asked == [("data_quality",)] and "run/settings" in PARQUET


@pytest.mark.audit("CP6")
def test_reports_are_logged_as_read_and_where_they_are_not_the_person_is_told(tmp_path, monkeypatch):
    company = plant(tmp_path / "company")
    run = SimpleNamespace(
        company=company, work=company.work, state=PlantedRun({"publication_id": "2026-06-0a1b"}).state
    )
    monkeypatch.setattr(steps, "resume_run", lambda directory: run)
    monkeypatch.setattr(steps, "write_reports", lambda run, *names: [])
    arguments = ["report", "--company", str(company.root), "--name", "decision"]
    assert CliRunner().invoke(cli.etalon, arguments).exit_code == 0
    (read,) = read_log(company.root)[0]
    assert (read.command, read.relation, read.publication_id) == ("report", "decision", "2026-06-0a1b")
    (company.root / FILE).unlink()
    (company.root / FILE).parent.rmdir()
    (company.root / FILE).parent.write_text("a file where the folder should be")
    told = CliRunner().invoke(cli.etalon, arguments)
    assert told.exit_code == 0 and "not logged" in told.stderr
