"""Hand-overs of the planted company to customer success: who is judged, when the time ends, what accepts."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.compiled_models import compiled_models, on_warehouse


def customers(marts, columns: str) -> dict:
    rows = marts.execute(
        f"select opportunity_id, {columns} from metrics.fct_handoffs where to_code = 'customer_success'"
    ).fetchall()
    return {row[0]: row[1:] for row in rows}


@pytest.mark.audit("SL5")
def test_a_customer_is_taken_over_by_the_day_and_by_customer_success_alone(marts):
    found = customers(
        marts, "cast(lag_days as int), accepted_by_code, is_touched_in_sla, is_sla_over, is_lost"
    )
    assert found["opp_seller3"] == (
        0,
        "touch",
        True,
        True,
        False,
    )  # on the day, before the time of the closing
    assert found["opp_seller6"] == (7, "touch", True, True, False)  # on the last day
    assert found["opp_seller1"] == (17, "touch", False, True, True)
    assert found["opp_seller5"] == (8, "touch", False, True, True)
    assert found["opp_1"] == (2, "meeting", True, True, False)
    assert found["opp_5"] == (
        None,
        None,
        False,
        True,
        True,
    )  # touched the day before, by a seller, and at as_of
    assert found["opp_h1"] == (None, None, False, False, False)  # seven days, which end with the cycle
    assert found["opp_h2"] == (None, None, False, True, True)
    assert "opp_h3" not in found  # a renewal


@pytest.mark.audit("SL5")
def test_deals_won_before_customer_success_was_there_are_no_loss(marts):
    """Who has no date of hire is there from the first touch, on 20 September."""
    found = customers(marts, "reason_code, is_sla_over, is_lost")
    told = ("no_customer_success", False, False)
    assert found["opp_seller0"] == found["opp_seller2"] == found["opp_p1"] == told
    assert found["opp_seller3"] == (None, True, False)
    assert found["opp_h4"] == ("account_unknown", False, False)
    cells = marts.execute(
        "select period_month, n_cs_handoffs, n_cs_unjudged, n_cs_sla_over, n_cs_sla_open, n_cs_lost,"
        " cs_handoff_loss_reason_code, cs_lag_reason_code from marts.mart_revops_handoffs_month"
        " where segment_kind_code = 'all' and n_cs_handoffs > 0 and strftime(period_month, '%Y-%m') in"
        " ('2025-08', '2025-09', '2026-05', '2026-06') order by 1"
    ).fetchall()
    nobody, unknown = ("no_customer_success",) * 2, ("account_unknown",) * 2
    assert [row[1:] for row in cells] == [
        (1, 1, 0, 0, 0, *nobody),
        (4, 2, 2, 0, 1, None, None),
        (1, 1, 0, 0, 0, *unknown),
        (2, 0, 1, 1, 1, None, "no_customer_success_touch"),
    ]


@pytest.mark.audit("SL5", "K30")
def test_hand_overs_of_leads_and_of_customers_are_rows_of_one_table(marts):
    """What a lead's row says is what its cadence says."""
    wrong = (
        "select h.handoff_key from metrics.fct_handoffs as h full join metrics.fct_lead_cadences as c"
        " on h.to_code = 'sales' and h.lead_id = c.lead_id where (h.to_code = 'sales' or h.to_code is null)"
        " and c.mql_on is not null and (h.handed_at, h.is_sla_over, h.is_lost, h.lag_hours, h.is_accepted_in_window)"
        " is distinct from (c.mql_at, c.is_handoff_sla_over, c.is_handoff_sla_over and not c.is_handoff_touched_in_sla,"
        " c.handoff_lag_hours, c.is_handoff_matured and c.is_handoff_accepted)"
    )
    assert marts.execute(wrong).fetchall() == []
    leads = "select from_code, count(*), count(accepted_at) from metrics.fct_handoffs group by 1 order by 1"
    counted = {row[0]: row[1:] for row in marts.execute(leads).fetchall()}
    assert counted["marketing"] == (8, 3) and counted["sales"][0] > 20


@pytest.mark.audit("SL2")
def test_an_accepted_lead_has_its_opportunity_until_the_last_day_of_the_window(marts):
    found = dict(
        marts.execute(
            "select lead_id, [is_sql_matured, is_sql_with_opportunity] from metrics.fct_lead_cadences"
            " where sql_on is not null"
        ).fetchall()
    )
    assert found["lea_22"] == [True, True]  # opened on the 45th day
    assert found["lea_23"] == [True, True]  # the same one: an opportunity names one of its leads only
    assert found["lea_9"] == [True, True]  # opened before
    assert found["lea_33"] == [True, False]  # on the 46th
    assert found["lea_1"] == [False, False]  # its window is open
    cell = marts.execute(
        "select n_sql, n_sql_matured, n_sql_immature, n_sql_with_opportunity, sql_to_opp_rate, sql_to_opp_reason_code"
        " from marts.mart_revops_handoffs_month where segment_kind_code = 'all' and period_month = date '2025-12-01'"
    ).fetchone()
    assert cell == (1, 1, 0, 0, Decimal(0), None)


@pytest.mark.audit("SL2")
def test_where_no_opportunity_is_tied_to_a_lead_no_lead_is_told_to_have_none(planted_work: Path) -> None:
    """Opportunities are delivered and no conversion is: the leads that had one are not known."""
    query = compiled_models(planted_work.parent / "project" / "target", "metrics")["fct_lead_cadences"]
    tied = {"fct_opportunities": "lead_id", "fct_leads": "opportunity_id"}
    untied = {
        "fct_opportunities": "'unknown' as lead_id",
        "fct_leads": "cast(null as varchar) as opportunity_id",
    }
    counted = "select count(*) filter (is_sql_matured), bool_or(are_opportunities_told) from ({})"
    with on_warehouse(planted_work) as con:
        assert con.execute(counted.format(query)).fetchone()[1]
        for table, column in untied.items():
            con.execute(
                f"create table memory.main.{table} as select * exclude ({tied[table]}), {column} from master.{table}"
            )
            query = query.replace(f'"warehouse"."master"."{table}"', f"memory.main.{table}")
        assert query.count("memory.main.fct_") >= 3
        assert con.execute(counted.format(query)).fetchone() == (0, False)


def test_deals_won_add_no_row_to_the_figures_of_leads(marts):
    """A month and segment with won deals alone is not one with 0 hand-overs of leads."""
    rows = marts.execute(
        "select count(*) from marts.mart_management_kpis_month as k join marts.mart_revops_handoffs_month as m"
        " using (period_month, segment_kind_code, segment_code) where k.segment_kind_code <> 'all'"
        " and k.metric_name in ('mql', 'sql', 'handoff_loss_rate', 'handoff_acceptance_rate')"
        " and m.n_mql + m.n_sql = 0"
    ).fetchone()
    assert rows == (0,)
