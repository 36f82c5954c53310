"""`etalon report`: write the reports of the last run again."""

from __future__ import annotations

from pathlib import Path

import click

from orchestration.commands import exit_codes
from orchestration.commands.execution import logged
from orchestration.commands.output import cli_command, emit_json, say, shown

_NAMES = (
    *("data_quality", "sales_audit", "sales_audit_detail", "decision", "contact_charter", "monthly_note"),
    *("standup", "pipeline_review", "workbook"),
)
_EPILOG = """\b
Examples:
  etalon report
  etalon report --name sales_audit --pdf
  etalon report --name decision --name contact_charter --company my-company

A held run has its data-quality report only. `--pdf` prints each page with the Chromium of the machine, beside its
HTML; the pages need none.

\b
Exit codes: 0 done, 1 nothing could be printed, 2 wrong usage, 75 a run holds the company.
"""


@cli_command("report", epilog=_EPILOG)
@click.option("--name", type=click.Choice(_NAMES), multiple=True, help="Default: all of them.")
@click.option("--pdf", "is_printed", is_flag=True, help="Print the pages to PDF too.")
def command(company: Path, as_json: bool, language: str, name: tuple[str, ...], is_printed: bool) -> None:
    """Render the reports of the last run, in French and English: audit, decision, charter, note, workbook, quality."""
    from orchestration import steps
    from orchestration.access.reading_log import log_read
    from orchestration.reporting.printing import PrintError, print_reports
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id

    failure: PrintError | None = None
    with run_lock(company / "work", make_run_id()):
        run = steps.resume_run(company)
        is_held = not run.state.content.get("publication_id")
        wanted = name or (("data_quality",) if is_held else _NAMES)  # a held run has no marts to audit
        with logged(run.work):
            paths = steps.write_reports(run, *wanted)
            if is_printed:
                try:
                    paths += print_reports(run.company, paths)
                except PrintError as error:
                    failure = error
    # outside: within, the umask is the run's own and stderr is the run log
    for each in wanted:
        log_read(run.company, "report", each, None, run.state.content.get("publication_id"))
    if as_json:
        emit_json({"reports": [str(path) for path in paths], "error": failure and failure.code})
    else:
        for path in paths:
            say(shown(path))
        if failure:
            say(f"{failure.code} {failure.text('what', language)}", err=True)
            for part in ("why", "next"):
                say(failure.text(part, language), err=True)
    raise SystemExit(exit_codes.FAILED if failure else exit_codes.DONE)
