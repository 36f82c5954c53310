"""`etalon impact`: what each cleaning decision does to the KPIs."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestration.commands import exit_codes
from orchestration.commands.execution import logged
from orchestration.commands.output import cli_command, emit_json, say, wording
from orchestration.commands.progress import progress

if TYPE_CHECKING:
    from orchestration.impact.switches import Switch

_EPILOG = """\b
Examples:
  etalon impact
  etalon impact --reason test_record --reason double_logged
  etalon impact --merge same_email --rule R-TEL-002
  etalon impact --top 5
  etalon impact --all --json

\b
Each decision is taken the other way alone, on a copy of the last run: rows that were set aside come back, values that
were emptied stand again, links are not made, rows that a rule only flags are left out. Nothing that is published
changes. Without an option: what is measured already, and what can be. One decision takes a part of a run; what
is done stays done, so a measurement broken off goes on where it was. `etalon publish` then publishes dq_kpi_impact.

\b
Exit codes: 0 done, 1 a decision could not be measured, 2 wrong usage, 75 a run holds the company.
"""


@cli_command("impact", epilog=_EPILOG)
@click.option(
    "--reason", "reasons", multiple=True, metavar="CODE", help="Reason of corrections or exclusions."
)
@click.option(
    "--merge", "merges", multiple=True, metavar="EVIDENCE", help="Evidence of merges, or every_merge."
)
@click.option("--rule", "rules", multiple=True, metavar="ID", help="Rule that flags rows, such as R-CRM-003.")
@click.option("--all", "is_all", is_flag=True, help="Every decision of the last run that can be measured.")
@click.option(
    "--top", default=0, metavar="N", type=click.IntRange(0, 1000),
    help="The N decisions of most rows that can be measured.",
)  # fmt: skip
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100_000), help="Lines shown.")
def command(
    company: Path, as_json: bool, language: str, reasons: tuple[str, ...], merges: tuple[str, ...],
    rules: tuple[str, ...], is_all: bool, top: int, limit: int,
) -> None:  # fmt: skip
    """Measure what decisions do to the KPIs of the company, in points and in money."""
    from ingest import load_company
    from orchestration.impact.measuring import measure
    from orchestration.impact.results import inputs_fingerprint, read_impact
    from orchestration.impact.switches import find_switch, largest_switches, switches
    from orchestration.run_lock import reading, run_lock
    from orchestration.settings import make_run_id, read_settings

    settings = load_company(company)
    with reading(settings.work):
        known = switches(settings.work)
    asked = [("reason", code) for code in reasons] + [("merge", code) for code in merges]
    asked += [("rule", code) for code in rules]
    wanted = [find_switch(known, kind, code) for kind, code in asked]
    for each in wanted:
        if each.obstacle:
            text = wording(f"impact_{each.obstacle}", language)
            raise click.BadParameter(f"{each.code}: {text}", param_hint=f"--{each.kind}")
    largest = largest_switches(known, len(known) if is_all else top)
    wanted += [each for each in largest if each not in wanted]
    measured = []
    if wanted:
        with (
            run_lock(settings.work, make_run_id()),
            progress(quiet=as_json) as show,
            logged(settings.work / "impact"),
        ):
            measured = measure(settings, wanted, show)
    with reading(settings.work):
        rows = read_impact(settings.work, inputs_fingerprint(settings.work)).to_pylist()
        run = read_settings(settings.work)
    failed = [each for each in measured if each.status == "failed"]
    if wanted:
        chosen = {(each.kind, each.code) for each in wanted}
        rows = [row for row in rows if (row["switch_kind"], row["switch_code"]) in chosen]
    if as_json:
        emit_json(_as_json(rows, measured, known))
    else:
        _say_effects(rows, run.reporting_currency, language, limit)
        for each in failed:
            say(wording("impact_failed", language, code=each.switch.code, detail=each.detail), err=True)
        if not wanted:
            _say_switches(known, {(row["switch_kind"], row["switch_code"]) for row in rows}, language)
    raise SystemExit(exit_codes.FAILED if failed else exit_codes.DONE)


def _as_json(rows: list[dict[str, Any]], measured: list[Any], known: list[Switch]) -> dict[str, Any]:
    return {
        "impact": rows,
        "measured": [
            {"kind": each.switch.kind, "code": each.switch.code, "status": each.status, "detail": each.detail}
            for each in measured
        ],
        "decisions": [
            {"kind": each.kind, "code": each.code, "n_rows": each.n_rows, "obstacle": each.obstacle}
            for each in known
        ],
    }


def _say_effects(rows: list[dict[str, Any]], currency: str, language: str, limit: int) -> None:
    """The KPIs that a decision moves, each in the last month it does and where it does most; none is said too."""
    by_switch: dict[tuple[str, str, int], dict[str, list[dict[str, Any]]]] = {}
    for row in rows:  # in the order of their months
        moved = by_switch.setdefault((row["switch_kind"], row["switch_code"], row["n_rows"]), {})
        if row["value_published"] != row["value_without"]:
            moved.setdefault(row["metric_name"], []).append(row)
    for (kind, code, n), moved in list(by_switch.items())[:limit]:
        say(wording("impact_decision", language, kind=wording(f"impact_{kind}", language), code=code, n=n))
        if not moved:
            say(f"  {wording('impact_nothing', language)}")
        for months in moved.values():
            last, largest = months[-1], max(months, key=_size)
            if last is largest:
                _say_effect(last, "impact_last_and_largest", currency, language)
            else:
                _say_effect(last, "impact_last", currency, language)
                _say_effect(largest, "impact_largest", currency, language)


def _size(row: dict[str, Any]) -> Decimal:
    """How much a decision moves a KPI in a month; a month that has no value on one side counts least."""
    return Decimal(-1) if row["difference"] is None else abs(row["difference"])


def _say_effect(row: dict[str, Any], which: str, currency: str, language: str) -> None:
    names = ("value_without", "value_published", "difference")
    without, published, difference = (_text(row, name, currency, language) for name in names)
    month = f"{row['period_month']:%Y-%m}"
    line = f"  {row['metric_name']:<28} {month}  {without:>14} -> {published:>14}  {difference:>16}"
    say(f"{line}  {wording(which, language)}")


def _text(row: dict[str, Any], name: str, currency: str, language: str) -> str:
    """A value in its unit; a difference of rates is in points."""
    from orchestration.reporting.formatting import Formats

    formats, value, is_signed = Formats(language), row[name], name == "difference"
    if row["unit_code"] == "rate":
        return formats.points(value, 2) if is_signed else formats.percent(value, 2)
    if row["unit_code"] == "money":
        return formats.money(value, currency, 2, signed=is_signed)
    return formats.decimal(value, 0 if row["unit_code"] == "count" else 2, signed=is_signed)


def _say_switches(known: list[Switch], measured: set[tuple[str, str]], language: str) -> None:
    for each in known:
        if (each.kind, each.code) in measured:
            state = wording("impact_measured", language)
        else:
            state = wording(f"impact_{each.obstacle or 'open'}", language)
        kind = wording(f"impact_{each.kind}", language)
        say(f"{each.n_rows:>10}  {kind:<12} {each.code:<30} {state}")
