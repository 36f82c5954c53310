"""`etalon waive`: failing rules and controls that somebody accepts until a date.

What does NOT belong here: what a waiver does to a verdict (expectations.gate), the file (expectations.waivers).
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.typography import COLON
from orchestration.commands.output import cli_command, cli_group, emit_json, say, wording

if TYPE_CHECKING:
    from expectations.waivers import Waiver
    from ingest.company import Company

_EPILOG = """\b
Examples:
  etalon waive list
  etalon waive add R-CRM-012 --author "Ann Lee" --reason "migration of June, ticket 481" --until 2026-09-30
  etalon waive add pbx/zone --author "Ann Lee" --reason "the clock is mended in July" --until 2026-08-01
  etalon waive remove R-CRM-012

\b
A waived rule shows as waived, with its author, reason and date, until that date; it never passes. Waivers are lines of
waivers.csv beside company.yml. Every command has --json and --company.
"""
_LIST_EPILOG = """\b
Examples:
  etalon waive list --json
"""
_ADD_EPILOG = """\b
Examples:
  etalon waive add R-CRM-012 --author "Ann Lee" --reason "migration of June, ticket 481" --until 2026-09-30
  etalon waive add R-CRM-001 --table staging.stg_crm__leads --author "Ann Lee" --reason "known doubles" \\
      --until 2026-09-30
  etalon waive add crm/quarantined --author "Ann Lee" --reason "old extract without dates" --until 2026-09-30

\b
Names a rule, a control as <source>/<control>, or <source>/quarantined for the share of records in quarantine. A waiver
of the same rule and table is replaced.
"""
_REMOVE_EPILOG = """\b
Examples:
  etalon waive remove R-CRM-012
  etalon waive remove R-CRM-001 --table staging.stg_crm__leads
