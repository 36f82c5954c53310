"""Reports that a run killed or failed after its publication owes: who notices, and who writes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from planted_candidate import MANIFEST, plant

from orchestration import cli, steps
from orchestration.commands import exit_codes
from orchestration.inputs import scan_inputs
from orchestration.nothing_new import holds_tables_of, unchanged_publication
from orchestration.publication import publish, rollback
from orchestration.publication.report_stamp import begin_reports, report_folders, stamp_reports
from orchestration.run_state import RunState
from orchestration.settings import read_settings, run_settings


def published(root: Path, **planted):
    """A planted publication whose receipt carries today's settings and inputs, and that has no reports."""
    company = plant(root)
    (root / "extracts" / "leads.csv").write_text("id\n1\n")
    company = plant(root, settings=run_settings(company, run_id="run-1"), **planted)
    return company, publish(company, MANIFEST, inputs=scan_inputs(company))


def test_a_publication_without_all_of_its_reports_does_not_simply_stand(tmp_path: Path) -> None:
    company, receipt = published(tmp_path)
    live, pages = receipt.publication_id, ("decision.en.html", "decision.fr.html")

    def has_reports() -> bool:
        return unchanged_publication(company, None).has_reports

    def write(publication_id: str) -> list[Path]:
        folders = report_folders(company.published, publication_id)
        for path in (found := [folder / name for folder in folders for name in pages]):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(publication_id)
        return found

    assert not has_reports()
    written = write(live)
    assert not has_reports(), "pages that no stamp lists may be half of them"
    stamp_reports(company.published, live, pages)
    assert has_reports()
    for path in written:
        path.unlink()
        assert not has_reports(), path
        path.write_text("again")
    write("2026-05-000000000000")
    stamp_reports(company.published, "2026-05-000000000000", pages)
    assert not has_reports(), "latest shows another publication"
    stamp_reports(company.published, live, pages)
    begin_reports(company.published, live)
    assert not has_reports()


def test_reports_are_written_only_from_the_tables_of_their_publication(tmp_path: Path) -> None:
    company, receipt = published(tmp_path)
    state = RunState.start(company.work, "run-1")

    def holds() -> bool:
        return holds_tables_of(company, receipt.publication_id)

    assert not holds(), "a run that began has not judged its marts yet"
    with state.step("mart_rules"):
        pass
    assert holds()
    assert not holds_tables_of(company, "2026-06-000000000000")
    state.note(run_id="run-2")
    assert not holds(), "the state is that of another run"
    state.note(run_id="run-1")
    plant(tmp_path, settings=read_settings(company.work), delivery="d2")
    assert not holds(), "something else was collected"
    (company.work / "run" / "settings.parquet").unlink()
    assert not holds()


def test_a_run_writes_the_reports_it_owes_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company, receipt = published(tmp_path)
    with RunState.start(company.work, "run-1").step("mart_rules"):
        pass
    months = []

    def fail(run) -> None:
        raise OSError("disk full")

    def write(run) -> None:
        months.append(run.company.cycle)
        for folder in report_folders(company.published, run.state.content["publication_id"]):
            folder.mkdir(parents=True, exist_ok=True)
        stamp_reports(company.published, run.state.content["publication_id"], [])

    def run(*options: str):
        return CliRunner().invoke(cli.etalon, ["run", "--company", str(tmp_path), *options])

    monkeypatch.setattr(steps, "write_reports", fail)
    failed = run("--json")
    assert failed.exit_code == exit_codes.IO_ERROR and json.loads(failed.stdout)["status"] == "error"
    monkeypatch.setattr(steps, "write_reports", write)
    first, second = json.loads(run("--json").stdout), json.loads(run("--json").stdout)
    assert (first["status"], first["publication_id"]) == ("nothing_new", receipt.publication_id)
    assert (first["reports_written"], second["reports_written"]) == (True, False)
    assert months == ["2026-06"]
    begin_reports(company.published, receipt.publication_id)
    assert "have been written" in run("--language", "en").output


def test_the_doctor_names_reports_that_are_not_there(tmp_path: Path) -> None:
    company, receipt = published(tmp_path)

    def told() -> dict[str, str]:
        found = CliRunner().invoke(cli.etalon, ["doctor", "--company", str(tmp_path), "--json"])
        return {
            each["state"]: each["text"]
            for each in json.loads(found.stdout)["findings"]
            if each["name"] == "reports"
        }

    assert f"reports/{receipt.publication_id}/" in told()["bad"] and "etalon run" in told()["bad"]
    for folder in report_folders(company.published, receipt.publication_id):
        folder.mkdir(parents=True)
    stamp_reports(company.published, receipt.publication_id, [])
    assert set(told()) == {"ok"}
    begin_reports(company.published, receipt.publication_id)
    second = publish(
        plant(tmp_path, settings=run_settings(company, run_id="run-2"), n_leads=9, delivery="d2"), MANIFEST
    )
    assert second.publication_id in told()["bad"]
    rollback(company, receipt.publication_id)
    assert told() == {}, "latest goes on showing what was left, and nothing can write the pages of its time"


def test_pages_from_before_they_were_listed_are_a_warning(tmp_path: Path) -> None:
    company, receipt = published(tmp_path)
    own, latest = report_folders(company.published, receipt.publication_id)
    for folder in (own, latest):
        folder.mkdir(parents=True)
        (folder / "decision.en.html").write_text("a page")

    def told() -> tuple[str, str]:
        found = CliRunner().invoke(cli.etalon, ["doctor", "--company", str(tmp_path), "--json"])
        (text,) = (each for each in json.loads(found.stdout)["findings"] if each["name"] == "reports")
        return text["state"], text["text"]

    state, text = told()
    assert state == "warn" and "etalon run" in text
    (own / "decision.en.html").unlink()
    assert told()[0] == "bad", "nothing was written for it"
    (own / "decision.en.html").write_text("a page")
    stamp_reports(company.published, receipt.publication_id, ["decision.en.html"])
    assert told()[0] == "ok"
    begin_reports(company.published, receipt.publication_id)
    (former := own.with_name("2026-05-000000000000")).mkdir()
    (former / "written.json").write_text("{}")
    assert told()[0] == "bad", "a version that lists pages did not finish these"
