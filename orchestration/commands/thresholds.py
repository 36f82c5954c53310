"""`etalon thresholds`: bars in force and proposed by segment; what somebody approves becomes a dated row.

What does NOT belong here: what the data propose (orchestration.statistics.thresholds), the file of the company
(expectations.thresholds).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.typography import COLON
from orchestration.commands.output import cli_command, cli_group, emit_json, say, shown, wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expectations.thresholds import Threshold
    from ingest.company import Company

_EPILOG = """\b
Examples:
  etalon thresholds list
  etalon thresholds list --segment inbound/smb --changes
  etalon thresholds show min_touches inbound/smb
  etalon thresholds approve min_touches inbound/smb --author "Ann Lee" --reason "half-year to June, committee of 3 July"
  etalon thresholds export thresholds.csv

\b
A segment is <channel>/<size band>, each of which can be `all`. What is approved becomes a row of thresholds.yml beside
company.yml, in force from the first day after the cycle; earlier rows are never changed and end there. It takes effect
with the next run. Every command has --json and --company.

\b
Exit codes: 0 done, 2 wrong usage or thresholds.yml is not understood, 74 no run yet or reading failed, 75 a run holds
the company.
"""
_LIST_EPILOG = """\b
Examples:
  etalon thresholds list --changes
  etalon thresholds list --rule ttf_max_hours --json
"""
_SHOW_EPILOG = """\b
Examples:
  etalon thresholds show max_touches outbound/mid
"""
_APPROVE_EPILOG = """\b
Examples:
  etalon thresholds approve min_touches inbound/smb --author "Ann Lee" --reason "half-year to June"
  etalon thresholds approve ttf_max_hours inbound/all --value 4 --author "Ann Lee" --reason "what the team can do"
  etalon thresholds approve max_touches all/mid --value 9 --window-days 14 --from 2026-08-01 --author "Ann Lee" \\
      --reason "pilot of August" --until 2026-09-01

\b
Without --value the proposal of the last run is approved (origin data). It is refused where the data say nothing, and
where their interval holds the value in force, so that rules do not flap; --value then says what a person decides.
"""
_EXPORT_EPILOG = """\b
Examples:
  etalon thresholds export thresholds.csv
  etalon thresholds export seuils.csv --language fr

