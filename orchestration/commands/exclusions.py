"""`etalon exclusions`: persons and companies whom nobody contacts for a time, or by one channel alone.

What does NOT belong here: the file (stewardship.exclusions), who may be contacted (`etalon contactable`).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.typography import COLON
from orchestration.commands.output import cli_command, cli_group, emit_json, say, wording
from orchestration.masking import masked
from orchestration.stewardship.exclusions import CHANNELS, LISTS, REASONS, day_of

if TYPE_CHECKING:
    from orchestration.stewardship.exclusions import Exclusion

_EPILOG = """\b
Examples:
  etalon exclusions list --on 2026-07-01
  etalon exclusions add per_0a1b2c3d4e5f vip --channel voice --escalated-to sales_director --reason key_account \\
      --author "Ann Lee"
  etalon exclusions add crm/crm_account/0061 dispute --escalated-to legal --reason litigation --author "Ann Lee"
  etalon exclusions end exc_0123456789ab --on 2026-08-01 --author "Ann Lee"
  etalon exclusions propose

\b
Lines of <company>/stewardship/exclusions.csv: nothing is ever deleted, the last line of an exclusion holds. They take
effect with the next run: who is listed is not contactable, and a contact by another channel than the one validated is
a breach (listed_contact). Every command has --json and --company.

\b
Exit codes: 0 done, 2 wrong usage or file, 74 reading or writing failed, 75 a run holds the company.
"""
_LIST_EPILOG = """\b
Examples:
  etalon exclusions list
  etalon exclusions list --list dispute --json
  etalon exclusions list --history
"""
_ADD_EPILOG = """\b
Examples:
  etalon exclusions add per_0a1b2c3d4e5f no_reach --escalated-to sales_manager --reason refusal --author "Ann Lee"
  etalon exclusions add acc_0a1b2c3d4e5f vip --channel email --escalated-to sales_director --reason key_account \\
      --from 2026-07-01 --to 2026-10-01 --author "Ann Lee"

\b
SUBJECT is a golden id or the record of a source (instance/contract/id). Of a golden id its first record is kept in the
file, so that the entry outlives another matching. --to is the first day that no longer counts.
"""
_END_EPILOG = """\b
Examples:
  etalon exclusions end exc_0123456789ab --author "Ann Lee"
  etalon exclusions end exc_0123456789ab --on 2026-08-01 --author "Ann Lee"
"""
_PROPOSE_EPILOG = """\b
Examples:
  etalon exclusions propose
  etalon exclusions propose --accept touches_per_lead:lea_0a1b2c3d4e5f --author "Ann Lee"

