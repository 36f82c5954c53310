"""The weekly guard rails: what a status says of its counts and bounds, at each bar and on both sides of it."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal as D
from pathlib import Path

import duckdb
import pytest

from tests.compiled_models import compiled_models, on_warehouse
from tests.golden.planted_company import SETTINGS

WEEK = date(2026, 6, 15)
#: rail, trials, events, upper bound, reference trials, change low, change high -> rate, status, action, change status
CASES = [
    # 2 of 1,000 is the bar itself: no breach, and nothing proved; 3 of 1,000 is one
    (("complaint", 1000, 2, "0.0063", 4000, "-0.001", "0.004"), ("0.002", "not_proved", None, "not_proved")),
    (("complaint", 1000, 3, "0.0078", 4000, "-0.001", "0.002"),
     ("0.003", "breach", "review_content_and_lower_cap", "not_proved")),
    (("complaint", 9000, 3, "0.00086", 4000, "-0.001", "0.0019999999"),
     (str(D(3) / D(9000)), "within", None, "proved")),
    (("complaint", 9000, 18, "0.002", 4000, "0.0000000001", "0.001"), ("0.002", "within", None, "worse")),
    (("complaint", 9000, 0, "0.0003", 0, None, None), ("0", "within", None, "no_reference")),
    (("complaint", 0, 0, None, 4000, None, None), (None, "no_delivery", None, "no_delivery")),
    (("unsubscribe", 1000, 5, "0.0105", 4000, "0", "0.001"), ("0.005", "not_proved", None, "proved")),
    (("unsubscribe", 1000, 6, "0.0118", 4000, "-1", "0.001"), ("0.006", "breach", "review_content", "proved")),
    (("bounce", 1000, 20, "0.029", 4000, "-1", "1"), ("0.02", "not_proved", None, "not_proved")),
    (("bounce", 1000, 21, "0.03", 4000, "-1", "1"), ("0.021", "breach", "clean_addresses", "not_proved")),
]  # fmt: skip


@pytest.fixture
def rails(planted_work: Path):
    """The compiled query of the mart over a table of the test."""
    queries = compiled_models(planted_work.parent / "project" / "target", "marts")
    query, n_sources = re.subn(
        r'("\w+"\.)?"statistics"\."guard_rails"',
        "memory.main.planted",
        queries["mart_revops_guard_rails_week"],
    )
    assert n_sources == 1
    with on_warehouse(planted_work) as con:
        con.execute(
            "create table memory.main.planted (iso_week_start_on date, rail_code varchar, n_trials bigint,"
            " n_events bigint, rate_low decimal(18, 10), rate_high decimal(18, 10), rate_upper decimal(18, 10),"
            " n_reference_trials bigint, n_reference_events bigint, change_low decimal(18, 10),"
            " change_high decimal(18, 10))"
        )
        yield con, query


def _plant(con: duckdb.DuckDBPyConnection, week: date, case: tuple) -> None:
    rail, trials, events, upper, reference, low, high = case
    con.execute(
        "insert into memory.main.planted values (?, ?, ?, ?, null, null, ?, ?, 0, ?, ?)",
        [week, rail, trials, events, upper, reference, low, high],
    )


@pytest.mark.audit("DE15", "DE16", "DE17", "DE21")
@pytest.mark.parametrize(("case", "expected"), CASES)
def test_a_week_is_in_breach_strictly_above_its_bar(rails, case: tuple, expected: tuple) -> None:
    con, query = rails
    _plant(con, WEEK, case)
    (row,) = con.execute(
        "select event_rate, status_code, action_code, change_status_code, rate_reason_code, policy_version"
        f" from ({query})"
    ).fetchall()
    rate, status, action, change = expected
    told = None if rate is None else D(rate).quantize(D("1e-10"))
    assert row == (told, status, action, change, "no_delivered_mail" if rate is None else None, "2026-1")


def test_a_week_is_complete_when_the_cycle_has_seen_its_sunday(rails) -> None:
    con, query = rails
    end = SETTINGS["cycle_end"]
    for day in (date.fromordinal(end.toordinal() - 7), date.fromordinal(end.toordinal() - 6)):
        _plant(con, day, CASES[0][0])
    found = con.execute(f"select is_complete from ({query}) order by iso_week_start_on").fetchall()
    assert found == [(True,), (False,)]


def test_the_marts_of_the_planted_company_are_built_and_read_their_sources(planted_work: Path) -> None:
    with on_warehouse(planted_work) as con:
        weeks = con.execute("select kind_code, n_events from marts.mart_revops_watch_week").fetchall()
        planted = con.execute(
            "select sum(n_complained), sum(n_unsubscribed) from metrics.fct_email_send_days"
        ).fetchone()
        for kind, n_planted in zip(("complaint", "unsubscribe"), planted, strict=True):
            assert sum(n for code, n in weeks if code == kind) == n_planted
        breach = con.execute(
            "select count(*) from marts.mart_marketing_complaints_week where is_complaint_breach is null"
            " and n_delivered > 0"
        ).fetchone()
    assert breach == (0,)
