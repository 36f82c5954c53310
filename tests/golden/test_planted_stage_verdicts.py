"""Stages of a month against the twelve months before: bounds recomputed by statsmodels, verdicts around each bar."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from orchestration.audit.shares import newcombe, wilson
from tests.compiled_models import compiled_models, on_warehouse

MONTH = date(2026, 5, 1)
#: (passages of the month, of which went on), {month before: (passages, went on)} -> verdict, months and passages before
CASES = [
    ((30, 25), {date(2026, 4, 1): (60, 30)}, ("strength", 1, 60)),
    ((30, 5), {date(2026, 4, 1): (60, 30)}, ("weakness", 1, 60)),
    ((30, 16), {date(2026, 4, 1): (60, 30)}, ("as_usual", 1, 60)),
    ((29, 29), {date(2026, 4, 1): (60, 30)}, ("too_few", 1, 60)),
    ((60, 50), {date(2026, 4, 1): (29, 0)}, ("too_few", 1, 29)),
    ((60, 50), {}, ("too_few", 0, 0)),
    ((0, 0), {date(2026, 4, 1): (60, 30)}, ("too_few", 1, 60)),
    # the same month of the year before counts, the month before it does not, nor does the month after
    ((40, 20), {date(2025, 5, 1): (60, 5), date(2025, 4, 1): (900, 900)}, ("strength", 1, 60)),
    ((40, 20), {date(2025, 12, 1): (30, 15), date(2026, 6, 1): (900, 0)}, ("as_usual", 1, 30)),
    # a month whose windows are all open says nothing and is no month of the history
    ((40, 40), {date(2026, 3, 1): (0, 0), date(2026, 2, 1): (50, 25)}, ("strength", 1, 50)),
]  # fmt: skip


@pytest.fixture(scope="module")
def verdicts(planted_work: Path):
    """The compiled query of the mart over a table of the test."""
    queries = compiled_models(planted_work.parent / "project" / "target", "marts")
    query, n_sources = re.subn(
        r'("\w+"\.)?"marts"\."mart_sales_stages_month"',
        "memory.main.planted",
        queries["mart_sales_stage_verdicts_month"],
    )
    assert n_sources == 3
    with on_warehouse(planted_work) as con:
        con.execute(
            "create table memory.main.planted (period_month date, segment_kind_code varchar, segment_code varchar,"
            " stage_code varchar, stage_rank int, n_matured bigint, n_reached_next bigint)"
        )
        for number, (now, before, _) in enumerate(CASES):
            for month, counts in {MONTH: now, **before}.items():
                con.execute(
                    "insert into memory.main.planted values (?, 'channel', ?, 'proposal', 5, ?, ?)",
                    [month, f"case {number}", *counts],
                )
        # another stage and another cut of the same segment are no history of this one
        con.execute(
            "insert into memory.main.planted values ('2026-04-01', 'channel', 'case 0', 'meeting', 3, 900, 900)"
        )
        con.execute(
            "insert into memory.main.planted values ('2026-04-01', 'size_band', 'case 0', 'proposal', 5, 900, 0)"
        )
        yield {
            row[0]: row[1:]
            for row in con.execute(
                "select segment_code, verdict_code, n_months_before, n_matured_before, low_rate, high_rate,"
                f" change_low_points, change_high_points, stage_conversion_rate from ({query})"
                " where period_month = ? and segment_kind_code = 'channel' and stage_code = 'proposal'",
                [MONTH],
            ).fetchall()
        }


@pytest.mark.audit("OB11")
@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_stage_is_strong_or_weak_only_where_the_interval_of_the_change_is_without_zero(verdicts, number):
    (n, k), before, expected = CASES[number]
    verdict, n_months, n_before, low, high, change_low, change_high, rate = verdicts[f"case {number}"]
    assert (verdict, n_months, n_before) == expected
    in_year = [c for m, c in before.items() if date(2025, 5, 1) <= m < MONTH]
    then, gone_on = (sum(column) for column in zip(*in_year, strict=True)) if in_year else (0, 0)
    if not n:
        assert (low, high, rate, change_low) == (None, None, None, None)
        return
    assert (float(low), float(high)) == pytest.approx(wilson(k, n), abs=1e-9)
    if then:
        bounds = tuple(100 * bound for bound in newcombe(k, n, gone_on, then))
        assert (float(change_low), float(change_high)) == pytest.approx(bounds, abs=1e-5)
    else:
        assert change_low is change_high is None
