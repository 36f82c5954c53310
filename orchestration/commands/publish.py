"""`etalon publish`: publish what `check` has built, or put an earlier publication back."""

from __future__ import annotations

from pathlib import Path

import click

from orchestration.commands import exit_codes
from orchestration.commands.execution import logged
from orchestration.commands.output import cli_command, emit_json, say, wording
from orchestration.commands.progress import progress

_EPILOG = """\b
Examples:
  etalon check && etalon publish
  etalon publish --list
  etalon publish --rollback 2026-05-0123456789ab
"""


@cli_command("publish", epilog=_EPILOG)
@click.option(
    "--rollback", default=None, metavar="ID", help="Republish an earlier publication from its Parquet."
)
@click.option("--list", "as_list", is_flag=True, help="List the publications kept here.")
def command(company: Path, as_json: bool, language: str, rollback: str | None, as_list: bool) -> None:
    """Build the marts of the checked cycle, audit them, swap them in."""
    if as_list:
        _list(company, as_json)
        return
    raise SystemExit(
        _rollback(company, rollback, as_json, language) if rollback else _publish(company, as_json, language)
    )


def _publish(directory: Path, as_json: bool, language: str) -> int:
    from orchestration import steps
    from orchestration.commands.summary import print_summary, run_summary
    from orchestration.publication import NotAdmittedError
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id

    with run_lock(directory / "work", make_run_id()), progress(quiet=as_json) as show:
        run = steps.resume_run(directory, show)
        if run.settings.identity() != steps.run_settings(run.company, cycle=run.settings.cycle).identity():
            raise NotAdmittedError("settings, code or policy changed since the last check")
        if run.state.content.get("verdict") == "hold":
            raise NotAdmittedError(f"the gate holds cycle {run.settings.cycle}")
        with logged(run.work):
            steps.compute_statistics(run)
            steps.build_marts(run)
            steps.assess_mart_rules(run)
            steps.publish_marts(run)
            steps.write_reports(run)
        summary = run_summary(run.company, run.state.content, "published", language)
    if as_json:
        emit_json(summary | {"exit_code": exit_codes.DONE})
    else:
        print_summary(summary, language, [])
    return exit_codes.DONE


def _rollback(directory: Path, publication_id: str, as_json: bool, language: str) -> int:
    from ingest import load_company
    from orchestration.access.role_files import build_role_files
    from orchestration.publication import UnknownPublicationError, rollback
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id

    company = load_company(directory)
    try:
        with run_lock(company.work, make_run_id()):
            receipt = rollback(company, publication_id)
            build_role_files(company)
    except UnknownPublicationError as error:
        kept = ", ".join(error.kept) or "-"
        text = wording("unknown_publication", language, publication_id=publication_id, kept=kept)
        raise click.BadParameter(text, param_hint="--rollback") from error
    if as_json:
        emit_json(
            {"status": "rolled_back", "publication_id": receipt.publication_id, "marts": str(receipt.marts)}
        )
    else:
        say(wording("restored", language, publication_id=receipt.publication_id))
    return exit_codes.DONE


def _list(directory: Path, as_json: bool) -> None:
    from ingest import load_company
    from orchestration.publication.receipts import live_publication_id, receipts

    published = load_company(directory).published
    live = live_publication_id(published)
    rows = [
        {
            "publication_id": receipt["publication_id"],
            "published_at": receipt["published_at"],
            "verdict": receipt["verdict"],
            "is_live": receipt["publication_id"] == live,
        }
        for receipt in receipts(published)
    ]
    if as_json:
        emit_json({"publications": rows})
        return
    for row in rows:
        live_sign = "*" if row["is_live"] else " "
        say(f"{live_sign} {row['publication_id']}  {row['published_at']}  {row['verdict']}")
