"""`etalon contactable`: whether a person or a company may be contacted by which channel, why not, and when.

What does NOT belong here: the rules (quality_dbt.dq_contactability), the lists (`etalon exclusions`), sending anything.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from ingest.typography import COLON
from orchestration.commands.output import cli_command, emit_json, say, shown, wording

_EPILOG = """\b
Examples:
  etalon contactable per_0a1b2c3d4e5f
  etalon contactable acc_0a1b2c3d4e5f --json
  etalon contactable --export contactable.csv
  etalon contactable --export calls.csv --channel voice

\b
Reads the published mart_revops_contactability_person: what the policy allowed at the end of the cycle, the first reason
against it and the first instant (UTC) at which it is allowed if nothing else happens. --export writes every person, or
with --channel those whom it may reach; golden ids and codes only, no cell is a formula. Not legal advice.

\b
Exit codes: 0 done, 2 wrong usage, 74 reading or writing failed.
"""
#: Channel -> the part of its columns.
CHANNELS = {"voice": "voice", "email": "mail", "social": "social"}
_RELATION = "mart_revops_contactability_person"
_TABLE = f"m.{_RELATION}"
#: A cell that a spreadsheet would run, made inert; ids of this project begin with letters.
_INERT = r"regexp_replace({0}, '^([=+@-])', '''\1') as {0}"


@cli_command("contactable", epilog=_EPILOG)
@click.argument("subject", required=False)
@click.option(
    "--export", "file", type=click.Path(path_type=Path, dir_okay=False), default=None, help="CSV to write."
)
@click.option("--channel", type=click.Choice(list(CHANNELS)), default=None, help="One channel.")
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1, 100_000), help="Persons of a company."
)
def command(
    company: Path, as_json: bool, language: str, subject: str | None, file: Path | None, channel: str | None,
    limit: int,
) -> None:  # fmt: skip
    """Say whether SUBJECT, a golden person or company, may be contacted, why not, and when."""
    from ingest import load_company
    from ingest.errors import NoRunYetError
    from orchestration.access.reading_log import log_read
    from orchestration.dictionary.asking import opened, standing

    if (subject is None) == (file is None):
        raise click.UsageError(wording("contactable_subject_or_export", language))
    settings = load_company(company)
    marts = settings.published / "marts.duckdb"
    if not marts.is_file():
        raise NoRunYetError("nothing has been published here yet")
    with opened(marts) as con:
        publication = standing(con)
        if file is not None:
            n_persons = _export(con, file, channel)
            log_read(settings, "contactable --export", _RELATION, n_persons, publication["publication_id"])
            if as_json:
                emit_json({"file": str(file), "persons": n_persons, "publication": publication})
            else:
                say(wording("contactable_exported", language, n=n_persons, file=shown(file)))
            return
        rows = _persons(con, subject)
        log_read(settings, "contactable", _RELATION, len(rows), publication["publication_id"])
    if not rows:
        raise click.UsageError(wording("contactable_unknown", language, subject=subject))
    channels = [channel] if channel else list(CHANNELS)
    if as_json:
        persons = [_plain(row, channels, language) for row in rows]
        emit_json({"subject": subject, "publication": publication, "persons": persons})
        return
    say(f"{subject}  {publication['publication_id']}")
    for row in rows[:limit]:
        for each in channels:
            say(_line(row, each, language))
    if len(rows) > limit:
        say(wording("contactable_shown", language, shown=limit, total=len(rows)))


def _persons(con: Any, subject: str | None) -> list[dict[str, Any]]:
    """The rows of a golden person, or of the persons of a golden company; 'unknown' names nobody."""
    cursor = con.execute(
        f"select * from {_TABLE} where $subject in (person_id, account_id) and $subject <> 'unknown'"
        " order by person_id",
        {"subject": subject},
    )
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _plain(row: dict[str, Any], channels: list[str], language: str) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("person_id", "account_id", "is_consumer", "legal_basis_code")},
        "channels": {
            each: {
                "is_allowed": row[f"is_{CHANNELS[each]}_allowed"],
                "reason_code": row[f"{CHANNELS[each]}_reason_code"],
                "reason": _reason(row, each, language),
                "next_slot_at": row[f"{CHANNELS[each]}_next_slot_at"],
            }
            for each in channels
        },
    }


def _reason(row: dict[str, Any], channel: str, language: str) -> str | None:
    code = row[f"{CHANNELS[channel]}_reason_code"]
    return wording(f"contact_reason_{code}", language) if code else None


def _line(row: dict[str, Any], channel: str, language: str) -> str:
    name = wording(f"exclusion_channel_{channel}", language)
    slot = row[f"{CHANNELS[channel]}_next_slot_at"]
    if row[f"is_{CHANNELS[channel]}_allowed"]:
        return f"{row['person_id']}  {name}{COLON[language]}{wording('contactable_yes', language)}"
    refused = f"{wording('contactable_no', language)} ({_reason(row, channel, language)})"
    said = f"{row['person_id']}  {name}{COLON[language]}{refused}"
    if slot is None:
        return f"{said}  {wording('contactable_no_end', language)}"
    return f"{said}  {wording('contactable_from', language, moment=f'{slot:%Y-%m-%d %H:%M:%S}')}"


def _export(con: Any, file: Path, channel: str | None) -> int:
    """Write the persons to a new file that its owner alone may read; returns how many."""
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    where = f" where is_{CHANNELS[channel]}_allowed" if channel else ""
    quoted = str(file).replace("'", "''")
    cells = ", ".join(_INERT.format(name) for name in ("person_id", "account_id"))
    found = con.execute(
        f"copy (select * replace ({cells}) from {_TABLE}{where} order by person_id)"
        f" to '{quoted}' (format csv, header, delimiter ';', use_tmp_file false)"
    ).fetchone()
    return int(found[0])
