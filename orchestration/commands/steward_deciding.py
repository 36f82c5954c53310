"""`etalon steward decide, apply, unmerge, override, link, undo`: decisions, recorded while no run holds the company.

What does NOT belong here: which decisions are possible (see orchestration.stewardship.recording).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.typography import COLON
from orchestration.commands import exit_codes
from orchestration.commands.output import cli_command, emit_json, say, wording

if TYPE_CHECKING:
    from ingest.company import Company
    from orchestration.stewardship.decisions import Decision
    from orchestration.stewardship.recording import Ledger, Said

_DECIDE_EPILOG = """\b
Examples:
  etalon steward decide rev_0a1b2c3d4e5f same --author "Ann Lee" --reason "one office, one SIREN"
  etalon steward decide rev_0a1b2c3d4e5f cannot-say --author "Ann Lee" --reason "asked the owner"
  etalon steward decide rev_0a1b2c3d4e5f different --author "Ann Lee" --reason "two firms" --expires 2027-12-31

\b
same: merged by the next run. different: kept apart. cannot-say: the question waits until a record changes.
confirm: a decision whose records have changed still holds.
"""
_APPLY_EPILOG = """\b
Examples:
  etalon steward apply queue.xlsx --author "Ann Lee"
  etalon steward apply queue.csv --author "Ann Lee" --reason "monthly review" --partial

\b
CSV or XLSX as a person saved it: semicolons or commas, any order of columns, blank rows, answers in French or
English. Nothing is recorded unless every line is understood; --partial records the good ones.
"""
_UNMERGE_EPILOG = """\b
Examples:
  etalon steward unmerge crm/crm_contact/0031 --author "Ann Lee" --reason "father and son"
  etalon steward unmerge crm/crm_lead/9 web/crm_lead/4 --each-alone --author "Ann Lee" --reason "three persons"

\b
The records named leave their golden record together (or each alone); what remains keeps its golden id.
"""
_OVERRIDE_EPILOG = """\b
Examples:
  etalon steward override crm/crm_account/0012 city Lyon --author "Ann Lee" --reason "moved" --expires 2027-06-30
"""
_LINK_EPILOG = """\b
Examples:
  etalon steward link crm/crm_account/7 crm/crm_account/1 --from 2021-01-16 --author "Ann Lee" --reason "merger"
"""
_UNDO_EPILOG = """\b
Examples:
  etalon steward list --decisions
  etalon steward undo dec_0a1b2c3d4e5f --author "Ann Lee" --reason "wrong record"

\b
The decision stays on file, with who undid it and why. Undoing an undo brings the decision back.
"""


class _Day(click.ParamType):
    name = "yyyy-mm-dd"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        if isinstance(value, dt.date):
            return value
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value} is no date yyyy-mm-dd", param, ctx)


def _said(command: Callable[..., Any]) -> Callable[..., Any]:
    """--author, --reason and --expires."""
    command = click.option("--expires", type=_Day(), default=None, help="Last day it holds; none: for good.")(
        command
    )
    command = click.option("--reason", required=True, help="Why.")(command)
    return click.option("--author", required=True, help="Who decides.")(command)


_ENTITY = click.option(
    "--entity", type=click.Choice(["account", "person"]), default=None, help="Where a lead could be both."
)


def _now(author: str, reason: str, expires: dt.date | None) -> Said:
    from orchestration.stewardship.recording import Said

    moment = dt.datetime.now(dt.UTC).replace(microsecond=0, tzinfo=None)
    return Said(author.strip(), reason.strip(), moment, expires)


@contextmanager
def _ledger(company: Company) -> Iterator[Ledger]:
    """The company's decisions, while no run and nobody else holds it."""
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id
    from orchestration.stewardship.recording import Ledger

    with run_lock(company.work, make_run_id()):
        yield Ledger(company)


def _record(
    company: Path, as_json: bool, language: str, decide: Callable[[Ledger, Company], list[Decision]]
) -> None:
    from ingest import load_company
    from orchestration.stewardship.words import words

    settings = load_company(company)
    with _ledger(settings) as ledger:
        recorded = ledger.record(decide(ledger, settings))
    made = recorded.decision
    if as_json:
        emit_json(asdict(made) | {"is_new": recorded.is_new})
        return
    if recorded.is_new:
        told = made.undone_id or f"{words(f'decision_{made.kind}', language)} {' | '.join(made.record_keys)}"
        say(words("recorded", language, decision=made.decision_id, what=told))
    else:
        date = f"{made.decided_at:%Y-%m-%d}"
        say(words("recorded_before", language, author=made.author, date=date, decision=made.decision_id))
    say(f"{words('takes_effect', language)}. {wording('next', language)}{COLON[language]}etalon run")


@cli_command("decide", epilog=_DECIDE_EPILOG)
@click.argument("item")
@click.argument("answer", type=click.Choice(["same", "different", "cannot-say", "confirm"]))
@_said
def decide(
    company: Path, as_json: bool, language: str, item: str, answer: str, author: str, reason: str,
    expires: dt.date | None,
) -> None:  # fmt: skip
    """Answer a question of the queue."""
    from orchestration.stewardship.queue import find_item, read_queue

    def answered(ledger: Ledger, settings: Company) -> list[Decision]:
        found = find_item(read_queue(settings.work), item)
        return ledger.answers(found, answer.replace("-", "_"), _now(author, reason, expires))

    _record(company, as_json, language, answered)


