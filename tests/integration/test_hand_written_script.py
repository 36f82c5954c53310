"""The script that `make bench` takes as its yardstick publishes what the pipeline publishes, or the run says not.

What does NOT belong here: how long either takes.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.bench.compare import LEFT_OUT, Check, checks

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def by_hand(demo_run, tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """Folder of the script's tables of the demo company, and the figures it printed."""
    out = tmp_path_factory.mktemp("by_hand") / "out"
    ended = subprocess.run(
        [sys.executable, "-m", "tests.bench.hand_written", str(demo_run.company_dir), str(out)],
        capture_output=True, text=True, check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return out, json.loads(ended.stdout.splitlines()[-1])["figures"]


@pytest.fixture
def failing(demo_run, by_hand) -> Callable[[str], set[str]]:
    """Changes the script's file by one statement, compares, and puts the file back; gives the checks that fail."""
    out, figures = by_hand
    whole = (out / "marts.duckdb").read_bytes()

    def compare(statement: str) -> set[str]:
        with duckdb.connect(str(out / "marts.duckdb")) as con:
            con.execute(statement)
        try:
            return {c.name for c in checks(demo_run.company_dir, out, figures) if not c.agrees}
        finally:
            (out / "marts.duckdb").write_bytes(whole)

    return compare


def test_the_script_publishes_the_tables_of_the_pipeline_with_the_same_figures(demo_run, by_hand):
    out, figures = by_hand
    compared = checks(demo_run.company_dir, out, figures)
    # The tiny company has call lines cut in the middle; DuckDB's reader loses the line after such a one.
    assert not [str(c) for c in compared if not c.agrees and c.name not in ("calls", "talk_s")]
    calls = next(c for c in compared if c.name == "calls")
    quarantined = demo_run.work / "collect" / "quarantine_lines.parquet"
    n_cut = duckdb.sql(f"from '{quarantined}' select count(*) where source_instance = 'pbx'").fetchall()[0][0]
    assert 0 <= calls.pipeline - calls.script <= n_cut
    with duckdb.connect(str(demo_run.marts), read_only=True) as con:
        published = {name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()}
    assert {p.stem for p in out.glob("*.parquet")} == published - LEFT_OUT
    assert min(c.pipeline for c in compared if c.name.startswith("same rows")) > 0


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        ("update fct_invoice_lines set net_amount_reporting = net_amount_reporting + 0.01 where invoice_line_id ="
         " (select min(invoice_line_id) from fct_invoice_lines)", "invoiced, reporting currency"),
        ("update mart_finance_mrr_month set closing_mrr = closing_mrr + 0.01 where segment_kind_code = 'all'",
         "same rows: MRR at month end"),
        ("delete from fct_opportunities where opportunity_id = (select min(opportunity_id) from fct_opportunities)",
         "rows of fct_opportunities"),
        ("update mart_marketing_complaints_week set n_complained = n_complained + 1 where segment_kind_code = 'all'"
         " and n_delivered > 0", "complaints"),
        ("delete from fct_leads where lead_id < (select median(lead_id) from fct_leads)", "rows of fct_leads"),
        ("alter table dim_accounts drop column vat_number", "columns of dim_accounts"),
    ],
)  # fmt: skip
def test_a_difference_fails_the_comparison(failing, statement, check):
    assert check in failing(statement)


def test_what_depends_on_identities_may_differ_by_a_tenth_and_money_not_by_a_cent():
    assert Check("leads", 1000, 1100, exact=False).agrees
    assert not Check("leads", 1000, 1101, exact=False).agrees
    assert not Check("revenue", 1000, 1001, exact=True).agrees
