"""`etalon history`: what was published when, and a KPI as each publication gave it.

What does NOT belong here: the history itself (see orchestration.publication.history).
"""

from __future__ import annotations

import difflib
from datetime import date
from pathlib import Path
from typing import Any

import click

from orchestration.commands.output import cli_command, emit_json, say, wording

_EPILOG = """\b
Examples:
  etalon history
  etalon history --metric cr
  etalon history --metric revenue_total --month 2026-05
  etalon history --json

\b
With --metric: the value of the month that each publication is about; with --month: what each publication said of that
one month. A publication that a rollback took back stays listed.
"""


@cli_command("history", epilog=_EPILOG)
@click.option("--metric", default=None, help="Name of a metric, as in dim_metric.")
@click.option(
    "--month", default=None, metavar="YYYY-MM", help="One month as told by each publication (with --metric)."
)
def command(company: Path, as_json: bool, language: str, metric: str | None, month: str | None) -> None:
    """List the publications, oldest first, with their verdicts; the live one bears a star."""
    from ingest import load_company
    from orchestration.publication.history import kpis_as_published, read_log, standing

    if month is not None and metric is None:
        raise click.UsageError(wording("history_month_alone", language))
    published = load_company(company).published
    events = read_log(published)
    live = events[-1].publication.publication_id if events else None
    stand = {each.publication_id for each in standing(events)}
    made = {
        event.publication.publication_id: event
        for event in reversed(events)
        if event.event_code == "published"
    }
    values = {}
    if metric is not None:
        found, names = kpis_as_published(published, metric, _first_day(month))
        if metric not in names:
            nearest = difflib.get_close_matches(metric, names, n=3, cutoff=0.3) or names[:3]
            text = wording("unknown_value", language, value=metric, nearest=", ".join(nearest) or "-")
            raise click.BadParameter(text, param_hint="--metric")
        values = {row["publication_id"]: row for row in found}
    rows = []
    for event in sorted(made.values(), key=lambda each: each.publication.sequence):
        each = event.publication
        row: dict[str, Any] = {
            "sequence": each.sequence,
            "publication_id": each.publication_id,
            "cycle": each.cycle,
            "published_at": event.recorded_at,
            "verdict": each.verdict,
            "is_live": each.publication_id == live,
            "is_rolled_back": each.publication_id not in stand,
            "code_version": each.code_version,
            "policy_version": each.policy_version,
            "ledger_hash": each.ledger_hash,
        }
        if metric is not None:
            told = values.get(each.publication_id, {})
            row |= {name: told.get(name) for name in ("period_month", "value", "unit_code")}
        rows.append(row)
    rollbacks = [
        {"at": each.recorded_at, "from": each.left_publication_id, "to": each.publication.publication_id}
        for each in events
        if each.event_code == "rolled_back"
    ]
    if as_json:
        emit_json({"metric": metric, "publications": rows, "rollbacks": rollbacks})
        return
    for row in rows:
        say(_line(row, metric, language))
    for each in rollbacks:
        values = {"date": each["at"], "left": each["from"], "publication_id": each["to"]}
        say(wording("history_event", language, **values))
    if not rows:
        say(wording("history_none", language))


def _line(row: dict[str, Any], metric: str | None, language: str) -> str:
    star = "*" if row["is_live"] else " "
    line = f"{star} {row['sequence']:>3}  {row['publication_id']}  {row['published_at']}"
    line += f"  {wording(row['verdict'], language)}"
    if metric is not None:
        value = wording("history_no_value", language)
        if row["value"] is not None:
            value = f"{row['value'].normalize():f} {row['unit_code']}"
        line += f"  {metric} {row['period_month'] or '-'}  {value}"
    if row["is_rolled_back"]:
        line += f"  ({wording('history_rolled_back', language)})"
    return line


def _first_day(month: str | None) -> date | None:
    from orchestration.settings import cycle_bounds

    if month is None:
        return None
    try:
        return cycle_bounds(month)[0]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--month") from error
