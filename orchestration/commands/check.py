"""`etalon check`: everything up to the verdict."""

from __future__ import annotations

from pathlib import Path

import click

from orchestration.commands.output import cli_command
from orchestration.commands.run import check_cycle, execute_and_report

_EPILOG = """\b
Examples:
  etalon check
  etalon check --company my-company --cycle 2026-06 --json

\b
Exit code 3: the gate holds the cycle. 65: an extract is refused; the other sources are accounted for.
"""


@cli_command("check", epilog=_EPILOG)
@click.option(
    "--cycle", default=None, metavar="YYYY-MM", help="Month to check (default: the company's cycle)."
)
def command(company: Path, as_json: bool, language: str, cycle: str | None) -> None:
    """Collect, conform, match and judge; write the data-quality report; publish nothing."""
    check_cycle(cycle)
    raise SystemExit(execute_and_report(company, "check", as_json=as_json, language=language, cycle=cycle))
