"""Each join of a mart and of a metrics model decides what is published: made outer or inner, a figure differs.

One join of a model is turned at a time, left into inner and inner into left, and the model is computed again: on the
demo company, and on a copy of it whose references lead nowhere and which has no subscriptions. What does NOT belong
here: which figures are right (tests/golden, the planted truth).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from tests.compiled_models import compiled_models

#: Mutants that give the same rows on any data, and why. All others must be noticed, and these must not be.
EQUIVALENT = {
    "mart_finance_groups_month: left join bridge": "each view asks for a flag of the bridge to be true",
    "mart_finance_revenue_month: left join group_months": "group_months is made of the same lines",
    "mart_management_kpis_month: left join metric_list": "the names of all rows and of the list stand in this model",
    "fct_lead_cadences: left join leads": "the where asks that the touch comes before as_of, a column of the lead",
    "fct_stage_passages: left join won": "the list of stages that the project carries has exactly one stage won",
    "fct_opportunity_engagements: left join spans": "what lies in no span of an opportunity is joined to none",
    "fct_pipeline_coverages: left join reps": "the next join asks for the seller",
    "fct_pipeline_coverages: left join snapshots": "the where asks for the planned day, a column of the snapshot",
    "fct_pipeline_coverages: left join team_wins": "the where asks for the day of closing, a column of the win",
    "fct_pipeline_coverages: left join winners": "the next join asks for the team of the seller",
    "fct_stage_win_rates: left join funnel": "every way through the stages has reached the first one",
    "fct_stage_win_rates: left join month_paths": "the next join asks for the highest stage of the way",
    "fct_stage_win_rates: left join stages": "the where asks for the stage",
    "mart_sales_pipeline_open_cycle: left join closings": "the where asks whether it was won, a column of the closing",
    "mart_sales_pipeline_paths_cycle: left join stages": "the list of stages has every code that a stage can take",
}
#: What sound data do not have: facts whose account, product or opportunity is nowhere, a stage before the first one,
#: a company without subscriptions.
PLANTED = (
    "insert into master.fct_invoice_lines by name select * replace ('gone' as invoice_line_id,"
    " 'acc_gone' as account_id, 'product_gone' as product_id) from master.fct_invoice_lines"
    " where net_amount_reporting > 0 and not is_intercompany limit 1",
    "insert into master.fct_email_sends by name select * replace ('gone' as send_key, 'acc_gone' as account_id)"
    " from master.fct_email_sends where is_delivered limit 1",
    "insert into master.fct_opportunity_stages by name select * replace ('gone' as opportunity_stage_key,"
    " 'opp_gone' as opportunity_id) from master.fct_opportunity_stages where stage_rank = 1 limit 1",
    "insert into master.fct_opportunity_stages by name select * replace ('before' as opportunity_stage_key,"
    " 0 as stage_rank) from master.fct_opportunity_stages where stage_rank = 1 limit 1",
    "delete from marts.mart_finance_mrr_month",
    # an opportunity whose seller, currency and history are nowhere, open and won; the change of one that is gone
    "insert into master.fct_opportunities by name select * replace ('opp_alone' as opportunity_id, 'XXX' as currency,"
    " 'rep_gone' as rep_id) from master.fct_opportunities where is_open limit 1",
    "insert into metrics.fct_opportunity_snapshots by name select * replace ('alone' as opportunity_snapshot_key,"
    " 'opp_alone' as opportunity_id, 'unknown' as stage_code, 'rep_gone' as rep_id, 'acc_gone' as account_id,"
    " snapshot_on + 3 as expected_close_on)"
    " from metrics.fct_opportunity_snapshots order by snapshot_on desc limit 1",
    "insert into metrics.fct_opportunity_snapshots by name select * replace ('early' as opportunity_snapshot_key,"
    " 'opp_early' as opportunity_id, 'rep_gone' as rep_id, snapshot_on + 3 as expected_close_on)"
    " from metrics.fct_opportunity_snapshots where period_month < (select max(period_month)"
    " from metrics.fct_opportunity_snapshots) order by snapshot_on desc limit 1",
    "insert into metrics.fct_opportunity_snapshots by name select * replace ('gone' as opportunity_snapshot_key,"
    " 'opp_gone' as opportunity_id) from metrics.fct_opportunity_snapshots order by snapshot_on desc limit 1",
    "insert into metrics.fct_opportunity_closings by name select * replace ('opp_alone' as opportunity_id,"
    " 'rep_gone' as rep_id) from metrics.fct_opportunity_closings where is_won limit 1",
    "insert into master.fct_opportunity_changes by name select * replace ('gone' as opportunity_change_key,"
    " 'opp_gone' as opportunity_id) from master.fct_opportunity_changes where stage_code = 'meeting' limit 1",
)


@dataclass(frozen=True)
class Mutant:
    """A query with one join turned. name: model, the join's new kind, what is joined."""

    name: str
    query: str