@cli_command("apply", epilog=_APPLY_EPILOG)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--author", required=True, help="Who decides.")
@click.option("--reason", default="", help="Why, for lines whose column comment is empty.")
@click.option("--partial", is_flag=True, help="Record the good lines although others are bad.")
def apply(
    company: Path, as_json: bool, language: str, file: Path, author: str, reason: str, partial: bool
) -> None:
    """Record the answers of a file that `export` wrote and a person filled in."""
    from ingest import load_company
    from orchestration.stewardship.errors import StewardshipError
    from orchestration.stewardship.queue import read_queue
    from orchestration.stewardship.sheets import read_answers
    from orchestration.stewardship.words import words

    settings = load_company(company)
    with _ledger(settings) as ledger:
        found = read_answers(file, read_queue(settings.work), ledger, _now(author, reason, None), language)
        bad = [words("line", language, line=each.line, what=each.text) for each in found.bad]
        if bad and not partial:
            raise StewardshipError("E-STW-011", file.name, n=len(bad), detail="; ".join(bad))
        made = [decision for decisions in found.made for decision in decisions]
        if made:
            ledger.write(made)
    if as_json:
        recorded = [asdict(each) for each in made]
        bad_lines = [asdict(each) for each in found.bad]
        emit_json(
            {"recorded": recorded, "known": found.n_known, "empty": found.n_empty, "bad_lines": bad_lines}
        )
    else:
        say(words("applied", language, n=len(found.made), known=found.n_known, empty=found.n_empty))
        if bad:
            say(words("skipped", language, n=len(bad)), err=True)
            for line in bad:
                say(f"  {line}", err=True)
        if made:
            say(f"{words('takes_effect', language)}. {wording('next', language)}{COLON[language]}etalon run")
    if bad:
        raise SystemExit(exit_codes.DATA_REFUSED)


@cli_command("unmerge", epilog=_UNMERGE_EPILOG)
@click.argument("records", nargs=-1, required=True, metavar="RECORD_KEY...")
@click.option("--each-alone", is_flag=True, help="Every record named becomes a golden record of its own.")
@_ENTITY
@_said
def unmerge(
    company: Path, as_json: bool, language: str, records: tuple[str, ...], each_alone: bool, entity: str | None,
    author: str, reason: str, expires: dt.date | None,
) -> None:  # fmt: skip
    """Take records out of the golden record they are in."""
    said = _now(author, reason, expires)
    _record(company, as_json, language, lambda ledger, _: [ledger.unmerge(entity, records, each_alone, said)])


@cli_command("override", epilog=_OVERRIDE_EPILOG)
@click.argument("record")
@click.argument("attribute")
@click.argument("value")
@_ENTITY
@_said
def override(
    company: Path, as_json: bool, language: str, record: str, attribute: str, value: str, entity: str | None,
    author: str, reason: str, expires: dt.date | None,
) -> None:  # fmt: skip
    """Set the golden value of an attribute for whatever golden record holds a source record."""
    from orchestration.stewardship.decisions import ATTRIBUTES, possible_value

    known = ATTRIBUTES[entity] if entity else (*ATTRIBUTES["account"], *ATTRIBUTES["person"])
    if attribute not in known:
        raise click.BadParameter(", ".join(known), param_hint="ATTRIBUTE")
    possible = possible_value(attribute, value.strip())
    if possible:
        raise click.BadParameter(f"{attribute}: {possible}", param_hint="VALUE")
    wanted = entity or ("account" if attribute in ATTRIBUTES["account"] else "person")
    said = _now(author, reason, expires)
    _record(
        company, as_json, language,
        lambda ledger, _: [ledger.override(wanted, record, attribute, value.strip(), said)],
    )  # fmt: skip


@cli_command("link", epilog=_LINK_EPILOG)
@click.argument("child")
@click.argument("parent")
@click.option(
    "--kind",
    type=click.Choice(["legal", "buying"]),
    default="legal",
    show_default=True,
    help="Kind of group.",
)
@click.option("--from", "valid_from", type=_Day(), default=None, help="First day; none: always.")
@click.option("--to", "valid_to", type=_Day(), default=None, help="First day after it; none: open.")
@_said
def link(
    company: Path, as_json: bool, language: str, child: str, parent: str, kind: str, valid_from: dt.date | None,
    valid_to: dt.date | None, author: str, reason: str, expires: dt.date | None,
) -> None:  # fmt: skip
    """Put a company under another one for a time. A merger of companies is such a link, never a merge of records."""
    if child == parent:
        raise click.BadParameter(parent, param_hint="PARENT")
    if valid_from and valid_to and valid_to <= valid_from:
        raise click.BadParameter(f"{valid_to} <= {valid_from}", param_hint="--to")
    said = _now(author, reason, expires)
    _record(
        company, as_json, language,
        lambda ledger, _: [ledger.link(child, parent, kind, valid_from, valid_to, said)],
    )  # fmt: skip


@cli_command("undo", epilog=_UNDO_EPILOG)
@click.argument("decision")
@click.option("--author", required=True, help="Who decides.")
@click.option("--reason", required=True, help="Why.")
def undo(company: Path, as_json: bool, language: str, decision: str, author: str, reason: str) -> None:
    """Take a decision back."""
    said = _now(author, reason, None)
    _record(company, as_json, language, lambda ledger, _: [ledger.undo(decision, said)])


COMMANDS = (decide, apply, unmerge, override, link, undo)
