"""`etalon journal`: the cleaning journal of the last run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from orchestration.commands.output import ACTIONS, check_values, cli_command, emit_json, say
from orchestration.masking import masked

_EPILOG = """\b
Examples:
  etalon journal
  etalon journal --reason superseded_by_newer --limit 5
  etalon journal --contract crm_lead --action correct --rows
  etalon journal --rule R-CRM-003
  etalon journal --rule crm/orphan_crm_lead_owner_id
  etalon journal --record crm/crm_lead/00Q1 --json

\b
Values of direct identifiers are masked; the full journal stays in the work directory.
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
    check_values(
        settings, language, rule=rule, reason=reason, contract=contract, source=source, action=action
    )
    wanted = JournalFilter(reason, contract, source, action, record, rule)
    if as_rows or record is not None or rule is not None:
        with reading(work):
            rows = journal_rows(work, wanted, limit)
        for row in rows:
            # A key that the source does not give is built from natural keys, such as an attendee's address.
            row["record_key"] = masked(row["record_key"]) if row["record_key"] else None
        if as_json:
            emit_json({"decisions": rows})
            return
        for row in rows:
            say(_line(row))
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


def _line(row: dict[str, Any]) -> str:
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
    return f"{place}{row['contract'] or '-'}  {row['action']} ({row['reason_code']}){change}"


def _value(value: str | None) -> str:
    return "(empty)" if value is None else str(value)[:60]
