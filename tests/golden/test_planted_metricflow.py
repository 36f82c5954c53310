"""MetricFlow on the planted company: the third face of each metric, beside the mart and the oracle."""

from tests.metricflow_engine import disagreements, open_engine


def test_mf_query_and_the_mart_agree_on_every_planted_edge(marts, planted_work, tmp_path):
    compared, wrong = disagreements(
        open_engine(tmp_path / "engine", planted_work / "warehouse.duckdb"), marts
    )
    assert compared > 900
    assert not wrong, wrong[:10]
