"""MetricFlow on the planted company: the third face of each metric, beside the mart and the oracle."""

from datetime import date
from pathlib import Path

import pytest

from orchestration.dictionary.metric import dictionary
from tests.metricflow_engine import Query, disagreements, faces_of, open_engine, published_metrics

#: Metrics that MetricFlow only reads from the mart, which the mart and plain Python alone define, and why. May shrink.
TWO_FACES = {
    "clv_bgnbd": "the expectations are estimated after the facts are built, and stand in a mart only",
    "deal_score_brier": "the probabilities are estimated after the facts are built, and stand in a mart only",
    "time_in_stage": "half is where a product over all days before falls so low: no sum, mean or median of rows",
    "ttf_km_median": "half is where a product over all hours before falls so low: no sum, mean or median of rows",
}


@pytest.fixture(scope="module")
def query(planted_work: Path, tmp_path_factory: pytest.TempPathFactory) -> Query:
    return open_engine(tmp_path_factory.mktemp("engine") / "one", planted_work / "warehouse.duckdb")


def test_mf_query_and_the_mart_agree_on_every_planted_edge(query, marts):
    compared, wrong = disagreements(query, marts)
    assert compared > 1600
    assert not wrong, wrong[:10]


def test_no_more_metrics_are_read_from_the_mart_than_declared():
    """A metric of MetricFlow that is the maximum of the mart's own cell agrees with it whatever it says."""
    assert {name for name, metric in published_metrics().items() if faces_of(metric) == 2} == set(TWO_FACES)
    told = {each.name for each in dictionary().values() if each.is_published and each.is_read_from_mart}
    assert told == set(TWO_FACES), "docs/metrics.md counts what MetricFlow computes by this"


def test_each_metric_is_asked_by_every_segment_kind_that_the_mart_has(marts):
    """Incident: revenue by size band was wrong by 1,000 in every cell, and MetricFlow was asked for the whole alone."""
    kinds: dict[str, set[str]] = {}
    for name, kind in marts.execute(
        "select distinct metric_name, segment_kind_code from marts.mart_management_kpis_month"
    ).fetchall():
        kinds.setdefault(name, set()).add(kind)
    metas = {name: metric["config"]["meta"] for name, metric in published_metrics().items()}
    asked = {name: {"all", *meta["cuts"]} for name, meta in metas.items() if "cuts" in meta}
    assert len(asked) > 100
    assert {name: kinds.get(name) for name in asked} == asked
    assert all(meta.get("cell") or meta.get("segments") for name, meta in metas.items() if name not in asked)


def test_the_year_to_date_of_a_quarter_is_that_of_its_last_month(query):
    """Incident: without period_agg MetricFlow gives the first month of a quarter, 3,150 of April instead of 3,650."""
    quarters = {row[0].date(): row[1] for row in query(["mrr_new_ytd"], ["metric_time__quarter"])}
    months = {row[0].date(): row[1] for row in query(["mrr_new_ytd"], ["metric_time__month"])}
    assert quarters[date(2026, 4, 1)] == months[date(2026, 6, 1)] == 3650 != months[date(2026, 4, 1)]
