"""Sales and marketing costs shared out over months are still the costs that were delivered, to the ten-thousandth."""

from decimal import Decimal

import duckdb
import pytest


@pytest.fixture(scope="module")
def warehouse(demo_run):
    with duckdb.connect(str(demo_run.work / "warehouse.duckdb"), read_only=True) as con:
        con.execute(f"set file_search_path = '{demo_run.work}'")
        yield con


def test_the_months_of_a_cost_and_of_a_campaign_add_up_to_it(warehouse) -> None:
    wrong = warehouse.execute(
        "with given as (select record_key as cost_id, amount from staging.stg_finance__marketing_costs"
        " union all select record_key, actual_cost from staging.stg_crm__campaigns where actual_cost <> 0),"
        " shared as (select cost_id, sum(amount) as amount, count(*) as n from master.fct_marketing_costs group by 1)"
        " select * from given full join shared using (cost_id) where given.amount is distinct from shared.amount"
    ).fetchall()
    assert not wrong
    spread = warehouse.execute(
        "select count(*) from (select cost_id from master.fct_marketing_costs group by 1 having count(*) > 1)"
    ).fetchall()
    assert spread[0][0] > 5


def test_a_campaign_is_shared_out_by_days_up_to_the_end_of_the_cycle(warehouse) -> None:
    rows = warehouse.execute(
        "select c.starts_on, c.ends_on, s.cycle_end, f.period_month, f.amount, c.actual_cost"
        " from master.fct_marketing_costs as f join staging.stg_crm__campaigns as c on c.record_key = f.cost_id"
        " cross join run.settings as s order by all"
    ).fetchall()
    assert len(rows) > 20
    for starts, ends, cycle_end, month, amount, cost in rows:
        last = min((ends - starts).days + 1, (cycle_end - starts).days)
        following = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
        days = min(last, (following - starts).days) - max(0, (month - starts).days)
        assert abs(amount - cost * days / last) <= Decimal("0.0001"), (starts, month)
