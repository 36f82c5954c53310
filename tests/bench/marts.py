"""`make bench-marts`: rebuilding all that stands on the master layer, after a run of the whole pipeline.

Rebuilt are the metrics, the ledgers of quality that marts read, the statistics and the marts, in one process that has
read the dbt project before, as a run has. Not measured: what judges them (rules, tests, gate), and the publication.
Prints wall and CPU seconds by step, peak memory, the slowest models, events, months and cells of the KPI mart;
`--record` keeps the figures in docs/benchmarks.json and docs/benchmarks.md. Ends with 1 when the rebuilt KPI mart is
not the published one, or when so large a company took longer than the bound.

What does NOT belong here: the pipeline as a whole beside a script, and the page (compare.py).

Usage: python -m tests.bench.marts --size bench-36m [--keep DIR] [--record]
"""

import argparse
import json
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from ingest.sql import literal
from tests.bench.compare import (
    MANY_EVENTS,
    MANY_MONTHS,
    MAX_REBUILD_S,
    event_rows,
    generated,
    measure,
    record,
    run_of,
)

KPI_MART = "mart_management_kpis_month"
N_SLOWEST = 10


def rebuild(company: Path) -> dict:
    """Builds metrics, statistics and marts of a company that has run, again; seconds by step and by model."""
    from orchestration.dbt_running import read_project, run_models
    from orchestration.statistics import compute_all
    from orchestration.steps import resume_run

    run = resume_run(company)
    read_project()
    steps: dict[str, dict[str, float]] = {}
    seconds: dict[str, float] = {}

    @contextmanager
    def step(name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        steps[name] = {
            "wall_s": round(time.perf_counter() - wall, 1),
            "cpu_s": round(time.process_time() - cpu, 1),
        }

    def build(name: str, selected: str, excluded: Sequence[str] = ()) -> None:
        outcome = run_models(name, [selected], run.work, excluded=excluded)
        seconds.update({node.name: node.seconds for node in outcome.nodes if node.resource_type == "model"})

    with step("metrics"):  # what a mart is made from and is built after the master layer, ledgers included
        build("metrics", "+tag:mart,tag:master", ["path:models/master"])
    with step("statistics"):
        compute_all(run.warehouse, run.settings, run.work / "statistics")
    with step("marts"):
        build("marts", "tag:mart")
    return {
        "steps": steps,
        "models": len(seconds),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "slowest": {
            name: round(seconds[name], 2)
            for name in sorted(seconds, key=lambda name: -seconds[name])[:N_SLOWEST]
        },
    }


def kpi_cells(company: Path) -> dict[str, int]:
    """Months with calls, cells of the rebuilt KPI mart, and how many of them it does not share with the published."""
    with duckdb.connect() as con:
        con.execute("set threads = 2; set timezone = 'UTC'")
        con.execute(f"attach {literal(str(company / 'work' / 'warehouse.duckdb'))} as warehouse (read_only)")
        con.execute(f"attach {literal(str(company / 'published' / 'marts.duckdb'))} as published (read_only)")
        names = con.execute(
            "select column_name from duckdb_columns() where table_name = $1 group by 1"
            " having count(distinct database_name) = 2 order by 1",
            [KPI_MART],
        ).fetchall()
        columns = ", ".join(name for (name,) in names)
        rebuilt, published = (
            f"(select {columns} from {side}.{KPI_MART})" for side in ("warehouse.marts", "published.main")
        )
        ((cells, months, others),) = con.execute(f"""
            select (select count(*) from {rebuilt}),
              (select count(distinct date_trunc('month', started_at)) from warehouse.master.fct_calls),
              (select count(*) from ({rebuilt} except all {published}))
                + (select count(*) from ({published} except all {rebuilt}))""").fetchall()
    return {"cells": cells, "months": months, "others": others}


def missed_target(result: dict) -> list[str]:
    """A sentence when a large company's marts took longer than the bound; small ones have none."""
    if result["events"] < MANY_EVENTS or result["months"] < MANY_MONTHS or result["wall_s"] <= MAX_REBUILD_S:
        return []
    return [f"rebuilding the marts took {result['wall_s']:.1f} s, at most {MAX_REBUILD_S} s"]


def main() -> None:
    """Generates, runs, rebuilds, prints and optionally records."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="bench-36m")
    parser.add_argument("--keep", type=Path, help="folder that keeps the company between runs")
    parser.add_argument(
        "--record", action="store_true", help="write docs/benchmarks.json and docs/benchmarks.md"
    )
    parser.add_argument("--rebuild", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rebuild:
        print(json.dumps(rebuild(options.rebuild)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        company = generated(options.size, options.keep or Path(scratch))
        pipeline, state = run_of(company)
        print(f"ran in {pipeline.wall_s:.1f} s, peak {pipeline.peak_mib:.0f} MiB", flush=True)
        again = measure([sys.executable, "-m", "tests.bench.marts", "--rebuild", str(company)])
        told = json.loads(again.output.strip().splitlines()[-1])
        kpis = kpi_cells(company)
        result = {
            "size": options.size,
            "events": event_rows(company),
            "months": kpis["months"],
            "kpi_cells": kpis["cells"],
            "wall_s": round(sum(step["wall_s"] for step in told["steps"].values()), 1),
            "cpu_s": round(sum(step["cpu_s"] for step in told["steps"].values()), 1),
            **told,
            "run_steps": {name: step["seconds"] for name, step in state["steps"].items()},
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        }
        print(json.dumps(result, indent=2))
        if kpis["others"]:
            raise SystemExit(f"{kpis['others']} cells of the KPI mart are not those that were published")
        if options.record:
            record("marts", result)
        if missed := missed_target(result):
            raise SystemExit("; ".join(missed))


if __name__ == "__main__":
    main()
