"""`etalon experiment`: plan, register, draw arms, follow and read experiments.

What does NOT belong here: protocols and their files (orchestration.experiments), figures (statistics.experiments).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.typography import COLON
from orchestration.commands.output import cli_command, cli_group, emit_json, say, wording

if TYPE_CHECKING:
    from ingest.company import Company
    from orchestration.experiments.protocol import Protocol

_EPILOG = """\b
Examples:
  etalon experiment list
  etalon experiment plan early_call
  etalon experiment register early_call --author "Ann Lee"
  etalon experiment assign early_call --author "Ann Lee"
  etalon experiment status early_call
  etalon experiment read early_call --json

\b
An experiment is a folder of <company>/experiments with a protocol.yml (docs/experiments.md lists its keys). In this
order, before its first day: plan, register, assign; then assignment.csv goes to the CRM. Every run reads what can be
read. Exit codes: 0 done, 2 a protocol or a command that cannot be used, 65 a damaged file, 74 no figures. Every command
has --json and --company.
"""
_LIST_EPILOG = """\b
Examples:
  etalon experiment list
  etalon experiment list --json
"""
_PLAN_EPILOG = """\b
Examples:
  etalon experiment plan early_call
  etalon experiment plan early_call --points 1.5 --json

\b
Base rate, traffic and likeness of the leads of one account are those of the last run.
"""
_REGISTER_EPILOG = """\b
Examples:
  etalon experiment register early_call --author "Ann Lee"

\b
Writes registration.json with the hash of the protocol. Afterwards comments and the rollout checklist may change, and
nothing else.
"""
_ASSIGN_EPILOG = """\b
Examples:
  etalon experiment assign early_call --author "Ann Lee"

\b
Writes assignment.csv: one line per record of the CRM, with the arm of its golden account or person. Units on an
exclusion list on one of its days, of the holdout (experiments/holdout.csv) and of other experiments on the same days
are left out and counted. An account holds its persons: an experiment on one leaves no room for one on the other.
"""
_STATUS_EPILOG = """\b
Examples:
  etalon experiment status early_call
"""
_READ_EPILOG = """\b
Examples:
  etalon experiment read early_call
  etalon experiment read early_call --json
