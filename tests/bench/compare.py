"""`make bench`: the pipeline from extracts to published marts beside a hand-written script, in one run.

Prints rows per second, wall and CPU seconds (by step for the pipeline), peak memory, the ratio, and what the rules
cost beside the build they guard; `--record` keeps the figures in docs/benchmarks.json and writes docs/benchmarks.md
from them. Ends with 1 when the two do not publish the same. On tiny and demo they do not: their calls hold lines cut
in the middle, and the script loses the line after one.

Usage: python -m tests.bench.compare --size bench-100k [--keep DIR] [--record]
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Measured:
    """One child process: wall and CPU seconds, peak resident memory in MiB, its standard output."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    output: str


def measure(command: list[str]) -> Measured:
    """Runs a command to its end and measures that process and its children.

    Raises:
        SystemExit: when the command fails; its output is shown.
    """
    started = time.perf_counter()
    environment = {**os.environ, "CI": "true", "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        output.seek(0)
        text = output.read()
    wall = time.perf_counter() - started
    if status != 0:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}\n{text}")
    return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text)


def generated(size: str, folder: Path) -> Path:
    """The company of a size in a folder, generated unless it lies there, without what an earlier run left."""
    company = folder / size
    if not (company / "company.yml").exists():
        print(f"generating {size} ...", flush=True)
        made = measure([sys.executable, "-m", "ingest.demo", "--size", size, "--out", str(company)])
        print(f"generated in {made.wall_s:.1f} s, peak {made.peak_mib:.0f} MiB", flush=True)
    for leftover in ("work", "published"):
        shutil.rmtree(company / leftover, ignore_errors=True)
    return company


def run_of(company: Path) -> tuple[Measured, dict]:
    """Runs the whole pipeline on a company; what that took, and what the run noted of its steps."""
    command = [sys.executable, "-m", "orchestration.cli", "run", "--company", str(company), "--json"]
    measured = measure(command)
    return measured, json.loads((company / "work" / "run" / "state.json").read_text())


def rows_in(company: Path) -> int:
    """Physical lines of the extracts, counted from their bytes."""
    total = 0
    for path in sorted((company / "extracts").rglob("*")):
        if path.is_file():
            with path.open("rb") as handle:
                while block := handle.read(1 << 22):
                    total += block.count(b"\n")
    return total


