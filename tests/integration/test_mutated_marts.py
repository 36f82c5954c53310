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
    "fct_revenue_group_years: left join accounts": "the list names accounts of the same crosswalk",
    "fct_revenue_group_years: left join summed": "the where asks for a month of the group",
    "fct_revenue_month_cells: left join group_firsts": "group_firsts is made of the same lines",
    "mart_accounts_strategic_month: left join accounts": "the list names accounts of the same crosswalk",
    "mart_accounts_strategic_month: left join group_months": "a group listed that bought nothing adds 0",
    "mart_accounts_strategic_month: left join months": "a time on the list without a month of revenue is in no month",
    "mart_accounts_values_account: left join accounts": "estimates are of accounts of the same master layer",
    "mart_finance_orders_month: left join dates": "the calendar holds the month of every order and promise",
    "mart_finance_acquisition_month: left join company": "a month with a size band has the whole company too",
    "mart_finance_revenue_growth_month: left join totals": "a month with a segment has the whole company too",
    "mart_finance_revenue_month: left join group_months": "group_months is made of the same lines",
    "mart_management_kpis_month: left join metric_list": "the names of all rows and of the list stand in this model",
    "fct_lead_cadences: left join leads": "the where asks that the touch comes before as_of, a column of the lead",
    "mart_sales_deal_scores_cycle: inner join opportunities": "scores are made of the opportunities of the fact",
    "fct_account_health_months: left join answers": "who gave no answer has no mean, with a row or without one",
    "fct_account_health_months: left join scales": "the weights that the project carries are valid at all times",
    "mart_finance_cohorts_month: left join quarters": "every cohort is one of the whole company too",
    "mart_finance_cohorts_month: left join segmented": "a cohort is made of its starts",
    "mart_finance_mrr_month: left join months": "the calendar has every month up to the cycle that has movements",
    "fct_lead_cadences: inner join home": "the seed lists every zone that company.yml admits",
    "fct_lead_cadences: inner join as_of_days": "the calendar has the first day after any cycle, whatever the country",
    "fct_lead_qualifications: left join definitions": "the where asks for a day of the version",
    "fct_lead_routings: left join first_months": "the where asks for a day from the first month on",
    "fct_objection_months: left join first_notes": "the where asks for a month from the first one on",
    "mart_marketing_social_month: left join wholes": "the where asks for the figure of the whole",
    "mart_sales_template_shares_cycle: left join of_persons": "the where asks for the day of the entry",
    "mart_sales_template_shares_cycle: left join of_companies": "the where asks for the day of the entry",
    "fct_lead_cadences: left join opportunities": "no opportunity has no day of opening, with a row or without one",
    "fct_handoffs: inner join definitions": "the definition that the project carries is valid at all times",
    "fct_handoffs: left join success_touches": "a deal that nobody took over has no touch, with a row or without one",
    "fct_lead_sequences: left join leads": "every cadence is of a lead",
    "fct_lead_sequences: left join templates": "the where asks for the window of the template",
    "fct_lead_sequences: left join eligible": "the where asks that the touch comes before as_of, a column of the lead",
    "fct_lead_sequences: left join steps": "the where asks for a day near the step",
    "fct_lead_sequences: left join refusals": "the where asks for the day of the refusal",
    "fct_lead_adherences: left join leads": "every cadence is of a lead",
    "fct_lead_adherences: left join thresholds": "without a row there are no days, which the next where asks for",
    "fct_lead_adherences: left join in_force": "the where asks for the days of the row",
    "fct_lead_adherences: inner join score_cuts": "the method gives every segment a cut",
    "fct_lead_adherences: left join touched_leads": "the where asks that the touch comes after the lead",
    "fct_lead_adherences: left join mailed_leads": "the where asks for a lead whose mails are watched",
    "fct_lead_adherences: left join contacted_accounts": "the where asks for the time of a lead of the account",
    "fct_lead_adherences: left join person_days": "the where asks for a touch in the days of the lead",
    "fct_lead_adherences: left join refusals": "the where asks for a refusal before as_of",
    "fct_lead_adherences: left join intro_leads": "the where asks for a day of the lead",
    "fct_lead_adherences: left join touch_days": "the where asks for a day of the rule",
    "fct_lead_adherences: left join mails": "the where asks for a day of the rule",
    "fct_call_log_days: left join zones": "no country and a zone without one give the same calendar",
    "fct_call_log_days: left join calendars": "no country and a zone without one give the same calendar",
    "fct_call_log_days: left join calendar": "the where asks for a worked day of the calendar",
    "mart_sales_late_contacts_cycle: left join cadences": "every adherence is of a cadence",
    "mart_sales_late_contacts_cycle: left join leads": "every adherence is of a lead",
    "fct_call_hours: left join by_country": "an account without a zone is no other than one that has no row",
    "fct_call_hours: left join calls": "the where asks for a connected call",
    "fct_call_hours: left join missed": "the where asks for a call before",
    "fct_call_hours: left join returned": "the where asks for a call before",
    "mart_revops_activity_month: left join months": "the months of a cut are months of the whole",
    "mart_sales_reps_month: left join years": "the twelve months up to a month hold the month itself",
    "mart_sales_reps_month: left join past": "the twelve months up to a month hold the month itself",
    "fct_stage_gates: left join passages": "what is asked is asked of a passage",
    "mart_sales_stage_verdicts_month: left join history": "the where asks for passages of the history",
    "fct_stage_passages: left join won": "the list of stages that the project carries has exactly one stage won",
    "fct_opportunity_engagements: left join spans": "what lies in no span of an opportunity is joined to none",
    "fct_pipeline_coverages: left join quarters": "the next join asks for the quarter",
    "fct_pipeline_coverages: left join reps": "the next join asks for the seller",
    "fct_pipeline_coverages: left join snapshots": "the where asks for the planned day, a column of the snapshot",
    "fct_pipeline_coverages: left join team_wins": "the where asks for the day of closing, a column of the win",
    "fct_pipeline_coverages: left join winners": "the next join asks for the team of the seller",
    "fct_stage_win_rates: left join funnel": "every way through the stages has reached the first one",
    "fct_stage_win_rates: left join month_paths": "the next join asks for the highest stage of the way",
    "fct_stage_win_rates: left join stages": "the where asks for the stage",
    "fct_pipeline_movements: left join candidates": "what is of no candidate is joined to none",
    "mart_sales_pipeline_open_cycle: left join closings": "the where asks whether it was won, a column of the closing",
    "fct_lead_routings: left join definitions": "the definition that the project carries is valid at all times",
    "mart_sales_template_shares_cycle: left join quadrants": "the where asks for two of the quadrants",
    "mart_sales_template_shares_cycle: left join leads": "the where asks for a time after the lead",
    "mart_sales_pipeline_paths_cycle: left join stages": "the list of stages has every code that a stage can take",
    "fct_quota_months: left join asked_stages": "work in a stage that nobody asked for meets no target",
    "fct_quota_months: left join deals": "the where asks for the account of the deal",
    "fct_quota_months: left join touches": "a deal that nobody worked on adds 0 to a month that is none",
    "fct_quota_months: left join opportunities": "passages are made of the opportunities of the fact",
    "fct_quota_months: left join first_months": "the next join asks for the first month",
    "fct_quota_months: left join known_months": "the where asks for the days of employment in the month",
    "mart_sales_trigger_events_cycle: left join opportunities": "the where asks for the account of the deal",
    "mart_sales_trigger_events_cycle: left join known_units": "who followed an event is one of the units",
    "mart_marketing_social_month: left join parts": "the next join asks for the holder of the part",
}
#: What sound data do not have: facts whose account, product or opportunity is nowhere, a stage before the first one,
#: a company without subscriptions, a strategic list that begins late.
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
    # customers who are no golden record: one who came and left at the beginning of the year, one who uses the product
    "insert into master.fct_mrr_movements by name select * replace ('gone/1' as account_month_key, 'acc_gone' as"
    " account_id, 'gone' as size_band_code, date_trunc('year', period_month) as period_month) from"
    " master.fct_mrr_movements where new_mrr > 0 limit 1",
    "insert into metrics.fct_mrr_account_months by name select * replace ('gone/1' as account_month_key, 'acc_gone' as"
    " account_id) from metrics.fct_mrr_account_months where closing_mrr > 0 limit 1",
    "insert into master.fct_product_usages by name select * replace ('acc_gone' as account_id, 9 as n_uses) from"
    " master.fct_product_usages where event_name = 'report_created' limit 1",
    "insert into metrics.fct_customer_starts by name select * replace ('acc_gone' as account_id, date '2035-01-01' as"
    " start_quarter_on, 5 as known_days) from metrics.fct_customer_starts limit 1",
    "insert into master.fct_leads by name select * replace ('lea_gone' as lead_id, null as timezone,"
    " null as country_code, null as lead_source, timestamp '2005-03-01 10:00:00' as created_at,"
    " date '2005-03-01' as created_on) from master.fct_leads limit 1",
    "insert into master.fct_leads by name select * replace ('lea_clock' as lead_id, null as timezone,"
    " 'DE' as country_code, 'Zeppelin' as lead_source) from master.fct_leads where created_at is not null limit 1",
    "insert into metrics.fct_lead_cadences by name select * replace ('lea_clock' as lead_id,"
    " 'outbound' as channel_code, 'enterprise' as size_band_code, date '2026-06-01' as created_on,"
    " timestamp '2026-06-01 09:00:00' as created_at)"
    " from metrics.fct_lead_cadences where is_dated limit 1",
    "insert into master.fct_order_lines by name select * replace ('gone' as order_line_id, 'acc_gone' as account_id)"
    " from master.fct_order_lines where promised_on is not null and cancelled_on is null limit 1",
    "insert into master.fct_calls by name select * replace ('gone' as call_key, 'lea_clock' as lead_id,"
    " 'unknown' as account_id) from master.fct_calls where direction_code = 'outbound' limit 1",
    "insert into master.fct_meetings by name select * replace ('gone' as meeting_key, 'gone' as occurrence_key,"
    " 'unknown' as lead_id) from master.fct_meetings where is_held limit 1",
    "insert into conforming.int_activities by name select * replace ('gone' as record_key, 'acc_gone' as account_id)"
    " from conforming.int_activities where activity_type = 'call' and not is_deleted and not is_automated limit 1",
    "delete from marts.mart_finance_retention_month",
    # a sale won in the cycle without a history, and a day of calls on which nothing else was logged
    "insert into metrics.fct_opportunity_closings by name select * replace ('silent' as opportunity_id,"
    " date '2026-06-15' as closed_on) from metrics.fct_opportunity_closings where is_won limit 1",
    "delete from metrics.fct_activity_days where occurred_on ="
    " (select max(called_on) from metrics.fct_call_log_days where n_calls > 0)",
    "insert into master.dim_reps (rep_id, full_name, role_code, team_name, is_active, hired_on)"
    " values ('rep_idle', 'Idle', 'ae', 'Paris', true, date '2026-01-01')",
    # somebody of customer success who has touched nobody and was hired before the first touch of the others
    "insert into master.dim_reps (rep_id, full_name, role_code, team_name, is_active, hired_on)"
    " values ('rep_care', 'Care', 'customer_success', 'Paris', true, date '2024-01-01')",
    "insert into master.fct_quotas by name select * replace ('gone' as quota_key, 'Nowhere' as team_name)"
    " from master.fct_quotas where scope_code = 'team' and period_start = date '2026-06-01' limit 1",
    # a quarter for which nobody has a target, nor one of a longer period
    "delete from master.fct_quotas where metric_code = 'revenue' and period_end >= date '2025-07-01'"
    " and period_start < date '2025-10-01'",
    # a win of nobody in a month with a target of wins, a seller who reaches no stage, an open deal of nobody anywhere
    "insert into master.fct_quotas by name select * replace ('won' as quota_key, 'stage_entries' as metric_code,"
    " 'won' as stage_code) from master.fct_quotas where metric_code = 'sql' and period_start = date '2026-05-01'",
    "insert into metrics.fct_opportunity_closings by name select * replace ('opp_nobody' as opportunity_id,"
    " 'rep_gone' as rep_id, date '2026-05-05' as closed_on) from metrics.fct_opportunity_closings where is_won limit 1",
    "insert into master.fct_quotas by name select * replace ('idle' as quota_key, 'rep' as scope_code,"
    " (select min(rep_id) from metrics.fct_rep_months where role_code = 'sdr') as rep_id) from master.fct_quotas"
    " where metric_code = 'stage_entries' and period_start = date '2026-06-01' limit 1",
    "insert into metrics.fct_opportunity_openings by name select * replace ('gone' as opportunity_id,"
    " 'acc_gone' as account_id, 'rep_gone' as rep_id) from metrics.fct_opportunity_openings"
    " where not is_closed limit 1",
    # a kind of event that no unit follows, figures of a seller without the other half of the rate
    "insert into master.fct_account_events by name select * replace ('gone' as account_event_key,"
    " 'acc_gone' as account_id, 'other' as event_kind_code) from master.fct_account_events limit 1",
    "insert into master.fct_social_metrics by name select * replace ('gone' as social_metric_key, 'rep_gone' as rep_id)"
    " from master.fct_social_metrics where metric_code = 'connections_accepted' limit 1",
    "update master.bridge_strategic_accounts set valid_from = date '2025-06-01'",
    # an opportunity whose seller, currency and history are nowhere, open and won; the change of one that is gone
    "insert into master.fct_opportunities by name select * replace ('opp_alone' as opportunity_id, 'ZZZ' as currency,"
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
    # a deal of a CRM that gives no field of MEDDIC
    "delete from master.fct_opportunity_evidences where opportunity_id ="
    " (select min(opportunity_id) from metrics.fct_stage_gates)",
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
