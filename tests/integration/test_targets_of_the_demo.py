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
        " from master.fct_quotas as q join master.dim_reps as r using (rep_id)"
    )
    assert con.execute(f"({told}) except all ({found})").fetchall() == []
    assert con.execute(f"({found}) except all ({told})").fetchall() == []
    assert con.execute("select distinct period_kind_code from master.fct_quotas").fetchall() == [("month",)]


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
        ("Head of Sales", "manager"),
        ("KAM", "kam"),
        ("SDR", "sdr"),
        (None, "unknown"),
    ]
