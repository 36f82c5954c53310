"""Customers of the demo company handed from sales to customer success, against the planted truth."""

from __future__ import annotations

import duckdb
import pytest


@pytest.fixture(scope="module")
def con(demo_run):
    with duckdb.connect(str(demo_run.work / "warehouse.duckdb"), read_only=True) as found:
        path = demo_run.company_dir / "truth" / "handoff_truth.csv"
        found.execute(f"create temp view truth as from read_csv('{path}')")
        yield found


@pytest.mark.audit("SL5")
def test_every_won_deal_is_taken_over_when_customer_success_met_its_company(con) -> None:
    told = "select opportunity_id, won_on, cast(lag_days as int), has_team, is_lost from truth"
    found = (
        "select split_part(opportunity_id, '/', 3), handed_on, cast(lag_days as int), reason_code is null, is_lost"
        " from metrics.fct_handoffs where to_code = 'customer_success'"
    )
    assert con.execute(f"({told}) except all ({found})").fetchall() == []
    assert con.execute(f"({found}) except all ({told})").fetchall() == []


@pytest.mark.audit("SL5")
def test_the_demo_has_hand_overs_in_time_late_never_and_before_anybody_was_there(con) -> None:
    kinds = con.execute(
        "select count(*) filter (where has_team and not is_lost), count(*) filter (where is_lost and lag_days > 7),"
        " count(*) filter (where is_lost and lag_days is null), count(*) filter (where not has_team) from truth"
    ).fetchone()
    assert min(kinds) > 0, kinds


def test_who_is_of_customer_success_is_no_seller(con) -> None:
    found = "select distinct is_selling from metrics.fct_rep_months where role_code = 'customer_success'"
    assert con.execute(found).fetchall() == [(False,)]
