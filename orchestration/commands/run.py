"""`etalon run`: the whole cycle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.typography import COLON
from orchestration.commands import exit_codes
from orchestration.commands.output import cli_command, describe_error, emit_json, say, shown, wording
from orchestration.commands.progress import progress
from orchestration.project import DEFAULT_COMPANY

if TYPE_CHECKING:
    from ingest.company import Company

_EPILOG = """\b
Examples:
  etalon run
  etalon run --company my-company --cycle 2026-06
  etalon run --json | jq .verdict
  CI=true etalon run --force

\b
Nothing new since the last publication is answered in a second, without running anything.
"""


@cli_command("run", epilog=_EPILOG)
@click.option(
    "--cycle", default=None, metavar="YYYY-MM", help="Month to publish (default: the company's cycle)."
)
@click.option("--force", is_flag=True, help="Run even when nothing is new.")
def command(company: Path, as_json: bool, language: str, cycle: str | None, force: bool) -> None:
    """Collect, conform, match, judge, publish and report, for one company and one month."""
    raise SystemExit(run_cycle(company, as_json=as_json, language=language, cycle=cycle, force=force))


def run_cycle(
    directory: Path,
    *,
    as_json: bool = False,
    language: str = "en",
    cycle: str | None = None,
    force: bool = False,
) -> int:
    """Run `cycle` and print what happened; returns the exit code."""
    check_cycle(cycle)
    if not (directory / "company.yml").is_file() and directory.resolve() == DEFAULT_COMPANY.resolve():
        from orchestration.commands.demo import generate_demo

        if not as_json:
            say(wording("no_company", language, path=shown(directory)), err=True)
        generate_demo(directory, "demo")
    if not force and (code := _nothing_new(directory, cycle, as_json, language)) is not None:
        return code
    return execute_and_report(directory, "cycle", as_json=as_json, language=language, cycle=cycle)


def execute_and_report(directory: Path, job: str, *, as_json: bool, language: str, cycle: str | None) -> int:
    """Execute one job under the lock, print its summary, return the exit code."""
    from ingest import load_company
    from ingest.delivery_decisions import load_delivery_decisions
    from ingest.mapping import load_mapping
    from ingest.repairs import load_repairs
    from orchestration.commands.execution import execute
    from orchestration.commands.summary import print_summary, run_summary
    from orchestration.publication.receipts import current_publication
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id
    from orchestration.steps import open_run

    company = load_company(directory)  # a wrong configuration is told before a lock file is made
    for source in company.sources:
        load_mapping(source, company.root)
    load_repairs(company.decisions)
    load_delivery_decisions(company.decisions)
    current_publication(company.published)  # so is a damaged record of what is live
    run_id = make_run_id()
    with run_lock(directory / "work", run_id), progress(quiet=as_json) as show:
        run = open_run(directory, cycle=cycle, run_id=run_id, on_progress=show)
        succeeded = execute(run, job)
        state = run.state
        held = state.content.get("verdict") == "hold"
        if (not succeeded and not held) or state.failure is not None:
            state.note(status="failed")
            return _failed(run, as_json, language)
        state.note(status="held" if held else "done")
        status = "checked" if job == "check" else "held" if held else "published"
        summary = run_summary(run.company, state.content, status, language)
    code = _exit_code(job, held, bool(summary["refusals"]))
    if as_json:
        emit_json(summary | {"exit_code": code})
    else:
        print_summary(summary, language, _next(directory, job, code))
    return code


def check_cycle(cycle: str | None) -> None:
    """A usage error when the cycle is not a month."""
    from orchestration.settings import cycle_bounds

    if cycle is not None:
        try:
            cycle_bounds(cycle)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--cycle") from error


def _exit_code(job: str, held: bool, refused: bool) -> int:
    """A refused file is told first: it is the sender's to mend. A run the policy let through is done."""
    if refused and (held or job == "check"):
        return exit_codes.DATA_REFUSED
    return exit_codes.HELD if held else exit_codes.DONE


