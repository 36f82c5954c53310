"""Targets and sellers of the planted team Nord: what the KPI table does not show."""

from datetime import date
from decimal import Decimal

import pytest


@pytest.mark.audit("OB7")
def test_a_target_that_is_not_the_sum_of_its_parts_is_named(marts):
    found = marts.execute(
        "select team_name, metric_code, period_kind_code, period_start, part_kind_code, status_code, difference"
        " from quality_dbt.dq_quota_sums where status_code <> 'no_parts'"
        " and team_name in ('Est', 'Nord') order by all"
    ).fetchall()
    quarter = ("Est", "new_customers", "quarter")
    assert found == [
        (*quarter, date(2026, 1, 1), "month", "equal", Decimal(0)),
        (*quarter, date(2026, 4, 1), "month", "differs", Decimal(-3)),
        ("Nord", "revenue", "quarter", date(2026, 1, 1), "month", "ambiguous", Decimal(100)),
        ("Nord", "revenue", "year", date(2025, 1, 1), "month", "incomplete", Decimal(-1100)),
    ]


def test_a_month_is_judged_by_the_shortest_period_and_by_the_days_of_employment(marts):
    found = dict(
        marts.execute(
            "select holder_code || ' ' || strftime(period_month, '%Y-%m'), target_amount from metrics.fct_quota_months"
            " where holder_code like 'rep_n_' and metric_code = 'revenue'"
            " and period_month >= '2025-09-01' and period_month < '2025-12-01'"
        ).fetchall()
    )
    assert found == {
        "rep_n1 2025-09": Decimal(100),  # the month, not a twelfth of the year
        "rep_n2 2025-09": Decimal(200),
        "rep_n3 2025-09": Decimal(50),
        "rep_n4 2025-09": Decimal(150),  # 30 of the 92 days of the quarter
        "rep_n1 2025-10": Decimal("101.9178"),  # 31 days of 365
        "rep_n2 2025-10": Decimal(80),  # given twice, asked once
        "rep_n1 2025-11": Decimal("98.6301"),
        "rep_n3 2025-11": Decimal(50),  # left in the middle of the month
    }


def test_sellers_without_a_target_and_ramping_ones_are_counted_apart(marts):
    row = marts.execute(
        "select n_active_rep_months, n_ramping_rep_months, n_reps_without_target, revenue_amount, revenue_per_rep"
        " from marts.mart_sales_reps_month where period_month = '2026-02-01' and segment_code = 'Nord'"
    ).fetchone()
    # rep_n1 and rep_n8 are in place, rep_n10 ramps up with its 1000 of revenue; none of them has a target in February
    assert row == (2, 1, 3, Decimal(500), Decimal(3000))


@pytest.mark.audit("K37", "OB7")
def test_the_targets_of_sellers_stand_before_their_team_s_and_these_before_the_company_s(marts):
    """August has a team's target of activities alone, October a team's and its sellers', November the
    company's target of new customers alone, September also those of teams."""
    judged = marts.execute(
        "select period_month, metric_code, scope_code, holder_code, target_amount, actual_amount"
        " from metrics.fct_quota_months where is_judged and (metric_code, period_month) in (('activities',"
        " date '2025-08-01'), ('activities', date '2025-10-01'), ('new_customers', date '2025-09-01'),"
        " ('new_customers', date '2025-11-01')) order by 1, 2, 3, 4"
    ).fetchall()
    aug, sep, octo, nov = (date(2025, n, 1) for n in (8, 9, 10, 11))
    assert [row[:5] for row in judged] == [
        (aug, "activities", "team", "Nord", 4), (sep, "new_customers", "team", "Nord", 4),
        (sep, "new_customers", "team", "Sud", 2), (octo, "activities", "rep", "rep_n5", 4),
        (octo, "activities", "rep", "rep_n8", 3), (nov, "new_customers", "company", "company", 8),
    ]  # fmt: skip
    scopes = marts.execute(
        "select quota_scope_code, activity_scope_code, customer_scope_code from marts.mart_revops_targets_month"
        " where segment_kind_code = 'all' and period_month = '2025-11-01'"
    ).fetchone()
    assert scopes == ("mixed", None, "company")


@pytest.mark.audit("K25")
def test_the_halves_of_revenue_per_seller_give_its_value(marts):
    rows = marts.execute(
        "select metric_value, numerator, denominator from marts.mart_management_kpis_month"
        " where metric_name = 'revenue_per_rep' and metric_value is not null"
    ).fetchall()
    assert rows
    assert all(abs(value * n - total) < Decimal("0.0001") for value, total, n in rows)


def test_a_user_without_dates_is_employed_from_the_first_sign_of_work_to_the_last(marts):
    months = marts.execute(
        "select rep_id, min(period_month), max(period_month), max(is_leaving) from metrics.fct_rep_months"
        " where is_employed and rep_id in ('rep_n8', 'rep_n9') group by 1 order by 1"
    ).fetchall()
    assert months == [
        ("rep_n8", date(2025, 10, 1), date(2026, 6, 1), False),
        ("rep_n9", date(2025, 7, 1), date(2025, 8, 1), True),
    ]


def test_no_score_is_published_without_its_model(marts):
    assert marts.execute("select count(*) from marts.mart_sales_deal_scores_cycle").fetchone() == (0,)
    said = marts.execute(
        "select period_month, n_passages, brier_score, base_brier_score from marts.mart_sales_deal_scores_month"
        " where segment_kind_code = 'all' order by 1"
    ).fetchall()
    assert said[0] == (date(2025, 9, 1), 2, Decimal("0.065"), Decimal("0.26"))
    assert said[-1] == (date(2026, 6, 1), 0, None, None)
