"""`etalon cycle`: the framing note of a month, its approval, its seven steps, its end.

What does NOT belong here: what a note may say (orchestration.cycles.note), what a missing one does to a verdict
(expectations.gate).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.typography import COLON
from orchestration.commands.output import cli_command, cli_group, emit_json, say, shown
from orchestration.commands.run import check_cycle

if TYPE_CHECKING:
    from ingest.company import Company
    from orchestration.cycles.note import Note
    from orchestration.cycles.steps import Step

_EPILOG = """\b
Examples:
  etalon cycle frame --decision "Answer small inbound leads faster?" --by "Ann Lee"
  etalon cycle approve --by "Ann Lee"
  etalon cycle status
  etalon cycle close --by "Ann Lee"

\b
A cycle without an approved note is held. The note is cycles/<yyyy-mm>.yml beside company.yml; a change of its content
ends the approval. Every command has --cycle, --json and --company.
"""
_FRAME_EPILOG = """\b
Examples:
  etalon cycle frame --decision "Answer small inbound leads faster?" --by "Ann Lee"
  etalon cycle frame --cycle 2026-07 --decision "Keep the cadence of June?" --by "Ann Lee" --json

\b
Takes the note of the month before where there is one, else the values of company.yml.
Exit code 2: the month has a note.
"""
_APPROVE_EPILOG = """\b
Examples:
  etalon cycle approve --by "Ann Lee"
  etalon cycle approve --cycle 2026-07 --by "Ann Lee" --on 2026-07-02

\b
Stamps name, day and the hash of the content. Exit code 2: there is no note, or it is not understood.
"""
_STATUS_EPILOG = """\b
Examples:
  etalon cycle status
  etalon cycle status --cycle 2026-05 --on 2026-06-19 --json

\b
Exit code 0 whatever the status is.
"""
_SHOW_EPILOG = """\b
Examples:
  etalon cycle show
  etalon cycle show --cycle 2026-05 --json
"""
_CLOSE_EPILOG = """\b
Examples:
  etalon cycle close --by "Ann Lee"

