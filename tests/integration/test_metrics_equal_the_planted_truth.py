"""The marts of the demo company against the KPI values that its generator wrote down beside the extracts."""

from decimal import Decimal

import duckdb
import pytest

CENT = Decimal("0.01")
# The truth knows a person under two mailboxes as one, strong keys cannot: both values are written down.
EXACT = [
    "mrr",
    "mrr_new",
    "mrr_expansion",
    "mrr_contraction",
    "mrr_churn",
    "mrr_reactivation",
    "win_rate_close",
    "sales_cycle_days",
]
BY_PERSON = {
    "leads_new": "leads_new",
    "cr": "cr",
    "touches_per_lead": "touches_per_lead_matured",
    "contacted_24h_rate": "contacted_24h_rate",
}
# Hours of a first touch are kept to four places; the truth has them to the second.
FOUR_PLACES = Decimal("1e-4")


@pytest.fixture(scope="module")
def cells(demo_run):
    """(metric, month, stage or None) -> (mart, truth, truth under strong keys), months that both have."""
    truth = demo_run.company_dir / "truth" / "kpi_values.parquet"
    with duckdb.connect(str(demo_run.work / "warehouse.duckdb"), read_only=True) as con:
        rows = con.execute(
            "select truth.metric_name, truth.period_start, truth.dimension, kpis.metric_value,"
            " cast(truth.value as decimal(38, 10)), cast(truth.value_strong_keys as decimal(38, 10)),"
            " coalesce(kpis.n_immature, 0)"
            f" from read_parquet('{truth}') as truth inner join marts.mart_management_kpis_month as kpis"
            " on kpis.metric_name = replace(truth.metric_name, '_matured', '')"
            " and kpis.period_month = truth.period_start"
            " and kpis.segment_kind_code = case when truth.dimension is null then 'all' else 'stage' end"
            " and kpis.segment_code = coalesce(truth.dimension, 'all')"
            " where truth.grain = 'month'"
        ).fetchall()
    return {tuple(row[:3]): row[3:] for row in rows}


def of(cells: dict, metric: str) -> dict:
    found = {cell: values for cell, values in cells.items() if cell[0] == metric}
    assert len(found) >= 12, metric
    return found


@pytest.mark.parametrize("metric", EXACT)
def test_deals_and_recurring_revenue_equal_the_truth(cells, metric):
    for cell, (mart, truth, _, _) in of(cells, metric).items():
        assert abs((mart or 0) - (truth or 0)) <= Decimal("1e-9"), cell


@pytest.mark.parametrize("metric", ["revenue_total", "revenue_new_business"])
def test_revenue_equals_the_truth_to_the_cent(cells, metric):
    for cell, (mart, truth, _, _) in of(cells, metric).items():
        assert abs(mart - truth) < CENT, cell


@pytest.mark.parametrize("metric", sorted(BY_PERSON))
def test_lead_figures_equal_the_truth_as_far_as_persons_can_be_recognised(cells, metric):
    for cell, (mart, truth, strong, _) in of(cells, BY_PERSON[metric]).items():
        known = [value or Decimal(0) for value in (truth, strong)]
        assert min(abs((mart or 0) - value) for value in known) <= Decimal("1e-9"), cell


def test_median_hours_to_first_touch_equal_the_truth(cells):
    for cell, (mart, truth, strong, _) in of(cells, "ttf_hours").items():
        assert mart > 0 and min(abs(mart - truth), abs(mart - strong)) < FOUR_PLACES, cell


def test_stage_conversion_equals_the_truth_where_the_cohort_is_mature(cells):
    mature = {c: v for c, v in of(cells, "stage_conversion").items() if not v[3]}
    assert len(mature) > 30
    for cell, (mart, truth, _, _) in mature.items():
        assert abs(mart - truth) <= Decimal("1e-9"), cell


@pytest.mark.audit("FD2")
def test_deals_past_a_gate_without_evidence_equal_the_truth(cells):
    gates = of(cells, "gate_without_evidence_rate")
    assert len(gates) > 30 and {stage for _, _, stage in gates} == {
        "needs_defined",
        "proposal",
        "negotiation",
    }
    assert any(0 < mart < 1 for mart, *_ in gates.values())
    for cell, (mart, truth, _, _) in gates.items():
        assert abs(mart - truth) <= Decimal("1e-9"), cell


