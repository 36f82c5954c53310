"""How near the frozen forecast came on key accounts and on the rest: planted misses, the list as it was, no verdict
where there is none (row K46).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal as D
from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import pytest
from planted_candidate import SETTINGS
from planted_warehouse_of_deals import add, open_warehouse

from orchestration.statistics import forecast_precision

JUNE, MAY, APRIL = date(2026, 6, 1), date(2026, 5, 1), date(2026, 4, 1)


@pytest.fixture
def con(tmp_path: Path):
    with open_warehouse(tmp_path / "warehouse.duckdb") as opened:
        add(opened, "master.dim_reps", rep_id="r1", team_name="Lyon")
        add(opened, "master.dim_reps", rep_id="r2", team_name="Paris")
        yield opened


def judged(
    con: duckdb.DuckDBPyConnection, month: date, team: str = "Lyon", why: str | None = None, **values
) -> None:
    add(con, "metrics.fct_forecast_periods", period_month=month, team_name=team, is_judged=why is None,
        unjudged_reason_code=why, **({"n_unconverted": 0} | values))  # fmt: skip


def listed(con: duckdb.DuckDBPyConnection, account: str, since: date, until: date | None = None) -> None:
    add(con, "master.bridge_strategic_accounts", account_id=account, record_key=account, valid_from=since,
        valid_to=until)  # fmt: skip


def deal(
    con: duckdb.DuckDBPyConnection, account: str, month: date, committed: int | None, won: int | None, name: str = "",
    rep: str = "r1", category: str = "commit", **values,
) -> None:  # fmt: skip
    """A deal of an account: what stood in the snapshot of the month's first day, and what was won in the month."""
    name = name or f"{account}-{month:%m}"
    if committed is not None:
        add(con, "metrics.fct_opportunity_snapshots", **({
            "snapshot_on": month, "rep_id": rep, "account_id": account, "opportunity_id": name,
            "expected_close_on": month.replace(day=20), "forecast_category_code": category,
            "is_forecast_unconverted": False, "forecast_amount_reporting": committed,
        } | values))  # fmt: skip
    if won is not None:
        add(con, "metrics.fct_opportunity_closings", opportunity_id=name, rep_id=rep, account_id=account,
            closed_on=month.replace(day=28), is_won=True, is_unconverted=False, amount_reporting=won)  # fmt: skip


def rows(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], dict]:
    """(period, class) -> row."""
    read = forecast_precision.compute(con, SETTINGS).to_pylist()
    return {(row["period_code"], row["account_class_code"]): row for row in read}


@pytest.mark.audit("K46", "FD6")
def test_an_account_is_a_key_account_where_the_list_of_the_first_day_names_it(con) -> None:
    for month in (APRIL, MAY, JUNE):
        judged(con, month)
    judged(con, JUNE, "Paris", "forecast_category_missing")
    listed(con, "acc_key", date(1900, 1, 1))
    listed(con, "acc_new", date(2026, 6, 2))  # listed a day after the forecast was frozen
    listed(con, "acc_left", date(1900, 1, 1), JUNE)  # no longer on that day
    deal(con, "acc_key", JUNE, 100, 90)
    deal(con, "acc_key", MAY, 50, None)
    deal(con, "acc_new", JUNE, 40, 50)
    deal(con, "acc_left", MAY, 10, 10)
    deal(con, "acc_left", JUNE, None, 30)
    deal(con, "acc_pipe", JUNE, 500, None, category="pipeline")  # expected, never committed
    deal(con, "acc_paris", JUNE, 700, 900, rep="r2")  # its team has no forecast
    deal(con, "unknown", JUNE, 20, None, name="opp_1")
    deal(con, "unknown", JUNE, None, 20, name="opp_2")
    deal(con, "acc_next", JUNE, 60, None, expected_close_on=date(2026, 7, 1))  # planned for the month after
    found = rows(con)
    month = {code: found["month", code] for code in ("all", "key", "rest")}
    # missed: key |100-90|; rest |40-50| + 30, and two deals of no account that do not cancel each other
    told = (
        "committed_amount",
        "won_amount",
        "error_amount",
        "absolute_error_amount",
        "n_accounts",
        "n_expected",
    )
    assert {code: tuple(row[name] for name in told) for code, row in month.items()} == {
        "key": (100, 90, 10, 10, 1, 1), "rest": (60, 100, -40, 80, 4, 3), "all": (160, 190, -30, 90, 5, 4),
    }  # fmt: skip
    assert month["key"]["wape_rate"] == round(D(10) / 90, 10) and month["rest"]["wape_rate"] == D("0.8")
    assert month["rest"]["bias_rate"] == D("-0.4") and month["rest"]["period_start"] == JUNE
    year = {code: found["year", code] for code in ("all", "key", "rest")}
    assert year["key"]["absolute_error_amount"] == 10 + 50 and year["key"]["won_amount"] == 90 + 10
    assert (
        year["key"]["n_accounts"] == 2 and year["key"]["n_account_months"] == 3
    )  # one of them left the list
    for name in told[:4]:
        assert year["key"][name] + year["rest"][name] == year["all"][name]
    assert year["key"]["period_start"] == date(2025, 7, 1) and year["key"]["period_end"] == date(2026, 7, 1)


