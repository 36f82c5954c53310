"""`etalon worklist`: what is to be mended at the source, by owner, and what the last extracts mended.

What does NOT belong here: finding it (orchestration.worklists). Keys of records are shown; a key that is built from an
address or a number is masked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.typography import COLON
from orchestration.commands.output import check_values, cli_command, cli_group, emit_json, say, shown, wording
from orchestration.masking import masked

if TYPE_CHECKING:
    from ingest.company import Company
    from orchestration.worklists.reading import WorklistFilter, WorklistItem

_EPILOG = """\b
Examples:
  etalon worklist list --owner finance
  etalon worklist show wrk_0123456789abcdef
  etalon worklist export finance.xlsx --owner finance --language fr

\b
An item is a record that breaks a rule, a control that flags it, or a line that did not get in. It closes by itself
when the next extract no longer shows it; a rule that could not be assessed closes nothing.
Every command has --json and --company.

\b
Exit codes: 0 done, 2 wrong usage, 74 reading or writing failed, 75 a run holds the company.
"""
_LIST_EPILOG = """\b
Examples:
  etalon worklist list
  etalon worklist list --rule R-CRM-010 --per-rule 50
  etalon worklist list --status closed --json
"""
_SHOW_EPILOG = """\b
Examples:
  etalon worklist show wrk_0123456789abcdef
"""
_EXPORT_EPILOG = """\b
Examples:
  etalon worklist export worklist.csv
  etalon worklist export finance.xlsx --owner finance

