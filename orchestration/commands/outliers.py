"""`etalon outliers`: values that cannot be true or lie far from the others; what a person says of their class.

What does NOT belong here: finding them (quality_dbt.dq_outliers), the file of decisions (stewardship.outlier_classes).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.typography import COLON
from orchestration.commands.output import cli_command, cli_group, emit_json, say, wording
from orchestration.stewardship.outlier_classes import AS_RULED, CLASSES, METRICS

if TYPE_CHECKING:
    from orchestration.stewardship.outlier_classes import OutlierClass

_EPILOG = """\b
Examples:
  etalon outliers list --top
  etalon outliers list --class error --limit 50
  etalon outliers reclassify opportunity_amount:crm/crm_opportunity/0061 exceptional --author "Ann Lee" \\
      --reason "a frame contract, signed"
  etalon outliers reclassify touches_per_lead:lea_0a1b2c3d4e5f error --author "Ann Lee" --reason "test of the dialler"
  etalon outliers reclassify touches_per_lead:lea_0a1b2c3d4e5f rule --author "Ann Lee" --reason "it was none"

\b
Only the class error leaves the data. Decisions are lines of <company>/stewardship/outlier_classes.csv: nothing is ever
deleted, the last line about a value holds, and `rule` gives the value back to the rules. They take effect with the next
run and are in the journal: etalon journal --reason steward_outlier. Every command has --json and --company.
"""
_LIST_EPILOG = """\b
Examples:
  etalon outliers list --top --json
  etalon outliers list --metric opportunity_amount --class risk_to_review
  etalon outliers list --decisions
"""
_RECLASSIFY_EPILOG = """\b
Examples:
  etalon outliers reclassify call_duration_s:pbx/telephony_call_leg/17 error --author "Ann Lee" --reason "clock reset"
  etalon outliers reclassify opportunity_amount:crm/crm_opportunity/0061 rule --author "Ann Lee" --reason "mended"

