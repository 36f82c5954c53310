"""Targets of the demo company, from its sheets to the months of its sellers, against the planted truth."""

from __future__ import annotations

import duckdb
import pytest


@pytest.fixture(scope="module")
def con(demo_run):
    with duckdb.connect(str(demo_run.work / "warehouse.duckdb"), read_only=True) as found:
        path = demo_run.company_dir / "truth" / "quota_truth.csv"
        found.execute(f"create temp view truth as from read_csv('{path}', all_varchar = true)")
        yield found


@pytest.mark.audit("OB7")
def test_every_target_of_the_sheets_has_its_seller_and_its_amount(con) -> None:
    """One seller's June is halved by a later sheet; teams have no seller."""
    told = "select coalesce(email, '') as seller, team, metric, period_month, cast(target as decimal(18, 4)) from truth"
    found = (
        "select case when q.scope_code = 'rep' then r.email else '' end, q.team_name, q.metric_code,"
        " strftime(q.period_start, '%Y-%m'), q.target"
        " from master.fct_quotas as q join master.dim_reps as r using (rep_id) where q.period_kind_code = 'month'"
    )
    assert con.execute(f"({told}) except all ({found})").fetchall() == []
    assert con.execute(f"({found}) except all ({told})").fetchall() == []
    kinds = "select distinct period_kind_code from master.fct_quotas order by 1"
    assert con.execute(kinds).fetchall() == [("month",), ("year",)]


@pytest.mark.audit("OB7")
def test_the_one_year_that_is_not_the_sum_of_its_months_is_told(con, demo_run) -> None:
    """One seller's year was typed 12,000 too high: the table, the rule, the list of work and the publication say so."""
    truth = demo_run.company_dir / "truth" / "year_quota_truth.csv"
    told = con.execute(
        "select email, cast(target as decimal(18, 4)), cast(months_target as decimal(38, 4)), adds_up"
        f" from read_csv('{truth}', all_varchar = true) order by 1"
    ).fetchall()
    assert [row[3] for row in told].count("false") == 1 and len(told) > 1
    sums = (
        "select r.email, s.target, s.parts_target, cast(s.status_code = 'equal' as varchar), s.quota_key"
        " from {}dq_quota_sums as s join {} as r using (rep_id) where s.part_kind_code = 'month'"
    )
    found = con.execute(sums.format("quality_dbt.", "master.dim_reps") + " order by 1").fetchall()
    assert [row[:4] for row in found] == told
    wrong = next(row[4] for row in found if row[3] == "false")
    results, work = (f"'{demo_run.work}/quality/{name}.parquet'" for name in ("rule_results", "worklist"))
    judged = f"select status, n_evaluated, n_failed from {results} where rule_id = 'R-FCT-092'"
    assert con.execute(judged).fetchall() == [("warn", len(told), 1)]
    assert con.execute(f"select record_key from {work} where rule_id = 'R-FCT-092'").fetchall() == [(wrong,)]
    published = demo_run.company_dir / "published" / "marts.duckdb"
    with duckdb.connect(str(published), read_only=True) as marts:
        listed = "select quota_key from dq_quota_sums where status_code = 'differs'"
        assert marts.execute(listed).fetchall() == [(wrong,)]


def test_a_month_asks_for_what_the_sheet_says_of_those_who_were_there(con) -> None:
    wrong = con.execute(
        "select m.quota_month_key from metrics.fct_quota_months as m join master.dim_reps as r"
        " on m.scope_code = 'rep' and r.rep_id = m.holder_code"
        " join truth as t on t.email = r.email and t.metric = m.metric_code"
        " and t.period_month = strftime(m.period_month, '%Y-%m')"
        " where m.target_amount <> cast(t.target as decimal(18, 4))"
    )
    assert wrong.fetchall() == []