#: The core outputs, which the script builds too; what the pipeline publishes beside them has no counterpart in it.
CORE = {
    "bridge_account_groups", "dim_accounts", "dim_corporate_groups", "dim_dates", "dim_products", "fct_invoice_lines",
    "fct_leads", "fct_mrr_movements", "fct_opportunities", "mart_finance_groups_month", "mart_finance_mrr_month",
    "mart_finance_revenue_month", "mart_management_kpis_month", "mart_marketing_complaints_week",
    "mart_sales_leads_cycle", "mart_sales_leads_month", "mart_sales_opportunities_month", "mart_sales_stages_month",
}  # fmt: skip
#: Columns of these tables that later metrics brought; the script computes none of those metrics.
LATER_COLUMNS = {
    "mql_at", "sql_at", "expected_close_on", "forecast_category_code", "arr", "new_mrr_ytd", "lead_score",
    "is_mql_day_only", "is_sql_day_only", "churn_reason_code", "cost_amount", "cost_amount_reporting",
    "costed_revenue_amount", "margin_amount", "margin_rate", "margin_reason_code", "cost_shown_rate",
    "cost_shown_reason_code", "assigned_at", "is_assigned_day_only", "n_owner_changes", "source_instance",
    "complaint_max_rate", "exchange_rate_key", "mrr_reason_code", "new_mrr_ytd_reason_code",
}  # fmt: skip
#: The cut that the pipeline's tables have gained since.
LATER_CUT = "segment_kind_code <> 'rep'"
#: Tables whose rows no golden id decides. The other tables may differ by TOLERANCE: the script takes fewer keys.
EXACT_ROWS = {"dim_dates", "dim_products", "fct_invoice_lines", "fct_opportunities"}
TOLERANCE = 0.1
#: What must hold the same values row by row: label -> relation, columns free of golden ids, condition.
SAME_ROWS = {
    "dim_dates": ("dim_dates", "*", "true"),
    "dim_products": ("dim_products", "product_code, product_name, product_family, is_recurring", "true"),
    "invoice lines": (
        "fct_invoice_lines",
        "split_part(invoice_line_id, '/', -2) || '/' || split_part(invoice_line_id, '/', -1) as line, "
        "document_number, document_type_code, split_part(product_id, '/', -1) as product, invoiced_on, currency, "
        "net_amount, exchange_rate, net_amount_reporting, is_intercompany, is_recurring",
        "true",
    ),
    "opportunities": (
        "fct_opportunities",
        "split_part(opportunity_id, '/', -1) as id, split_part(rep_id, '/', -1) as rep, opportunity_type_code, "
        "stage_code, status_code, currency, amount, amount_reporting, exchange_rate, opened_at, opened_on, closed_at, "
        "closed_on, sales_cycle_days, is_open, is_won, is_lost, lost_reason",
        "true",
    ),
    "revenue by month, product family and currency": (
        "mart_finance_revenue_month",
        "period_month, segment_kind_code, segment_code, revenue_amount, recurring_amount, source_currency_amount, "
        "n_lines, n_unconverted_lines, revenue_reason_code, reporting_currency",
        "segment_kind_code in ('all', 'product_family', 'currency')",
    ),
    "MRR at month end": (
        "mart_finance_mrr_month", "period_month, opening_mrr, closing_mrr", "segment_kind_code = 'all'"
    ),
    "won and lost by month": (
        "mart_sales_opportunities_month", "*", "segment_kind_code = 'all'"
    ),
    "stages by month": ("mart_sales_stages_month", "*", "segment_kind_code = 'all'"),
    "sends, delivered, bounces, complaints by week and sending": (
        "mart_marketing_complaints_week", "*", "segment_kind_code in ('all', 'sending')"
    ),
    "KPIs by month that no identity enters": (
        "mart_management_kpis_month",
        "*",
        "segment_kind_code = 'all' and metric_name in ('win_rate_close', 'win_amount_rate_close', 'sales_cycle_days', "
        "'stage_conversion', 'revenue_total', 'mrr', 'complaint_rate')"
        " and coalesce(reason_code, '') <> 'before_first_row'",
    ),
}  # fmt: skip
COMPLAINTS = "mart_marketing_complaints_week where segment_kind_code = 'all'"
LEADS = "mart_sales_leads_month where segment_kind_code = 'all'"
#: Sums that say how much is compared, and those that are near because identities are: label -> query, exact.
SUMS = {
    "invoiced, reporting currency": ("select sum(net_amount_reporting) from fct_invoice_lines", True),
    "won amount": ("select sum(amount_reporting) from fct_opportunities where is_won", True),
    "MRR at month ends": ("select sum(closing_mrr) from fct_mrr_movements", True),
    "mails sent": (f"select sum(n_sent) from {COMPLAINTS}", True),
    "mails delivered": (f"select sum(n_delivered) from {COMPLAINTS}", True),
    "complaints": (f"select sum(n_complained) from {COMPLAINTS}", True),
    "new MRR": ("select sum(new_mrr) from fct_mrr_movements", False),
    "new business": (
        "select sum(new_business_amount) from mart_finance_revenue_month where segment_kind_code = 'all'",
        False,
    ),
    "converted leads": ("select count(*) from fct_leads where is_converted", False),
    "touches in the window": (f"select sum(n_touches) from {LEADS}", False),
    "contacted leads": (f"select sum(n_contacted) from {LEADS}", False),
}
#: What neither publishes: the figure that the script prints -> the same of the pipeline's warehouse, exact.
UNPUBLISHED = {
    "calls": ("select count(*) from warehouse.master.fct_calls", True),
    "talk_s": ("select sum(talk_s) from warehouse.master.fct_calls", True),
    "sends": ("select count(*) from warehouse.master.fct_email_sends", True),
    "ledger_lines": ("select count(*) from warehouse.master.fct_ledger_revenues", True),
    "ledger_revenue": ("select sum(revenue_amount) from warehouse.master.fct_ledger_revenues", True),
    "touches_of_persons": (
        "select count(*) from warehouse.master.fct_touches where person_id <> 'unknown'"
        " and (lead_id <> 'unknown' or account_id <> 'unknown')",
        False,
    ),
}  # fmt: skip


