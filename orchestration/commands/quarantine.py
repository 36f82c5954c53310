"""`etalon quarantine`: the rows that did not get in; list, show, repair and replay them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.typography import COLON
from orchestration.commands import exit_codes
from orchestration.commands.output import (
    check_values,
    cli_command,
    cli_group,
    emit_json,
    say,
    shown,
    wording,
)
from orchestration.masking import masked

if TYPE_CHECKING:
    from ingest.company import Company
    from ingest.mapping import FileSpec
    from ingest.quarantine import Outside, Shown
    from ingest.replay import Checked, ReplayReport

_EPILOG = """\b
Examples:
  etalon quarantine list
  etalon quarantine list --source crm --reason unclosed_quote --export repair.csv
  etalon quarantine show crm:2026-06/Lead.csv:1204
  etalon quarantine replay repair.csv --author "Ann Lee" --reason "quotes closed" --dry-run
  etalon quarantine replay

\b
A line that is no record is repaired behind its key in the file that --export or --out writes; replay checks it,
records it under decisions/repairs/ and reads the file again. Without a file, replay reads again whatever a
corrected mapping changed. Text of lines is personal data: it is shown only with --raw. Every command has --json
and --company.
"""
_LIST_EPILOG = """\b
Examples:
  etalon quarantine list --source crm --file 2026-06/Lead.csv --raw
  etalon quarantine list --reason wrong_field_count --export repair.csv
"""
_SHOW_EPILOG = """\b
Examples:
  etalon quarantine show crm:2026-06/Lead.csv:1204 --raw
  etalon quarantine show crm:2f6d0c1b9a4e:1204 --out repair.csv
"""
_REPLAY_EPILOG = """\b
Examples:
  etalon quarantine replay repair.csv --dry-run
  etalon quarantine replay repair.csv --author "Ann Lee" --reason "quotes closed"
  etalon quarantine replay