def test_sellers_add_up_to_the_company(con) -> None:
    sums = "select sum(n_closed), sum(n_won), sum(revenue_amount) from metrics.fct_rep_months"
    of_company = (
        "select (select count(*) from metrics.fct_opportunity_closings),"
        " (select count(*) from metrics.fct_opportunity_closings where is_won),"
        " (select sum(net_amount_reporting) from metrics.fct_revenue_lines)"
    )
    assert con.execute(sums).fetchone() == con.execute(of_company).fetchone()


@pytest.mark.audit("PB15")
def test_roles_of_the_demo_are_conformed(con) -> None:
    found = con.execute(
        "select distinct role_name, role_code from master.dim_reps order by 1 nulls last"
    ).fetchall()
    assert found == [
        ("AE", "ae"),
        ("Customer Success Manager", "customer_success"),
        ("Head of Sales", "manager"),
        ("KAM", "kam"),
        ("SDR", "sdr"),
        (None, "unknown"),
    ]


@pytest.mark.audit("OB5", "SL1", "OB2", "OB3")
def test_objectives_of_the_demo_stand_against_what_was_done(con) -> None:
    """Each actual is counted again from the facts, each baseline from the year before."""
    rows = con.execute(
        "select metric_code, stage_code, period_month, target_amount, actual_amount, baseline_amount, n_baseline_months"
        " from marts.mart_revops_objectives_month where segment_kind_code = 'all' and period_month = date '2026-06-01'"
        " and metric_code in ('sql', 'meetings', 'stage_entries', 'stage_activities') order by 1, 2"
    ).fetchall()
    assert [row[:2] for row in rows] == [
        ("meetings", "all"), ("sql", "all"), ("stage_activities", "negotiation"), ("stage_entries", "proposal"),
    ]  # fmt: skip
    found = {row[0]: row for row in rows}
    june = "date '2026-06-01'"
    counts = {
        "sql": f"select count(*) from metrics.fct_lead_cadences where date_trunc('month', sql_on) = {june}",
        "meetings": "select sum(n_meetings) from metrics.fct_activity_days where handling_code = 'human'"
        f" and date_trunc('month', occurred_on) = {june}",
        "stage_entries": "select count(*) from metrics.fct_stage_passages p join master.fct_opportunities o"
        " using (opportunity_id) join master.dim_reps r on r.rep_id = o.rep_id"
        f" where p.stage_code = 'proposal' and date_trunc('month', entered_on) = {june} and r.team_name = 'Lyon'",
        "stage_activities": "with spans as (select opportunity_id, stage_code, changed_at, coalesce(lead(changed_at)"
        " over (partition by opportunity_id order by changed_at, opportunity_change_key), timestamp '2100-01-01')"
        " as left_at"
        " from master.fct_opportunity_changes, run.settings s where stage_code is not null and changed_at < s.as_of)"
        " select count(distinct t.touch_key) from spans join master.fct_opportunities o using (opportunity_id)"
        " join master.fct_touches t on t.account_id = o.account_id and t.occurred_at >= spans.changed_at"
        " and t.occurred_at < least(left_at, coalesce(o.closed_at, timestamp '2100-01-01')), run.settings s"
        " where spans.stage_code = 'negotiation' and o.account_id <> 'unknown' and t.occurred_at < s.as_of"
        f" and date_trunc('month', t.occurred_on) = {june}",
    }
    for metric, query in counts.items():
        assert found[metric][4] == con.execute(query).fetchone()[0], metric
    meetings, months = con.execute(
        "select sum(n_meetings), 12 from metrics.fct_activity_days where handling_code = 'human'"
        " and occurred_on < date '2026-01-01' and occurred_on >= date '2025-01-01'"
    ).fetchone()
    # the growth of every month of a sheet is asked of the year before
    assert found["meetings"][6] == months
    assert float(found["meetings"][3]) == pytest.approx(float(meetings) / months * 1.3, abs=1e-3)
    assert found["sql"][3] == 20
