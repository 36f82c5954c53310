"""`etalon bridge`: why published figures moved since the publication before.

What does NOT belong here: the bridge itself (orchestration.bridge), reading it (orchestration.publication).
"""

from __future__ import annotations

import difflib
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from orchestration.commands.output import cli_command, emit_json, say, wording

_EPILOG = """\b
Examples:
  etalon bridge
  etalon bridge cr --month 2026-05
  etalon bridge revenue_total --json

\b
Each figure of a past month that the live publication gives differently, walked from the value published before to the
value published now, one cause after the other; the effects add up to the difference, exactly.
"""


@cli_command("bridge", epilog=_EPILOG)
@click.argument("metric", required=False)
@click.option("--month", default=None, metavar="YYYY-MM", help="One month.")
def command(company: Path, as_json: bool, language: str, metric: str | None, month: str | None) -> None:
    """Say why the figures of past months moved: data, corrections, cleaning, merges, definitions, rates."""
    from ingest import load_company
    from orchestration.explaining.definitions import definition_of, definitions
    from orchestration.publication.figure_reading import read_bridge
    from orchestration.publication.history import read_log
    from orchestration.publication.receipts import live_publication_id

    loaded = load_company(company)
    known = sorted(definitions())
    found = definition_of(metric) if metric else None
    if metric and found is None:
        nearest = difflib.get_close_matches(metric, known, n=3, cutoff=0.3) or known[:3]
        text = wording("unknown_value", language, value=metric, nearest=", ".join(nearest))
        raise click.BadParameter(text, param_hint="metric")
    live = live_publication_id(loaded.published)
    rows = (read_bridge(loaded.published, live) if live else None) or []
    first = _first_day(month)
    rows = [
        row
        for row in rows
        if (found is None or row["metric_name"] == found.metric_name)
        and (first is None or row["period_month"] == first)
    ]
    if as_json:
        emit_json({"publication_id": live, "bridge": rows})
        return
    if not live:
        say(wording("history_none", language))
        return
    currency = next(
        (
            event.publication.reporting_currency
            for event in read_log(loaded.published)
            if event.publication.publication_id == live
        ),
        "",
    )
    if not rows:
        say(wording("bridge_nothing", language, publication_id=live))
        return
    left = rows[0]["from_publication_id"]
    say(wording("bridge_between", language, left=left, publication_id=live))
    for (name, day), steps in groupby(rows, key=lambda row: (row["metric_name"], row["period_month"])):
        _say_figure(name, day, list(steps), currency, language)


def _say_figure(name: str, day: date, rows: list[dict[str, Any]], currency: str, language: str) -> None:
    before, after = (
        _text(rows[n][column], rows[n]["unit_code"], currency, language)
        for n, column in ((0, "value_before"), (-1, "value_after"))
    )
    say(f"{name}  {day:%Y-%m}  {before} -> {after}")
    for row in rows:
        effect = _text(row["effect"], row["unit_code"], currency, language, signed=True)
        cause = wording(f"bridge_{row['cause_code']}", language)
        units = "" if row["n_units"] is None else wording("bridge_units", language, n=row["n_units"])
        say(f"  {effect:>16}  {cause}{units}")


def _text(value: Any, unit: str | None, currency: str, language: str, *, signed: bool = False) -> str:
    from orchestration.reporting.formatting import Formats

    formats = Formats(language)
    if value is None:
        return wording("history_no_value", language)
    if unit == "rate":
        return formats.points(value, 2) if signed else formats.percent(value, 2)
    if unit == "money":
        return formats.money(value, currency, 2, signed=signed)
    return formats.decimal(value, 0 if unit == "count" else 2, signed=signed)


def _first_day(month: str | None) -> date | None:
    from orchestration.settings import cycle_bounds

    try:
        return cycle_bounds(month)[0] if month else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--month") from error