def _next(directory: Path, job: str, code: int) -> list[str]:
    option = "" if directory.resolve() == DEFAULT_COMPANY.resolve() else f" --company {shown(directory)}"
    if code == exit_codes.DONE and job == "check":
        return [f"etalon publish{option}", f"etalon journal{option}"]
    if code == exit_codes.DONE:
        return [f"etalon journal{option}", f"etalon doctor{option}"]
    return [
        f"etalon journal{option}",
        f"etalon where{option} <source>:<file>:<line>",
        f"etalon check{option}",
    ]


def _failed(run: Any, as_json: bool, language: str) -> int:
    failure = run.state.failure or RuntimeError("see the run log")
    code, reason, following = describe_error(failure, language)
    log = shown(run.work / "run" / "run.log")
    with (run.work / "run" / "run.log").open("a", encoding="utf-8") as handle:
        import traceback

        traceback.print_exception(failure, file=handle)
    if as_json:
        emit_json(
            {
                "status": "failed",
                "step": run.state.failed_step,
                "error": reason,
                "exit_code": code,
                "log": log,
            }
        )
    else:
        say(wording("failed", language, step=run.state.failed_step or "-", reason=reason), err=True)
        say(wording("log", language, path=log), err=True)
        if following:
            say(f"{wording('next', language)}{COLON[language]}{following}", err=True)
    return code


def _refresh_role_files(company: Company) -> None:
    """access.yml decides no figure: where it alone changed, the files of the roles are made again and nothing else."""
    if not (company.root / "access.yml").is_file() and not (company.published / "roles").is_dir():
        return  # most companies, in no time
    from orchestration.access.role_files import build_role_files, is_stale
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id

    if is_stale(company):
        with run_lock(company.work, make_run_id()):
            build_role_files(company, is_strict=True)


def _write_missing_reports(company: Company, publication_id: str, as_json: bool) -> bool:
    """The reports that a run killed after its publication owes; False when its tables are gone: only a run has them."""
    from dataclasses import replace

    from orchestration.commands.execution import logged
    from orchestration.nothing_new import holds_tables_of
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id
    from orchestration.steps import resume_run, write_reports

    with run_lock(company.work, make_run_id()), progress(quiet=as_json) as show:
        if not holds_tables_of(company, publication_id):
            return False
        run = resume_run(company.root, show)
        run.company = replace(run.company, cycle=run.settings.cycle)
        run.state.note(publication_id=publication_id)
        with logged(run.work):
            write_reports(run)
        run.state.note(status="done")
    return True


def _nothing_new(directory: Path, cycle: str | None, as_json: bool, language: str) -> int | None:
    """Exit code when the last publication stands; None when a run is needed."""
    from ingest import load_company
    from orchestration.nothing_new import unchanged_publication

    company = load_company(directory)
    found = unchanged_publication(company, cycle)
    if found is None:
        return None
    if not found.has_reports and not _write_missing_reports(company, found.publication_id, as_json):
        return None
    _refresh_role_files(company)
    marts, reports = company.published / "marts.duckdb", company.published / "reports" / "latest"
    if as_json:
        emit_json(
            {
                "status": "nothing_new",
                "publication_id": found.publication_id,
                "rolled_back_from": found.rolled_back_from,
                "verdict": found.receipt["verdict"],
                "marts": str(marts),
                "reports": [str(path) for path in sorted(reports.glob("*.html"))],
                "reports_written": not found.has_reports,
                "exit_code": exit_codes.DONE,
            }
        )
        return exit_codes.DONE
    if found.rolled_back_from:
        values = {"publication_id": found.publication_id, "rolled_back_from": found.rolled_back_from}
        say(wording("rolled_back", language, **values))
    else:
        say(wording("nothing_new", language, publication_id=found.publication_id))
    if not found.has_reports:
        say(wording("reports_written", language))
    say(f"{wording('verdict', language)}{COLON[language]}{wording(found.receipt['verdict'], language)}")
    say(f"{wording('marts', language)}{COLON[language]}{shown(marts)}")
    say(f"{wording('reports', language)}{COLON[language]}{shown(reports)}")
    return exit_codes.DONE
