"""Marts are built for an admitted cycle only, also by a plain dbt command."""

import shutil

import duckdb
import pytest

from tests.golden.planted_warehouse import run_dbt


@pytest.mark.parametrize(
    "verdict",
    [None, ("2026-05", "publish"), ("2026-06", "hold")],
    ids=["no verdict", "another cycle", "hold"],
)
def test_a_mart_is_refused_unless_the_gate_admitted_this_cycle(planted_work, tmp_path, verdict):
    work = tmp_path / "work"
    shutil.copytree(planted_work, work)
    file = work / "quality" / "gate_verdicts.parquet"
    file.unlink()
    if verdict:
        with duckdb.connect() as con:
            row = f"select '{verdict[0]}' as cycle, '{verdict[1]}' as verdict"
            con.execute(f"copy ({row}) to '{file}' (format parquet)")
    with pytest.raises(AssertionError, match="etalon check"):
        run_dbt(work, planted_work.parent / "project", "run", "--select", "mart_finance_mrr_month")