#: The facts below the publication: columns that must hold the same values row by row, free of golden ids.
MASTER_ROWS = {
    "fct_calls": "call_id, split_part(rep_id, '/', -1) as rep, direction_code, started_at, duration_s, talk_s, "
    "outcome_code, is_conversation, n_source_rows",
    "fct_email_sends": "message_id, campaign_id, split_part(rep_id, '/', -1) as rep, sent_at, delivered_at, is_sent, "
    "is_delivered, is_bounced_hard, is_opened, is_clicked, complained_at, unsubscribed_at, is_automated, n_source_rows",
}


@dataclass(frozen=True)
class Check:
    """One figure of both sides. exact: they must be equal; else they may differ by TOLERANCE."""

    name: str
    pipeline: Decimal
    script: Decimal
    exact: bool

    @property
    def agrees(self) -> bool:
        """Whether the two figures are as near as they must be."""
        return abs(self.pipeline - self.script) <= (
            0 if self.exact else abs(self.pipeline) * Decimal(TOLERANCE)
        )

    def __str__(self) -> str:
        kind = "exact" if self.exact else "within 10 %"
        return f"{self.name}: {self.pipeline:,} {self.script:,} ({kind}{'' if self.agrees else ', DIFFERS'})"


def checks(company: Path, out: Path, figures: dict[str, str]) -> list[Check]:
    """Compares what the pipeline published with what the script did.

    company: a published company. out: the script's folder. figures: what the script printed. A row by row check gives
    the pipeline's rows and how many remain when those that only one side has are taken off.
    """
    found: list[Check] = []

    def add(name: str, pipeline: object, script: object, exact: bool) -> None:
        found.append(Check(name, Decimal(str(pipeline or 0)), Decimal(str(script or 0)), exact))

    with duckdb.connect() as con:
        con.execute("set threads = 2; set timezone = 'UTC'")
        for path, alias in (
            (company / "published" / "marts.duckdb", "pipeline"),
            (out / "marts.duckdb", "script"),
            (company / "work" / "warehouse.duckdb", "warehouse"),
        ):
            con.execute(f"attach '{path}' as {alias} (read_only)")

        def one(side: str, query: str) -> object:
            con.execute(f"use {side}")
            return con.execute(query).fetchone()[0]

        def add_same_rows(label: str, ours: str, script: str) -> None:
            n_ours = one("script", f"select count(*) from ({ours})")
            n_missing = one("script", f"select count(*) from ({ours} except all {script})")
            n_foreign = one("script", f"select count(*) from ({script} except all {ours})")
            add(f"same rows: {label}", n_ours, n_ours - n_missing - n_foreign, True)

        columns, theirs = _columns(con, "pipeline"), _columns(con, "script")
        for name in sorted(CORE):
            core = columns[name] - LATER_COLUMNS
            add(f"columns of {name}", len(core), len(core & theirs[name]), True)
            of_both = "true"
            if "metric_name" in columns[name]:
                of_both = f"metric_name in (select metric_name from script.main.{name})"
            if "segment_kind_code" in columns[name]:
                of_both += f" and {LATER_CUT}"
            ours = one("pipeline", f"select count(*) from {name} where {of_both}")
            add(f"rows of {name}", ours, one("script", f"select count(*) from {name}"), name in EXACT_ROWS)
            parquet = one("script", f"select count(*) from '{out}/{name}.parquet'")
            add(f"rows of {name}.parquet", ours, parquet, name in EXACT_ROWS)
        for label, (relation, listed, condition) in SAME_ROWS.items():
            names = listed if listed != "*" else ", ".join(sorted(columns[relation] - LATER_COLUMNS))
            ours, script = (
                f"select {names} from {side}.main.{relation} where {condition}"
                for side in ("pipeline", "script")
            )
            add_same_rows(label, ours, script)
        for name, listed in MASTER_ROWS.items():
            add_same_rows(
                name,
                f"select {listed} from warehouse.master.{name}",
                f"select {listed} from '{out}/{name}.parquet'",
            )
        for label, (query, exact) in SUMS.items():
            add(label, one("pipeline", query), one("script", query), exact)
        for label, (query, exact) in UNPUBLISHED.items():
            add(label, one("warehouse", query), figures[label], exact)
    return found


