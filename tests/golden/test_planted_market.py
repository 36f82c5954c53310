"""Targets of means and of results, buying roles, trigger events and figures of networks of a planted company."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from tests.golden import planted_market
from tests.golden.planted_company import SETTINGS
from tests.golden.planted_warehouse import build

JUNE = date(2026, 6, 1)
OBJECTIVES = "marts.mart_revops_objectives_month"


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory):
    """A read-only connection to the warehouse of the planted market."""
    folder = Path(tmp_path_factory.mktemp("market")) / "company"
    work = build(folder, planted_market.tables(), {"run.settings": [SETTINGS]})
    with duckdb.connect(str(work / "warehouse.duckdb"), read_only=True) as con:
        yield con


def _objective(
    con: duckdb.DuckDBPyConnection, month: date, metric: str, stage: str, team: str | None
) -> dict:
    cursor = con.execute(
        f"select * from {OBJECTIVES} where period_month = ? and metric_code = ? and stage_code = ?"
        " and segment_kind_code = ? and segment_code = ?",
        [month, metric, stage, "team" if team else "all", team or "all"],
    )
    names = [each[0] for each in cursor.description]
    (row,) = cursor.fetchall()
    return dict(zip(names, row, strict=True))


@pytest.mark.audit("OB5", "OB6", "OB2")
def test_thirty_percent_more_meetings_are_asked_of_the_mean_of_the_year_before(market) -> None:
    row = _objective(market, JUNE, "meetings", "all", "Ouest")
    assert (row["baseline_amount"], row["n_baseline_months"]) == (Decimal("7.5"), 12)
    assert (row["target_amount"], row["actual_amount"], row["is_attained"]) == (Decimal("9.75"), 15, True)
    assert (row["asked_growth_rate"], row["growth_rate"]) == (Decimal("0.3"), Decimal("1"))
    low, high = proportion_confint(15, 15 + 90, method="wilson")
    assert float(row["growth_low_rate"]) == pytest.approx(low / (1 - low) * 12 - 1, abs=1e-9)
    assert float(row["growth_high_rate"]) == pytest.approx(high / (1 - high) * 12 - 1, abs=1e-9)
    # one month of fifteen meetings does not prove more than thirty percent
    assert row["growth_low_rate"] < row["asked_growth_rate"] and row["is_attainment_proved"] is False


@pytest.mark.audit("OB5", "OB6")
def test_the_growth_of_every_month_of_a_sheet_is_asked_of_the_year_before(market) -> None:
    """What January asked for is no part of what February is measured on, nor one quarter of the next."""
    for number in (1, 2, 4, 5, 6):
        row = _objective(market, date(2026, number, 1), "activities", "all", "Ouest")
        assert (row["baseline_amount"], row["n_baseline_months"]) == (Decimal("7.5"), 12)
        assert (row["target_amount"], row["basis_code"]) == (Decimal("8.25"), "growth")
        assert row["is_attainment_proved"] is not None
    march = _objective(market, date(2026, 3, 1), "activities", "all", "Ouest")
    assert (march["target_amount"], march["basis_code"]) == (9, "value")
    # no growth was asked for: whether one is proved is no question
    assert march["growth_low_rate"] is not None and march["is_attainment_proved"] is None
    assert market.execute(
        "select distinct target_amount, target_period_code from metrics.fct_quota_months"
        " where scope_code = 'company' and metric_code = 'activities'"
    ).fetchall() == [(9, "quarter")]


@pytest.mark.audit("OB5")
def test_the_growth_of_a_year_is_asked_of_each_of_its_months_over_the_year_before(market) -> None:
    mean = Decimal(5 * 4 + 7 * 10) / 12  # January to May 2025, June to December
    for month, done in ((date(2026, 1, 1), 10), (date(2026, 5, 1), 10)):
        row = _objective(market, month, "meetings", "all", None)
        assert row["target_amount"] == round(mean * Decimal("1.1"), 4)
        assert (row["actual_amount"], row["scope_code"], row["basis_code"]) == (done, "company", "growth")
    assert market.execute(
        "select count(*) from quality_dbt.dq_quota_sums where metric_code = 'meetings'"
    ).fetchone() == (0,)


@pytest.mark.audit("OB5")
def test_a_growth_over_months_that_nobody_knows_is_told_and_judged_by_none(market) -> None:
    row = _objective(market, JUNE, "meetings", "all", "Neuf")
    assert (row["n_targets"], row["n_targets_unknown"], row["unknown_reason_code"]) == (
        0,
        1,
        "baseline_short",
    )
    assert (row["target_amount"], row["attainment_rate"], row["is_attained"]) == (None, None, None)
    row = _objective(market, JUNE, "new_customers", "all", "Ouest")
    assert row["unknown_reason_code"] in ("baseline_short", "baseline_zero")


@pytest.mark.audit("SL1")
def test_leads_that_sales_accept_in_a_month_stand_against_what_marketing_committed_to(market) -> None:
    """The last of June is 23:00 in Paris; 1 July is after the cycle, and one was never accepted."""
    row = _objective(market, JUNE, "sql", "all", None)
    assert (row["target_amount"], row["actual_amount"], row["attainment_rate"]) == (4, 3, Decimal("0.75"))
    assert row["is_attained"] is False and row["scope_code"] == "company"
    may = _objective(market, date(2026, 5, 1), "sql", "all", None)
    assert (may["target_amount"], may["actual_amount"]) == (round(Decimal(48) * 31 / 365, 4), 0)


@pytest.mark.audit("OB3", "OB2", "OB1")
def test_objectives_of_a_stage_count_the_deals_that_reach_it_and_the_work_done_in_it(market) -> None:
    reached = _objective(market, JUNE, "stage_entries", "proposal", "Ouest")
    assert (reached["target_amount"], reached["actual_amount"]) == (2, 4)  # d1, skipped by d2 and d6, won d3
    won = _objective(market, JUNE, "stage_entries", "won", "Ouest")
    assert (won["actual_amount"], won["attainment_rate"]) == (1, Decimal("0.5"))
    worked = _objective(market, JUNE, "stage_activities", "negotiation", "Ouest")
    assert (worked["actual_amount"], worked["attainment_rate"]) == (2, Decimal("0.5"))
    nameless = _objective(market, JUNE, "stage_entries", "all", "Ouest")
    assert (nameless["n_targets"], nameless["unknown_reason_code"]) == (0, "stage_missing")


@pytest.mark.audit("K36", "FD2")
def test_a_buying_role_is_filled_once_however_many_hold_it(market) -> None:
    """d1 has two of three roles, d2 none in time, d4 all of them, d5 one of a contact that nobody can find, d6 none."""
    rows = market.execute(
        "select role_code, n_deals, n_deals_complete, n_deals_empty, n_expected, n_filled, filled_rate,"
        " filled_low_rate, filled_high_rate from marts.mart_sales_buying_roles_cycle"
        " where segment_kind_code = 'all' order by 1"
    ).fetchall()
    assert [row[:6] for row in rows] == [
        ("all", 5, 1, 3, 15, 5), ("champion", 5, 1, 3, 5, 2), ("decision_maker", 5, 1, 3, 5, 2),
        ("economic_buyer", 5, 1, 3, 5, 1),
    ]  # fmt: skip
    low, high = proportion_confint(2, 5, method="wilson")
    assert [float(each) for each in rows[1][6:]] == pytest.approx([2 / 5, low, high], abs=1e-9)
    # roles of a deal are filled together: fifteen of them are not fifteen trials
    assert (float(rows[0][6]), *rows[0][7:]) == (pytest.approx(1 / 3, abs=1e-9), None, None)
    strategic = market.execute(
        "select n_filled, n_expected from marts.mart_sales_buying_roles_cycle"
        " where segment_kind_code = 'account_kind' and segment_code = 'strategic' and role_code = 'all'"
    ).fetchone()
    assert strategic == (3, 3)


@pytest.mark.audit("PB16")
def test_deals_after_a_trigger_event_are_compared_with_those_without_any(market) -> None:
    """90 days before counts and 91 does not; the day itself, the day after and deals before the first event neither."""
    row = market.execute(
        "select n_with, n_with_reached, n_accounts_with, n_without, n_without_reached, n_accounts_without,"
        " difference_points, difference_low_points,"
        " difference_high_points, status_code, reason_code from marts.mart_sales_trigger_events_cycle"
        " where outcome_code = 'win' and event_kind_code = 'any'"
    ).fetchone()
    (n1, k1), (n0, k0) = planted_market.WITH, planted_market.WITHOUT
    twice = [n for n in range(planted_market.TWICE) if n % 2]
    accounts1 = n1 + 1
    n1, k1 = n1 + 1 + len(twice), k1 + 1 + sum(n < k1 for n in twice)  # edge_in, and the second deals
    n0, k0 = n0 + 4, k0 + 3  # edge_out, same_day, after and just_in
    n0, k0 = n0 + 1, k0 + 1  # d3, of a company that nothing is told of
    assert row[:6] == (n1, k1, accounts1, n0, k0, n0)
    # two deals of one company tell no more than one: 27 companies with one deal and 12 with two are fewer than 51
    size = n1**2 / (accounts1 - len(twice) + 4 * len(twice))
    low, high = confint_proportions_2indep(k1 / n1 * size, size, k0, n0, method="newcomb", compare="diff")
    assert [float(each) for each in row[6:9]] == pytest.approx(
        [100 * (k1 / n1 - k0 / n0), 100 * low, 100 * high], abs=1e-8
    )
    assert row[9:] == ("associated_higher", None)


@pytest.mark.audit("PB16")
def test_too_few_units_are_not_compared(market) -> None:
    rows = market.execute(
        "select outcome_code, event_kind_code, n_with, n_accounts_with, difference_points, status_code, reason_code"
        " from marts.mart_sales_trigger_events_cycle where status_code = 'insufficient' order by 1, 2"
    ).fetchall()
    # half of the companies had a second event, 31 deals of 19 companies; no lead is of a company that is known
    assert rows == [
        ("conversion", "acquisition", 0, 0, None, "insufficient", "n_below_minimum"),
        ("conversion", "any", 0, 0, None, "insufficient", "n_below_minimum"),
        ("conversion", "funding", 0, 0, None, "insufficient", "n_below_minimum"),
        ("win", "acquisition", 31, 19, None, "insufficient", "n_below_minimum"),
    ]


@pytest.mark.audit("K10")
def test_counts_of_networks_are_added_and_levels_never(market) -> None:
    found = {
        row[:3]: row[3:]
        for row in market.execute(
            "select strftime(period_month, '%m'), holder_code, metric_code, metric_value, kind_code, n_holders,"
            " reason_code, earlier_value, earlier_reason_code from marts.mart_marketing_social_month"
        ).fetchall()
    }
    none = "no_earlier_month"
    assert found == {
        ("05", "r1", "connections_accepted"): (7, "count", 1, None, None, none),
        ("05", "all", "connections_accepted"): (7, "count", 1, None, None, none),
        ("05", "r1", "invitations_sent"): (20, "count", 1, None, None, none),
        ("05", "all", "invitations_sent"): (20, "count", 1, None, None, none),
        ("05", "r1", "acceptance_rate"): (Decimal("0.35"), "rate", 1, None, None, none),
        ("05", "all", "acceptance_rate"): (Decimal("0.35"), "rate", 1, None, None, none),
        ("05", "r1", "ssi"): (35, "level", 1, None, None, none),
        ("05", "all", "ssi"): (35, "level", 1, None, None, none),
        ("06", "r1", "connections_accepted"): (11, "count", 1, None, 7, None),
        ("06", "r2", "connections_accepted"): (2, "count", 1, None, None, none),
        ("06", "all", "connections_accepted"): (13, "count", 2, None, 7, None),
        ("06", "r1", "invitations_sent"): (None, "count", 1, "negative_figure", 20, None),
        ("06", "r2", "invitations_sent"): (0, "count", 1, None, None, none),
        ("06", "all", "invitations_sent"): (0, "count", 1, None, 20, None),
        ("06", "r2", "acceptance_rate"): (None, "rate", 1, "no_unit", None, none),
        ("06", "all", "acceptance_rate"): (None, "rate", 1, "no_unit", Decimal("0.35"), None),
        ("06", "r1", "ssi"): (68, "level", 1, None, 35, None),
        ("06", "r2", "ssi"): (40, "level", 1, None, None, none),
        ("06", "all", "ssi"): (54, "level", 2, None, 35, None),
        ("06", "Page", "impressions"): (4000, "count", 1, None, None, none),
        ("06", "Page", "engagements"): (120, "count", 1, None, None, none),
        ("06", "Page", "engagement_rate"): (Decimal("0.03"), "rate", 1, None, None, none),
        ("06", "all", "impressions"): (4000, "count", 1, None, None, none),
        ("06", "all", "engagements"): (120, "count", 1, None, None, none),
        ("06", "all", "engagement_rate"): (Decimal("0.03"), "rate", 1, None, None, none),
        ("06", "Page", "followers"): (800, "level", 1, None, None, none),
        ("06", "Other page", "followers"): (50, "level", 1, None, None, none),
    }