def mutants(model: str, query: str) -> list[Mutant]:
    """Every left join of a query as an inner one and every inner join as a left one, one at a time."""
    tree = sqlglot.parse_one(query, dialect="duckdb")
    found = []
    for join in tree.find_all(exp.Join):
        side, kind = join.args.get("side"), join.args.get("kind")
        if not (join.args.get("on") or join.args.get("using")):
            continue  # a cross join has no other kind
        turned = None if side else "LEFT"
        join.set("side", turned)
        join.set("kind", None if turned else "INNER")
        name = f"{model}: {'left' if turned else 'inner'} join {join.this.alias_or_name}"
        found.append(Mutant(name, tree.sql(dialect="duckdb")))
        join.set("side", side)
        join.set("kind", kind)
    return found


def is_same(con: duckdb.DuckDBPyConnection, query: str) -> bool:
    """Whether a query gives the rows of table `as_is`, each as often."""
    con.execute(f"create or replace temp table turned as {query}")
    return not con.execute(
        "select 1 where exists (from as_is except all from turned) or exists (from turned except all from as_is)"
    ).fetchall()


def survivors(con: duckdb.DuckDBPyConnection, model: str, query: str) -> list[str]:
    """Mutants of a model that give its rows."""
    con.execute(f"create or replace temp table as_is as {query}")
    assert is_same(con, sqlglot.parse_one(query, dialect="duckdb").sql(dialect="duckdb")), (
        f"{model} read otherwise"
    )
    return [each.name for each in mutants(model, query) if is_same(con, each.query)]


@pytest.fixture(scope="module")
def models(demo_run) -> dict[str, str]:
    """Compiled SQL of the marts and of the models that the metrics read."""
    return compiled_models(demo_run.work / "dbt", "marts", "metrics")


@pytest.fixture(scope="module")
def alive(demo_run, models, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Mutants that neither the demo company nor the planted one shows."""
    path = tmp_path_factory.mktemp("mutants") / "warehouse.duckdb"
    shutil.copy(demo_run.work / "warehouse.duckdb", path)
    with duckdb.connect(str(path)) as con:
        sound = {name for model, query in models.items() for name in survivors(con, model, query)}
        for statement in PLANTED:
            assert con.execute(statement).fetchall()[0][0] > 0, statement
        planted = {name for model, query in models.items() for name in survivors(con, model, query)}
    return sound & planted


def test_every_turned_join_of_a_mart_changes_what_is_published(models, alive) -> None:
    turned = [each.name for model, query in models.items() for each in mutants(model, query)]
    assert len(turned) == len(set(turned)) > 15
    assert alive == set(EQUIVALENT)


def test_each_join_is_turned_once_in_both_ways() -> None:
    query = "select * from a left join a as b using (x) join a as c on b.x = c.x cross join a as d"
    assert [each.name for each in mutants("m", query)] == ["m: inner join b", "m: left join c"]
    assert [each.query.count("LEFT JOIN") for each in mutants("m", query)] == [0, 2]
