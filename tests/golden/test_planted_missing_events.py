"""Days without a call in a call log, meetings with nobody known and deals won without a history are told (row CL5).

Only the models that tell them are built, on rows of the master layer. Not here: the rules that name the rows
(tests/unit/expectations).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.golden.planted_company import SETTINGS, at, day_of
from tests.golden.planted_warehouse import PROJECT, run_dbt, write_relations, write_sources

BUILT = [
    *("time_zones", "public_holidays", "lead_definitions", "lead_sources", "fct_lead_qualifications"),
    *("fct_lead_cadences", "fct_email_send_days", "fct_activity_days", "fct_call_log_days"),
    *("fct_opportunity_closings", "mart_revops_missing_events_cycle"),
]
FIRST, LAST = date(2026, 4, 7), date(2026, 6, 29)
#: Public holidays of France on weekdays of these months: nobody calls.
HOLIDAYS = {date(2026, 5, 1), date(2026, 5, 8), date(2026, 5, 14), date(2026, 5, 25)}
HOLE, HOLE_BEFORE, CLOSED, NIGHT = date(2026, 6, 9), date(2026, 5, 12), date(2026, 6, 10), date(2026, 6, 11)


def worked_days() -> Iterator[date]:
    for n in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=n)
        if day.weekday() < 5 and day not in HOLIDAYS:
            yield day


def planted() -> dict[str, list[dict]]:
    """A log with two holes, a closed day and a night call; a second phone that seldom rings."""
    calls, touches = [], []
    for day in worked_days():
        if day not in (HOLE, HOLE_BEFORE, CLOSED, NIGHT):
            calls += [("pbx", f"{day} {9 + n % 8:02}:{n:02}") for n in range(12)]
        if day not in (CLOSED, NIGHT):
            calls += [("mobile", f"{day} 10:00")] * 2
        if day != CLOSED:
            touches.append(f"{day} 11:00")
    calls.append(("pbx", f"{NIGHT} 00:10"))  # the day before in UTC
    meetings = [
        ("m1", "per_1", "06-03 10:00", True), ("m1", "unknown", "06-03 10:00", True),
        ("m2", "unknown", "06-03 14:00", True), ("m2", "unknown", "06-03 14:00", True),
        ("m3", "unknown", "06-04 10:00", False), ("m4", "unknown", "05-29 10:00", True),
    ]  # fmt: skip
    deals = [
        ("told", True, "06-05"),
        ("silent", True, "06-05"),
        ("before", True, "05-05"),
        ("lost", False, "06-05"),
    ]
    return {
        "fct_calls": [
            {"call_key": f"c{n}", "call_id": f"c{n}", "source_instance": source, "started_at": at(moment),
             "rep_id": "rep_1", "direction_code": "outbound", "outcome_code": "answered", "n_source_rows": 1}
            for n, (source, moment) in enumerate(calls)
        ],
        "fct_touches": [
            {"touch_key": f"t{n}", "source_stream_code": "activity", "source_key": f"t{n}", "lead_id": "unknown",
             "person_id": "per_1", "account_id": "unknown", "rep_id": "rep_1", "channel_code": "email",
             "direction_code": "outbound", "occurred_at": at(moment), "occurred_on": day_of(at(moment)),
             "is_day_only": False, "is_effective": True}
            for n, moment in enumerate(touches)
        ],
        "fct_meetings": [
            {"meeting_key": f"g{n}", "occurrence_key": key, "person_id": person, "lead_id": "unknown",
             "account_id": "unknown", "rep_id": "rep_1", "starts_at": at(moment), "starts_on": day_of(at(moment)),
             "is_held": is_held, "n_source_rows": 1}
            for n, (key, person, moment, is_held) in enumerate(meetings)
        ],
        "fct_opportunities": [
            {"opportunity_id": f"crm/crm_opportunity/{name}", "account_id": "unknown", "lead_id": "unknown",
             "rep_id": "rep_1", "is_won": is_won, "is_lost": not is_won, "is_open": False,
             "closed_on": date.fromisoformat(f"2026-{day}")}
            for name, is_won, day in deals
        ],
        "fct_opportunity_stages": [
            {"opportunity_stage_key": f"{name}/won", "opportunity_id": f"crm/crm_opportunity/{name}",
             "stage_code": "won", "stage_rank": 7, "n_entries": 1, "n_source_rows": rows}
            for name, rows in (("told", 2), ("silent", 0))
        ],
    }  # fmt: skip


def built(folder: Path, rows: dict[str, list[dict]]) -> Path:
    work, project = folder / "work", folder / "project"
    work.mkdir(parents=True)
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    admitted = {"cycle": "2026-06", "verdict": "publish", "ledger_imbalances": 0}
    write_sources(work, {"quality.gate_verdicts": [admitted], "run.settings": [SETTINGS]})
    write_relations(work / "warehouse.duckdb", rows)
    only = ("--resource-type", "model", "--resource-type", "seed")
    run_dbt(work, project, "build", "--select", *BUILT, *only)
    return work / "warehouse.duckdb"


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory):
    with duckdb.connect(str(built(tmp_path_factory.mktemp("missing"), planted())), read_only=True) as opened:
        yield opened


@pytest.mark.audit("CL5", "CO6")
def test_a_worked_day_without_a_call_is_a_hole_where_calls_are_usual_and_others_worked(con) -> None:
    days = con.execute(
        "select called_on, source_instance, n_calls, day_status_code from metrics.fct_call_log_days"
        " where day_status_code <> 'calls' or n_calls = 1 order by all"
    ).fetchall()
    assert days == [
        (HOLE_BEFORE, "pbx", 0, "missing"),
        (HOLE, "pbx", 0, "missing"),
        (CLOSED, "mobile", 0, "too_few_calls"),
        (CLOSED, "pbx", 0, "nothing_logged"),
        (NIGHT, "mobile", 0, "too_few_calls"),
        (NIGHT, "pbx", 1, "calls"),
    ]
    judged = con.execute(
        "select distinct called_on from metrics.fct_call_log_days where source_instance = 'pbx' order by 1"
    ).fetchall()
    assert [day for (day,) in judged] == list(worked_days())
    usual = con.execute(
        "select usual_calls from metrics.fct_call_log_days where source_instance = 'pbx' and called_on = $day",
        {"day": HOLE},
    ).fetchone()
    assert usual == (Decimal(12),)


@pytest.mark.audit("CL5", "CO6")
def test_the_cycle_lists_missing_days_meetings_with_nobody_known_and_deals_without_a_history(con) -> None:
    rows = con.execute(
        "select kind_code, source_instance, missing_on, usual_events, n_judged, n_missing, rule_id"
        " from marts.mart_revops_missing_events_cycle order by 1"
    ).fetchall()
    assert rows == [
        ("call_day", "pbx", HOLE, Decimal(12), None, None, "R-TEL-020"),
        ("meeting_person", "all", date(2026, 6, 3), None, 2, 1, "R-FCT-261"),
        ("stage_history", "crm", date(2026, 6, 5), None, 2, 1, "R-FCT-262"),
    ]


@pytest.mark.audit("CL5")
def test_a_company_without_these_sources_misses_nothing(tmp_path: Path) -> None:
    rows = planted()
    without = {"fct_opportunities": rows["fct_opportunities"], "fct_touches": rows["fct_touches"]}
    with duckdb.connect(str(built(tmp_path, without)), read_only=True) as con:
        assert con.execute("select count(*) from metrics.fct_call_log_days").fetchone() == (0,)
        # no deal has a history: an extract is missing, not the history of single deals
        assert con.execute("select count(*) from marts.mart_revops_missing_events_cycle").fetchone() == (0,)
