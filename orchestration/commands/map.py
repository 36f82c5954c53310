"""`etalon map`: draft the mapping of a file never seen before."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from orchestration.commands import exit_codes
from orchestration.commands.output import cli_command, emit_json, say, shown, wording

if TYPE_CHECKING:
    from ingest.assistant.drafting import Draft, Hints
    from ingest.assistant.questions import Question

_EPILOG = """\b
Examples:
  etalon map prospects_2026-06.csv --contract crm_lead
  etalon map factures.csv --contract erp_invoice --language fr --out my-company/factures.yml
  etalon map export.csv --company my-company
  etalon map export.csv --contract crm_contact --json < /dev/null

\b
What the file proves is filled in, with the evidence as comments. What it does not prove is asked on a terminal; an
empty answer, or no terminal, leaves a value that refuses to load and says what to decide.
Exit codes: 0 written and it loads; 4 written, with open questions; 2 usage; 65 the file cannot be read.
--company gives the zone and currency offered first, and the folder of the mapping when --out is not given.
"""


@cli_command("map", epilog=_EPILOG)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--contract", default=None, help="Contract to fill, such as crm_lead (default: asked, ranked by score)."
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Mapping file to write."
)
@click.pass_context
def command(
    ctx: click.Context,
    company: Path,
    as_json: bool,
    language: str,
    file: Path,
    contract: str | None,
    out: Path | None,
) -> None:
    """Read a delimited file, draft its mapping with the evidence, ask what the file does not prove."""
    from ingest.assistant.drafting import draft_mapping, problem_of

    given = ctx.get_parameter_source("company") is ParameterSource.COMMANDLINE
    target = out or (company if given else Path.cwd()) / f"{file.stem}.yml"
    if target.exists():
        raise click.UsageError(wording("exists", language, path=shown(target), option="--out"))
    is_asking = is_terminal() and not as_json
    draft = draft_mapping(
        file,
        contract=contract,
        ask=(lambda question: _answer(question, language)) if is_asking else None,
        language=language,
        hints=_hints(company) if given else None,
    )
    target.write_text(draft.text, encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        problem = problem_of(draft.text, Path(scratch))
    if problem is not None and not draft.open_questions:
        raise problem
    if as_json:
        emit_json(_json(draft, target, language))
    else:
        _tell(draft, target, language)
    raise SystemExit(exit_codes.UNDECIDED if draft.open_questions else exit_codes.DONE)


def is_terminal() -> bool:
    """True when a person can answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _hints(company: Path) -> Hints:
    from ingest import load_company
    from ingest.assistant.drafting import Hints

    settings = load_company(company)
    return Hints(settings.timezone, settings.reporting_currency)


def _answer(question: Question, language: str) -> str | None:
    """Evidence, options by number, and a prompt; an empty answer leaves the question open."""
    say()
    for sentence in question.evidence:
        say(f"  {sentence.text(language)}")
    say(question.asked.text(language))
    for number, option in enumerate(question.options, start=1):
        say(f"  {number}. {option}")
    while True:
        answer = click.prompt(wording("answer", language), default="", show_default=False).strip()
        if not answer:
            return None
        if answer.isdigit() and 1 <= int(answer) <= len(question.options):
            return question.options[int(answer) - 1]
        if question.takes(answer):
            return answer
        say(wording("no_answer", language, answer=answer))


def _json(draft: Draft, target: Path, language: str) -> dict[str, object]:
    questions = [
        {
            "key": each.key,
            "question": each.asked.text(language),
            "options": list(each.options),
            "evidence": [sentence.text(language) for sentence in each.evidence],
        }
        for each in draft.open_questions
    ]
    return {
        "status": "open_questions" if questions else "ready",
        "mapping": str(target),
        "contract": draft.contract,
        "rows": draft.n_rows,
        "misfits": draft.n_misfits,
        "questions": questions,
    }


def _tell(draft: Draft, target: Path, language: str) -> None:
    say(wording("mapped", language, path=shown(target), rows=draft.n_rows, contract=draft.contract))
    for question in draft.open_questions:
        say(f"  {question.key}: {question.asked.text(language)}")
    if draft.open_questions:
        say(wording("undecided", language, n=len(draft.open_questions), path=shown(target)))
    say(wording("mapped_next", language, mapping=target.name, system=draft.system))
