"""The script that `make bench` takes as its yardstick publishes what the pipeline publishes, or the run says not.

What does NOT belong here: how long either takes.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from tests.bench.compare import CORE, MASTER_ROWS, Check, checks
from tests.bench.hand_written_files import SUMMERS, local_day, utc

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
    of_calls = {"calls", "talk_s", "same rows: fct_calls"}
    assert not [str(c) for c in compared if not c.agrees and c.name not in of_calls]
    with duckdb.connect(str(demo_run.marts), read_only=True) as con:
        published = {name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()}
    beneath = {*MASTER_ROWS, "telephony_call_leg", "email_event"}
    assert {p.stem for p in out.glob("*.parquet")} == CORE | beneath
    assert published > CORE
    assert min(c.pipeline for c in compared if c.name.startswith("same rows")) > 0


def test_the_calls_that_differ_are_those_of_the_line_after_a_cut_one(demo_run, by_hand):
    """The tiny company has call lines cut in the middle: DuckDB's reader takes the next line for their rest."""
    out, _ = by_hand
    with duckdb.connect() as con:
        con.execute(f"attach '{demo_run.work}/warehouse.duckdb' as warehouse (read_only)")
        con.execute(
            f"""create temp table lost as
            select legs.call_id, legs.source_record_id, bool_or(cut._source_row_id is not null) as follows_a_cut_line
            from '{demo_run.work}/raw/telephony_call_leg/pbx*.parquet' as legs
            left join '{demo_run.work}/collect/quarantine_lines.parquet' as cut
                on legs._delivery_id = cut._delivery_id and legs._source_row_id = cut._source_row_id + 1
            where legs.source_record_id not in (select leg_id from '{out}/telephony_call_leg.parquet')
            group by all"""
        )
        ours = f"select {MASTER_ROWS['fct_calls']} from warehouse.master.fct_calls"
        script = f"select {MASTER_ROWS['fct_calls']} from '{out}/fct_calls.parquet'"
        differing = con.execute(
            f"select distinct call_id from (({ours} except all {script}) union all ({script} except all {ours}))"
        ).fetchall()
        lost = con.execute("select call_id, follows_a_cut_line from lost").fetchall()
    assert all(follows for _, follows in lost)
    assert {call for (call,) in differing} == {call for call, _ in lost}


def test_a_changed_mail_fails_the_comparison(demo_run, by_hand, tmp_path):
    out, figures = by_hand
    changed = tmp_path / "out"
    shutil.copytree(out, changed)
    duckdb.sql(
        f"""copy (
            select * replace (is_delivered <> (row_number() over (order by message_id, email) = 1) as is_delivered)
            from '{out}/fct_email_sends.parquet'
        ) to '{changed}/fct_email_sends.parquet'"""
    )
    failed = {c.name for c in checks(demo_run.company_dir, changed, figures) if not c.agrees}
    assert "same rows: fct_email_sends" in failed


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


def test_the_days_and_instants_of_paris_are_those_of_the_zone_tables():
    paris = ZoneInfo("Europe/Paris")
    first, last = datetime.fromisoformat(SUMMERS[0][0]), datetime.fromisoformat(SUMMERS[-1][1])
    instants = [
        first - timedelta(days=60) + timedelta(minutes=30 * n) for n in range((last - first).days * 48)
    ]
    days = [at.replace(tzinfo=UTC).astimezone(paris).date() for at in instants]
    # The wall clock of the second of two equal hours reads as the first of them.
    clocks = [at.replace(tzinfo=UTC).astimezone(paris).replace(tzinfo=None, fold=0) for at in instants]
    earlier = [at.replace(tzinfo=paris).astimezone(UTC).replace(tzinfo=None) for at in clocks]
    with duckdb.connect() as con:
        got = con.execute(
            f"select {local_day('instant')}, {utc('clock')} from (select unnest($1) as instant, unnest($2) as clock)",
            [instants, clocks],
        ).fetchall()
    assert got == list(zip(days, earlier, strict=True))