\b
KEY is the first column of etalon outliers list: the metric, a colon and the record. A deal, a matured lead or a call
leg that no rule lists can be classed too.
"""

command = cli_group("outliers", "Values far from the others or impossible: list, reclassify.", _EPILOG)


@cli_command("list", epilog=_LIST_EPILOG)
@click.option("--class", "class_code", type=click.Choice(CLASSES), default=None, help="Class.")
@click.option("--metric", type=click.Choice((*METRICS, "event_id")), default=None, help="Metric.")
@click.option("--top", is_flag=True, help="The five of the cycle: by Cook's distance, then by deviation.")
@click.option("--decisions", "is_decisions", is_flag=True, help="What people decided, not the values.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100_000), help="Lines shown.")
def list_outliers(
    company: Path, as_json: bool, language: str, class_code: str | None, metric: str | None, top: bool,
    is_decisions: bool, limit: int,
) -> None:  # fmt: skip
    """List the outliers of the last run, those that move the figures most first."""
    from ingest import load_company
    from orchestration.run_lock import reading

    settings = load_company(company)
    if is_decisions:
        _list_decisions(settings.stewardship, as_json, language, limit)
        return
    with reading(settings.work):
        rows = _rows(settings.work, class_code, metric, top)
    listed = rows[:limit]
    if as_json:
        emit_json({"total": len(rows), "outliers": listed})
        return
    for row in listed:
        said = wording(f"outlier_class_{row['class_code']}", language)
        why = wording(f"outlier_reason_{row['reason_code']}", language)
        action = wording(f"outlier_action_{row['action_code']}", language)
        value = "-" if row["metric_value"] is None else f"{row['metric_value']:,.2f}"
        say(f"{row['outlier_key']}  {value}  {said}{COLON[language]}{why}  [{action}]  {row['actor']}")
    say(wording("outliers_listed", language, shown=len(listed), total=len(rows)))


@cli_command("reclassify", epilog=_RECLASSIFY_EPILOG)
@click.argument("key")
@click.argument("class_code", metavar="CLASS", type=click.Choice((*CLASSES, AS_RULED)))
@click.option("--author", required=True, help="Who decides.")
@click.option("--reason", required=True, help="Why.")
def reclassify(
    company: Path, as_json: bool, language: str, key: str, class_code: str, author: str, reason: str
) -> None:
    """Give a value another class, or back to the rules; takes effect with the next run."""
    from ingest import load_company
    from orchestration.run_lock import run_lock
    from orchestration.settings import make_run_id
    from orchestration.stewardship.outlier_classes import append_outlier_class, decide, read_outlier_classes

    if not (author.strip() and reason.strip()):
        raise click.UsageError(wording("outlier_needs_author", language))
    settings = load_company(company)
    moment = dt.datetime.now(dt.UTC).replace(microsecond=0, tzinfo=None)
    with run_lock(settings.work, make_run_id()):
        before = read_outlier_classes(settings.stewardship)
        made = decide(key, class_code, author.strip(), reason.strip(), moment)
        last = {line.outlier_key: line for line in before}.get(key)
        is_known = last is not None or _is_a_record(settings.work, made)
        if not is_known:
            raise click.UsageError(wording("outlier_unknown", language, outlier=key))
        is_new = last is None or last.class_code != class_code
        if is_new:
            append_outlier_class(settings.stewardship, made)
    if as_json:
        emit_json({"decision_id": made.decision_id if last is None or is_new else last.decision_id,
                   "outlier_key": key, "class_code": class_code, "is_new": is_new})  # fmt: skip
        return
    said = wording(f"outlier_class_{class_code}", language)
    say(wording("outlier_decided" if is_new else "outlier_as_before", language, outlier=key, said=said))


for _each in (list_outliers, reclassify):
    command.add_command(_each)


def _rows(work: Path, class_code: str | None, metric: str | None, top: bool) -> list[dict[str, Any]]:
    wanted = {"class_code": class_code, "metric_code": metric}
    given = {name: value for name, value in wanted.items() if value is not None}
    conditions = [f"{name} = ${name}" for name in given] + (["top_rank is not null"] if top else [])
    where = f" where {' and '.join(conditions)}" if conditions else ""
    order = "top_rank nulls last, cooks_distance desc nulls last, robust_z desc nulls last, outlier_key"
    return _query(work, f"select * from quality_dbt.dq_outliers{where} order by {order}", given)


def _is_a_record(work: Path, made: OutlierClass) -> bool:
    """True for a value that the last run lists, and for a deal, a matured lead or a call leg of it."""
    places = {
        "opportunity_amount": "conforming.int_opportunities where opportunity_id = $record",
        "touches_per_lead": "metrics.fct_lead_cadences where lead_id = $record",
        "call_duration_s": "staging.stg_telephony__call_legs where record_key = $record",
    }
    place = places.get(made.metric_code, "quality_dbt.dq_outliers where record_key = $record and false")
    return bool(
        _query(
            work,
            "select 1 as found from quality_dbt.dq_outliers where outlier_key = $key"
            f" union all select 1 from {place} limit 1",
            {"key": made.outlier_key, "record": made.record_key},
        )
    )


def _query(work: Path, query: str, values: dict[str, str]) -> list[dict[str, Any]]:
    from expectations.connection import connect
    from ingest.errors import NoRunYetError

    warehouse = work / "warehouse.duckdb"
    if not warehouse.is_file():
        raise NoRunYetError("no run has been made here yet")
    with connect(warehouse) as connection:
        found = connection.execute(query, values)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _list_decisions(folder: Path, as_json: bool, language: str, limit: int) -> None:
    from orchestration.stewardship.outlier_classes import COLUMNS, read_outlier_classes, statuses

    lines = read_outlier_classes(folder)
    status = statuses(lines)
    listed = list(reversed(lines))[:limit]
    if as_json:
        rows = [
            {name: getattr(line, name) for name in COLUMNS} | {"status": status[line.decision_id]}
            for line in listed
        ]
        emit_json({"total": len(lines), "decisions": rows})
        return
    for line in listed:
        said = wording(f"outlier_class_{line.class_code}", language)
        state = wording(f"outlier_status_{status[line.decision_id]}", language)
        say(
            f"{line.decided_at:%Y-%m-%d}  {line.outlier_key}  {said}  {state}  ({line.author}: {line.reason})"
        )
    say(wording("outliers_listed", language, shown=len(listed), total=len(lines)))
