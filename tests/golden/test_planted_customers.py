"""What the planted company says of its customers beside the cells of the KPI table: errors, edges, components."""

from datetime import date
from decimal import Decimal

import pytest


def company(marts, mart: str, month: str, *columns: str) -> tuple:
    """Columns of the whole company in one month."""
    return marts.execute(
        f"select {', '.join(columns)} from marts.{mart} where segment_kind_code = 'all' and period_month = '{month}'"
    ).fetchone()


@pytest.mark.audit("K27")
def test_the_standard_error_stands_beside_the_nps(marts):
    nps, error, *counts = company(
        marts, "mart_accounts_customers_month", "2025-12-01", "nps", "nps_standard_error", "n_responses",
        "n_promoters", "n_passives", "n_detractors",
    )  # fmt: skip
    assert (nps, counts) == (10, [100, 40, 30, 30])
    assert float(error) == pytest.approx(8.306624, abs=1e-6)


def test_who_pays_less_is_in_the_attrition_and_in_no_churn(marts):
    assert company(
        marts,
        "mart_finance_retention_month",
        "2025-07-01",
        "mrr_churn_rate",
        "mrr_attrition_rate",
        "grr_month_rate",
    ) == (0, Decimal("0.12"), Decimal("0.88"))


def test_retention_never_counts_a_customer_for_more_than_he_paid(marts):
    (worst,) = marts.execute(
        "select max(greatest(coalesce(grr_rate, 0), coalesce(grr_month_rate, 0)))"
        " from marts.mart_finance_retention_month"
    ).fetchone()
    assert worst == 1


@pytest.mark.audit("K20")
def test_a_start_is_mature_on_the_day_its_fate_is_known(marts):
    """April 2026: one start whose 90 days end with the cycle, and two one day younger, one of them lost already."""
    columns = (
        "n_starts",
        "n_starts_matured",
        "n_starts_immature",
        "n_starts_lost_90d",
        "early_churn_90d_rate",
    )
    assert company(marts, "mart_finance_retention_month", "2026-04-01", *columns) == (3, 1, 2, 0, 0)
    assert company(marts, "mart_finance_retention_month", "2025-12-01", *columns) == (
        2,
        2,
        0,
        1,
        Decimal("0.5"),
    )
    assert company(marts, "mart_finance_retention_month", "2025-11-01", "early_churn_90d_rate") == (
        Decimal("0.04"),
    )


def test_the_unknown_account_is_money_and_no_customer(marts):
    assert company(
        marts, "mart_finance_retention_month", "2025-08-01", "opening_mrr", "lost_mrr", "n_accounts_opening",
        "n_accounts_lost",
    ) == (330, 60, 4, 1)  # fmt: skip


def test_recurring_revenue_without_an_exchange_rate_is_unknown_and_its_accounts_count(marts):
    """Incident: counted as 0, a subscription without a rate was a loss, and new when the rate arrived."""
    missing = "exchange_rate_missing"
    columns = ("opening_mrr", "new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr", "churn_mrr",
               "closing_mrr", "arr", "mrr_reason_code", "new_mrr_ytd", "new_mrr_ytd_reason_code",
               "n_accounts_opening", "n_accounts_new", "n_accounts_churned", "n_accounts_closing")  # fmt: skip
    found = {
        month: company(marts, "mart_finance_mrr_month", f"2025-0{month}-01", *columns)
        for month in range(2, 7)
    }
    unknown = (None, missing)
    assert found == {
        2: (0, None, 0, 0, 0, 0, None, None, missing, *unknown, 0, 2, 0, 2),
        3: (None, 10, 0, None, None, 0, None, None, missing, *unknown, 2, 1, 0, 3),
        4: (None, 0, 0, None, None, None, 18, 216, missing, *unknown, 3, 0, 2, 1),
        5: (18, 0, None, 0, 0, -18, None, None, missing, *unknown, 1, 0, 1, 1),
        6: (None, 250, 0, 0, 0, None, 250, 3000, missing, *unknown, 1, 2, 1, 2),
    }
    columns = ("nrr_month_rate", "opening_reason_code", "mrr_churn_rate", "mrr_churn_reason_code", "logo_churn_rate",
               "arpa_amount", "arpa_reason_code")  # fmt: skip
    assert company(marts, "mart_finance_retention_month", "2025-04-01", *columns) == (
        None, missing, None, missing, Decimal("0.6666666667"), 18, None
    )  # fmt: skip
    assert company(marts, "mart_finance_retention_month", "2025-05-01", *columns) == (
        0, None, 1, None, 1, None, missing
    )  # fmt: skip
    columns = ("nrr_rate", "year_reason_code")
    assert company(marts, "mart_finance_retention_month", "2026-03-01", *columns) == (None, missing)
    assert company(marts, "mart_finance_retention_month", "2026-06-01", *columns) == (Decimal("0.8"), None)