\b
Every segment, the whole company (all/all) and single channels and sizes included, with what is in force and
proposed. --language fr: French headers, decimal comma.
"""

command = cli_group(
    "thresholds", "Bars in force and proposed by segment: list, show, approve, export.", _EPILOG
)

_SHOWN = (
    *(
        "segment_code",
        "rule_code",
        "window_days",
        "in_force_value",
        "in_force_origin_code",
        "in_force_version",
    ),
    *("in_force_from", "method_default_value", "data_value", "data_low", "data_high", "n_units", "n_events"),
    *("reason_code", "proposed_value", "decision_code"),
)


def _segment(value: str, language: str) -> tuple[str, str]:
    """(channel, size band) of `inbound/smb`, `all` or `inbound`; a usage error otherwise."""
    from expectations.thresholds import Threshold

    parts = value.split("/") if "/" in value else [value, "all"]
    for part, name, hint in zip(
        parts, ("channel_code", "size_band_code"), ("SEGMENT", "SEGMENT"), strict=False
    ):
        known = Threshold.model_fields[name].annotation.__args__
        if len(parts) != 2 or part not in known:
            text = wording("threshold_segment", language, value=value, known=", ".join(known))
            raise click.BadParameter(text, param_hint=hint)
    return parts[0], parts[1]


def _kind(channel: str, size: str) -> tuple[str, str]:
    """The cut and code under which the table has a segment."""
    if channel == size == "all":
        return "all", "all"
    if size == "all":
        return "channel", channel
    return ("size_band", size) if channel == "all" else ("channel_size", f"{channel}/{size}")


def _place(row: dict[str, Any]) -> str:
    """The segment as --segment takes it: <channel>/<size band>, whichever cut the row is of."""
    code = row["segment_code"]
    return {"all": "all/all", "channel": f"{code}/all", "size_band": f"all/{code}"}.get(
        row["segment_kind_code"], code
    )


def _rows(company: Company) -> list[dict[str, Any]]:
    """The table of the last run. Raises NoRunYetError before a run that came so far."""
    import pyarrow.parquet as pq

    from ingest.errors import NoRunYetError

    path = company.work / "statistics" / "thresholds.parquet"
    if not path.is_file():
        raise NoRunYetError("no run has proposed thresholds yet")
    return pq.read_table(path).to_pylist()


def _checked_rule(rule: str, language: str) -> str:
    import difflib

    from expectations.thresholds import RULES

    if rule not in RULES:
        nearest = difflib.get_close_matches(rule, RULES, n=3, cutoff=0.3) or list(RULES)
        text = wording("unknown_value", language, value=rule, nearest=", ".join(nearest))
        raise click.BadParameter(text, param_hint="RULE")
    return rule


@cli_command("list", epilog=_LIST_EPILOG)
@click.option("--rule", default=None, help="One rule.")
@click.option("--segment", default=None, help="One segment, as inbound/smb or all/mid.")
@click.option("--changes", is_flag=True, help="Only what the data would change or set first.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1, 100_000), help="Lines shown.")
def list_thresholds(
    company: Path,
    as_json: bool,
    language: str,
    rule: str | None,
    segment: str | None,
    changes: bool,
    limit: int,
) -> None:
    """List thresholds by segment: in force, what the data say, and whether that moves them."""
    from expectations.thresholds import FILE, read_thresholds
    from ingest import load_company
    from orchestration.run_lock import reading

    settings = load_company(company)
    wanted = _kind(*_segment(segment, language)) if segment else None
    if rule:
        _checked_rule(rule, language)
    read_thresholds(settings.root / FILE)  # what the next run would refuse is said now
    with reading(settings.work):
        rows = _rows(settings)
    found = [
        row
        for row in rows
        if wanted in (None, (row["segment_kind_code"], row["segment_code"]))
        and rule in (None, row["rule_code"])
        and (row["is_action"] or rule or wanted)
        and (not changes or row["decision_code"] in ("first", "change"))
    ]
    if as_json:
        emit_json({"total": len(found), "thresholds": [_plain(row) for row in found[:limit]]})
        return
    for row in found[:limit]:
        say(_line(row, language))
    say(wording("thresholds_listed", language, shown=min(limit, len(found)), total=len(found)))


@cli_command("show", epilog=_SHOW_EPILOG)
@click.argument("rule")
@click.argument("segment")
def show(company: Path, as_json: bool, language: str, rule: str, segment: str) -> None:
    """One threshold: in force, proposed, and every row that the company ever gave it."""
    from expectations.thresholds import FILE, read_thresholds
    from ingest import load_company
    from orchestration.run_lock import reading

    settings = load_company(company)
    channel, size = _segment(segment, language)
    _checked_rule(rule, language)
    with reading(settings.work):
        row = _row(_rows(settings), rule, channel, size)
    own = [
        each for each in read_thresholds(settings.root / FILE) if each.place == (rule, channel, size)
    ]  # fmt: skip
    if as_json:
        emit_json({"threshold": row and _plain(row), "rows": [each.as_row() for each in own]})
        return
    say(_line(row, language) if row else wording("threshold_unknown", language, rule=rule, segment=segment))
    for each in own:
        say(
            wording(
                "threshold_row",
                language,
                value=f"{each.value.normalize():f}",
                since=each.valid_from or "-",
                until=each.valid_to or "-",
                version=each.version,
                origin=wording(f"threshold_origin_{each.origin_code}", language),
                author=each.approved_by,
                reason=each.reason,
            )
        )
    if not own:
        say(wording("threshold_no_row", language))


@cli_command("approve", epilog=_APPROVE_EPILOG)
@click.argument("rule")
@click.argument("segment")
@click.option("--author", required=True, help="Who approves it.")
@click.option("--reason", required=True, help="Why.")
@click.option("--value", default=None, help="Another value than the proposed one: what a person decides.")
@click.option(
    "--window-days", default=None, type=click.IntRange(1, 60), help="Days after creation it speaks about."
)
@click.option("--from", "since", default=None, type=click.DateTime(["%Y-%m-%d"]),
              help="First day of creation it concerns (default: the day after the cycle).")  # fmt: skip
@click.option(
    "--until", default=None, type=click.DateTime(["%Y-%m-%d"]), help="First day it no longer concerns."
)
def approve(
    company: Path, as_json: bool, language: str, rule: str, segment: str, author: str, reason: str,
    value: str | None, window_days: int | None, since: dt.datetime | None, until: dt.datetime | None,
) -> None:  # fmt: skip
    """Make a threshold a dated row of the company; takes effect with the next run."""
    from pydantic import ValidationError

    from expectations.catalogue import explain
    from expectations.thresholds import FILE, Threshold, append_threshold, read_thresholds
    from ingest import load_company
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id, read_settings

    settings = load_company(company)
    channel, size = _segment(segment, language)
    _checked_rule(rule, language)
    with run_lock(settings.work, make_run_id()):
        last = read_settings(settings.work)
        row = _row(_rows(settings), rule, channel, size) or {}
        own = read_thresholds(settings.root / FILE)
        given = _decided(row, value, language, rule, segment)
        first = since.date() if since else last.cycle_end
        later = [
            each
            for each in own
            if each.place == (rule, channel, size) and (each.valid_from or first) >= first
        ]
        if later:
            text = wording("threshold_later", language, version=later[-1].version, since=later[-1].valid_from)
            raise click.BadParameter(text, param_hint="--from")
        try:
            made = Threshold.model_validate(
                {
                    "rule_code": rule, "channel_code": channel, "size_band_code": size,
                    "window_days": window_days or row.get("window_days"),
                    "version": _version(last.cycle, own), "approved_by": author.strip(),
                    "approved_on": dt.datetime.now(dt.UTC).date(), "reason": reason.strip(), "cycle": last.cycle,
                    "valid_from": first, "valid_to": until.date() if until else None, **given,
                }
            )  # fmt: skip
        except ValidationError as error:
            raise click.BadParameter(explain(error)) from error
        append_threshold(settings.root / FILE, made)
    if as_json:
        emit_json({"approved": made.as_row()})
        return
    say(
        wording(
            "threshold_approved", language, rule=rule, segment=f"{channel}/{size}",
            value=f"{made.value.normalize():f}", since=made.valid_from, version=made.version,
        )
    )  # fmt: skip
    say(f"{wording('next', language)}{COLON[language]}etalon run")


def _decided(
    row: dict[str, Any], value: str | None, language: str, rule: str, segment: str
) -> dict[str, Any]:
    """Value and origin of the new row. A usage error where nothing is proposed and nobody says a value."""
    if value is not None:
        try:
            return {"value": Decimal(value.replace(",", ".")), "origin_code": "human"}
        except InvalidOperation:
            text = wording("threshold_number", language, value=value)
            raise click.BadParameter(text, param_hint="--value") from None
    if row.get("data_value") is None:
        why = wording(f"threshold_reason_{row.get('reason_code') or 'not_from_data'}", language)
        raise click.UsageError(wording("threshold_nothing", language, rule=rule, segment=segment, why=why))
    if row["decision_code"] == "keep":
        text = wording(
            "threshold_kept", language, value=_number(row["in_force_value"]), low=_number(row["data_low"]),
            high=_number(row["data_high"]),
        )  # fmt: skip
        raise click.UsageError(text)
    return {
        "value": row["data_value"],
        "origin_code": "data",
        "interval": (row["data_low"], row["data_high"]),
        "n_units": row["n_units"],
        "n_events": row["n_events"],
    }


def _version(cycle: str, own: Sequence[Threshold]) -> str:
    """<cycle>-<n>, the first that no row has."""
    taken = {each.version for each in own}
    return next(name for n in range(1, len(taken) + 2) if (name := f"{cycle}-{n}") not in taken)


@cli_command("export", epilog=_EXPORT_EPILOG)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def export(company: Path, as_json: bool, language: str, file: Path) -> None:
    """Write the thresholds of every segment as CSV."""
    from expectations.thresholds import FILE, read_thresholds
    from ingest import load_company
    from ingest.inert_text import inert_text
    from orchestration.access.reading_log import log_read_of_work
    from orchestration.run_lock import reading

    settings = load_company(company)
    read_thresholds(settings.root / FILE)
    with reading(settings.work):
        rows = [row for row in _rows(settings) if row["is_action"]]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if language == "fr" else ",", lineterminator="\n")
    writer.writerow(wording(f"threshold_column_{name}", language) for name in _SHOWN)
    for row in rows:
        row = row | {"segment_code": _place(row)}
        cells = [_number(row[name]) if isinstance(row[name], Decimal) else row[name] for name in _SHOWN]
        marked = [
            f"{cell}".replace(".", ",") if language == "fr" and isinstance(row[name], Decimal) else cell
            for name, cell in zip(_SHOWN, cells, strict=True)
        ]
        writer.writerow("" if cell is None else inert_text(f"{cell}") for cell in marked)
    aside = file.with_name(f".{file.name}.{os.getpid()}.aside")
    try:
        aside.write_text(text.getvalue(), encoding="utf-8-sig")
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)
    log_read_of_work(settings, "thresholds export", "thresholds", len(rows))
    if as_json:
        emit_json({"file": str(file), "thresholds": len(rows)})
        return
    say(wording("thresholds_exported", language, n=len(rows), path=shown(file)))


def _row(rows: list[dict[str, Any]], rule: str, channel: str, size: str) -> dict[str, Any] | None:
    place = (*_kind(channel, size), rule)
    return next(
        (row for row in rows if (row["segment_kind_code"], row["segment_code"], row["rule_code"]) == place),
        None,
    )


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {"segment": _place(row)} | {
        name: _number(value) if isinstance(value, Decimal) else value
        for name, value in row.items()
        if name not in ("period_start", "period_end") or value is not None
    }


def _number(value: Decimal | None) -> str | None:
    return None if value is None else f"{value.normalize():f}"


def _line(row: dict[str, Any], language: str) -> str:
    origin = row["in_force_origin_code"]
    held = (
        wording(
            "threshold_held",
            language,
            value=_number(row["in_force_value"]),
            origin=wording(f"threshold_origin_{origin}", language),
            version=row["in_force_version"],
        )
        if origin
        else wording("threshold_not_held", language)
    )
    if row["data_value"] is None:
        said = wording(f"threshold_reason_{row['reason_code']}", language)
    else:
        said = wording(
            "threshold_data", language, value=_number(row["data_value"]), low=_number(row["data_low"]) or "…",
            high=_number(row["data_high"]) or "…", n=row["n_units"], events=row["n_events"],
        )  # fmt: skip
    decided = wording(f"threshold_decision_{row['decision_code']}", language)
    days = "" if row["window_days"] is None else wording("threshold_days", language, days=row["window_days"])
    return f"{_place(row):<20} {row['rule_code'] + days:<28} {held}  |  {said}  |  {decided}"


for _each in (list_thresholds, show, approve, export):
    command.add_command(_each)