"""

command = cli_group("experiment", "Experiments: list, plan, register, assign, status, read.", _EPILOG)


@cli_command("list", epilog=_LIST_EPILOG)
def list_experiments(company: Path, as_json: bool, language: str) -> None:
    """List the experiments of a company and where each stands."""
    from ingest import load_company
    from orchestration.experiments.protocol import list_protocols

    settings = load_company(company)
    rows = [_standing(settings, protocol) for protocol in list_protocols(settings.root)]
    if as_json:
        emit_json({"experiments": rows})
        return
    for row in rows:
        _say_standing(row, language)
    if not rows:
        say(wording("experiments_none", language))


@cli_command("status", epilog=_STATUS_EPILOG)
@click.argument("code")
def status(company: Path, as_json: bool, language: str, code: str) -> None:
    """Say where one experiment stands and what comes next."""
    settings, protocol = _opened(company, code)
    row = _standing(settings, protocol)
    if as_json:
        emit_json(row)
        return
    _say_standing(row, language)
    say(
        wording(
            "experiment_arms",
            language,
            arms=", ".join(arm.code for arm in protocol.arms),
            units=row["n_units"],
        )
    )
    say(wording("experiment_rollout", language, done=row["n_rollout_done"], items=row["n_rollout_items"]))


@cli_command("plan", epilog=_PLAN_EPILOG)
@click.argument("code")
@click.option(
    "--points", type=float, default=None, help="Gain to be seen (default: success_points of the protocol)."
)
def plan(company: Path, as_json: bool, language: str, code: str, points: float | None) -> None:
    """Say how many leads and days an experiment needs and what it can see with those it will get."""
    from orchestration.experiments.design import METHOD_DAYS, METHOD_LEADS_PER_ARM
    from orchestration.experiments.design import plan as made
    from orchestration.experiments.population import history

    settings, protocol = _opened(company, code)
    gain = float(protocol.success_points) if points is None else points
    with _warehouse(settings) as (con, as_of_on):
        past = history(con, protocol, as_of_on)
    per_day = past.n_units / protocol.days if protocol.unit == "person" else past.leads_per_day
    found = made(
        base=past.base_rate, gain=gain / 100, alpha=float(protocol.alpha), effect=past.design_effect,
        leads_per_day=per_day, days=protocol.days,
    )  # fmt: skip
    told = {
        "experiment_code": code,
        "n_units": past.n_units,
        "n_matured_leads": past.n_matured,
        "intraclass_correlation": past.correlation,
        "gain_points": gain,
        **{name: value for name, value in vars(found).items() if name != "gain"},
        "is_reachable": found.is_reachable,
        "method_leads_per_arm": METHOD_LEADS_PER_ARM,
        "is_method_duration": METHOD_DAYS[0] <= protocol.days <= METHOD_DAYS[1],
    }
    if as_json:
        emit_json(told)
        return
    if found.base_rate is None or found.reason in ("base_rate_without_variance", "gain_out_of_range"):
        say(wording(f"experiment_{found.reason}", language))
        return
    say(wording("experiment_base", language, rate=_percent(found.base_rate), leads=past.n_matured,
                units=past.n_units, effect=f"{found.design_effect:.2f}"))  # fmt: skip
    days = "-" if found.days_needed is None else found.days_needed
    say(wording("experiment_needed", language, leads=found.leads_needed, gain=f"{gain:g}", days=days))
    say(wording("experiment_reachable", language, leads=found.leads_reachable, days=protocol.days,
                power=_percent(found.power_reachable), gain=_points(found.detectable_reachable)))  # fmt: skip
    say(wording("experiment_method", language, leads=METHOD_LEADS_PER_ARM, power=_percent(found.power_method),
                gain=_points(found.detectable_method)))  # fmt: skip
    if not told["is_method_duration"]:
        say(wording("experiment_duration", language, days=protocol.days))
    if not found.is_reachable:
        say(wording("experiment_unreachable", language))


@cli_command("register", epilog=_REGISTER_EPILOG)
@click.argument("code")
@click.option("--author", required=True, help="Who promises it.")
def register(company: Path, as_json: bool, language: str, code: str, author: str) -> None:
    """Keep the hash of a protocol before its first day."""
    from orchestration.experiments import records

    settings, protocol = _opened(company, code)
    moment, today = _now(settings)
    with _held(settings):
        made = records.register(_folder(settings, code), protocol, _named(author, language), moment, today)
    if as_json:
        emit_json({"experiment_code": code, "protocol_sha256": made.protocol_sha256, "registered_on": today})
        return
    say(wording("experiment_registered", language, code=code, sha256=made.protocol_sha256))
    say(f"{wording('next', language)}{COLON[language]}etalon experiment assign {code}")


@cli_command("assign", epilog=_ASSIGN_EPILOG)
@click.argument("code")
@click.option("--author", required=True, help="Who draws.")
def assign(company: Path, as_json: bool, language: str, code: str, author: str) -> None:
    """Draw the arms of the eligible units once, and write them for the CRM."""
    from orchestration.commands.output import shown
    from orchestration.experiments import records
    from orchestration.experiments.left_out import left_out
    from orchestration.experiments.population import eligible_units
    from orchestration.settings import read_settings

    settings, protocol = _opened(company, code)
    moment, today = _now(settings)
    folder = _folder(settings, code)
    with _held(settings):
        records.require_registered(folder, protocol)
        with _warehouse(settings) as (con, as_of_on):
            units = eligible_units(con, protocol, as_of_on)
            taken = left_out(con, settings, protocol)
        drawn = records.assign(
            folder, protocol, [unit for unit in units if unit.unit_id not in taken],
            author=_named(author, language), moment=moment, today=today, cycle=read_settings(settings.work).cycle,
        )  # fmt: skip
    arms = list(drawn.arms.values())
    counts = {arm.code: arms.count(arm.code) for arm in protocol.arms}
    aside = taken.counts(unit.unit_id for unit in units)
    if as_json:
        emit_json({"experiment_code": code, "arms": counts, "n_left_out": len(units) - len(arms), **aside,
                   "sha256": drawn.sha256, "file": shown(folder / records.ASSIGNMENT)})  # fmt: skip
        return
    told = ", ".join(f"{name} {n}" for name, n in counts.items())
    say(wording("experiment_assigned", language, units=len(arms), arms=told, left_out=len(units) - len(arms),
                listed=aside["n_on_list"], held=aside["n_in_holdout"],
                elsewhere=aside["n_in_other_experiment"]))  # fmt: skip
    say(wording("experiment_file", language, path=shown(folder / records.ASSIGNMENT)))


@cli_command("read", epilog=_READ_EPILOG)
@click.argument("code")
def read(company: Path, as_json: bool, language: str, code: str) -> None:
    """Show what the last run read of an experiment: verdict, arms, weekly looks."""
    from orchestration.experiments.errors import ExperimentError

    settings, _ = _opened(company, code)
    tables = {
        name: _rows(settings, name, code) for name in ("experiments", "experiment_arms", "experiment_weeks")
    }
    if not tables["experiments"]:
        raise ExperimentError("E-XPT-010", str(settings.root.name), is_usage=True)
    (row,) = tables["experiments"]
    if as_json:
        emit_json({"experiment": row, "arms": tables["experiment_arms"], "weeks": tables["experiment_weeks"]})
        return
    said = ", ".join(_code(each, language) for each in row["reason_codes"].split(","))
    if row["colour_code"] is None:
        say(wording("experiment_no_verdict", language, code=code, why=said))
    else:
        colour = wording(f"experiment_{row['colour_code']}", language)
        say(wording("experiment_verdict", language, code=code, colour=colour, why=said))
    for each in tables["experiment_arms"]:
        rate = "-" if each["conversion_rate"] is None else _percent(float(each["conversion_rate"]))
        say(wording("experiment_arm", language, arm=each["arm_code"], units=each["n_assigned_units"],
                    leads=each["n_leads"], converted=each["n_converted"], rate=rate))  # fmt: skip
    if row["delta_points"] is not None and row["delta_low_points"] is not None:
        say(wording("experiment_delta", language, delta=f"{row['delta_points']:+.2f}",
                    low=f"{row['delta_low_points']:+.2f}", high=f"{row['delta_high_points']:+.2f}",
                    power="-" if row["power_rate"] is None else _percent(float(row["power_rate"]))))  # fmt: skip
    for flag in (row["flag_codes"] or "").split(","):
        if flag:
            say(f"  {_code(flag, language)}")
    harmful = [week for week in tables["experiment_weeks"] if week["signal_code"] == "harm"]
    for week in harmful[:1]:
        say(wording("experiment_harm", language, metric=week["metric_code"], day=week["look_on"]))


for _each in (list_experiments, plan, register, assign, status, read):
    command.add_command(_each)


def _opened(company: Path, code: str) -> tuple[Company, Protocol]:
    """The company and the protocol. Raises ExperimentError E-XPT-002 for a code without a folder."""
    from ingest import load_company
    from orchestration.experiments.errors import ExperimentError
    from orchestration.experiments.protocol import protocol_folders, read_protocol

    settings = load_company(company)
    folders = {folder.name: folder for folder in protocol_folders(settings.root)}
    if code not in folders:
        raise ExperimentError("E-XPT-002", code[:60], is_usage=True, known=", ".join(folders) or "-")
    return settings, read_protocol(folders[code])


def _folder(settings: Company, code: str) -> Path:
    from orchestration.experiments.protocol import FOLDER

    return settings.root / FOLDER / code


def _standing(settings: Company, protocol: Protocol) -> dict[str, Any]:
    """Where an experiment stands today, from its files alone."""
    from orchestration.experiments.kept import READY, standing
    from orchestration.experiments.records import read_assignment, read_registration

    folder = _folder(settings, protocol.code)
    registration, drawn = read_registration(folder), read_assignment(folder, protocol)
    found, (_, today) = standing(protocol, registration, drawn), _now(settings)
    last = protocol.end_on + dt.timedelta(days=settings.conversion_window_days)
    if found == READY:
        found = (
            "planned" if today < protocol.start_on else "running" if today < protocol.end_on
            else "windows_open" if today < last else "finished"
        )  # fmt: skip
    elif today < protocol.start_on and found in ("not_registered", "not_assigned"):
        found = f"{found}_yet"
    return {
        "experiment_code": protocol.code,
        "status_code": found,
        "start_on": protocol.start_on.isoformat(),
        "end_on": protocol.end_on.isoformat(),
        "readable_on": last.isoformat(),
        "registered_on": registration.registered_on.isoformat() if registration else None,
        "assigned_on": drawn.assigned_on.isoformat() if drawn else None,
        "n_units": len(drawn.arms) if drawn else 0,
        "n_rollout_items": len(protocol.rollout),
        "n_rollout_done": sum(item.is_done for item in protocol.rollout),
    }


def _say_standing(row: dict[str, Any], language: str) -> None:
    said = _code(row["status_code"], language)
    say(f"{row['experiment_code']}  {row['start_on']} .. {row['end_on']}  {said}")


def _code(code: str, language: str) -> str:
    return wording(f"experiment_code_{code}", language)


def _named(author: str, language: str) -> str:
    if not author.strip():
        raise click.UsageError(wording("experiment_needs_author", language))
    return author.strip()


def _now(settings: Company) -> tuple[dt.datetime, dt.date]:
    """Now in UTC, naive, and today in the company's zone."""
    import zoneinfo

    moment = dt.datetime.now(dt.UTC).replace(microsecond=0)
    return moment.replace(tzinfo=None), moment.astimezone(zoneinfo.ZoneInfo(settings.timezone)).date()


def _held(settings: Company) -> Any:
    """Nobody else writes to the company meanwhile."""
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id

    return run_lock(settings.work, make_run_id())


@contextmanager
def _warehouse(settings: Company) -> Iterator[tuple[Any, dt.date]]:
    """The warehouse of the last run and the day after its cycle. Raises ExperimentError E-XPT-010 before any run."""
    from expectations.connection import connect
    from orchestration.dbt_running import WAREHOUSE
    from orchestration.experiments.errors import ExperimentError
    from orchestration.settings import read_settings

    path = settings.work / WAREHOUSE
    if not path.is_file():
        raise ExperimentError("E-XPT-010", settings.root.name, is_usage=True)
    con = connect(path)
    try:
        yield con, read_settings(settings.work).cycle_end
    finally:
        con.close()


def _rows(settings: Company, name: str, code: str) -> list[dict[str, Any]]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = settings.work / "statistics" / f"{name}.parquet"
    if not path.is_file():
        return []
    table = pq.read_table(path)
    return table.filter(pc.equal(table["experiment_code"], code)).to_pylist()


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.1f} %"


def _points(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"
