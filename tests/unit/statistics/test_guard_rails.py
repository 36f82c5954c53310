"""Weekly guard rails: weeks, their reference and their bounds, recomputed one by one."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pytest
from planted_candidate import SETTINGS
from scipy.stats import binomtest
from statsmodels.stats.proportion import confint_proportions_2indep

from orchestration.statistics import guard_rails

MONDAY = date(2026, 5, 4)
#: week -> (sent, delivered, complained, unsubscribed, bounced); week 3 has no mail, nothing of week 5 was delivered
WEEKS = {
    0: (1010, 1000, 2, 5, 10),
    1: (500, 480, 0, 1, 20),
    2: (2000, 1990, 1, 0, 0),
    4: (900, 880, 30, 2, 20),
    5: (40, 0, 0, 0, 40),
    9: (100, 100, 0, 0, 0),
}
RAILS = {"complaint": (1, 2), "unsubscribe": (1, 3), "bounce": (0, 4)}


def _computed(weeks: dict[int, tuple[int, ...]]) -> list[dict]:
    with duckdb.connect() as con:
        con.execute(
            "create schema metrics; create table metrics.fct_email_send_days (sent_on date, n_sent bigint,"
            " n_delivered bigint, n_complained bigint, n_unsubscribed bigint, n_bounced_hard bigint)"
        )
        for week, counts in weeks.items():
            # half of a week on its Monday and the rest on its Sunday
            for day, part in ((0, [n // 2 for n in counts]), (6, [n - n // 2 for n in counts])):
                sent_on = MONDAY + timedelta(days=7 * week + day)
                con.execute(
                    "insert into metrics.fct_email_send_days values (?, ?, ?, ?, ?, ?)", [sent_on, *part]
                )
        return guard_rails.compute(con, SETTINGS).to_pylist()


@pytest.mark.audit("DE15", "DE16", "DE17", "DE21")
def test_every_week_and_rail_has_the_bounds_of_its_counts_and_of_the_four_weeks_before() -> None:
    rows = {(row["iso_week_start_on"], row["rail_code"]): row for row in _computed(WEEKS)}
    assert len(rows) == len(WEEKS) * 3
    for week, counts in WEEKS.items():
        before = [WEEKS[other] for other in range(week - 4, week) if other in WEEKS]
        for rail, (of, what) in RAILS.items():
            row = rows[MONDAY + timedelta(days=7 * week), rail]
            trials, events = counts[of], counts[what]
            of_before, events_before = sum(c[of] for c in before), sum(c[what] for c in before)
            assert (row["n_trials"], row["n_events"]) == (trials, events)
            assert (row["n_reference_trials"], row["n_reference_events"]) == (of_before, events_before)
            if not trials:
                assert {row[name] for name in ("rate_low", "rate_high", "rate_upper", "change_low")} == {None}
                continue
            interval = binomtest(events, trials).proportion_ci(0.95, method="exact")
            assert float(row["rate_low"]) == pytest.approx(interval.low, abs=1e-9)
            assert float(row["rate_high"]) == pytest.approx(interval.high, abs=1e-9)
            one_sided = binomtest(events, trials, alternative="less").proportion_ci(0.95, method="exact")
            assert float(row["rate_upper"]) == pytest.approx(one_sided.high, abs=1e-9)
            if not of_before:
                assert row["change_low"] is None and row["change_high"] is None
                continue
            low, high = confint_proportions_2indep(
                events, trials, events_before, of_before, method="newcomb", compare="diff", alpha=0.1
            )
            assert float(row["change_low"]) == pytest.approx(low, abs=1e-9)
            assert float(row["change_high"]) == pytest.approx(high, abs=1e-9)
    assert rows[MONDAY + timedelta(days=28), "complaint"]["change_low"] > Decimal("0.02")


def test_without_mails_there_is_no_row() -> None:
    assert _computed({}) == []
