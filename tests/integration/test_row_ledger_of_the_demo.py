"""The row ledger and the journal of the demo company: every row is accounted for, in known words."""

import duckdb
import pytest
import yaml

from ingest.reasons import reasons
from tests.metricflow_engine import ROOT


@pytest.fixture(scope="module")
def warehouse(demo_run):
    with duckdb.connect(str(demo_run.work / "warehouse.duckdb"), read_only=True) as con:
        yield con


@pytest.mark.audit("CL1")
def test_every_identity_of_the_ledger_balances_on_data_with_planted_dirt(warehouse):
    rows = warehouse.execute(
        "select term, count(*), count(*) filter (where difference <> 0), max(left_value)"
        " from quality_dbt.dq_ledger_balances group by term order by term"
    ).fetchall()
    assert [row[0] for row in rows] == list("ABCDEFG")
    assert not [row for row in rows if row[2] or row[3] == 0]


def test_every_reason_of_the_journal_is_worded_in_both_languages(warehouse):
    used = {
        code
        for (code,) in warehouse.execute("select distinct reason_code from quality_dbt.dq_journal").fetchall()
    }
    assert used and used <= set(reasons())


def test_every_decision_of_the_journal_has_its_own_id(warehouse):
    query = "select count(*), count(distinct journal_id) from quality_dbt.dq_journal"
    rows, ids = warehouse.execute(query).fetchone()
    assert rows == ids > 3_000


def test_every_reason_of_a_kpi_is_worded_in_both_languages(warehouse):
    used = {
        code
        for row in warehouse.execute(
            "select reason_code, caveat_code from marts.mart_management_kpis_month"
        ).fetchall()
        for code in row
        if code
    }
    for language in ("fr", "en"):
        path = ROOT / "orchestration" / "reporting" / f"catalogue.{language}.yml"
        assert used <= set(yaml.safe_load(path.read_text(encoding="utf-8"))["reason"]), language


def test_the_summary_of_the_journal_holds_no_value_of_the_journal(warehouse):
    columns = [c[0] for c in warehouse.execute("describe quality_dbt.dq_journal_summary").fetchall()]
    assert columns == ["step_code", "contract", "action", "reason_code", "n_decisions"]
    total = warehouse.execute("select sum(n_decisions) from quality_dbt.dq_journal").fetchone()
    assert (
        warehouse.execute("select sum(n_decisions) from quality_dbt.dq_journal_summary").fetchone() == total
    )
