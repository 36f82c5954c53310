"""Marts of the planted company against the independent oracle and the worked examples of the dictionary."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache

import pytest
import yaml

from orchestration.publication.trust import caveats
from tests.conventions import audit_coverage
from tests.golden import kpi_oracle as oracle
from tests.golden.planted_company import AS_OF, WINDOW_DAYS, master_tables
from tests.golden.planted_warehouse import PROJECT

HALF_A_UNIT = Fraction(1, 2 * 10**6)  # medians are published with six decimals
TENTH_DECIMAL = Fraction(1, 10**10)


@cache
def metrics() -> dict[str, dict]:
    found = {}
    for path in sorted((PROJECT / "models" / "metrics").glob("metrics_*.yml")):
        found |= {m["name"]: m for m in yaml.safe_load(path.read_text()).get("metrics", [])}
    return found


def worked_examples() -> list[tuple[str, dict]]:
    return [
        (n, m["config"]["meta"]["worked_example"])
        for n, m in metrics().items()
        if m["config"]["meta"]["published"]
    ]


def kpi_rows(marts) -> dict:
    rows = marts.execute(
        "select metric_name, period_month, segment_kind_code, segment_code, metric_value, numerator,"
        " denominator, reason_code from marts.mart_management_kpis_month"
    ).fetchall()
    return {tuple(row[:4]): row[4:] for row in rows}


@pytest.mark.parametrize(
    ("name", "example"), worked_examples(), ids=lambda v: v if isinstance(v, str) else ""
)
def test_the_worked_example_of_the_dictionary_comes_out_of_the_mart(marts, name, example):
    cell = (
        name,
        date.fromisoformat(example["period_month"]),
        example["segment_kind_code"],
        example["segment_code"],
    )
    assert kpi_rows(marts)[cell][0] == Decimal(example["value"])


@pytest.mark.audit(
    "K1",
    "K2",
    "K3",
    "K4",
    "K5",
    "K6",
    "K7",
    "K8",
    "K9",
    "K11",
    "K12",
    "K13",
    "K14",
    "K15",
    "K16",
    "K17",
    "K18",
    "K19",
    "K20",
    "K21",
    "K22",
    "K23",
    "K24",
    "K25",
    "K26",
    "K27",
    "K28",
    "K29",
    "K30",
    "K31",
    "K32",
    "K33",
    "K34",
    "K35",
    "K36",
    "K37",
    "K38",
    "K39",
    "K40",
    "K43",
    "K44",
    "QU1",
    "QU3",
    "QU16",
    "OB2",
    "OB3",
    "OB4",
    "OB11",
    "FD2",
    "SL2",
    "SL3",
    "SL5",
    "PB1",
    "PB2",
    "PB3",
    "MD10",
)
def test_every_kpi_cell_equals_the_independent_oracle(marts):
    expected = oracle.all_kpis(master_tables(), AS_OF, WINDOW_DAYS, "Europe/Paris")
    published = kpi_rows(marts)
    assert len(expected) > 300
    assert not set(expected) - set(published)
    for cell, (value, numerator, denominator) in expected.items():
        got, got_numerator, got_denominator, reason = published[cell]
        if value is None:
            assert got is None and reason, cell
            continue
        is_median = metrics()[cell[0]]["config"]["meta"].get("places") == 6
        assert abs(Fraction(got) - value) <= (HALF_A_UNIT if is_median else TENTH_DECIMAL), cell
        assert reason is None, cell
        if numerator is not None:
            assert (Fraction(got_numerator), Fraction(got_denominator)) == (numerator, denominator), cell
        elif denominator is not None:
            assert Fraction(got_denominator) == denominator, cell


def test_the_oracle_knows_every_metric_of_the_rows_that_this_module_proves(marts):
    """A row of the audit is not proved by cells of other metrics."""
    known = {cell[0] for cell, row in kpi_rows(marts).items() if row[0] is not None}
    computed = {cell[0] for cell in oracle.all_kpis(master_tables(), AS_OF, WINDOW_DAYS, "Europe/Paris")}
    here = [
        c for c in audit_coverage.citations() if c.test == "test_every_kpi_cell_equals_the_independent_oracle"
    ]
    known_rows = audit_coverage.rows()
    asked = {name for citation in here for name in known_rows[citation.code].metrics}
    assert len(asked) > 60 and not asked - computed and not asked - known


def test_a_cell_without_units_is_a_true_zero_or_says_why_it_has_no_value(marts):
    expected = oracle.all_kpis(master_tables(), AS_OF, WINDOW_DAYS, "Europe/Paris")
    extra = {cell: row for cell, row in kpi_rows(marts).items() if cell not in expected}
    units = dict(
        marts.execute(
            "select distinct metric_name, unit_code from marts.mart_management_kpis_month"
        ).fetchall()
    )
    for cell, (value, _, _, reason) in extra.items():
        if value is None:
            assert reason, cell
        else:
            assert value == 0 and units[cell[0]] in ("count", "money"), cell


def test_the_company_has_one_row_for_every_metric_and_month_up_to_the_cycle(marts):
    rows = [cell[:2] for cell in kpi_rows(marts) if cell[2] == "all"]
    names, months = {n for n, _ in rows}, sorted({m for _, m in rows})
    assert len(rows) == len(set(rows)) == len(names) * len(months)
    assert months[0] == date(2025, 1, 1) and months[-1] == date(2026, 6, 1) and len(months) == 18


@pytest.mark.audit("DE15", "R3")
def test_complaints_are_judged_by_the_iso_week_of_the_send_with_a_strict_bar(marts):
    weeks = oracle.send_cells(
        master_tables(), AS_OF, "Europe/Paris", lambda d: d - timedelta(days=d.weekday())
    ).values()
    rows = marts.execute(
        "select iso_week_start_on, segment_kind_code, segment_code, complaint_rate, n_complained,"
        " n_delivered, is_complaint_breach, complaint_reason_code from marts.mart_marketing_complaints_week"
    ).fetchall()
    assert {("complaint_rate", *row[:3]) for row in rows} == set(weeks)
    for week, kind, code, rate, complained, delivered, breach, reason in rows:
        value, numerator, denominator = weeks["complaint_rate", week, kind, code]
        assert (complained, delivered) == (numerator, denominator)
        assert (rate is None and breach is None and reason == "no_delivered_mail") if value is None else (
            abs(Fraction(rate) - value) <= TENTH_DECIMAL and breach == (value > Fraction(2, 1000))
        )  # fmt: skip
    company = {row[0]: row for row in rows if row[1] == "all"}
    assert company[date(2026, 5, 4)][6] is True and company[date(2026, 5, 11)][6] is False


def test_leads_without_a_date_are_counted_in_the_cycle_and_in_no_month(marts):
    total = marts.execute(
        "select n_leads, n_dated, n_undated, n_converted, n_converted_undated, n_touches_declared"
        " from marts.mart_sales_leads_cycle where segment_kind_code = 'all'"
    ).fetchone()
    leads = [
        row for row in master_tables()["fct_leads"] if (row["created_at"] or AS_OF - timedelta(1)) < AS_OF
    ]
    dated = sum(row["created_at"] is not None for row in leads)
    assert total == (len(leads), dated, 1, 7, 2, 12)
    by_month = marts.execute(
        "select sum(n_leads) from marts.mart_sales_leads_month where segment_kind_code = 'all'"
    )
    assert by_month.fetchone() == (dated,)


@pytest.mark.audit("FR11")
def test_segments_of_one_cut_add_up_to_the_whole_in_every_mart(marts):
    for mart, period, column in [
        ("mart_sales_leads_month", "period_month", "n_leads"),
        ("mart_sales_opportunities_month", "period_month", "closed_amount"),
        ("mart_sales_stages_month", "period_month", "n_reached"),
        ("mart_finance_revenue_month", "period_month", "revenue_amount"),
        ("mart_finance_mrr_month", "period_month", "closing_mrr"),
        ("mart_marketing_complaints_week", "iso_week_start_on", "n_sent"),
    ]:
        sums = marts.execute(
            f"select {period}, segment_kind_code,"
            f" case when count(*) = count({column}) then sum({column}) end"
            f" from marts.{mart} group by all order by all"
        ).fetchall()
        whole = {p: s for p, kind, s in sums if kind == "all"}
        assert len(sums) > len(whole)
        assert not [row for row in sums if row[2] != whole[row[0]]], mart


def test_every_code_beside_a_figure_is_worded(marts):
    """Incident: a caveat that no demo month had stopped the publication of a company that had it."""
    rows = marts.execute(
        "select distinct reason_code, caveat_code from marts.mart_management_kpis_month"
    ).fetchall()
    for language, texts in caveats().items():
        assert {caveat for _, caveat in rows if caveat} <= set(texts), language
    said = yaml.safe_load((PROJECT.parent / "orchestration/reporting/catalogue.en.yml").read_text())["reason"]
    assert {code for row in rows for code in row if code} <= set(said)


def test_an_amount_without_an_exchange_rate_leaves_no_sum_and_says_why(marts):
    """June holds 31 CHF that no rate converts: neither 70 EUR nor 0, and its other segments keep their sums."""
    june = {c: row for c, row in kpi_rows(marts).items() if c[1] == date(2026, 6, 1)}
    for metric in ("revenue_total", "revenue_new_business", "revenue_new_business_share"):
        assert june[metric, date(2026, 6, 1), "all", "all"][0] is None
        assert june[metric, date(2026, 6, 1), "all", "all"][3] == "exchange_rate_missing"
    assert june["revenue_total", date(2026, 6, 1), "size_band", "unknown"][0] == Decimal(45)
    assert june["revenue_total", date(2026, 6, 1), "currency", "CHF"][0] is None
    assert june["win_amount_rate_close", date(2026, 6, 1), "all", "all"][3] == "exchange_rate_missing"
    assert june["win_rate_close", date(2026, 6, 1), "all", "all"][0] == Decimal("0.6666666667")


def test_a_group_that_bought_without_a_known_rate_is_no_new_business(marts):
    assert kpi_rows(marts)["revenue_new_business", date(2026, 6, 1), "size_band", "unknown"][0] == 0


@pytest.mark.audit("QU2")
def test_median_and_quartiles_of_touches_are_those_of_the_oracle(marts):
    window = timedelta(days=WINDOW_DAYS)
    expected = oracle.touches_of_leads(master_tables(), AS_OF, window, "Europe/Paris")
    published = {
        tuple(row[:3]): row[3:]
        for row in marts.execute(
            "select period_month, segment_kind_code, segment_code, n_matured, touches_first_quartile,"
            " touches_median, touches_third_quartile from marts.mart_sales_leads_month where n_matured > 0"
        ).fetchall()
    }
    assert published.keys() == expected.keys()
    assert any(len(seen) > 3 and seen[0] < seen[-1] for seen in expected.values()), "quartiles that differ"
    for cell, seen in expected.items():
        n_matured, *quartiles = published[cell]
        assert n_matured == len(seen), cell
        for got, share in zip(quartiles, (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4)), strict=True):
            assert abs(Fraction(got) - oracle.quantile(seen, share)) <= HALF_A_UNIT, (cell, share)


def test_a_lead_converted_at_an_unknown_date_stays_in_the_cohort_and_in_the_journal(marts):
    """Four leads of April: one converted on its day, one too late, one nobody knows when, one not."""
    assert marts.execute(
        "select n_matured, n_converted_in_window, n_conversion_undated, conversion_rate"
        " from marts.mart_sales_leads_month where segment_kind_code = 'all' and period_month = '2026-04-01'"
    ).fetchone() == (4, 1, 1, Decimal("0.25"))
    assert marts.execute(
        "select metric_value, caveat_code from marts.mart_management_kpis_month"
        " where metric_name = 'cr' and segment_kind_code = 'all' and period_month = '2026-04-01'"
    ).fetchone() == (Decimal("0.25"), "conversion_undated")
    assert marts.execute(
        "select record_key, action from quality_dbt.dq_journal where reason_code = 'conversion_undated'"
        " order by 1"
    ).fetchall() == [("lea_15", "keep_flagged"), ("lea_8", "keep_flagged")]
