"""`etalon deliveries`: what was delivered when; reject a wrong one; accept a snapshot that removes too much."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingest.typography import COLON
from orchestration.commands.output import check_values, cli_command, cli_group, emit_json, say, wording

if TYPE_CHECKING:
    from ingest.delivery_decisions import Choice

_EPILOG = """\b
Examples:
  etalon deliveries list --source crm
  etalon deliveries accept 2f6d0c1b9a4e --author "Ann Lee" --reason "the Lyon team was closed"
  etalon deliveries reject 2f6d0c1b9a4e --author "Ann Lee" --reason "the export was cut"

\b
A file whose mapping says `snapshot` holds all records of its source: those that the newest one does not hold are
removed. One that would remove more than the declared share waits until somebody accepts or rejects it; the
decision is written to decisions/deliveries.yml and holds for as many records as were shown. Any landed delivery can
be rejected: its records leave, and accepting it takes that back. One that has far fewer records than the content it
replaces holds until it is accepted or the whole file is back. Every command has --json and --company.
"""
_LIST_EPILOG = """\b
Examples:
  etalon deliveries list --source crm --json
"""
_DECIDE_EPILOG = """\b
Examples:
  etalon deliveries accept 2f6d0c1b9a4e --author "Ann Lee" --reason "the Lyon team was closed"
  etalon deliveries reject 2f6d0c1b9a4e --author "Ann Lee" --reason "the export was cut"
"""

command = cli_group(
    "deliveries", "List deliveries; reject a wrong one; accept one that removes too much.", _EPILOG
)


@cli_command("list", epilog=_LIST_EPILOG)
@click.option("--source", default=None, help="Source instance of company.yml.")
def list_deliveries(company: Path, as_json: bool, language: str, source: str | None) -> None:
    """List what was delivered, newest first: date, file, records in and kept, and what became of it."""
    from ingest import load_company
    from ingest.delivery_overview import deliveries_of
    from orchestration.run_lock import reading

    settings = load_company(company)
    check_values(settings, language, source=source)
    with reading(settings.work):
        rows = deliveries_of(settings, source)
    if as_json:
        emit_json({"deliveries": [asdict(row) for row in rows]})
        return
    for row in rows:
        counts = f"{row.n_records:>9} {row.n_kept:>9}"
        removes = ""
        if row.n_removed:
            said = wording("delivery_removes", language, removed=row.n_removed, known=row.n_before)
            removes = f", {said}"
        state = f"{wording(f'delivery_{row.state}', language)}{removes}"
        say(
            f"{row.delivered_on or '-':<10}  {row.delivery_id}  {counts}  {row.source_instance}:{row.file_path}"
            f"  {state}"
        )
    if not rows:
        say(wording("no_deliveries", language))


def _decide(company: Path, as_json: bool, language: str, delivery: str, choice: Choice, said: tuple) -> None:
    from ingest import load_company
    from ingest.delivery_overview import decide
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id

    settings = load_company(company)
    with run_lock(settings.work, make_run_id()):
        recorded = decide(settings, delivery, choice, *said, datetime.now(UTC).date())
    made = recorded.decision
    if as_json:
        emit_json({**made.model_dump(mode="json"), "is_new": recorded.is_new})
        return
    say(wording(f"decided_{choice}", language, delivery=delivery))
    if not recorded.is_new:
        say(wording("decided_before", language, author=made.author, date=made.decided_on))
    say(f"{wording('next', language)}{COLON[language]}etalon run")


@cli_command("accept", epilog=_DECIDE_EPILOG)
@click.argument("delivery")
@click.option("--author", required=True, help="Who decides.")
@click.option("--reason", required=True, help="Why it is right.")
def accept(company: Path, as_json: bool, language: str, delivery: str, author: str, reason: str) -> None:
    """Accept a snapshot (the records that it does not hold are removed), a content with fewer records than the
    one it replaces, or take a rejection back.
    """
    _decide(company, as_json, language, delivery, "accept", (author, reason))


@cli_command("reject", epilog=_DECIDE_EPILOG)
@click.argument("delivery")
@click.option("--author", required=True, help="Who decides.")
@click.option("--reason", required=True, help="Why the file is wrong.")
def reject(company: Path, as_json: bool, language: str, delivery: str, author: str, reason: str) -> None:
    """Reject a delivery: its records do not count."""
    _decide(company, as_json, language, delivery, "reject", (author, reason))


for _each in (list_deliveries, accept, reject):
    command.add_command(_each)
