"""The MetricFlow definition of a metric and the published mart are one figure, month by month, cut by cut."""

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.metricflow_engine import disagreements, open_engine


@pytest.fixture(scope="module")
def candidate(demo_run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the demo company's warehouse, never the one of the session."""
    folder = tmp_path_factory.mktemp("agree")
    return Path(shutil.copy(demo_run.work / "warehouse.duckdb", folder / "warehouse.duckdb"))


@pytest.fixture(scope="module")
def query(candidate: Path, tmp_path_factory: pytest.TempPathFactory):
    return open_engine(tmp_path_factory.mktemp("engine") / "one", candidate)


@pytest.mark.audit("SL7")
def test_mf_query_and_the_mart_agree_for_every_metric_month_and_segment(query, candidate):
    with duckdb.connect(str(candidate), read_only=True) as con:
        compared, wrong = disagreements(query, con)
    assert compared > 1000
    assert not wrong, wrong[:10]


def test_a_mart_changed_by_the_ninth_decimal_is_noticed(query, candidate, tmp_path):
    changed = Path(shutil.copy(candidate, tmp_path / "warehouse.duckdb"))
    with duckdb.connect(str(changed)) as con:
        con.execute(
            "update marts.mart_management_kpis_month set metric_value = metric_value + 0.00000001"
            " where metric_name = 'cr' and segment_kind_code = 'all' and metric_value is not null"
        )
        n_changed = con.execute(
            "select count(*) from marts.mart_management_kpis_month"
            " where metric_name = 'cr' and segment_kind_code = 'all' and metric_value is not null"
        ).fetchone()[0]
        _, wrong = disagreements(query, con)
    assert len(wrong) == n_changed > 0


def test_mrr_without_a_time_grouping_is_the_last_month_and_not_the_sum(query, candidate):
    with duckdb.connect(str(candidate), read_only=True) as con:
        last = con.execute(
            "select max_by(closing_mrr, period_month), sum(closing_mrr) from marts.mart_finance_mrr_month"
            " where segment_kind_code = 'all'"
        ).fetchone()
    assert query(["mrr"], [])[0][0] == last[0] != last[1]