\b
Every item that the filters leave is written, however many. No cell is a formula.
--language fr: French headers, and amounts of a CSV with a comma, as a French spreadsheet reads them.
"""

command = cli_group(
    "worklist", "What is to be mended at the source, by owner and by what hangs on it.", _EPILOG
)


def _filters(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--status", type=click.Choice(["open", "closed", "all"]), default="open", show_default=True,
                     help="Open items, or those that extracts have closed."),
        click.option("--source", default=None, help="Source instance of company.yml."),
        click.option("--rule", default=None, help="Rule id, <source>/<control>, or quarantine."),
        click.option("--assignee", default=None, help="Id of the seller who owns the record in the CRM."),
        click.option("--owner", default=None, help="Role that mends it, such as finance."),
    ):  # fmt: skip
        function = option(function)
    return function


@cli_command("list", epilog=_LIST_EPILOG)
@_filters
@click.option(
    "--per-rule", default=5, show_default=True, type=click.IntRange(1, 10_000), help="Items of one rule."
)
@click.option("--limit", default=40, show_default=True, type=click.IntRange(1, 100_000), help="Items shown.")
def list_items(
    company: Path, as_json: bool, language: str, owner: str | None, assignee: str | None, rule: str | None,
    source: str | None, status: str, per_rule: int, limit: int,
) -> None:  # fmt: skip
    """List what is to be mended, what moves most first."""
    from ingest import load_company
    from orchestration.run_lock import reading
    from orchestration.worklists.reading import count_items, owner_figures, read_items

    settings = load_company(company)
    wanted = _wanted(settings, language, owner, assignee, rule, source, status)
    with reading(settings.work):
        items = read_items(settings.work, wanted, per_rule=per_rule, limit=limit)
        total = count_items(settings.work, wanted)
        figures = owner_figures(settings.work)
    if as_json:
        emit_json(
            {
                "total": total,
                "items": [_plain(item) for item in items],
                "owners": [asdict(each) for each in figures],
            }
        )
        return
    for item in items:
        say(_line(item, language))
    say(wording("worklist_listed" if total else "worklist_empty", language, shown=len(items), total=total))
    for each in figures:
        days = each.median_days_to_fix
        fixed = wording("worklist_fixed_in", language, days=f"{days:.0f}") if days is not None else ""
        say(
            wording("worklist_owner", language, owner=each.owner, open=each.n_open, closed=each.n_closed)
            + fixed
        )


@cli_command("show", epilog=_SHOW_EPILOG)
@click.argument("item")
def show(company: Path, as_json: bool, language: str, item: str) -> None:
    """Show one item: what is asked, of which record, since when, and what hangs on it."""
    from ingest import load_company
    from ingest.reasons import reasons
    from orchestration.run_lock import reading
    from orchestration.worklists.reading import find_item

    settings = load_company(company)
    with reading(settings.work):
        found = find_item(settings.work, item)
    question = _questions(language).get(found.rule_id)
    known = reasons()
    reason = known[found.reason_code].text(language) if found.reason_code in known else found.reason_code
    if as_json:
        emit_json({"item": _plain(found), "question": question, "reason": reason})
        return
    say(_line(found, language))
    for text in (question, reason):
        if text:
            say(f"  {text}")
    if found.record_key:
        say(f"{wording('next', language)}{COLON[language]}{_address(found)}")


@cli_command("export", epilog=_EXPORT_EPILOG)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_filters
def export(
    company: Path, as_json: bool, language: str, file: Path, owner: str | None, assignee: str | None,
    rule: str | None, source: str | None, status: str,
) -> None:  # fmt: skip
    """Write the worklist as CSV or XLSX for the person who mends it."""
    from ingest import load_company
    from orchestration.access.reading_log import log_read
    from orchestration.run_lock import reading
    from orchestration.worklists.reading import EXPORTED, export_items, read_items

    settings = load_company(company)
    wanted = _wanted(settings, language, owner, assignee, rule, source, status)
    with reading(settings.work):
        items = read_items(settings.work, wanted)
    headers = {name: wording(f"worklist_column_{name}", language) for name in EXPORTED}
    mark = wording("worklist_decimal_mark", language)
    export_items(items, _questions(language), file, headers, wording("worklist_sheet", language), mark)
    log_read(settings, "worklist export", "worklist", len(items))
    if as_json:
        emit_json({"file": str(file), "items": len(items)})
        return
    say(wording("worklist_exported", language, n=len(items), path=shown(file)))


def _wanted(
    settings: Company, language: str, owner: str | None, assignee: str | None, rule: str | None,
    source: str | None, status: str,
) -> WorklistFilter:  # fmt: skip
    from orchestration.worklists.building import QUARANTINE
    from orchestration.worklists.reading import WorklistFilter

    check_values(settings, language, rule=None if rule == QUARANTINE else rule, source=source)
    return WorklistFilter(owner, assignee, rule, source, None if status == "all" else status)


def _questions(language: str) -> dict[str, str]:
    from expectations.catalogue import load_catalogue

    return {rule.id: rule.question(language) for rule in load_catalogue().rules}


def _plain(item: WorklistItem) -> dict[str, Any]:
    keys = {name: getattr(item, name) for name in ("record_key", "impact_key")}
    return asdict(item) | {name: masked(key) if key else None for name, key in keys.items()}


def _line(item: WorklistItem, language: str) -> str:
    is_count = item.impact_unit in ("leads", "touches", "records")
    unit = wording(f"worklist_{item.impact_unit}", language) if is_count else item.impact_unit
    impact = f"{item.impact_value:,.0f} {unit}"
    if language == "fr":
        impact = impact.replace(",", "\u202f")
    age = (
        wording("worklist_age", language, days=item.age_days)
        if item.status == "open"
        else wording("worklist_closed", language, date=item.closed_on, days=item.days_to_fix)
    )
    record = masked(item.record_key) if item.record_key else f"({item.contract or item.source_instance})"
    field = f".{item.field}" if item.field else ""
    return f"{item.item_id}  {impact:>16}  {item.owner:<17}  {item.rule_id}  {record}{field}  {age}"


def _address(item: WorklistItem) -> str:
    """The command that says what became of the record."""
    from orchestration.worklists.building import QUARANTINE

    key = masked(item.record_key or "")
    if item.rule_id == QUARANTINE:
        return f"etalon quarantine show {item.source_instance}:{key}"
    return f"etalon journal --record {key}"


for _each in (list_items, show, export):
    command.add_command(_each)
