"""MetricFlow on the planted company: the third face of each metric, beside the mart and the oracle."""

from datetime import date
from pathlib import Path

import pytest

from tests.metricflow_engine import Query, disagreements, faces_of, open_engine, published_metrics

#: Metrics that MetricFlow cannot compute from facts and reads from the mart: medians of survivors, properties of all
#: groups together, models, sources without a common entity. The mart and plain Python alone define them. May shrink.
TWO_FACES = {
    "abc", "accounts_per_kam", "cac", "cac_media", "cac_payback", "channel_revenue_share", "clv_bgnbd", "cltv_cac",
    "cltv_simple", "cohort_retention", "deal_score_brier", "effective_n", "gini", "health_auc", "hhi",
    "n_accounts_for_40pct", "pipeline_velocity", "rep_attrition_rate", "rest_growth", "strategic_growth",
    "strategic_growth_ratio", "time_in_stage", "top_n_share", "ttf_km_median",
}  # fmt: skip


@pytest.fixture(scope="module")
def query(planted_work: Path, tmp_path_factory: pytest.TempPathFactory) -> Query:
    return open_engine(tmp_path_factory.mktemp("engine") / "one", planted_work / "warehouse.duckdb")


def test_mf_query_and_the_mart_agree_on_every_planted_edge(query, marts):
    compared, wrong = disagreements(query, marts)
    assert compared > 900
    assert not wrong, wrong[:10]


def test_no_more_metrics_are_read_from_the_mart_than_declared():
    """A metric of MetricFlow that is the maximum of the mart's own cell agrees with it whatever it says."""
    assert {name for name, metric in published_metrics().items() if faces_of(metric) == 2} == TWO_FACES


def test_the_year_to_date_of_a_quarter_is_that_of_its_last_month(query):
    """Incident: without period_agg MetricFlow gives the first month of a quarter, 3,150 of April instead of 3,650."""
    quarters = {row[0].date(): row[1] for row in query(["mrr_new_ytd"], ["metric_time__quarter"])}
    months = {row[0].date(): row[1] for row in query(["mrr_new_ytd"], ["metric_time__month"])}
    assert quarters[date(2026, 4, 1)] == months[date(2026, 6, 1)] == 3650 != months[date(2026, 4, 1)]