def test_weekly_complaints_equal_the_truth(demo_run):
    truth = demo_run.company_dir / "truth" / "kpi_values.parquet"
    with duckdb.connect(str(demo_run.work / "warehouse.duckdb"), read_only=True) as con:
        rows = con.execute(
            "select truth.period_start, truth.numerator, truth.denominator, weeks.n_complained,"
            " weeks.n_delivered"
            f" from read_parquet('{truth}') as truth left join marts.mart_marketing_complaints_week as weeks"
            " on weeks.iso_week_start_on = truth.period_start and weeks.segment_kind_code = 'all'"
            " where truth.metric_name = 'complaint_rate' and truth.grain = 'week'"
        ).fetchall()
    assert len(rows) > 50
    assert not [row for row in rows if row[1:3] != row[3:5]]


def test_revenue_by_group_equals_the_truth_to_the_cent_as_was_as_is_and_pro_forma(demo_run):
    """Groups are told apart by their top company: golden ids on one side, true companies on the other."""
    truth = demo_run.company_dir / "truth"
    with duckdb.connect(str(demo_run.work / "warehouse.duckdb"), read_only=True) as con:
        con.execute(
            "create temp table tops as select xref.account_id, min(clusters.true_id) as true_id"
            " from master.xref_accounts as xref"
            f" inner join read_parquet('{truth}/entity_clusters.parquet') as clusters"
            " on clusters.entity = 'account' and xref.contract = clusters.contract"
            " and xref.source_record_id = clusters.source_record_id where clusters.contract <> 'crm_lead'"
            " group by xref.account_id"
        )
        rows = con.execute(
            "with mart as (select view_code, kind_code, period_month,"
            " coalesce(tops.true_id, groups.group_id) as true_id, sum(revenue_amount) as revenue"
            " from marts.mart_finance_groups_month as groups"
            " left join tops on 'acc_' || substr(groups.group_id, 5) = tops.account_id group by all)"
            " select truth.view_code, truth.kind_code, truth.group_true_id, mart.true_id, mart.revenue, truth.revenue"
            f" from mart full join read_parquet('{truth}/group_revenue.parquet') as truth"
            " on mart.view_code = truth.view_code and mart.kind_code = truth.kind_code"
            " and mart.true_id = truth.group_true_id and mart.period_month = truth.period_month"
        ).fetchall()
    assert len(rows) > 1000
    assert not [row for row in rows if row[2] is None or row[3] is None or abs(row[4] - row[5]) >= CENT]
    by_view = {
        view: {row[2] for row in rows if row[:2] == (view, "legal")}
        for view in ("as_was", "as_is", "pro_forma")
    }
    assert len(by_view["as_was"]) > len(by_view["as_is"]) > len(by_view["pro_forma"])


def leavers(demo_run, kind: str) -> list[tuple]:
    """(true id, since, until) of the planted customers or sellers who left."""
    truth = demo_run.company_dir / "truth" / "leaver_truth.csv"
    return duckdb.sql(
        f"select true_id, since, until from '{truth}' where kind = '{kind}' order by 1"
    ).fetchall()


def test_the_customers_planted_to_leave_within_90_days_are_those_lost_early(demo_run):
    clusters = demo_run.company_dir / "truth" / "entity_clusters.parquet"
    with duckdb.connect(str(demo_run.work / "warehouse.duckdb"), read_only=True) as con:
        found = con.execute(
            "select distinct clusters.true_id, starts.started_on, starts.ended_on"
            " from metrics.fct_customer_starts as starts"
            " inner join master.xref_accounts as xref on starts.account_id = xref.account_id"
            f" inner join read_parquet('{clusters}') as clusters"
            " on xref.contract = clusters.contract and xref.source_record_id = clusters.source_record_id"
            " where starts.is_lost_90d and clusters.contract = 'erp_customer' order by 1"
        ).fetchall()
    assert len(found) == 2
    assert found == leavers(demo_run, "customer")


def test_the_seller_planted_to_leave_is_the_one_who_left(demo_run):
    ((user_id, since, until),) = leavers(demo_run, "seller")
    with duckdb.connect(str(demo_run.work / "warehouse.duckdb"), read_only=True) as con:
        found = con.execute(
            "select rep_id, min(period_month), max(period_month) filter (where is_leaving)"
            " from metrics.fct_rep_months where is_employed and is_selling and rep_id in"
            " (select rep_id from metrics.fct_rep_months where is_leaving) group by rep_id"
        ).fetchall()
    assert found == [(f"crm/crm_user/{user_id}", since.replace(day=1), until.replace(day=1))]
