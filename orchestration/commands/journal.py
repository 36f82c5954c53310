"""`etalon journal`: the cleaning journal of the last run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from orchestration.commands.output import ACTIONS, check_values, cli_command, emit_json, say, wording
from orchestration.masking import masked

_EPILOG = """\b
Examples:
  etalon journal
  etalon journal --reason superseded_by_newer --limit 5
  etalon journal --contract crm_lead --action correct --rows
  etalon journal --rule R-CRM-003
  etalon journal --rule crm/orphan_crm_lead_owner_id
  etalon journal --actor person
  etalon journal --record crm/crm_lead/00Q1 --json
  etalon journal --history

\b
Values of direct identifiers are masked; --raw shows them to whoever may read the work directory.
"""


@cli_command("journal", epilog=_EPILOG)
@click.option("--reason", default=None, help="Reason code.")
@click.option("--contract", default=None, help="Contract, such as crm_lead.")
@click.option("--source", default=None, help="Source instance of company.yml.")
@click.option("--action", default=None, help=f"One of: {', '.join(ACTIONS)}.")
@click.option("--record", default=None, help="Part of a record key.")
@click.option(
    "--rule", default=None, help="Rule id, such as R-CRM-003, or <source>/<control>: the rows it flags."
)
@click.option("--actor", default=None, help="rule, person (whoever), or the name of a person.")
@click.option("--raw", is_flag=True, help="Show values as they are: personal data.")
@click.option(
    "--history",
    "is_history",
    is_flag=True,
    help="Change since the last publication, and decisions that ended.",
)
@click.option("--rows", "as_rows", is_flag=True, help="Single decisions instead of counts.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100_000), help="Rows shown.")
def command(
    company: Path,
    as_json: bool,
    language: str,
    reason: str | None,
    contract: str | None,
    source: str | None,
    action: str | None,
    record: str | None,
    rule: str | None,
    actor: str | None,
    raw: bool,
    is_history: bool,
    as_rows: bool,
    limit: int,
) -> None:
    """Count the decisions by contract, action and reason, or list them."""
    from expectations.journal import JournalFilter, journal_counts, journal_rows
    from ingest import load_company
    from ingest.reasons import reasons
    from orchestration.run_lock import reading

    settings = load_company(company)
    work = settings.work
    if is_history:
        _show_history(settings.published, as_json, language, limit)
        return
    check_values(
        settings, language, rule=rule, reason=reason, contract=contract, source=source, action=action
    )
    wanted = JournalFilter(reason, contract, source, action, record, rule, actor)
    if as_rows or raw or actor is not None or record is not None or rule is not None:
        with reading(work):
            rows = journal_rows(work, wanted, limit, raw=raw)
        for row in rows if not raw else ():
            # A key that the source does not give is built from natural keys, such as an attendee's address.
            row |= {name: masked(row[name]) for name in ("record_key", "comment") if row[name]}
        if as_json:
            emit_json({"decisions": rows})
            return
        for row in rows:
            say(journal_line(row))
        return
    with reading(work):
        counts = journal_counts(work, wanted)
    if as_json:
        emit_json({"counts": counts})
        return
    known = reasons()
    for row in counts[:limit]:
        code = row["reason_code"] or "-"
        text = known[code].text(language) if code in known else ""
        say(f"{row['n_decisions']:>10}  {row['contract'] or '-':<22} {row['action']:<12} {code:<28} {text}")


def _show_history(published: Path, as_json: bool, language: str, limit: int) -> None:
    from orchestration.publication.journal_history import changes, ended_entries

    found, ended = changes(published), ended_entries(published, limit)
    for entry in ended:
        entry["record_key"] = masked(entry["record_key"]) if entry["record_key"] else None
    if as_json:
        emit_json({"changes": [asdict(each) for each in found], "ended": ended})
        return
    for each in found[:limit]:
        change = "" if each.n_before is None else f"{each.n_decisions - each.n_before:+d}"
        say(f"{each.n_decisions:>10} {change:>8}  {each.contract:<22} {each.action:<12} {each.reason_code}")
    if ended:
        say(wording("journal_ended", language))
    for entry in ended:
        stood = f"{entry['first_publication_id']} - {entry['last_publication_id']}"
        say(
            f"  {entry['record_key'] or '-'}  {entry['action']} ({entry['reason_code']})  {entry['actor']}  {stood}"
        )


def journal_line(row: dict[str, Any]) -> str:
    """One decision as a line of text: place, key, action, reason, rule, change, who and why where a person decided."""
    place = ""
    if row["file_path"]:
        place = f"{row['source_instance']}:{row['file_path']}:{row['_source_row_id']}  "
    if row["record_key"]:
        place += f"{row['record_key']}  "
    change = f"  {row['rule_id']}" if row["rule_id"] else ""
    if row["field"] and row["action"] == "keep_flagged" and row["value_after"] is None:
        change += f"  {row['field']}"
    elif row["field"]:
        change += f"  {row['field']}: {_value(row['value_before'])} -> {_value(row['value_after'])}"
    person = (
        ""
        if row["actor"] == "rule"
        else f"  {row['actor']}, {row['decided_at']:%Y-%m-%d}: {row['comment'] or '-'}"
    )
    return f"{place}{row['contract'] or row['table_name']}  {row['action']} ({row['reason_code']}){change}{person}"


def _value(value: str | None) -> str:
    return "(empty)" if value is None else str(value)[:60]
