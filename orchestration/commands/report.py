"""`etalon report`: write the reports of the last run again."""

from __future__ import annotations

from pathlib import Path

import click

from orchestration.commands.execution import logged
from orchestration.commands.output import cli_command, emit_json, say, shown

_EPILOG = """\b
Examples:
  etalon report
  etalon report --name data_quality --company my-company
"""


@cli_command("report", epilog=_EPILOG)
@click.option(
    "--name", type=click.Choice(["data_quality", "sales_audit"]), multiple=True, help="Default: both."
)
def command(company: Path, as_json: bool, language: str, name: tuple[str, ...]) -> None:
    """Render the data-quality report and the sales audit, in French and English, from the last run."""
    from orchestration import steps
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id

    with run_lock(company / "work", make_run_id()):
        run = steps.resume_run(company)
        wanted = name or ("data_quality", "sales_audit")
        if not name and not run.state.content.get("publication_id"):
            wanted = ("data_quality",)  # a held run has no marts to audit
        with logged(run.work):
            paths = steps.write_reports(run, *wanted)
    if as_json:
        emit_json({"reports": [str(path) for path in paths]})
        return
    for path in paths:
        say(shown(path))
