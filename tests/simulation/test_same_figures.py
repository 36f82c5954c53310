"""One warehouse, its rows shuffled and read by one thread or four: the same figures to the last digit."""

import numpy as np
import pytest

from orchestration.statistics.touch_lines import compute
from tests.simulation.lives import FAMILIES, SETTINGS, plant
from tests.unit.statistics.planted_warehouse_of_deals import open_warehouse

PLANTED = ("master.fct_leads", "metrics.fct_lead_cadences", "master.fct_touches")


@pytest.mark.audit("EX11")
def test_shuffled_rows_and_other_threads_give_the_same_touch_lines():
    with open_warehouse(":memory:") as con:
        for place, make in enumerate(FAMILIES.values()):
            plant(con, f"channel_{place}", make(np.random.default_rng(place)))
        first = compute(con, SETTINGS)
        assert first["touch_lines"].num_rows > 40
        for threads in (1, 4):
            con.execute(f"set threads = {threads}")
            for name in PLANTED:
                con.execute(
                    f"create table shuffled as select * from {name} order by hash(lead_id, {threads}), rowid % 7"
                )
                con.execute(f"delete from {name}")
                con.execute(f"insert into {name} select * from shuffled")
                con.execute("drop table shuffled")
            again = compute(con, SETTINGS)
            assert all(again[name].equals(first[name]) for name in first), threads
