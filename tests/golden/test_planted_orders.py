"""What was promised and is still owed at the end of the cycle, on the planted order lines: not what is owed today."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from tests.golden import planted_orders
from tests.golden.planted_company import SETTINGS
from tests.golden.planted_warehouse import PROJECT, run_dbt, write_relations, write_sources


def test_a_line_shipped_after_the_cycle_is_still_owed_when_the_cycle_is_run_again(tmp_path: Path) -> None:
    work, project = tmp_path / "work", tmp_path / "project"
    work.mkdir()
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    write_sources(work, {"run.settings": [SETTINGS]})
    write_relations(work / "warehouse.duckdb", planted_orders.tables())
    run_dbt(work, project, "run", "--select", "fct_order_promises")
    with duckdb.connect(str(work / "warehouse.duckdb"), read_only=True) as con:
        found = con.execute(
            "select order_line_id, is_still_owed from metrics.fct_order_promises order by all"
        ).fetchall()
    assert dict(found) == {
        "o1": True, "o10": True, "o2": False, "o5": False, "o6": False, "o7": False,
    }  # fmt: skip