def _columns(con: duckdb.DuckDBPyConnection, side: str) -> dict[str, set[str]]:
    """Column names by table of an attached file."""
    query = "select table_name, list(column_name) from duckdb_columns() where database_name = $1 group by all"
    listed = con.execute(query, [side]).fetchall()
    return defaultdict(set, {name: set(names) for name, names in listed})


#: What the rules before the gate guard; the marts are guarded by rules of their own.
BUILD = ("staging", "matching", "master", "mart")
RULES = ("rules", "mart_rules")
#: What the rules may cost of the build, and the memory of the whole run, where they validate so many events.
MAX_RULES_SHARE, MAX_PEAK_MIB, MANY_EVENTS = 0.35, 4096, 10_000_000


def rules_share(steps: dict[str, float]) -> float:
    """Seconds of the rules over the seconds of the build they guard. steps: wall seconds by step of a run."""
    return sum(steps[name] for name in RULES) / sum(steps[name] for name in BUILD)


def step_seconds(state: dict) -> dict[str, dict[str, float]]:
    """Wall and CPU seconds by step of a run. state: its state.json.

    The first step begins while the libraries load, so what loading them takes is in its CPU seconds too.
    """
    return {
        "steps": {name: step["seconds"] for name, step in state["steps"].items()},
        "steps_cpu": {name: step["cpu_seconds"] for name, step in state["steps"].items()},
    }


def over_bounds(result: dict) -> list[str]:
    """What the rules of one measured run cost beyond their bounds; small runs have none."""
    share, peak = rules_share(result["steps"]), result["pipeline"]["peak_mib"]
    if result["event_rows"] < MANY_EVENTS:
        return []
    found = [f"rules take {share:.1%} of the build, at most {MAX_RULES_SHARE:.0%}"] * (
        share > MAX_RULES_SHARE
    )
    return found + [f"peak memory {peak:.0f} MiB, at most {MAX_PEAK_MIB}"] * (peak > MAX_PEAK_MIB)


def event_rows(company: Path) -> int:
    """Rows of call legs and mail events that the rules speak about: those that staging holds."""
    with duckdb.connect() as con:
        con.execute(f"attach '{company / 'work' / 'warehouse.duckdb'}' as warehouse (read_only)")
        names = ("stg_telephony__call_legs", "stg_emailing__events")
        counts = [con.execute(f"select count(*) from warehouse.staging.{name}").fetchall() for name in names]
    return sum(rows[0][0] for rows in counts)