@pytest.mark.audit("K46")
def test_a_forecast_within_a_tenth_counts_at_the_bar_and_not_beyond(con) -> None:
    judged(con, JUNE)
    for name, committed, won in (
        ("bar", 110, 100),
        ("beyond", 111, 100),
        ("low", 90, 100),
        ("lost", 10, None),
    ):
        deal(con, f"acc_{name}", JUNE, committed, won)
    rest = rows(con)["month", "rest"]
    assert (rest["n_account_months"], rest["n_account_months_within_10pct"]) == (4, 2)
    assert rest["within_10pct_rate"] == D("0.5")
    assert (rest["within_10pct_low"], rest["interval_reason_code"]) == (None, "too_few_accounts")


def two_classes(con: duckdb.DuckDBPyConnection, factor: float, n: int = 60, reverse: bool = False) -> None:
    """Accounts whose forecasts miss by draws of one spread; those of the rest `factor` times as far."""
    draws = np.random.default_rng(7).normal(0, 10, (2, n))
    order = range(n)[::-1] if reverse else range(n)
    for month in (MAY, JUNE):
        judged(con, month)
    for i in order:
        listed(con, f"key_{i:02}", date(1900, 1, 1))
        for month, other in ((MAY, 0), (JUNE, n // 2)):
            deal(con, f"key_{i:02}", month, round(100 + draws[0][(i + other) % n]), 100)
            deal(con, f"rest_{i:02}", month, round(100 + factor * draws[1][(i + other) % n]), 100)


@pytest.mark.audit("K46")
@pytest.mark.parametrize(
    ("factor", "status"), [(3.0, "more_precise"), (0.2, "less_precise"), (1.0, "undetermined")]
)
def test_key_accounts_are_more_or_less_precise_where_the_interval_leaves_out_zero(
    con, factor, status
) -> None:
    two_classes(con, factor)
    found = rows(con)
    key, rest = found["year", "key"], found["year", "rest"]
    assert key["rest_status_code"] == status and rest["rest_status_code"] is None
    assert key["rest_difference_low"] < key["rest_difference_rate"] < key["rest_difference_high"]
    assert key["rest_difference_rate"] == pytest.approx(key["wape_rate"] - rest["wape_rate"], abs=D("1e-9"))
    assert key["wape_low"] < key["wape_rate"] < key["wape_high"]


@pytest.mark.audit("K46")
def test_the_interval_is_that_of_a_ratio_and_the_same_in_any_order(con, tmp_path: Path) -> None:
    two_classes(con, 1.0)
    found = rows(con)
    with open_warehouse(tmp_path / "again.duckdb") as again:
        add(again, "master.dim_reps", rep_id="r1", team_name="Lyon")
        two_classes(again, 1.0, reverse=True)
        assert rows(again) == found
    # linearised error of a ratio of sums over accounts: an independent way to the same width
    missed, won = (
        np.array([float(value) for (value,) in con.execute(
            f"select sum({told}) from forecast_units where account_class = 'key' group by unit_id"
        ).fetchall()])
        for told in ("abs(committed - won)", "won")
    )  # fmt: skip
    ratio = missed.sum() / won.sum()
    spread = np.sqrt(len(won) / (len(won) - 1) * ((missed - ratio * won) ** 2).sum()) / won.sum()
    key = found["year", "key"]
    assert float(key["wape_rate"]) == pytest.approx(ratio, abs=1e-9)
    assert float(key["wape_high"] - key["wape_low"]) == pytest.approx(2 * 1.96 * spread, rel=0.15)


@pytest.mark.audit("K46")
def test_months_of_one_account_go_together_in_every_interval_whatever_its_class(con) -> None:
    """Each account misses by its own share in both months, and is on the list in the first of them only."""
    for month in (MAY, JUNE):
        judged(con, month)
    missed = np.random.default_rng(3).choice([0, 5, 20, 60], 60)
    for i, off in enumerate(missed):
        listed(con, f"acc_{i:02}", MAY, JUNE)
        for month in (MAY, JUNE):
            deal(con, f"acc_{i:02}", month, 100 + int(off), 100)
    row = rows(con)["year", "all"]
    errors = {
        "wape": (missed / 100).std(ddof=1) / np.sqrt(60),
        "within_10pct": (missed <= 10).std(ddof=1) / np.sqrt(60),
    }
    for name, error in errors.items():
        width = float(row[f"{name}_high"] - row[f"{name}_low"])
        assert width == pytest.approx(2 * 1.96 * error, rel=0.12), name
        assert row[f"{name}_low"] < row[f"{name}_rate"] < row[f"{name}_high"]


@pytest.mark.audit("K46")
def test_a_share_that_every_draw_repeats_has_no_interval(con) -> None:
    judged(con, JUNE)
    for i in range(40):
        deal(con, f"acc_{i:02}", JUNE, 100 + i % 10, 100)
    row = rows(con)["month", "all"]
    assert row["wape_low"] is not None and row["within_10pct_rate"] == 1
    assert (row["within_10pct_low"], row["within_10pct_high"]) == (None, None)


@pytest.mark.audit("K46")
def test_few_accounts_have_a_figure_and_no_interval(con) -> None:
    two_classes(con, 1.0, n=29)
    key = rows(con)["year", "key"]
    assert key["wape_rate"] is not None and key["interval_reason_code"] == "too_few_accounts"
    assert key["wape_low"] is None and key["rest_status_code"] is None
    assert key["rest_difference_rate"] is not None and key["rest_reason_code"] == "too_few_accounts"


@pytest.mark.audit("K46")
@pytest.mark.parametrize("case", ["empty", "no list", "nothing won", "no forecast", "no rate"])
def test_what_has_no_figure_says_why(con, case: str) -> None:
    expected = "no_won_amount"
    if case != "empty":
        judged(con, JUNE, why="forecast_not_frozen" if case == "no forecast" else None,
               n_unconverted=1 if case == "no rate" else 0)  # fmt: skip
        deal(con, "acc_1", JUNE, 100, None if case == "nothing won" else 90)
    if case in ("nothing won", "no rate"):
        listed(con, "acc_1", date(1900, 1, 1))
    if case == "no list":
        expected = "no_strategic_account"
    if case == "no forecast":
        expected = "forecast_not_frozen"
    if case == "no rate":
        expected = "exchange_rate_missing"
    found = rows(con)
    assert len(found) == 6
    for period in ("month", "year"):
        key = found[period, "key"]
        assert key["wape_rate"] is None and key["bias_rate"] is None
        assert key["rest_reason_code"] == key["wape_reason_code"]
        assert key["wape_reason_code"] == ("no_strategic_account" if case == "empty" else expected)
        assert (key["error_amount"] is None) == (case == "no rate")
    if case == "no list":
        assert found["month", "rest"]["wape_rate"] == round(D(10) / 90, 10)
        assert Fraction(found["month", "all"]["absolute_error_amount"]) == 10
