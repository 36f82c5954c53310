"""The log-rank test of start quarters: the textbook figures, the library's, and no verdict where there is none."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from planted_candidate import SETTINGS
from planted_warehouse_of_deals import add, open_warehouse
from scipy.stats import CensoredData, logrank

from orchestration.statistics import cohort_tests

#: Remission of 42 children in weeks (Freireich 1963): 6-MP, then placebo; False is censored.
TREATED = [(6, True), (6, True), (6, True), (6, False), (7, True), (9, False), (10, True), (10, False), (11, False),
           (13, True), (16, True), (17, False), (19, False), (20, False), (22, True), (23, True), (25, False),
           (32, False), (32, False), (34, False), (35, False)]  # fmt: skip
PLACEBO = [(weeks, True) for weeks in (1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)]
FIRST = date(2024, 1, 1)


def arrays(*groups: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days, losses and number of the group, of all groups together."""
    rows = [(days, lost, n) for n, group in enumerate(groups) for days, lost in group]
    days, lost, number = zip(*rows, strict=True)
    return np.array(days, dtype=float), np.array(lost), np.array(number)


def test_the_published_figures_of_a_textbook_example_come_out() -> None:
    days, lost, number = arrays(TREATED, PLACEBO)
    test = cohort_tests.log_rank(days, lost, number == 0)
    assert (test.observed, round(test.expected, 2)) == (9, 19.25)
    assert test.statistic == pytest.approx(16.79, abs=0.005)
    assert test.p_value < 0.0001


@pytest.mark.parametrize("seed", range(20))
def test_scipy_gives_the_same_p_value_for_any_two_groups(seed: int) -> None:
    rng = np.random.default_rng(seed)
    days = rng.integers(1, 60, 80).astype(float)
    lost = rng.random(80) < 0.6
    member = rng.random(80) < 0.4
    sides = [
        CensoredData(uncensored=days[lost & side], right=days[~lost & side]) for side in (member, ~member)
    ]
    ours = cohort_tests.log_rank(days, lost, member)
    assert ours.p_value == pytest.approx(logrank(*sides).pvalue, abs=1e-12)


def cohorts(tmp_path: Path, *groups: list[tuple[int, bool]]) -> list[dict]:
    """Rows of the product for groups that start one quarter apart."""
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        for n, group in enumerate(groups):
            quarter = (FIRST + timedelta(days=92 * n)).replace(day=1)
            for days, lost in group:
                add(
                    con,
                    "metrics.fct_customer_starts",
                    start_quarter_on=quarter,
                    service_days=days,
                    is_lost=lost,
                )
        return cohort_tests.compute(con, SETTINGS).to_pylist()


def test_a_cohort_that_leaves_sooner_is_told_and_its_p_value_is_adjusted(tmp_path: Path) -> None:
    rows = cohorts(tmp_path, TREATED, PLACEBO, TREATED)
    assert [row["n_lost"] for row in rows] == [9, 21, 9] and len({r["start_quarter_on"] for r in rows}) == 3
    assert all(row["p_value_adjusted"] >= row["p_value"] for row in rows)
    worst = min(rows, key=lambda row: row["p_value"])
    assert worst["n_lost"] == 21 and worst["p_value_adjusted"] < 0.001 and worst["n_lost_expected"] < 21
    assert sum(row["n_lost_expected"] for row in rows) == pytest.approx(39)


@pytest.mark.parametrize(
    ("groups", "reason"),
    [((PLACEBO,), "one_cohort_only"), (([(5, True)] * 9, [(9, False)] * 30), "too_few_losses")],
)
def test_where_no_test_can_be_made_there_is_a_reason_and_no_figure(tmp_path: Path, groups, reason) -> None:
    rows = cohorts(tmp_path, *groups)
    assert {(row["reason_code"], row["p_value"], row["p_value_adjusted"]) for row in rows} == {
        (reason, None, None)
    }


def test_a_cohort_younger_than_any_loss_has_no_figure_and_leaves_the_others_theirs(tmp_path: Path) -> None:
    rows = cohorts(tmp_path, TREATED, PLACEBO, [(0, False)] * 5)
    assert [row["reason_code"] for row in rows] == [None, None, "no_loss_to_judge"]
    assert rows[2]["p_value"] is None and rows[0]["p_value_adjusted"] is not None


def test_chance_alone_seldom_makes_a_cohort_differ(tmp_path: Path) -> None:
    """Twenty companies of eight equal cohorts: one false word in twenty companies is what 5 % means; four is luck."""
    false = 0
    for seed in range(20):
        rng = np.random.default_rng(1000 + seed)
        days = np.minimum(rng.exponential(400, 400), 700).astype(int) + 1
        lost = days < 700
        number = rng.integers(0, 8, 400)
        p = [cohort_tests.log_rank(days.astype(float), lost, number == n).p_value for n in range(8)]
        false += min(cohort_tests.false_discovery_control(p, method="bh")) < 0.05
    assert false <= 4
