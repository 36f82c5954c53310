"""What the benchmark of rebuilt marts says: its bound, its part of the page, and cells that are not the published ones.

What does NOT belong here: measuring a rebuild (see tests.bench.marts).
"""

from pathlib import Path

import duckdb

from tests.bench.compare import page, recorded
from tests.bench.marts import kpi_cells, missed_target

REBUILT = {
    "size": "bench-36m", "events": 12_000_000, "months": 36, "kpi_cells": 54_321, "wall_s": 60.0, "cpu_s": 71.5,
    "steps": {
        "metrics": {"wall_s": 31.5, "cpu_s": 40.0},
        "statistics": {"wall_s": 8.5, "cpu_s": 9.5},
        "marts": {"wall_s": 20.0, "cpu_s": 22.0},
    },
    "models": 136, "peak_mib": 3_100, "slowest": {"fct_lead_sequences": 4.2}, "cores": 2,
}  # fmt: skip


def _company(folder: Path, rebuilt: list[tuple[str, int]], published: list[tuple[str, int]]) -> Path:
    """A company of which only calls of two months and the KPI mart are there, rebuilt and published."""
    for name, schema, cells in (("work/warehouse", "marts", rebuilt), ("published/marts", "main", published)):
        path = folder / f"{name}.duckdb"
        path.parent.mkdir(parents=True)
        with duckdb.connect(str(path)) as con:
            con.execute(f"create schema if not exists {schema}")
            con.execute(f"create table {schema}.mart_management_kpis_month (period_month date, value int)")
            con.executemany(f"insert into {schema}.mart_management_kpis_month values (?, ?)", cells)
            if schema == "marts":
                con.execute("""create schema master; create table master.fct_calls as
                    select unnest([timestamp '2026-05-03', '2026-05-09', '2026-06-30']) as started_at""")
    return folder


def test_only_a_large_company_has_a_bound_and_at_the_bound_it_is_kept():
    assert missed_target(REBUILT) == []
    assert missed_target(REBUILT | {"wall_s": 60.1}) == ["rebuilding the marts took 60.1 s, at most 60 s"]
    assert missed_target(REBUILT | {"wall_s": 60.1, "months": 35}) == []
    assert missed_target(REBUILT | {"wall_s": 60.1, "events": 9_999_999}) == []


def test_the_page_tells_a_rebuild_once_it_is_recorded():
    compared = recorded()["compared"]
    told = page({"compared": compared, "marts": [REBUILT]})
    assert "| bench-36m | 12,000,000 | 36 | 54,321 | 31.5 | 8.5 | 20.0 | 60.0 | 71.5 | 3,100 | 2 |" in told
    assert "Slowest of the 136 models of `bench-36m` in seconds: `fct_lead_sequences` 4.2." in told
    assert "Rebuilding" not in page({"compared": compared, "marts": []})


def test_cells_that_differ_from_the_publication_are_counted_on_both_sides(tmp_path):
    may, june = ("2026-05-01", 4), ("2026-06-01", 5)
    same = _company(tmp_path / "same", [may, june], [june, may])
    assert kpi_cells(same) == {"cells": 2, "months": 2, "others": 0}
    moved = _company(tmp_path / "moved", [may, june], [may, ("2026-06-01", 6)])
    assert kpi_cells(moved)["others"] == 2