\b
Asks for closing: business_story, retrospective and three lessons in the note. Exit code 2: one of them is missing.
"""

command = cli_group(
    "cycle", "Frame, approve, follow and close a month: frame, approve, status, show, close.", _EPILOG
)


def _month(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--cycle", default=None, metavar="YYYY-MM", help="Month (default: the company's cycle)."
    )(function)


def _day(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--on", "day", default=None, type=click.DateTime(["%Y-%m-%d"]), help="Day (default: today)."
    )(function)


@cli_command("frame", epilog=_FRAME_EPILOG)
@_month
@click.option(
    "--decision", required=True, help="The decision that the cycle is for, in at least 10 characters."
)
@click.option("--by", "author", required=True, help="Who defines contact and conversion.")
@_day
def frame(
    company: Path, as_json: bool, language: str, cycle: str | None, decision: str, author: str, day: Any
) -> None:
    """Draft the framing note of a month."""
    from orchestration.cycles.stamping import draft_note
    from orchestration.cycles.words import words

    found, month = _opened(company, cycle)
    with _locked(found):
        path = draft_note(found, month, decision, author, _on(day))
    following = f"etalon cycle approve --cycle {month} --by {'NOM' if language == 'fr' else 'NAME'}"
    if as_json:
        emit_json({"status": "drafted", "cycle": month, "note": str(path), "next": following})
        return
    say(words("drafted", language, path=shown(path)))
    say(f"{words('next', language)}{COLON[language]}{following}")


@cli_command("approve", epilog=_APPROVE_EPILOG)
@_month
@click.option("--by", "author", required=True, help="Who approves the content.")
@_day
def approve(company: Path, as_json: bool, language: str, cycle: str | None, author: str, day: Any) -> None:
    """Approve the note as it is now."""
    from orchestration.cycles.note import note_path
    from orchestration.cycles.stamping import approve_note
    from orchestration.cycles.words import words

    found, month = _opened(company, cycle)
    with _locked(found):
        note = approve_note(found, month, author, _on(day))
    following = f"etalon run --cycle {month}"
    path = note_path(found.root, month)
    if as_json:
        emit_json(
            {"status": "approved", "cycle": month, "note": str(path), "content_hash": note.content_hash}
        )
        return
    say(words("approved_now", language, path=shown(path), note_hash=note.content_hash[:12]))
    say(f"{words('next', language)}{COLON[language]}{following}")


@cli_command("status", epilog=_STATUS_EPILOG)
@_month
@_day
def status(company: Path, as_json: bool, language: str, cycle: str | None, day: Any) -> None:
    """The seven steps of a month: due when, done or not, and why not."""
    from orchestration.cycles.calendar import calendar_of
    from orchestration.cycles.evidence import find_evidence
    from orchestration.cycles.steps import steps_of
    from orchestration.cycles.words import word_or_code, words
    from orchestration.settings import cycle_bounds

    found, month = _opened(company, cycle)
    end, today = cycle_bounds(month)[1], _on(day)
    evidence = find_evidence(found, month)
    steps, calendar = steps_of(evidence, end), calendar_of(end)
    if as_json:
        emit_json(
            {
                "cycle": month,
                "note": evidence.note,
                "is_closed": evidence.is_closed,
                "stand_ups": {name: f"{on}" for name, on in calendar.stand_ups.items()},
                "steps": [_plain(each, today) for each in steps],
            }
        )
        return
    say(
        f"{words('cycle', language, cycle=month)}{COLON[language]}{words(f'standing_{evidence.note}', language)}"
    )
    for each in steps:
        state = words("late" if each.is_late(today) else f"status_{each.status_code}", language)
        reason = f"  {words(f'reason_{each.reason_code}', language)}" if each.reason_code else ""
        owner = word_or_code("role", each.owner_role_code, language)
        say(
            f"{each.position}. {words(f'step_{each.code}', language):<24}  {words('due', language)} {each.due_on}"
            f"  {state:<9}  {owner:<10}{reason}".rstrip()
        )
    days = ", ".join(f"{name} {on}" for name, on in calendar.stand_ups.items())
    say(f"{words('stand_ups', language)}{COLON[language]}{days}")


@cli_command("show", epilog=_SHOW_EPILOG)
@_month
def show(company: Path, as_json: bool, language: str, cycle: str | None) -> None:
    """What the note says."""
    from orchestration.cycles.words import words

    found, month = _opened(company, cycle)
    note = _note(found, month)
    framing = note.framing
    if as_json:
        content = framing.model_dump(mode="json")
        emit_json({"standing": note.standing, "content_hash": note.content_hash, "note": content})
        return
    approval, standing = framing.approval, words(f"standing_{note.standing}", language)
    if approval and note.standing == "approved":
        standing = words("approved", language, by=approval.approved_by, on=approval.approved_on)
    say(f"{words('cycle', language, cycle=month)}{COLON[language]}{standing}")
    say(f"{words('decision', language)}{COLON[language]}{framing.decision_sought}")
    say(f"{words('segments', language)}{COLON[language]}{', '.join(each.code for each in framing.segments)}")
    say(f"{words('phases', language)}{COLON[language]}{', '.join(each.item_code for each in framing.phases)}")
    say(
        f"{words('window', language)}{COLON[language]}{words('days', language, n=framing.attribution_window_days)}"
    )
    duties = (f"{role} {duty}" for role, duty in framing.raci.items())
    say(f"RACI: {', '.join(duties)}")
    if framing.closed:
        say(words("closed", language, by=framing.closed.closed_by, on=framing.closed.closed_on))


@cli_command("close", epilog=_CLOSE_EPILOG)
@_month
@click.option("--by", "author", required=True, help="Who closes the cycle.")
@_day
def close(company: Path, as_json: bool, language: str, cycle: str | None, author: str, day: Any) -> None:
    """End a month: its story, its retrospective and its lessons are written."""
    from orchestration.cycles.deltas import kpi_deltas
    from orchestration.cycles.stamping import close_cycle
    from orchestration.cycles.words import words

    found, month = _opened(company, cycle)
    with _locked(found):
        note = close_cycle(found, month, author, _on(day))
    closing, deltas = note.framing.closing, kpi_deltas(found, month, note.framing.kpis)
    learned = {
        team: {"n_insights": len(each.insights), "n_experiments": len(each.experiments)}
        for team, each in sorted(closing.managers.items())
    }
    if as_json:
        kpis = [
            {
                "metric": each.metric_name,
                "value": each.value,
                "before": each.value_before,
                "change": each.change,
            }
            for each in deltas
        ]
        emit_json({"status": "closed", "cycle": month, "managers": learned, "kpis": kpis})
        return
    say(words("closed_now", language, cycle=month))
    for each in deltas:
        moved = "-" if each.change is None else f"{each.change:+f}"
        say(f"  {each.metric_name}: {'-' if each.value is None else f'{each.value:f}'} ({moved})")


def _opened(directory: Path, cycle: str | None) -> tuple[Company, str]:
    from ingest import load_company

    check_cycle(cycle)
    company = load_company(directory)
    return company, cycle or company.cycle


@contextmanager
def _locked(company: Company) -> Iterator[None]:
    """No run is on while a note changes, and the note is everybody's to read."""
    from ingest.private_files import shared_files
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id

    with run_lock(company.work, make_run_id()), shared_files():
        yield


def _note(company: Company, cycle: str) -> Note:
    from orchestration.cycles.errors import CycleError
    from orchestration.cycles.note import FOLDER, read_note

    note = read_note(company.root, cycle, company.timezone)
    if note is None:
        raise CycleError("E-CYC-001", f"{FOLDER}/{cycle}.yml", is_usage=True, cycle=cycle)
    return note


def _on(day: dt.datetime | None) -> dt.date:
    """The given day, else today: an act of a person has its day, figures never ask for it."""
    return day.date() if day else dt.datetime.now(dt.UTC).date()


def _plain(step: Step, today: dt.date) -> dict[str, Any]:
    return {
        "step": step.code,
        "owner_role": step.owner_role_code,
        "due_on": f"{step.due_on}",
        "status": step.status_code,
        "reason": step.reason_code,
        "is_late": step.is_late(today),
    }


for _each in (frame, approve, status, show, close):
    command.add_command(_each)
