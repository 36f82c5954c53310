"""`make bench`: the pipeline from extracts to published marts beside a hand-written script, in one run.

Prints rows per second, wall and CPU seconds (by step for the pipeline), peak memory and the ratio; `--record` keeps the
figures in docs/benchmarks.json and writes docs/benchmarks.md from them.

Usage: python -m tests.bench.compare --size bench-100k [--keep DIR] [--record]
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

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


def rows_in(company: Path) -> int:
    """Physical lines of the extracts, counted from their bytes."""
    total = 0
    for path in sorted((company / "extracts").rglob("*")):
        if path.is_file():
            with path.open("rb") as handle:
                while block := handle.read(1 << 22):
                    total += block.count(b"\n")
    return total


#: The script joins persons by one key at a time, so what depends on identities differs by a few percent.
APPROXIMATE = ("leads", "touches_of_persons")


def same_counts(company: Path, theirs: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Counts that both must reach, as (pipeline, script); those of APPROXIMATE within 10 %."""
    import duckdb

    with duckdb.connect(str(company / "work" / "warehouse.duckdb"), read_only=True) as con:

        def one(table: str) -> int:
            return con.execute(f"select count(*) from {table}").fetchone()[0]

        ours = {
            "call_legs_kept": (
                one("staging.stg_telephony__call_legs"),
                theirs["call_legs_read"] - theirs["call_legs_lost"],
            ),
            "calls": (one("master.fct_calls"), theirs["calls"]),
            "mail_events_kept": (
                one("staging.stg_emailing__events"),
                theirs["mail_events_read"] - theirs["mail_events_lost"],
            ),
            "sends": (one("master.fct_email_sends"), theirs["sends"]),
            "ledger_revenue_lines": (one("master.fct_ledger_revenues"), theirs["ledger_lines"]),
            "leads": (one("master.fct_leads"), theirs["leads"]),
            "touches_of_persons": (one("master.fct_touches where person_id <> 'unknown'"), theirs["touches"]),
        }
    return ours


def page(runs: list[dict]) -> str:
    """docs/benchmarks.md from the recorded runs."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench SIZE=... RECORD=1`; every figure comes from `benchmarks.json`, one run each. The ratio",
        "compares the whole pipeline (collect, ledger, journal, matching, rules, gate, marts, publication, reports)",
        "with a hand-written DuckDB script over the same files (`tests/bench/hand_written.py`) on the same machine,",
        "one after the other. The script joins persons on fewer keys and keeps no ledger, journal or golden ids.",
        "",
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
        lines += [
            "",
            f"Steps of `{r['size']}` in seconds: "
            + ", ".join(f"{k} {v}" for k, v in r["steps"].items())
            + ".",
        ]
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
        company = (options.keep or Path(scratch)) / options.size
        if not (company / "company.yml").exists():
            print(f"generating {options.size} ...", flush=True)
            generated = measure(
                [sys.executable, "-m", "ingest.demo", "--size", options.size, "--out", str(company)]
            )
            print(f"generated in {generated.wall_s:.1f} s, peak {generated.peak_mib:.0f} MiB", flush=True)
        for leftover in ("work", "published"):
            subprocess.run(["rm", "-rf", str(company / leftover)], check=True)
        rows = rows_in(company)
        out = company.with_name(company.name + "-by-hand")
        script = measure([sys.executable, "-m", "tests.bench.hand_written", str(company), str(out)])
        told = json.loads(script.output.strip().splitlines()[-1])
        run = [sys.executable, "-m", "orchestration.cli", "run", "--company", str(company), "--json"]
        pipeline = measure(run)
        state = json.loads((company / "work" / "run" / "state.json").read_text())
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
            "steps": {name: step["seconds"] for name, step in state["steps"].items()},
            "script_steps": told["steps"],
        }
        print(json.dumps(result, indent=2))
        print("counts (pipeline, script):")
        for name, (ours, theirs) in same_counts(company, told["counts"]).items():
            agreed = abs(ours - theirs) <= (0.1 * theirs if name in APPROXIMATE else 0)
            kind = "approximate by design" if name in APPROXIMATE else "exact"
            print(f"  {name}: {ours:,} {theirs:,} ({kind}{'' if agreed else ', DIFFERS'})")
        if options.record:
            store = ROOT / "docs" / "benchmarks.json"
            runs = [
                r
                for r in (json.loads(store.read_text()) if store.exists() else [])
                if r["size"] != options.size
            ]
            runs = sorted([*runs, result], key=lambda r: r["rows"])
            store.write_text(json.dumps(runs, indent=2) + "\n")
            store.with_suffix(".md").write_text(page(runs))


if __name__ == "__main__":
    main()
