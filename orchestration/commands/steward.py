"""`etalon steward`: the review queue, one question with its records and its score, the queue as a spreadsheet.

What does NOT belong here: commands that record something (steward_deciding.py).
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.typography import COLON
from orchestration.commands.output import cli_command, cli_group, emit_json, say, shown
from orchestration.commands.steward_deciding import COMMANDS
from orchestration.stewardship.decisions import QUESTION_KINDS

if TYPE_CHECKING:
    from orchestration.stewardship.content import Record
    from orchestration.stewardship.queue import ReviewItem

_EPILOG = """\b
Examples:
  etalon steward list --limit 10
  etalon steward show rev_0a1b2c3d4e5f --out why.html
  etalon steward decide rev_0a1b2c3d4e5f same --author "Ann Lee" --reason "one office, one SIREN"
  etalon steward export queue.xlsx --language fr
  etalon steward apply queue.xlsx --author "Ann Lee"
  etalon steward unmerge crm/crm_contact/0031 --author "Ann Lee" --reason "father and son"
  etalon steward undo dec_0a1b2c3d4e5f --author "Ann Lee" --reason "wrong record"

\b
Decisions are lines of <company>/stewardship/*.csv. They name records of the sources, not golden ids, so that they
survive re-delivery and retraining; nothing is ever deleted, undoing adds a line. They take effect with the next run.
Every command has --json and --company. What is shown is personal data: it goes to the terminal and to no log.

\b
Exit codes: 0 done, 2 wrong usage or a decision that contradicts others, 65 a file that cannot be applied,
74 reading or writing failed, 75 a run holds the company.
"""
_LIST_EPILOG = """\b
Examples:
  etalon steward list --entity person --kind pair --limit 5
  etalon steward list --decisions --json
"""
_SHOW_EPILOG = """\b
Examples:
  etalon steward show rev_0a1b2c3d4e5f
  etalon steward show rev_0a1b2c3d4e5f --out why.svg --language fr
"""
_EXPORT_EPILOG = """\b
Examples:
  etalon steward export queue.xlsx
  etalon steward export queue.csv --entity account --limit 100

\b
The column decision is empty: fill it, save, then etalon steward apply. The file holds personal data.
"""

command = cli_group(
    "steward", "Answer what matching asks: same, different, can't say; set values; take apart; undo.", _EPILOG
)

_KIND = click.option("--kind", type=click.Choice(QUESTION_KINDS), default=None, help="Kind of question.")


@cli_command("list", epilog=_LIST_EPILOG)
@click.option(
    "--entity", type=click.Choice(["account", "person"]), default=None, help="Companies or persons."
)
@_KIND
@click.option("--decisions", "is_decisions", is_flag=True, help="Decisions with their status, not questions.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100_000), help="Lines shown.")
def list_items(
    company: Path, as_json: bool, language: str, entity: str | None, kind: str | None, is_decisions: bool, limit: int
) -> None:  # fmt: skip
    """List the questions of the last run, those that move most first."""
    from ingest import load_company
    from orchestration.run_lock import reading
    from orchestration.stewardship.queue import reason_of
    from orchestration.stewardship.words import words

    settings = load_company(company)
    if is_decisions:
        _list_decisions(settings, as_json, language, entity, limit)
        return
    with reading(settings.work):
        found = _questions(settings.work, entity, kind)
        listed = found[:limit]
        records = {each: _records(settings.work, listed, each) for each in ("account", "person")}
    if as_json:
        emit_json({"total": len(found), "items": [_plain(item) for item in listed]})
        return
    for item in listed:
        names = " | ".join(_label(records[item.entity].get(key), key) for key in item.record_keys)
        say(f"{item.impact_rank:>5}  {item.item_id}  {words(f'entity_{item.entity}', language):<8}  {names}")
        say(
            f"{'':>7}{_kind(item, language)}{COLON[language]}{reason_of(item, language)}  {_impact(item, language)}"
        )
    say(
        words("listed", language, shown=len(listed), total=len(found))
        if found
        else words("no_items", language)
    )


def _list_decisions(company: Any, as_json: bool, language: str, entity: str | None, limit: int) -> None:
    from orchestration.run_lock import reading
    from orchestration.stewardship.recording import Ledger
    from orchestration.stewardship.words import word_or_code, words

    with reading(company.work):
        standing = Ledger(company).standing()
    found = [each for each in standing.decisions if entity in (None, each.entity)]
    found = sorted(found, key=lambda each: each.decided_at, reverse=True)[:limit]
    if as_json:
        rows = [asdict(each) | {"status": standing.statuses[each.decision_id]} for each in found]
        fights = [asdict(each) for each in standing.contradictions]
        emit_json({"decisions": rows, "contradictions": fights})
        return
    for each in found:
        what = words(f"decision_{each.kind}", language)
        if each.kind == "override":
            what += f" {each.attribute} = {each.value}"
        status = words(f"status_{standing.statuses[each.decision_id]}", language)
        keys = " | ".join(each.record_keys)
        say(
            f"{each.decision_id}  {each.decided_at:%Y-%m-%d}  {status:<22}  {what}  {keys}"
            f"  ({each.author}: {each.reason})"
        )
    for fight in standing.contradictions:
        say(
            f"{word_or_code('reason', fight.reason, language)}{COLON[language]}{', '.join(fight.decision_ids)}"
        )
    if not found:
        say(words("no_decisions", language))


@cli_command("show", epilog=_SHOW_EPILOG)
@click.argument("item")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Waterfall as .svg or .html."
)
def show(company: Path, as_json: bool, language: str, item: str, out: Path | None) -> None:
    """Show one question: both records side by side, and the score step by step."""
    from ingest import load_company
    from orchestration.run_lock import reading
    from orchestration.stewardship.content import read_records
    from orchestration.stewardship.picture import labelled_steps, text_waterfall, write_picture
    from orchestration.stewardship.queue import block_of, explanation_of, find_item, reason_of
    from orchestration.stewardship.words import words

    settings = load_company(company)
    with reading(settings.work):
        found = find_item(_questions(settings.work), item)
        records = read_records(settings.work, found.entity, found.record_keys)
    explanation = explanation_of(found)
    if out is not None and explanation is not None:
        write_picture(explanation, found.item_id, out, language)
    if as_json:
        sides = [asdict(records[key]) if key in records else None for key in found.record_keys]
        labelled = labelled_steps(explanation, language) if explanation else []
        steps = [{"step": label, "weight": weight} for label, weight in labelled]
        told = explanation.sentences(language) if explanation else []
        emit_json({"item": _plain(found), "records": sides, "steps": steps, "sentences": told})
        return
    say(f"{found.item_id}  {words(f'entity_{found.entity}', language)}  {_kind(found, language)}")
    say(f"{reason_of(found, language)}  {_impact(found, language)}")
    if found.decision_ids:
        say(f"{words('decisions', language)}{COLON[language]}{', '.join(found.decision_ids)}")
    say()
    for line in _side_by_side(found, records, language):
        say(line)
    if explanation is not None:
        say()
        for line in [*text_waterfall(explanation, language), *explanation.sentences(language)[-1:]]:
            say(line)
        if found.probability is not None:
            say(words("probability", language, probability=f"{found.probability:.3f}"))
    say()
    key = {"contradiction": "how_contradiction", "to_confirm": "how_to_confirm"}.get(found.kind)
    if block_of(found) is not None:
        key = "how_block"
    how = key or (
        "how_other" if found.kind in ("oversized", "survivorship", "missing_parent") else "how_pair"
    )
    say(words(how, language, decisions=" | ".join(found.decision_ids)))
    if out is not None and explanation is not None:
        say(words("picture_written", language, path=shown(out)))


@cli_command("export", epilog=_EXPORT_EPILOG)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--entity", type=click.Choice(["account", "person"]), default=None, help="Companies or persons."
)
@_KIND
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(1, 100_000), help="Questions.")
def export(
    company: Path, as_json: bool, language: str, file: Path, entity: str | None, kind: str | None, limit: int
) -> None:
    """Write the queue as CSV or XLSX with a column for the answers."""
    from ingest import load_company
    from orchestration.access.reading_log import log_read_of_work
    from orchestration.run_lock import reading
    from orchestration.stewardship.sheets import write_queue
    from orchestration.stewardship.words import words

    settings = load_company(company)
    with reading(settings.work):
        items = _questions(settings.work, entity, kind)[:limit]
        records = {
            (each, key): record
            for each in ("account", "person")
            for key, record in _records(settings.work, items, each).items()
        }
    write_queue(items, records, file, language)
    log_read_of_work(settings, "steward export", "review_queue", len(items))
    if as_json:
        emit_json({"file": str(file), "questions": len(items)})
        return
    say(words("exported", language, path=shown(file), n=len(items)))


def _questions(work: Path, entity: str | None = None, kind: str | None = None) -> list[ReviewItem]:
    from orchestration.stewardship.queue import read_queue

    return [item for item in read_queue(work) if entity in (None, item.entity) and kind in (None, item.kind)]


def _records(work: Path, items: list[ReviewItem], entity: str) -> dict[str, Record]:
    from orchestration.stewardship.content import read_records

    return read_records(
        work, entity, [key for item in items if item.entity == entity for key in item.record_keys]
    )


def _plain(item: ReviewItem) -> dict[str, Any]:
    return asdict(item) | {"terms": json.loads(item.terms) if item.terms else None}


def _kind(item: ReviewItem, language: str) -> str:
    from orchestration.stewardship.words import word_or_code

    return word_or_code("kind", item.kind, language)


def _impact(item: ReviewItem, language: str) -> str:
    from orchestration.stewardship.words import words

    told = [f"{words('impact', language)}{COLON[language]}{item.impact_value:,.0f} {item.impact_unit}"]
    if item.n_leads:
        told.append(words("leads", language, leads=item.n_leads, touches=item.n_touches))
    if item.is_strategic:
        told.append(words("strategic", language))
    if item.postponed_at is not None:
        told.append(words("postponed", language, date=f"{item.postponed_at:%Y-%m-%d}"))
    return f"[{'; '.join(told)}]"


def _label(record: Record | None, key: str) -> str:
    """What a person calls a record: its name, else its address, else its key."""
    if record is None:
        return key
    values = record.values
    person = " ".join(values[name] for name in ("given_name", "family_name") if name in values)
    name = values.get("name") or person or values.get("email") or ""
    return f"{name} ({key})" if name else key


def _side_by_side(item: ReviewItem, records: dict[str, Record], language: str) -> list[str]:
    from orchestration.stewardship.words import words

    sides = [records.get(key) for key in item.record_keys]
    fields = list(dict.fromkeys(field for side in sides if side for field in side.values))
    titles = [words("left", language), words("right", language)][: len(sides)]
    golden = [item.left_golden_id, item.right_golden_id]
    rows = [
        [words("field", language), *titles],
        ["record_key", *item.record_keys],
        ["golden_id", *(each or "-" for each in golden[: len(sides)])],
    ]
    gone = words("gone", language)
    rows += [[field, *(side.values.get(field, "") if side else gone for side in sides)] for field in fields]
    widths = [min(max(len(row[i]) for row in rows), 60) for i in range(len(rows[0]))]
    marks = [" "] * 3 + ["≠" if len(sides) > 1 and row[1] != row[2] else " " for row in rows[3:]]
    return [
        "  ".join([mark, *(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))]).rstrip()
        for row, mark in zip(rows, marks, strict=True)
    ]


for _each in (list_items, show, export, *COMMANDS):
    command.add_command(_each)