PREAMBLE = """# Benchmarks

Written by `make bench SIZE=... RECORD=1`; every figure comes from `benchmarks.json`, one run each. The ratio compares
the whole pipeline (collect, ledger, journal, matching, rules, gate, marts, publication, reports) with a DuckDB script
that an engineer would write by hand for this one company (`tests/bench/hand_written.py`), over the same files, on the
same machine, one after the other.

Both give the same core outputs. The layer below the publication, as tables or Parquet: call legs and mail events, typed
and each once; `fct_calls` and `fct_email_sends` with their sellers and persons. The publication, as one DuckDB file and
one zstd Parquet file a table, with the same columns, grain and segments: `dim_accounts`, `dim_corporate_groups`,
`bridge_account_groups`, `dim_products`, `dim_dates`, `fct_leads`, `fct_opportunities`, `fct_invoice_lines`,
`fct_mrr_movements` and the marts of leads, opportunities, stages, revenue, MRR, complaints and KPIs (`CORE` in
`tests/bench/compare.py`). A run ends with an error when they differ: dates, products, invoice lines, opportunities,
revenue, MRR at month end, won amounts, stages, calls, mails and complaints must be equal row by row or to the cent;
what depends on which records are one company or one person must be within 10 %.

The script does without the following, which is what the ratio prices:

- contracts, declared mappings, refusals, quarantine, other vendors, other time zones, runs that read only what is new;
- late files (a month that a source has not delivered has a value here);
- the archive of the original bytes, the row ledger, the journals;
- golden ids that stay from run to run, history, survivorship with its lineage, scores, stewardship: companies are
  joined by number, CRM merge, web domain or equal name and size, persons on one key; touches of persons the CRM does
  not know;
- rules, gate, reports; keys, comments, row order, hashes and receipts of a publication; `dim_metric`,
  `dim_publication`, `dq_journal_summary`, `kpi_trust`;
- all that is published beside the core outputs: the other marts and KPIs with the facts behind them, the estimates of
  the statistics step, the evidence that says why a figure moved between two publications.
"""

RULES_PARAGRAPH = f"""## What the rules cost

The full catalogue (`rules` and `mart_rules`) beside the build it guards ({", ".join(f"`{name}`" for name in BUILD)}),
wall seconds of the same run. Events are the call legs and mail events among the rows that rules speak about; memory is
the peak of the whole run. From {MANY_EVENTS:,} events on, `make bench` ends with an error above {MAX_RULES_SHARE:.0%}
of the build or {MAX_PEAK_MIB:,} MiB.

| size | events | rules s | share of the build | peak MiB |
|---|---:|---:|---:|---:|"""


def steps_line(run: dict) -> str:
    """The steps of one recorded run; a record made before CPU seconds were kept has none to show."""
    cpu = run.get("steps_cpu", {})
    steps = (
        f"{name} {wall} ({cpu[name]})" if name in cpu else f"{name} {wall}"
        for name, wall in run["steps"].items()
    )
    return f"Steps of `{run['size']}` in seconds{' (CPU)' if cpu else ''}: {', '.join(steps)}."


#: How long the marts of a company with so many events and months may take once the master layer stands.
MANY_MONTHS, MAX_REBUILD_S = 36, 60

MARTS_PARAGRAPH = f"""## Rebuilding the marts

Written by `make bench-marts SIZE=... RECORD=1`: after a run of the whole pipeline, all that stands on the master layer
is built again. Metrics are the models between the master layer and the marts, with the ledgers that marts read;
statistics are the estimates that SQL cannot make. Rules, tests, the gate and the publication are not in it. From
{MANY_EVENTS:,} events and {MANY_MONTHS} months on, the command ends with an error above {MAX_REBUILD_S} s.

| size | events | months | KPI cells | metrics s | statistics s | marts s | wall s | CPU s | peak MiB | cores |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"""


def recorded() -> dict[str, list[dict]]:
    """docs/benchmarks.json: `compared`, runs beside the script, and `marts`, rebuilds after a run."""
    return json.loads((ROOT / "docs" / "benchmarks.json").read_text(encoding="utf-8"))


def record(kind: str, result: dict) -> None:
    """Keeps a measured result in the place of the earlier one of its size, and writes the page."""
    told = recorded()
    others = [each for each in told[kind] if each["size"] != result["size"]]
    told[kind] = sorted([*others, result], key=lambda each: each["rows" if kind == "compared" else "events"])
    store = ROOT / "docs" / "benchmarks.json"
    store.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    store.with_suffix(".md").write_text(page(told), encoding="utf-8")


