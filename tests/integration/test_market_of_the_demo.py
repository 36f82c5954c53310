"""Buying roles, trigger events and figures of networks of the demo company, from its files to the marts."""

from __future__ import annotations

import duckdb
import pytest

ROLES = {"Decision Maker": "decision_maker", "Economic Buyer": "economic_buyer", "Champion": "champion"}


@pytest.fixture(scope="module")
def con(demo_run):
    with duckdb.connect(str(demo_run.work / "warehouse.duckdb"), read_only=True) as found:
        for name in ("contact_role", "account_event", "social"):
            path = demo_run.company_dir / "truth" / f"{name}_truth.csv"
            found.execute(f"create temp view {name}_truth as from read_csv('{path}')")
        yield found


@pytest.mark.audit("K36", "FD2")
def test_roles_filled_on_open_deals_are_those_of_the_files(con) -> None:
    """Counted again from the truth: a role of an open opportunity, once."""
    named = " ".join(f"when '{name}' then '{code}'" for name, code in ROLES.items())
    wanted = con.execute(
        f"select case t.role {named} end as code, count(distinct o.opportunity_id)"
        " from contact_role_truth as t join metrics.fct_opportunity_openings as o"
        " on split_part(o.opportunity_id, '/', 3) = t.opportunity_id"
        " where not o.is_closed and code is not null group by all order by all"
    ).fetchall()
    found = con.execute(
        "select role_code, n_filled from marts.mart_sales_buying_roles_cycle"
        " where segment_kind_code = 'all' and role_code <> 'all' order by 1"
    ).fetchall()
    assert found == wanted and all(n > 0 for _, n in found)
    cuts = con.execute(
        "select segment_kind_code, sum(n_filled), sum(n_deals) from marts.mart_sales_buying_roles_cycle"
        " where role_code = 'all' group by 1"
    ).fetchall()
    assert len({row[1:] for row in cuts}) == 1 and len(cuts) == 4  # every cut adds up to the whole


@pytest.mark.audit("PB16")
def test_wins_are_more_frequent_after_the_planted_events_and_22_companies_prove_nothing(con) -> None:
    """One company's deals are no independent witnesses: the bar of 30 is one of companies."""
    n_events, n_unknown = con.execute(
        "select count(*), count(*) filter (where account_id = 'unknown') from master.fct_account_events"
    ).fetchone()
    assert (
        n_events == con.execute("select count(*) from account_event_truth").fetchone()[0] and n_unknown == 0
    )
    win = con.execute(
        "select with_rate > without_rate, status_code, reason_code, n_accounts_with, n_with, n_with + n_without"
        " from marts.mart_sales_trigger_events_cycle where outcome_code = 'win' and event_kind_code = 'any'"
    ).fetchone()
    assert win[:3] == (True, "insufficient", "n_below_minimum") and win[3] < 30 < win[4]
    assert 0 < win[5] < con.execute("select count(*) from metrics.fct_opportunity_closings").fetchone()[0]


@pytest.mark.audit("K10")
def test_figures_of_networks_are_those_of_the_files(con) -> None:
    """Counts are sums; the SSI of all sellers is a mean, so that 30 sellers do not have an SSI of 1500."""
    wrong = con.execute(
        "select t.period_month, t.metric, t.figure, m.metric_value from social_truth as t"
        " left join marts.mart_marketing_social_month as m"
        " on m.period_month = cast(t.period_month || '-01' as date) and m.holder_code = 'all'"
        " and m.metric_code = lower(replace(t.metric, ' ', '_'))"
        " where t.metric <> 'Followers' and (m.metric_value is null or abs(m.metric_value - case when t.metric = 'SSI'"
        " then t.figure / t.n_holders else t.figure end) > 1e-6)"
    ).fetchall()
    assert wrong == []
    assert con.execute(
        "select count(*) from marts.mart_marketing_social_month where metric_code = 'followers' and holder_code = 'all'"
    ).fetchone() == (0,)
    assert con.execute("select count(*) > 0 from social_truth").fetchone() == (True,)
