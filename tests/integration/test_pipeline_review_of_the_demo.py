"""The weekly review of a whole generated company: openings and closings in plain Python, won as elsewhere, the page.

Planted edges are in `tests/golden/test_planted_movements.py`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import timedelta
from fractions import Fraction

import duckdb
import pytest

from orchestration.settings import read_settings
from tests.golden.oracle_pipeline import Pipeline
from tests.integration.test_metrics_three_ways import rows_of

pytestmark = pytest.mark.audit("FD5")

MOVEMENTS = "marts.mart_sales_pipeline_movements_cycle"


def test_the_pipeline_of_both_windows_is_that_of_plain_python(demo_run) -> None:
    settings = read_settings(demo_run.work)
    pipeline = Pipeline(rows_of(demo_run.work), settings.as_of, settings.timezone)
    end = settings.cycle_end
    expected: dict[tuple, list] = defaultdict(lambda: [0, Fraction(0), 0, Fraction(0)])
    for window, start in (("week", end - timedelta(days=7)), ("month", settings.cycle_start)):
        for place, on in ((0, start), (2, end)):
            month = (on - timedelta(days=1)).replace(day=1)
            for deal in pipeline.deals:
                state = pipeline.known(deal, on)
                if state is None:
                    continue
                value = pipeline.money(state["amount"], deal["currency"], month) or 0
                for cut in (
                    ("all", "all"),
                    ("stage", state["stage"]),
                    ("team", pipeline.team[deal["opportunity_id"]]),
                    ("forecast_category", state["category"]),
                ):
                    cell = expected[window, *cut]
                    cell[place] += 1
                    cell[place + 1] += value
    with duckdb.connect(str(demo_run.work / "warehouse.duckdb"), read_only=True) as con:
        rows = con.execute(
            "select window_code, segment_kind_code, segment_code, n_opening, opening_amount, n_closing, closing_amount,"
            f" n_unconverted from {MOVEMENTS} where scope_code = 'open'"
        ).fetchall()
    found = {row[:3]: list(row[3:7]) for row in rows if (row[3] or row[5]) and not row[7]}
    assert len(found) > 12
    wrong = {
        cell: (values, expected.get(cell)) for cell, values in found.items() if values != expected.get(cell)
    }
    assert not wrong
    told = {row[:3] for row in rows}
    assert set(expected) <= told, "no segment is left out"


def test_what_the_month_won_is_what_its_deals_were_won_for(demo_run) -> None:
    """Every deal that the month won was in the pipeline at its beginning, or came within it."""
    with duckdb.connect(str(demo_run.work / "warehouse.duckdb"), read_only=True) as con:
        n, amount = con.execute(
            f"select n_won, -won_exit_amount from {MOVEMENTS}"
            " where window_code = 'month' and scope_code = 'open' and segment_kind_code = 'all'"
        ).fetchone()
        n_won, won_amount = con.execute(
            "select n_won, won_amount from marts.mart_sales_opportunities_month where segment_kind_code = 'all'"
            " and period_month = (select cycle_start from run.settings)"
        ).fetchone()
    assert (n, amount) == (n_won, won_amount)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_lies_beside_the_others_and_shows_the_published_figures(demo_run, language) -> None:
    latest = demo_run.published / "reports" / "latest"
    page = (latest / f"pipeline_review.{language}.html").read_text(encoding="utf-8")
    assert f'href="pipeline_review.{language}.html"' in (latest / f"index.{language}.html").read_text(
        encoding="utf-8"
    )
    with duckdb.connect(str(demo_run.work / "warehouse.duckdb"), read_only=True) as con:
        (closing,) = con.execute(
            f"select closing_amount from {MOVEMENTS}"
            " where window_code = 'week' and scope_code = 'open' and segment_kind_code = 'all'"
        ).fetchone()
    shown = f"{round(closing):,}".replace(",", "\u202f" if language == "fr" else ",")
    assert shown in page
    assert not re.search(r"[\w.]+@[\w-]+\.\w", page)
