"""What an engineer would write by hand in DuckDB for this one company: the yardstick of `make bench`.

Same files in; the tables that the pipeline publishes out, with their columns, grain and segments, as one DuckDB file
and one zstd Parquet file a table: dim_accounts, dim_corporate_groups, bridge_account_groups, dim_products, dim_dates,
fct_leads, fct_opportunities, fct_invoice_lines, fct_mrr_movements and every mart. Before them the layer they rest on, as
Parquet: call legs and mail events, typed and each once, and the facts fct_calls and fct_email_sends with their sellers
and persons. In memory only: meetings, touches, the revenue lines of the books.
Left out, and what the ratio prices: contracts, quarantine, row ledger and journals; the archive of the original bytes;
golden ids that stay and the evidence of a match (companies share a number, a CRM merge or a domain, persons one key);
rules, gate, reports; keys, comments, order and receipt of the publication; the tables on definitions and trust
(dim_metric, dim_publication, dq_journal_summary, kpi_trust); other vendors and time zones; late files (`no_delivery`);
runs on what is new.

Usage: python -m tests.bench.hand_written COMPANY_DIR OUT_DIR
"""

import json
import shutil
import sys
import time
from pathlib import Path

import duckdb

from tests.bench import hand_written_events as events
from tests.bench import hand_written_groups as groups
from tests.bench import hand_written_records as records
from tests.bench.hand_written_marts import MARTS, marts

MASTER = ("fct_calls", "fct_email_sends")
PUBLISHED = (
    "dim_accounts",
    "dim_corporate_groups",
    "bridge_account_groups",
    "dim_products",
    "dim_dates",
    "fct_leads",
    "fct_opportunities",
    "fct_invoice_lines",
    "fct_mrr_movements",
    *(name for name in MARTS if name.startswith("mart_")),
)


def main(company: Path, out: Path) -> None:
    """Runs the script and prints one JSON line: seconds by step and the figures of what is not published."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    extracts = str(company / "extracts")
    con = duckdb.connect()
    con.execute(
        "set threads = 2; set memory_limit = '3GB'; set preserve_insertion_order = false; set timezone = 'UTC'; "
        f"set temp_directory = '{out}/spill'"
    )
    steps = {}
    began = time.perf_counter()

    def step(name: str, *statements: str) -> None:
        nonlocal began
        for statement in statements:
            con.execute(statement)
        steps[name] = round(steps.get(name, 0) + time.perf_counter() - began, 2)
        began = time.perf_counter()

    step("records", *records.files(extracts, out))
    con.execute(";".join(records.COMPANIES))
    records.join_companies(con)
    step("accounts", *records.GOLDEN, *groups.periods(company), *records.ACCOUNTS, *groups.GROUPS)
    step("business", *records.BUSINESS, *records.stages(extracts))
    step("tasks", *events.tasks(extracts))
    step("calls", *events.calls(extracts, str(out)))
    step("mail", *events.mails(extracts, str(out)))
    step("others", *events.others(extracts))
    step("touches", *events.TOUCHES)
    step("marts", *marts())
    step(
        "publication",
        f"attach '{out}/marts.duckdb' as published",
        *(f"create table published.{table} as from {table}" for table in PUBLISHED),
        "detach published",
        *(f"copy {table} to '{out}/{table}.parquet' (compression zstd)" for table in PUBLISHED),
        *(f"copy {table} to '{out}/{table}.parquet' (compression lz4)" for table in MASTER),
    )
    figures = con.execute(
        """select (select count(*) from fct_calls), (select sum(talk_s) from fct_calls),
            (select count(*) from fct_email_sends), (select count(*) from fct_ledger_revenues),
            (select sum(revenue_amount) from fct_ledger_revenues), (select count(*) from touches)"""
    ).fetchone()
    names = ("calls", "talk_s", "sends", "ledger_lines", "ledger_revenue", "touches_of_persons")
    print(json.dumps({"steps": steps, "figures": {n: str(f) for n, f in zip(names, figures, strict=True)}}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
