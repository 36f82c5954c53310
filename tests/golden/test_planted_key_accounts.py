"""Concentration, growth and customer value of the planted company beyond what the KPI table shows."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.golden import oracle_key_accounts as oracle
from tests.golden.planted_company import AS_OF, master_tables

ZONE = "Europe/Paris"
JANUARY, AUGUST, SEPTEMBER = date(2026, 1, 1), date(2025, 8, 1), date(2025, 9, 1)
COLUMNS = {
    "hhi": "hhi", "effective_n": "effective_n", "top_n_share": "top_5_share_rate", "gini": "gini",
    "abc": "n_a_groups", "n_accounts_for_40pct": "n_accounts_for_40pct",
}  # fmt: skip


def concentration(marts, month: date, view: str) -> dict:
    cursor = marts.execute(
        "select * from marts.mart_accounts_concentration_month"
        " where period_month = $month and segment_kind_code = 'group_view' and segment_code = $view",
        {"month": month, "view": view},
    )
    (row,) = cursor.fetchall()
    return dict(zip([column[0] for column in cursor.description], row, strict=True))


def test_two_customers_that_merge_are_two_groups_as_they_were_and_one_as_they_are(marts):
    assert concentration(marts, JANUARY, "as_was")["hhi"] == Decimal("0.2102")
    assert concentration(marts, JANUARY, "as_is")["hhi"] == Decimal("0.3602")
    assert concentration(marts, JANUARY, "as_was")["n_accounts_for_40pct"] == 2
    assert concentration(marts, JANUARY, "as_is")["n_accounts_for_40pct"] == 1


@pytest.mark.audit("K34")
def test_both_views_of_concentration_equal_the_oracle_in_every_month(marts):
    expected = oracle.views(master_tables(), AS_OF, ZONE)
    assert len(expected) > 20
    for (view, month), figures in expected.items():
        found = concentration(marts, month, view)
        for metric, column in COLUMNS.items():
            if metric in figures:
                assert abs(Fraction(found[column]) - figures[metric]) <= Fraction(1, 10**10), (
                    view,
                    month,
                    metric,
                )
            else:
                assert found[column] is None and found["concentration_reason_code"], (view, month, metric)


def test_a_group_that_starts_at_exactly_80_percent_is_of_class_b_and_40_percent_is_reached_by_equality(marts):
    """Groups of 70, 10, 10 and 10: in binary floats 0.7 + 0.1 lies under 0.8."""
    assert 0.7 + 0.1 < 0.8
    found = concentration(marts, AUGUST, "as_is")
    assert (found["n_groups"], found["n_a_groups"], found["n_b_groups"], found["n_c_groups"]) == (4, 2, 2, 0)
    assert found["n_accounts_for_40pct"] == 1


def test_a_group_under_zero_counts_as_nothing_and_is_listed_and_the_unknown_group_has_no_share(marts):
    found = concentration(marts, JANUARY, "as_is")
    assert (found["n_groups"], found["n_clipped_groups"], found["clipped_amount"]) == (7, 1, Decimal(-25))
    assert (found["attributed_amount"], found["unattributed_amount"]) == (500, 7)
    assert found["concentration_caveat_code"] == "history_under_12_months"


def test_a_line_without_a_rate_leaves_no_concentration_for_twelve_months(marts):
    assert (
        concentration(marts, date(2026, 3, 1), "as_is")["concentration_reason_code"]
        == "exchange_rate_missing"
    )
    assert concentration(marts, date(2026, 2, 1), "as_is")["concentration_reason_code"] is None


def growth(marts, month: date, kind: str) -> dict[str, tuple]:
    return {
        code: values
        for code, *values in marts.execute(
            "select segment_code, revenue_amount, base_amount, yoy_growth_rate, revenue_share_rate,"
            " year_to_date_amount from marts.mart_finance_revenue_growth_month"
            " where period_month = $month and segment_kind_code = $kind",
            {"month": month, "kind": kind},
        ).fetchall()
    }


def test_revenue_of_no_account_and_no_product_stays_in_every_total(marts):
    """Inner joins to accounts, products or leads would drop the 7 of June 2025, which nobody knows."""
    for kind in ("size_band", "product_family", "channel", "lead_source", "currency"):
        june = growth(marts, date(2025, 6, 1), kind)
        assert (
            sum(values[0] for values in june.values())
            == growth(marts, date(2025, 6, 1), "all")["all"][0]
            == 7
        )
        assert kind == "currency" or june["unknown"][0] == 7


def test_a_month_without_an_invoice_keeps_its_year_to_date_and_its_fall_to_nothing(marts):
    assert growth(marts, date(2025, 7, 1), "all")["all"][4] == 107
    assert growth(marts, date(2026, 1, 1), "all")["all"][4] == 0
    assert growth(marts, date(2025, 4, 1), "all")["all"][2] is None  # nothing a year before


@pytest.mark.audit("K15")
def test_a_customer_value_is_shown_with_its_cap_and_its_interval(marts):
    row = marts.execute(
        "select cltv_simple, cltv_capped, cltv_low, cltv_high, gross_margin_source_code, cltv_caveat_code"
        " from marts.mart_finance_acquisition_month where period_month = $month and segment_code = 'micro'",
        {"month": SEPTEMBER},
    ).fetchone()
    assert row[0] == 20000 and round(row[1]) == 14049
    # Wilson at 95 % of 1 in 50: 0.35 % to 10.50 %
    assert round(row[2]) == 3811 and round(row[3]) == 113018
    assert row[4:] == ("assumption", None)
