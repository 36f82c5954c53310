"""`etalon where`: the one fate of a source row, and what became of a golden id."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingest.typography import COLON
from orchestration.commands.output import cli_command, emit_json, say, wording
from orchestration.masking import masked

if TYPE_CHECKING:
    from orchestration.fate import Content, Fate
    from orchestration.publication.registry import GoldenId

_EPILOG = """\b
Examples:
  etalon where crm:leads_2026-06.csv:1204
  etalon where crm:2f6d0c1b9a4e:1204
  etalon where crm:00Q5g00000AbCdE --json
  etalon where acc_3f0c92d51b7e

\b
The line is the physical line of the file, the header being line 1; in JSON, ICS and XLSX the
ordinal of the record. The file may be named without its folder and extension when it is the only one.
"""


@cli_command("where", epilog=_EPILOG)
@click.argument("address", metavar="SOURCE:FILE:LINE | SOURCE:KEY | GOLDEN_ID")
def command(company: Path, as_json: bool, language: str, address: str) -> None:
    """Say what became of one row of an extract, of one record by its key, or of a golden id."""
    from ingest import load_company
    from orchestration.fate import UnknownRowError, fates
    from orchestration.publication.registry import find_golden_id, is_golden_id
    from orchestration.run_lock import reading

    loaded = load_company(company)
    work = loaded.work
    if is_golden_id(address):
        try:
            known = find_golden_id(loaded.published, address)
        except LookupError as error:
            raise click.UsageError(str(error)) from error
        emit_json({"golden_id": asdict(known)}) if as_json else say(sentence_of_id(known, language))
        return
    try:
        with reading(work):
            found = fates(work, address)
            contents = _contents(work, address)
    except UnknownRowError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        emit_json(
            {"fates": [asdict(fate) for fate in found], "deliveries": [asdict(each) for each in contents]}
        )
        return
    for fate in found:
        say(sentence_of(fate, language))
    if len(contents) > 1:
        shown, *others = contents
        source, line = address.split(":", 1)[0], address.rsplit(":", 1)[1]
        commands = " | ".join(f"etalon where {source}:{each.delivery_id}:{line}" for each in others)
        say(wording("replaced_content", language, path=shown.path, delivery=shown.delivery_id))
        say(f"{wording('other_contents', language)}{COLON[language]}{commands}")


def _contents(work: Path, address: str) -> list[Content]:
    """All contents of the file that an address names, the one shown first; empty for the address of a record."""
    from orchestration.fate import contents_of

    source, _, place = address.rpartition(":")[0].partition(":")
    return contents_of(work, source, place) if place and address.rpartition(":")[2].isdigit() else []


def sentence_of_id(known: GoldenId, language: str) -> str:
    """What the registry says of a golden id, in one sentence."""
    keys = ", ".join(masked(key) for key in known.record_keys)
    more = ", ..." if known.n_records > len(known.record_keys) else ""
    return wording(
        f"golden_id_{known.status}", language, golden_id=known.golden_id, minted=known.minted_in_cycle,
        retired=known.retired_in_cycle or "?", path=" -> ".join(known.leads_to),
        n=known.n_records, keys=f" ({keys}{more})" if keys else "",
    )  # fmt: skip


def sentence_of(fate: Fate, language: str) -> str:
    """The fate of a row in one sentence, its key masked."""
    from ingest.reasons import reasons

    place = f"{fate.source_instance}:{fate.file_path}:{fate.line}"
    text = f"{place}  {wording(f'fate_{fate.fate_code}', language)}"
    if fate.record_key:
        text += f"  {masked(fate.record_key)}"
    if fate.golden_ids:
        text += f" = {', '.join(fate.golden_ids)}"
    if fate.fate_code == "refused" and fate.reason_code:
        text += f"  ({fate.reason_code}: etalon deliveries list)"
    elif fate.reason_code:
        known = reasons()
        said = f": {known[fate.reason_code].text(language)}" if fate.reason_code in known else ""
        text += f"  ({fate.reason_code}{said})"
    if fate.repaired:
        text += f"  {wording('fate_repaired', language, repaired=fate.repaired)}"
    if fate.winner:
        text += f"  -> {fate.winner}"
    return text