def test_an_age_that_no_start_of_a_segment_has_lived_through_has_no_figure_there(marts):
    rows = marts.execute(
        "select segment_code, n_starts, n_at_risk, n_lost, retention_rate, retention_reason_code"
        " from marts.mart_finance_cohorts_month where period_month = '2025-07-01' and age_months = 12 order by 1"
    ).fetchall()
    assert rows == [
        ("all", 4, 1, 2, Decimal("0.375"), None),
        ("mid", 2, 0, 2, None, "start_immature"),
        ("smb", 2, 1, 0, 1, None),
    ]


def test_the_weight_of_an_unknown_component_goes_to_the_others(marts):
    rows = {
        row[0]: row[1:]
        for row in marts.execute(
            "select account_id, health_score, usage_recency_points, usage_trend_points, nps_points, mrr_trend_points,"
            " n_components, weight_known_rate, is_renormalised, health_reason_code"
            " from marts.mart_accounts_health_month where period_month = '2025-07-01'"
        ).fetchall()
    }
    assert rows["acc_s2"] == (
        Decimal("25.0566"), Decimal("15.0943"), None, 40, None, 2, Decimal("0.5"), True, None
    )  # fmt: skip
    assert rows["acc_s4"] == (None, None, None, None, None, 0, 0, False, "no_component_known")
    assert "unknown" not in rows


@pytest.mark.audit("K28")
def test_a_trend_of_use_needs_three_months_of_use(marts):
    """Incident: ten uses in five days of June made July look three times as good, and a first month like a collapse."""
    rows = marts.execute(
        "select account_id, period_month, usage_trend_points, usage_trend_reason_code"
        " from marts.mart_accounts_health_month where account_id in ('acc_s1', 'acc_s2', 'acc_s3', 'acc_s4')"
        " and period_month in ('2025-07-01', '2025-08-01') order by all"
    ).fetchall()
    july, august = date(2025, 7, 1), date(2025, 8, 1)
    assert rows == [
        ("acc_s1", july, None, "use_under_3_months"), ("acc_s1", august, None, "use_under_3_months"),
        ("acc_s2", july, None, "use_under_3_months"), ("acc_s2", august, None, "use_under_3_months"),
        ("acc_s3", july, None, "use_under_3_months"), ("acc_s3", august, 0, None),
        ("acc_s4", july, None, "no_use"),
    ]  # fmt: skip


@pytest.mark.audit("K18", "K19")
def test_arpa_and_churn_have_one_source(marts):
    """The unknown account is money and no customer, in the retention of customers and in what they are worth."""
    rows = marts.execute(
        "select a.revenue_per_account - r.arpa_amount, a.monthly_churn_rate - r.logo_churn_rate,"
        " a.n_accounts_closing - m.n_accounts_closing, a.n_accounts_lost - m.n_accounts_churned"
        " from marts.mart_finance_acquisition_month as a join marts.mart_finance_retention_month as r"
        " using (period_month, segment_kind_code, segment_code) join marts.mart_finance_mrr_month as m"
        " using (period_month, segment_kind_code, segment_code) where r.n_accounts_opening > 0"
    ).fetchall()
    assert len(rows) > 10
    assert all(abs(figure or 0) < Decimal("0.000001") for row in rows for figure in row)


def test_four_losses_validate_no_score(marts):
    auc, caveat, validated, lost = company(
        marts, "mart_accounts_customers_month", "2026-01-01", "health_auc_rate", "health_auc_caveat_code",
        "is_health_validated", "n_judged_lost",
    )  # fmt: skip
    assert (auc, caveat, validated, lost) == (Decimal("0.5416666667"), "too_few_losses", False, 4)


@pytest.mark.audit("K28")
def test_the_version_of_the_definition_stands_on_the_row(marts):
    assert marts.execute(
        "select account_id, definition_code, definition_version, rule_id, reached_on"
        " from metrics.fct_account_milestones where account_id in ('acc_u1', 'acc_u2') order by 1, 2"
    ).fetchall() == [
        ("acc_u1", "activation", 1, "ACT-1", date(2025, 11, 3)),
        ("acc_u1", "pql", 1, "PQL-1", date(2025, 10, 21)),
        ("acc_u2", "activation", 1, "ACT-1", date(2025, 11, 4)),
        ("acc_u2", "pql", 1, "PQL-1", date(2025, 12, 6)),
    ]