def _of_marts(rebuilds: list[dict]) -> list[str]:
    """The part of the page on rebuilt marts; nothing before the first record."""
    if not rebuilds:
        return []
    rows = []
    for r in rebuilds:
        steps = " | ".join(f"{step['wall_s']:.1f}" for step in r["steps"].values())
        rows.append(
            f"| {r['size']} | {r['events']:,} | {r['months']} | {r['kpi_cells']:,} | {steps} | {r['wall_s']:.1f} "
            f"| {r['cpu_s']:.1f} | {r['peak_mib']:,} | {r['cores']} |"
        )
    slowest = [
        f"Slowest of the {r['models']} models of `{r['size']}` in seconds: "
        + ", ".join(f"`{name}` {seconds}" for name, seconds in r["slowest"].items())
        + "."
        for r in rebuilds
    ]
    return ["", MARTS_PARAGRAPH, *rows, *(line for each in slowest for line in ("", each))]


def page(told: dict[str, list[dict]]) -> str:
    """docs/benchmarks.md from what docs/benchmarks.json holds."""
    runs = told["compared"]
    lines = [
        PREAMBLE,
        "| size | rows in | wall s | CPU s | peak MiB | rows/s | script wall s | CPU s | ratio | CPU | cores |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for r in runs:
        lines.append(
            f"| {r['size']} | {r['rows']:,} | {r['pipeline']['wall_s']} | {r['pipeline']['cpu_s']} "
            f"| {r['pipeline']['peak_mib']:.0f} | {r['rows_per_s']:,} "
            f"| {r['script']['wall_s']} | {r['script']['cpu_s']} "
            f"| {r['ratio']:.2f} | {r['ratio_cpu']:.2f} | {r['cores']} |"
        )
    for r in runs:
        lines += ["", steps_line(r)]
    lines += ["", RULES_PARAGRAPH]
    for r in runs:
        cost = sum(r["steps"][name] for name in RULES)
        lines.append(
            f"| {r['size']} | {r['event_rows']:,} | {cost:.1f} | {rules_share(r['steps']):.1%} "
            f"| {r['pipeline']['peak_mib']:.0f} |"
        )
    lines += _of_marts(told["marts"])
    return "\n".join(lines) + "\n"


def main() -> None:
    """Generates, runs both, prints and optionally records."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="bench-100k")
    parser.add_argument("--keep", type=Path, help="folder that keeps the company between runs")
    parser.add_argument(
        "--record", action="store_true", help="write docs/benchmarks.json and docs/benchmarks.md"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        company = generated(options.size, options.keep or Path(scratch))
        rows = rows_in(company)
        out = company.with_name(company.name + "-by-hand")
        script = measure([sys.executable, "-m", "tests.bench.hand_written", str(company), str(out)])
        told = json.loads(script.output.strip().splitlines()[-1])
        pipeline, state = run_of(company)
        result = {
            "size": options.size,
            "rows": rows,
            "pipeline": {
                "wall_s": round(pipeline.wall_s, 1),
                "cpu_s": round(pipeline.cpu_s, 1),
                "peak_mib": round(pipeline.peak_mib),
            },
            "script": {
                "wall_s": round(script.wall_s, 1),
                "cpu_s": round(script.cpu_s, 1),
                "peak_mib": round(script.peak_mib),
            },
            "rows_per_s": round(rows / pipeline.wall_s),
            "ratio": round(pipeline.wall_s / script.wall_s, 2),
            "ratio_cpu": round(pipeline.cpu_s / script.cpu_s, 2),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            **step_seconds(state),
            "event_rows": event_rows(company),
            "script_steps": told["steps"],
        }
        print(json.dumps(result, indent=2))
        print(steps_line(result))
        print(
            f"rules share: {rules_share(result['steps']):.1%} of the build, peak {pipeline.peak_mib:.0f} MiB"
        )
        compared = checks(company, out, told["figures"])
        print("published by both (pipeline, script):", *compared, sep="\n  ")
        if different := [check.name for check in compared if not check.agrees]:
            raise SystemExit("the two outputs are not the same: " + "; ".join(different))
        if options.record:
            record("compared", result)
        if exceeded := over_bounds(result):
            raise SystemExit("; ".join(exceeded))


if __name__ == "__main__":
    main()