\b
Proposals are the outliers of class risk of the last run whose person or company is on no list. Only what a person
accepts is written.
"""

command = cli_group("exclusions", "Who is not to be contacted: list, add, end, propose.", _EPILOG)


class _Day(click.ParamType):
    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        if isinstance(value, dt.date):
            return value
        try:
            return day_of(value)
        except ValueError:
            self.fail(f"{value}: YYYY-MM-DD", param, ctx)


@cli_command("list", epilog=_LIST_EPILOG)
@click.option("--list", "list_code", type=click.Choice(LISTS), default=None, help="List.")
@click.option("--on", type=_Day(), default=None, help="Only what is in force on a day.")
@click.option("--history", is_flag=True, help="Every line, those replaced too.")
def list_exclusions(
    company: Path, as_json: bool, language: str, list_code: str | None, on: dt.date | None, history: bool
) -> None:
    """List the entries as they stand in the file."""
    from ingest import load_company
    from orchestration.stewardship.exclusions import read_exclusions, standing

    lines = read_exclusions(load_company(company).stewardship)
    last = standing(lines)
    wanted = [
        line
        for line in (lines if history else last.values())
        if list_code in (None, line.list_code) and (on is None or _holds(line, on))
    ]
    if as_json:
        rows = [_plain(line) | {"is_standing": last[line.exclusion_id] is line} for line in wanted]
        emit_json({"total": len(lines), "exclusions": rows})
        return
    for line in wanted:
        state = "" if last[line.exclusion_id] is line else f"  [{wording('exclusion_replaced', language)}]"
        say(f"{_told(line, language)}{state}")
    say(wording("exclusions_listed", language, shown=len(wanted), total=len(lines)))


@cli_command("add", epilog=_ADD_EPILOG)
@click.argument("subject")
@click.argument("list_code", metavar="LIST", type=click.Choice(LISTS))
@click.option(
    "--channel", type=click.Choice(CHANNELS), default=None, help="The single channel still allowed."
)
@click.option("--from", "valid_from", type=_Day(), default=None, help="First day (default: today).")
@click.option("--to", "valid_to", type=_Day(), default=None, help="First day that no longer counts.")
@click.option(
    "--escalated-to", required=True, metavar="ROLE", help="Role that decides, such as sales_manager."
)
@click.option("--reason", required=True, type=click.Choice(REASONS), help="Why.")
@click.option("--author", required=True, help="Who decides.")
def add(
    company: Path, as_json: bool, language: str, subject: str, list_code: str, channel: str | None,
    valid_from: dt.date | None, valid_to: dt.date | None, escalated_to: str, reason: str, author: str,
) -> None:  # fmt: skip
    """Put a person or a company on a list; takes effect with the next run."""
    from ingest import load_company
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id
    from orchestration.stewardship.exclusions import append_exclusion, exclude

    settings = load_company(company)
    moment = _now()
    with run_lock(settings.work, make_run_id()):
        record = _record_of(settings.work, subject, language)
        made = exclude(
            record, list_code, channel, valid_from or moment.date(), valid_to, escalated_to, reason,
            author.strip(), moment,
        )  # fmt: skip
        append_exclusion(settings.stewardship, made)
    _said(made, "exclusion_added", as_json, language)


@cli_command("end", epilog=_END_EPILOG)
@click.argument("exclusion_id")
@click.option("--on", type=_Day(), default=None, help="First day that no longer counts (default: today).")
@click.option("--author", required=True, help="Who decides.")
def end_exclusion(
    company: Path, as_json: bool, language: str, exclusion_id: str, on: dt.date | None, author: str
) -> None:
    """End an entry; its lines stay."""
    from ingest import load_company
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id
    from orchestration.stewardship.exclusions import append_exclusion, end, read_exclusions, standing

    if not author.strip():
        raise click.UsageError(wording("exclusion_needs_author", language))
    settings = load_company(company)
    moment = _now()
    with run_lock(settings.work, make_run_id()):
        found = standing(read_exclusions(settings.stewardship)).get(exclusion_id)
        if found is None:
            raise click.UsageError(wording("exclusion_unknown", language, exclusion=exclusion_id))
        made = end(found, on or max(moment.date(), found.valid_from), author.strip(), moment)
        append_exclusion(settings.stewardship, made)
    _said(made, "exclusion_ended", as_json, language)


@cli_command("propose", epilog=_PROPOSE_EPILOG)
@click.option(
    "--accept", "accepted", multiple=True, metavar="KEY", help="Outlier whose proposal is accepted."
)
@click.option(
    "--escalated-to", default="sales_manager", show_default=True, metavar="ROLE", help="Role that decides."
)
@click.option("--author", default="", help="Who accepts.")
def propose(
    company: Path, as_json: bool, language: str, accepted: tuple[str, ...], escalated_to: str, author: str
) -> None:
    """What the outliers of class risk propose; accept some of it."""
    from ingest import load_company
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id
    from orchestration.stewardship.exclusions import append_exclusion, exclude

    settings = load_company(company)
    if accepted and not author.strip():
        raise click.UsageError(wording("exclusion_needs_author", language))
    moment = _now()
    with run_lock(settings.work, make_run_id()):
        proposals = _proposals(settings.work, settings.stewardship)
        unknown = sorted(set(accepted) - set(proposals))
        if unknown:
            raise click.UsageError(wording("exclusion_not_proposed", language, outlier=", ".join(unknown)))
        made = []
        for key in dict.fromkeys(accepted):
            record = _record_of(settings.work, proposals[key]["subject_id"], language)
            entry = exclude(
                record, proposals[key]["list_code"], None, moment.date(), None, escalated_to, "outlier_risk",
                author.strip(), moment,
            )  # fmt: skip
            append_exclusion(settings.stewardship, entry)
            made.append(entry)
    if as_json:
        emit_json({"proposals": list(proposals.values()), "accepted": [_plain(entry) for entry in made]})
        return
    for entry in made:
        _said(entry, "exclusion_added", False, language)
    if not accepted:
        for each in proposals.values():
            said = wording(f"exclusion_list_{each['list_code']}", language)
            why = wording(f"outlier_reason_{each['outlier_reason_code']}", language)
            say(f"{each['outlier_key']}  {each['subject_id']}  {said}{COLON[language]}{why}")
        say(wording("exclusions_proposed", language, n=len(proposals)))


for _each in (list_exclusions, add, end_exclusion, propose):
    command.add_command(_each)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0, tzinfo=None)


def _holds(line: Exclusion, on: dt.date) -> bool:
    return line.valid_from <= on and (line.valid_to is None or on < line.valid_to)


def _plain(line: Exclusion) -> dict[str, Any]:
    from orchestration.stewardship.exclusions import COLUMNS

    return {name: getattr(line, name) for name in COLUMNS} | {"subject_key": masked(line.subject_key)}


def _told(line: Exclusion, language: str) -> str:
    channel = (
        wording(f"exclusion_channel_{line.channel_code}", language)
        if line.channel_code
        else wording("exclusion_no_channel", language)
    )
    return (
        f"{line.exclusion_id}  {wording(f'exclusion_list_{line.list_code}', language)}  {masked(line.subject_key)}"
        f"  {line.valid_from} - {line.valid_to or ''}  {channel}  -> {line.escalated_to}"
        f"  {wording(f'exclusion_reason_{line.reason_code}', language)}  ({line.author})"
    )


def _said(line: Exclusion, key: str, as_json: bool, language: str) -> None:
    if as_json:
        emit_json({"exclusion": _plain(line)})
        return
    say(wording(key, language, exclusion=line.exclusion_id, day=line.valid_to or ""))
    say(_told(line, language))


def _record_of(work: Path, subject: str, language: str) -> str:
    """The record that stands for a subject of the last run: a golden id's first one, a record itself.

    A lead is a person and a company: the record of a company is none of a person, else its golden id stands for it.
    """
    found = _query(
        work,
        "select min(record_key) as record_key, bool_or(is_known) as is_known from ("
        "select record_key, true as is_known from master.xref_persons"
        " where record_key = $subject or person_id = $subject"
        " union all"
        " select accounts.record_key, true as is_known from master.xref_accounts as accounts"
        " left join master.xref_persons as persons on accounts.record_key = persons.record_key"
        " where (accounts.record_key = $subject or accounts.account_id = $subject) and persons.record_key is null"
        " union all"
        " select null as record_key, true as is_known from master.dim_accounts where account_id = $subject)",
        {"subject": subject},
    )
    if subject == "unknown" or not found[0]["is_known"]:
        raise click.UsageError(wording("exclusion_subject_unknown", language, subject=masked(subject)))
    return found[0]["record_key"] or subject


#: Reason of an outlier of class risk -> the list it proposes.
_PROPOSED = {"dispute": "dispute", "complaint": "no_reach", "opt_out": "no_reach"}


def _proposals(work: Path, stewardship: Path) -> dict[str, dict[str, Any]]:
    """Outlier key -> what it proposes, where the person or company is on no standing entry."""
    from orchestration.stewardship.exclusions import read_exclusions, standing

    found = _query(
        work,
        "select outliers.outlier_key, outliers.reason_code as outlier_reason_code,"
        " coalesce(leads.person_id, deals.account_id) as subject_id"
        " from quality_dbt.dq_outliers as outliers"
        " left join master.fct_leads as leads"
        " on outliers.metric_code = 'touches_per_lead' and outliers.record_key = leads.lead_id"
        " left join master.fct_opportunities as deals"
        " on outliers.metric_code = 'opportunity_amount' and outliers.record_key = deals.opportunity_id"
        " where outliers.class_code = 'risk' and coalesce(leads.person_id, deals.account_id, 'unknown') <> 'unknown'"
        " order by outliers.top_rank nulls last, outliers.outlier_key",
        {},
    )
    subjects = [
        line.subject_key for line in standing(read_exclusions(stewardship)).values() if line.valid_to is None
    ]
    listed = {
        row["subject_id"]
        for row in _query(
            work,
            "select person_id as subject_id from master.xref_persons where list_contains($subjects, record_key)"
            " union select account_id from master.xref_accounts where list_contains($subjects, record_key)",
            {"subjects": subjects},
        )
    } | set(subjects)
    return {
        row["outlier_key"]: row | {"list_code": _PROPOSED.get(row["outlier_reason_code"], "manual")}
        for row in found
        if row["subject_id"] not in listed
    }


def _query(work: Path, query: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    from expectations.connection import connect
    from ingest.errors import NoRunYetError

    warehouse = work / "warehouse.duckdb"
    if not warehouse.is_file():
        raise NoRunYetError("no run has been made here yet")
    with connect(warehouse) as connection:
        found = connection.execute(query, values)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