"""

command = cli_group("waive", "Accept a failing rule or control until a date: list, add, remove.", _EPILOG)


@dataclass(frozen=True)
class _Entry:
    waiver: Waiver
    state: str  # in_force, unused, too_far or expired

    def as_json(self) -> dict[str, Any]:
        return self.waiver.model_dump(mode="json") | {"state": self.state}


@cli_command("list", epilog=_LIST_EPILOG)
def list_waivers(company: Path, as_json: bool, language: str) -> None:
    """List the waivers of a company: in force, expired, too long, or covering nothing that fails in the last run."""
    from ingest import load_company

    entries = _entries(load_company(company))
    if as_json:
        emit_json({"waivers": [each.as_json() for each in entries]})
        return
    for each in entries:
        waiver = each.waiver
        table = waiver.table_name or wording("waiver_every_table", language)
        say(
            f"{waiver.expires_on}  {wording(f'waiver_{each.state}', language):<24}  {waiver.rule_id}  {table}"
            f"  {waiver.author}: {waiver.reason}"
        )
    if not entries:
        say(wording("waiver_none", language))


def _entries(company: Company) -> list[_Entry]:
    from expectations.control_findings import judged, read_controls
    from expectations.ratchet import read_progress
    from expectations.results import read_results
    from expectations.waivers import is_used
    from orchestration.publication.judging import company_policy
    from orchestration.run_lock import reading
    from orchestration.settings import run_settings

    policy, day = company_policy(company), run_settings(company).cycle_end
    with reading(company.work):
        found = [
            *read_results(company.work / "quality" / "rule_results.parquet"),
            *judged(read_controls(company.work), policy, day),
            *read_progress(company.work / "quality" / "ratchet.parquet"),
        ]

    def state(waiver: Waiver) -> str:
        if not waiver.is_alive(day):
            return "expired"
        if not policy.is_in_force(waiver, day):
            return "too_far"
        return "in_force" if is_used(waiver, found) else "unused"

    return [_Entry(each, state(each)) for each in policy.waivers]


@cli_command("add", epilog=_ADD_EPILOG)
@click.argument("rule")
@click.option("--table", default=None, help="One table of the rule, or one contract of the control.")
@click.option("--author", required=True, help="Who accepts it.")
@click.option("--reason", required=True, help="Why, in at least 10 characters.")
@click.option(
    "--until", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The day on which the waiver is dead."
)
def add(
    company: Path,
    as_json: bool,
    language: str,
    rule: str,
    table: str | None,
    author: str,
    reason: str,
    until: dt.datetime,
) -> None:
    """Accept a failing rule or control until a date."""
    from pydantic import ValidationError

    from expectations.catalogue import explain
    from expectations.waivers import Waiver, write_waivers
    from ingest import load_company
    from orchestration.publication.judging import company_policy
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id, run_settings, waivers_path

    settings = load_company(company)
    _check_names(settings, language, rule, table)
    today, expires_on = dt.datetime.now(dt.UTC).date(), until.date()
    with run_lock(settings.work, make_run_id()):
        most = company_policy(settings).document.waiver_max_days
        if expires_on <= today:
            text = wording("waiver_too_early", language, date=expires_on)
            raise click.BadParameter(text, param_hint="--until")
        if (days := (expires_on - today).days) > most:
            text = wording("waiver_too_long", language, days=days, most=most)
            raise click.BadParameter(text, param_hint="--until")
        day = run_settings(settings).cycle_end
        if (days := (expires_on - day).days) > most:
            text = wording("waiver_too_far_off", language, days=days, most=most, day=day)
            raise click.BadParameter(text, param_hint="--until")
        if days <= 0:
            raise click.BadParameter(
                wording("waiver_before_cycle", language, date=expires_on, day=day), param_hint="--until"
            )
        values = {"rule_id": rule, "table_name": table, "author": author.strip(), "reason": reason.strip()}
        try:
            made = Waiver.model_validate({**values, "decided_on": today, "expires_on": expires_on})
        except ValidationError as error:
            raise click.BadParameter(explain(error)) from error
        own = _own(settings)
        replaced = [each for each in own if (each.rule_id, each.table_name) == (rule, table)]
        write_waivers([*(each for each in own if each not in replaced), made], waivers_path(settings))
    if as_json:
        emit_json({"added": made.model_dump(mode="json"), "replaced": _dumped(replaced)})
        return
    for each in replaced:
        say(wording("waiver_renewed", language, **_named(each)))
    say(wording("waiver_added", language, **_named(made)))
    say(f"{wording('next', language)}{COLON[language]}etalon run")


@cli_command("remove", epilog=_REMOVE_EPILOG)
@click.argument("rule")
@click.option("--table", default=None, help="Only the waiver of this table.")
def remove(company: Path, as_json: bool, language: str, rule: str, table: str | None) -> None:
    """Take the waivers of a rule away; what fails under it counts again in the next run."""
    from expectations.waivers import write_waivers
    from ingest import load_company
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id, waivers_path

    settings = load_company(company)
    with run_lock(settings.work, make_run_id()):
        own = _own(settings)
        gone = [each for each in own if each.rule_id == rule and table in (None, each.table_name)]
        if not gone:
            known = ", ".join(sorted({each.rule_id for each in own})) or "-"
            text = wording("waiver_unknown", language, rule=rule, known=known)
            raise click.BadParameter(text, param_hint="RULE")
        write_waivers([each for each in own if each not in gone], waivers_path(settings))
    if as_json:
        emit_json({"removed": _dumped(gone)})
        return
    for each in gone:
        say(wording("waiver_removed", language, **_named(each)))
    say(f"{wording('next', language)}{COLON[language]}etalon run")


def _own(company: Company) -> list[Waiver]:
    """The waivers of waivers.csv, without those of the policy."""
    from expectations.policy import POLICY_FILE, load_policy
    from expectations.waivers import read_waivers
    from orchestration.settings import waivers_path

    most = load_policy(POLICY_FILE).document.waiver_max_days
    return list(read_waivers(waivers_path(company), most))


def _check_names(company: Company, language: str, rule: str, table: str | None) -> None:
    """A usage error with the nearest names for a rule or table that cannot fail."""
    known = _known(company)
    for value, names, hint in (
        (rule, sorted(known), "RULE"),
        (table, sorted(known.get(rule, ())), "--table"),
    ):
        if value is not None and value not in names:
            nearest = difflib.get_close_matches(value, names, n=3, cutoff=0.3) or names[:3]
            text = wording("unknown_value", language, value=value, nearest=", ".join(nearest) or "-")
            raise click.BadParameter(text, param_hint=hint)


def _known(company: Company) -> Mapping[str, set[str]]:
    """Rule, control or quarantine -> the tables or contracts it speaks about."""
    from expectations.catalogue import load_catalogue
    from expectations.control_findings import read_controls
    from expectations.ratchet import QUARANTINED
    from ingest.mapping import load_mapping

    known = {rule.id: {check.table for check in rule.checks} for rule in load_catalogue().rules}
    for each in read_controls(company.work):
        known.setdefault(each.control_id, set()).add(each.contract or "")
    for source in company.sources:
        tables = load_mapping(source, company.root).model.tables
        known[f"{source.instance}/{QUARANTINED}"] = {table.contract or name for name, table in tables.items()}
    return known


def _dumped(waivers: list[Waiver]) -> list[dict[str, Any]]:
    return [each.model_dump(mode="json") for each in waivers]


def _named(waiver: Waiver) -> dict[str, str]:
    return {"rule": waiver.rule_id, "author": waiver.author, "expires": f"{waiver.expires_on}"}


for _each in (list_waivers, add, remove):
    command.add_command(_each)