"""

command = cli_group("quarantine", "List, show, repair and replay the rows that did not get in.", _EPILOG)


@cli_command("list", epilog=_LIST_EPILOG)
@click.option("--source", default=None, help="Source instance of company.yml.")
@click.option(
    "--file", "file", default=None, help="File: its path below extracts/, its end, or a delivery id."
)
@click.option("--reason", default=None, help="Reason code.")
@click.option("--contract", default=None, help="Contract, of records set aside.")
@click.option("--raw", is_flag=True, help="Show the text of the lines: personal data.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(0, 100_000), help="Rows shown.")
@click.option(
    "--export", "target", default=None, type=click.Path(path_type=Path, dir_okay=False),
    help="Write the quarantined lines to a file that can be edited.",
)  # fmt: skip
def list_rows(
    company: Path, as_json: bool, language: str, source: str | None, file: str | None, reason: str | None,
    contract: str | None, raw: bool, limit: int, target: Path | None,
) -> None:  # fmt: skip
    """Count the rows that did not get in by file and reason, newest first, and list them."""
    from ingest import load_company
    from ingest.quarantine import Wanted, grouped, rows_outside
    from orchestration.run_lock import reading

    settings = load_company(company)
    check_values(settings, language, source=source, reason=reason, contract=contract)
    with reading(settings.work):
        rows = rows_outside(settings.work, Wanted(source, file, reason, contract))
        if file and not rows:
            _check_file(settings.work, file, language)
        n_all = len(rows) or len(rows_outside(settings.work, Wanted()))
        exported = _export(settings, rows, target, "--export", language) if target else None
    groups = grouped(rows)
    if as_json:
        listed = [_as_json(row, raw) for row in rows[:limit]]
        emit_json({"groups": groups, "rows": listed, "n_rows": len(rows), "exported": exported})
        return
    for group in groups:
        place = f"{group['source_instance']}:{group['file_path']}  {group['delivered_on'] or '-'}"
        kind = wording(f"outside_{group['kind']}", language)
        contract_of = f"  {group['contract']}" if group["contract"] else ""
        told = f"{kind}{COLON[language]}{_reason(group['reason_code'], language)}"
        say(f"{group['n_rows']:>8}  {place}{contract_of}  {told}")
    for row in rows[:limit]:
        say(
            f"{row.address}  {wording(f'outside_{row.kind}', language)}  {row.reason_code}  {_text(row, raw)}"
        )
    if not rows:
        say(wording("outside_no_match", language, n=n_all) if n_all else wording("outside_none", language))
    elif len(rows) > limit:
        say(wording("outside_lines", language, n=len(rows), shown=limit))
    if exported is not None and target is not None:
        _say_exported(exported, target, language)


@cli_command("show", epilog=_SHOW_EPILOG)
@click.argument("address", metavar="SOURCE:FILE:LINE")
@click.option("--raw", is_flag=True, help="Show the text of the line: personal data.")
@click.option(
    "--out", "target", default=None, type=click.Path(path_type=Path, dir_okay=False),
    help="Write the line to a file that can be edited.",
)  # fmt: skip
def show_row(
    company: Path, as_json: bool, language: str, address: str, raw: bool, target: Path | None
) -> None:
    """Show one row that did not get in: why, where it breaks, and what a repaired line looks like."""
    from ingest import load_company
    from ingest.deliveries import DeliveryStore
    from ingest.quarantine import rows_at, show, spec_of
    from orchestration.run_lock import reading

    settings = load_company(company)
    with reading(settings.work):
        rows = rows_at(settings.work, address)
        if not rows:
            raise click.UsageError(wording("no_outside", language, address=address))
        found = [show(settings, row) for row in rows]
        specs = [spec_of(settings, DeliveryStore(settings.work).load()[row.delivery_id]) for row in rows]
        exported = _export(settings, rows, target, "--out", language) if target else None
    if as_json:
        emit_json({"rows": [_shown_json(each, raw) for each in found], "exported": exported})
        return
    for each, spec in zip(found, specs, strict=True):
        for line in _sentences(each, spec, raw, language):
            say(line)
    if exported is not None and target is not None:
        _say_exported(exported, target, language)


@cli_command("replay", epilog=_REPLAY_EPILOG)
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--dry-run", is_flag=True, help="Check the repaired lines and write nothing.")
@click.option("--author", default=None, help="Who repaired the lines.")
@click.option("--reason", default=None, help="Why they are right now.")
def replay_lines(
    company: Path, as_json: bool, language: str, file: Path | None, dry_run: bool, author: str | None,
    reason: str | None,
) -> None:  # fmt: skip
    """Record repaired lines and read them again; without FILE, read again what a corrected mapping changed."""
    from ingest import load_company
    from ingest.replay import check_repairs, replay
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id

    if file and not dry_run and not (author and reason):
        raise click.UsageError(wording("needs_author", language))
    if not file:
        for option, is_given in (("--dry-run", dry_run), ("--author", author), ("--reason", reason)):
            if is_given:
                raise click.UsageError(wording("needs_file", language, option=option))
    settings = load_company(company)
    with run_lock(settings.work, make_run_id()):
        today = datetime.now(UTC).date()
        checked = check_repairs(settings, file, author or "-", reason or "-", today) if file else ()
        report = None if dry_run else replay(settings, checked)
    _report(checked, report, as_json, language)
    if dry_run and any(each.state == "invalid" for each in checked):
        raise SystemExit(exit_codes.DATA_REFUSED)


for _each in (list_rows, show_row, replay_lines):
    command.add_command(_each)


def _check_file(work: Path, file: str, language: str) -> None:
    """A usage error with the nearest paths for a file that never came: 0 rows would say that all of it got in."""
    from ingest.deliveries import DeliveryStore

    deliveries = DeliveryStore(work).load()
    paths = {path for delivery in deliveries.values() for path in delivery.file_paths}
    if file in deliveries or any(path == file or path.endswith(f"/{file}") for path in paths):
        return
    # People name a file by its whole path or by the end of it.
    ends = {
        "/".join(parts[i:]): path for path in paths for parts in [path.split("/")] for i in range(len(parts))
    }
    close = difflib.get_close_matches(file, ends, n=3, cutoff=0.3)
    nearest = dict.fromkeys(ends[end] for end in close) or sorted(paths)[:3]
    text = wording("unknown_value", language, value=file, nearest=", ".join(nearest) or "-")
    raise click.BadParameter(text, param_hint="--file")


def _export(company: Company, rows: Iterable[Outside], target: Path, option: str, language: str) -> int:
    from ingest.quarantine import export

    try:
        return export(company, rows, target)
    except FileExistsError:
        raise click.UsageError(wording("exists", language, path=target, option=option)) from None


def _say_exported(n_lines: int, target: Path, language: str) -> None:
    say(wording("exported", language, n=n_lines, path=shown(target)))
    if n_lines:
        say(wording("exported_personal", language))


def _reason(code: str, language: str) -> str:
    from ingest.reasons import reasons

    known = reasons()
    return f"{code} ({known[code].text(language)})" if code in known else code


def _text(row: Outside, raw: bool) -> str:
    from ingest.quarantine import shape_of

    if row.kind == "record":
        return row.contract or ""
    return row.raw_line if raw else shape_of(row.raw_line)


def _as_json(row: Outside, raw: bool) -> dict[str, Any]:
    return {**asdict(row), "raw_line": _text(row, raw) if row.kind == "line" else "", "address": row.address}


def _shown_json(found: Shown, raw: bool) -> dict[str, Any]:
    from ingest.quarantine import shape_of

    text = found.text if raw else shape_of(found.text)
    return {**asdict(found), "row": _as_json(found.row, raw), "text": text}


def _sentences(found: Shown, spec: FileSpec, raw: bool, language: str) -> Iterable[str]:
    from ingest.quarantine import shape_of

    row = found.row
    yield f"{row.source_instance}:{row.file_path}:{row.line}  {wording(f'outside_{row.kind}', language)}"
    detail = f"; {masked(row.detail)}" if row.detail else ""
    yield f"{wording('show_reason', language)}{COLON[language]}{_reason(row.reason_code, language)}{detail}"
    if found.missing:
        yield wording("show_missing", language, columns=", ".join(found.missing))
    if found.breaks:
        counted = wording(
            "show_fields", language, found=found.breaks.found, declared=found.breaks.declared
        )  # fmt: skip
        has_fields = row.reason_code in ("wrong_field_count", "unclosed_quote", "broken_quoting")
        said = wording("show_break", language, position=found.breaks.position)
        yield f"{said} {counted}" if has_fields else said
    if found.text:
        note = "" if raw else f" ({wording('show_masked', language)})"
        yield f"{wording('show_text', language)}{note}:"
        yield f"  {found.text if raw else shape_of(found.text)}"
        if found.breaks:
            yield f"  {' ' * (found.breaks.position - 1)}^"
    if found.columns:
        yield wording("show_columns", language, n=len(found.columns), columns=", ".join(found.columns))
    yield _wanted(found, spec, language)
    others = ", ".join(map(str, found.others)) or "-"
    before, after = found.record_before or "-", found.record_after or "-"
    yield wording("show_neighbours", language, before=before, after=after, others=others)
    if found.is_repairable:
        yield f"{wording('next', language)}{COLON[language]}{wording('show_next', language, address=row.address)}"


def _wanted(found: Shown, spec: FileSpec, language: str) -> str:
    if found.row.kind == "record":
        return wording("show_wanted_record", language)
    if not found.is_repairable:
        return wording("show_not_repairable", language, why=found.why_not)
    if spec.format == "fixed_width":
        shortest, longest = spec.line_lengths()
        return wording("show_wanted_fixed_width", language, shortest=shortest, longest=longest)
    if spec.format == "jsonl":
        return wording("show_wanted_jsonl", language)
    signs = {"delimiter": repr(spec.delimiter), "quote": spec.quote}
    quotes = wording("show_wanted_quotes", language, **signs) if spec.quote else ""
    return wording("show_wanted_delimited", language, n=len(found.columns), quotes=quotes, **signs)


def _report(checked: tuple[Checked, ...], report: ReplayReport | None, as_json: bool, language: str) -> None:
    if as_json:
        content: dict[str, Any] = {
            "checked": [
                {name: value for name, value in asdict(each).items() if name != "repair"} for each in checked
            ]
        }
        if report is not None:
            content |= {
                "files": {str(path): n for path, n in report.files.items()},
                "landed": list(report.landed),
                "not_applied": list(report.not_applied),
            }
            for name in ("recovered", "still_outside", "newly_outside"):
                content[name] = [
                    {"kind": kind, "reason_code": code, "n_rows": n}
                    for (kind, code), n in getattr(report, name).items()
                ]
        emit_json(content)
        return
    from ingest.controls_result import sentence

    for each in checked:
        why = f": {masked(each.why)}" if each.why else ""
        place = f"{each.source_instance}:{each.file_path}:{each.line}"
        say(f"{place}  {wording(f'checked_{each.state}', language)}{why}")
    if report is None:
        say(wording("replay_dry", language))
        return
    for path, n in report.files.items():
        say(wording("replay_recorded", language, n=n, path=shown(path)))
    if report.landed:
        say(wording("replay_landed", language, n=len(report.landed)))
    groups = (
        ("replay_recovered", report.recovered),
        ("replay_newly", report.newly_outside),
        ("replay_still", report.still_outside),
    )
    for key, counts in groups:
        for (kind, code), n in counts.items():
            said = f"{wording(f'outside_{kind}', language)}{COLON[language]}{_reason(code, language)}"
            say(f"{n:>8}  {wording(key, language)}  {said}")
    for each in report.not_applied:
        said = sentence(each["code"], json.loads(each["params"]), language)
        say(f"{each['source_instance']}:{each['file_path']} {said}")
    if not (report.landed or report.files):
        say(wording("replay_nothing", language))
    say(f"{wording('next', language)}{COLON[language]}etalon run")
