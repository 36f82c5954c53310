"""`etalon bridge`: why published figures moved since the publication before.

What does NOT belong here: the bridge itself (orchestration.bridge), reading it (orchestration.publication).
"""

from __future__ import annotations

import difflib
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestration.commands.output import cli_command, emit_json, say, wording

if TYPE_CHECKING:
    from orchestration.explaining.definitions import Definition

_EPILOG = """\b
Examples:
  etalon bridge
  etalon bridge cr --month 2026-05
  etalon bridge revenue_total --segment size_band
  etalon bridge leads_new --segment channel=inbound --month 2026-05
  etalon bridge revenue_total --json

\b
Each figure of a past month that the live publication gives differently, walked from the value published before to the
value published now, one cause after the other; the effects add up to the difference, exactly.
\b
--segment tells the same of every segment of a kind, or of one, and of what adds up: a count, a sum, the numerator and
the denominator of a rate. A unit whose segment became another one migrates: what it counted leaves one segment and
enters the other, for the unit's own cause. The segments of a kind add up to the whole (--segment all).
"""


@cli_command("bridge", epilog=_EPILOG)
@click.argument("metric", required=False)
@click.option("--month", default=None, metavar="YYYY-MM", help="One month.")
@click.option(
    "--segment",
    default=None,
    metavar="KIND[=CODE]",
    help="Segments of a kind, such as channel, or one of them: channel=inbound.",
)
def command(
    company: Path, as_json: bool, language: str, metric: str | None, month: str | None, segment: str | None
) -> None:
    """Say why the figures of past months moved: data, corrections, cleaning, merges, definitions, rates."""
    from ingest import load_company
    from orchestration.explaining.definitions import definition_of, definitions
    from orchestration.publication.figure_reading import published_segments, read_bridge, read_segment_bridge
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
    first = _first_day(month)
    kind, code = _segment(segment, found, language)
    if live and kind and code:
        _refuse_unknown_segment(code, published_segments(loaded.published, live, kind), language)
    read = read_segment_bridge if kind else read_bridge
    found_rows = read(loaded.published, live) if live else []
    rows = [
        row
        for row in found_rows or []
        if (found is None or row["metric_name"] == found.metric_name)
        and (first is None or row["period_month"] == first)
        and (kind is None or row["segment_kind_code"] == kind)
        and (code is None or row["segment_code"] == code)
    ]
    former = _unknown_former(loaded.published, live) if kind and live else None
    if as_json:
        listed = None if found_rows is None else rows
        told = {"segment_bridge": listed, "unknown_segments_of": former} if kind else {"bridge": listed}
        emit_json({"publication_id": live} | told)
        return
    if not live:
        say(wording("history_none", language))
        return
    if found_rows is None:
        say(wording("bridge_no_segments" if kind else "bridge_no_table", language, publication_id=live))
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
        say(
            wording(
                "bridge_segments_unknown" if former else "bridge_nothing",
                language,
                publication_id=live,
                left=former,
            )
        )
        return
    left = rows[0]["from_publication_id"]
    say(wording("bridge_between", language, left=left, publication_id=live))
    for figure, steps in groupby(rows, key=_figure_of):
        _say_figure(figure, list(steps), currency, language)


def _figure_of(row: dict[str, Any]) -> tuple[str, date, str | None, str | None]:
    """Metric, month, `kind=segment` and part; the last two of a bridge by segment alone."""
    segment = f"{row['segment_kind_code']}={row['segment_code']}" if "segment_code" in row else None
    return row["metric_name"], row["period_month"], segment, row.get("part_code")


def _say_figure(
    figure: tuple[str, date, str | None, str | None], rows: list[dict[str, Any]], currency: str, language: str
) -> None:
    name, day, segment, part = figure
    unit = rows[0]["unit_code"] if part in (None, "value") else "part"
    before, after = (
        _text(rows[n][column], unit, currency, language)
        for n, column in ((0, "value_before"), (-1, "value_after"))
    )
    of_part = wording(f"bridge_part_{part}", language) if unit == "part" else None
    say("  ".join(each for each in (name, f"{day:%Y-%m}", segment, of_part, f"{before} -> {after}") if each))
    for row in rows:
        effect = _text(row["effect"], unit, currency, language, signed=True)
        cause = wording(f"bridge_{row['cause_code']}", language)
        if row.get("movement_code", "within") != "within":
            cause = wording(f"bridge_{row['movement_code']}", language, cause=cause)
        if row.get("reason_code"):
            cause = wording(f"bridge_{row['reason_code']}", language)
        units = "" if row["n_units"] is None else wording("bridge_units", language, n=row["n_units"])
        say(f"  {effect:>16}  {cause}{units}")


def _segment(segment: str | None, found: Definition | None, language: str) -> tuple[str | None, str | None]:
    """Kind and code of --segment; the code is None for every segment of the kind."""
    from orchestration.bridge.cuts import WHOLE
    from orchestration.explaining.definitions import definitions

    if segment is None:
        return None, None
    kind, sign, code = segment.partition("=")
    known = {
        WHOLE,
        *(each for metric in ([found] if found else definitions().values()) for each in metric.segments),
    }
    if kind not in known or (sign and not code):
        nearest = difflib.get_close_matches(kind, sorted(known), n=3, cutoff=0.3) or sorted(known)
        text = wording("unknown_value", language, value=segment, nearest=", ".join(nearest))
        raise click.BadParameter(text, param_hint="--segment")
    return kind, code or None


def _refuse_unknown_segment(code: str, known: list[str], language: str) -> None:
    """Raises click.BadParameter for a segment that the publication has not; nothing where it names none of the kind."""
    if known and code not in known:
        nearest = difflib.get_close_matches(code, known, n=3, cutoff=0.3) or known[:3]
        text = wording("unknown_value", language, value=code, nearest=", ".join(nearest))
        raise click.BadParameter(text, param_hint="--segment")


def _unknown_former(published: Path, live: str) -> str | None:
    """The publication compared with, where its figures by segment are no longer kept."""
    from orchestration.publication.history import read_log
    from orchestration.publication.moved_figures import compared_with, figures_by_segment

    events = read_log(published)
    publication = next(e.publication for e in reversed(events) if e.publication.publication_id == live)
    former = compared_with(events, publication)
    return (
        former.publication_id if former and not figures_by_segment(published, former.publication_id) else None
    )


def _text(value: Any, unit: str | None, currency: str, language: str, *, signed: bool = False) -> str:
    from orchestration.reporting.formatting import Formats

    formats = Formats(language)
    if value is None:
        return wording("history_no_value", language)
    if unit == "rate":
        return formats.points(value, 2) if signed else formats.percent(value, 2)
    if unit == "money":
        return formats.money(value, currency, 2, signed=signed)
    is_whole = unit == "count" or (unit == "part" and value == int(value))
    return formats.decimal(value, 0 if is_whole else 2, signed=signed)


def _first_day(month: str | None) -> date | None:
    from orchestration.settings import cycle_bounds

    try:
        return cycle_bounds(month)[0] if month else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--month") from error
