"""Marts are built for an admitted cycle only, also by a plain dbt command."""

import shutil

import duckdb
import pytest

from tests.golden.planted_warehouse import run_dbt


@pytest.mark.parametrize(
    "verdict",
    [
        None,
        "'2026-05' as cycle, 'publish' as verdict",
        "'2026-06' as cycle, 'hold' as verdict",
        "'2026-06' as cycle, 'HOLD' as verdict",
        "'2026-06' as cycle, cast(null as varchar) as verdict",
        "'2026-06' as cycle, unnest(['publish', 'refused']) as verdict",
    ],
    ids=["no verdict", "another cycle", "hold", "other letters", "null", "one of two"],
)
def test_a_mart_is_refused_unless_the_gate_admitted_this_cycle(planted_work, tmp_path, verdict):
    work = tmp_path / "work"
    shutil.copytree(planted_work, work)
    file = work / "quality" / "gate_verdicts.parquet"
    file.unlink()
    if verdict:
        with duckdb.connect() as con:
            con.execute(f"copy (select {verdict}) to '{file}' (format parquet)")
    with pytest.raises(AssertionError, match="etalon check"):
        run_dbt(work, planted_work.parent / "project", "run", "--select", "mart_finance_mrr_month")
