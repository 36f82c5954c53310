"""`make faults`: lands more than 10,000 damaged files and writes docs/faults.json and docs/faults.md.

Ends with 1 when a row that no damage touched is lost or altered, a record is invented, or an identity does not hold.
The same seeds give the same files, so that the figures are those of the code and the versions named on the page.

Usage: python -m tests.faults.damage.figures [--seeds 84] [--workers 2]
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import duckdb
import pyarrow

from tests.faults.damage.harness import Outcome, cases, run_batch
from tests.faults.damage.kinds import ELEVEN, FURTHER, KINDS, TWELFTH
from tests.faults.damage.streams import STREAMS

DOCS = Path(__file__).resolve().parents[3] / "docs"
SEEDS = 84
FURTHER_SEEDS = 12
#: What the table shows of an outcome.
SHOWN = (
    "files", "rows", "untouched", "lost", "altered", "invented", "imbalances", "refused", "fast", "touched",
    "quarantined_lines", "touched_kept_equal", "touched_kept_other", "touched_set_aside", "duplicates",
)  # fmt: skip


def batch(job: tuple[str, str, range]) -> tuple[str, str, Outcome]:
    """Outcome of one stream and kind over a range of seeds."""
    stream = next(s for s in STREAMS if s.name == job[0])
    with tempfile.TemporaryDirectory() as folder:
        return job[0], job[1], run_batch(Path(folder), stream, cases(stream, job[1], job[2]))


def jobs(seeds: int, further_seeds: int) -> list[tuple[str, str, range]]:
    """(stream, kind, seeds) of every batch."""
    names = {kind.__name__ for kind in FURTHER}
    return [
        (stream.name, kind, range(further_seeds if kind in names else seeds))
        for kind in KINDS
        for stream in STREAMS
    ]


def summed(outcomes: list[tuple[str, str, Outcome]]) -> tuple[dict[str, Outcome], dict[str, Outcome]]:
    """Outcomes by kind (in the order of the page) and by stream."""
    by_kind: dict[str, Outcome] = {kind: Outcome() for kind in KINDS}
    by_stream: dict[str, Outcome] = {stream.name: Outcome() for stream in STREAMS}
    for stream, kind, outcome in outcomes:
        by_kind[kind].add(outcome)
        by_stream[stream].add(outcome)
    return by_kind, by_stream


def is_sound(outcome: Outcome) -> bool:
    """True when nothing undamaged was lost, altered or invented and every identity held."""
    return not (outcome.lost or outcome.altered or outcome.invented or outcome.imbalances or outcome.faults)


def result(by_kind: dict[str, Outcome], by_stream: dict[str, Outcome], seeds: int, further: int) -> dict:
    """Content of docs/faults.json."""

    def shown(outcome: Outcome) -> dict:
        codes = {"codes": dict(sorted(outcome.codes.items()))} if outcome.codes else {}
        return {name: getattr(outcome, name) for name in SHOWN} | codes

    return {
        "seeds": seeds,
        "further_seeds": further,
        "versions": {
            "python": ".".join(platform.python_version_tuple()[:2]),
            "duckdb": duckdb.__version__,
            "pyarrow": pyarrow.__version__,
        },
        "kinds": {name: shown(outcome) for name, outcome in by_kind.items()},
        "streams": {name: shown(outcome) for name, outcome in by_stream.items()},
    }


def page(told: dict) -> str:
    """docs/faults.md from docs/faults.json."""
    counted = [told["kinds"][kind.__name__] for kind in (*ELEVEN, TWELFTH)]
    eleven = [told["kinds"][kind.__name__] for kind in ELEVEN]
    every = list(told["kinds"].values())
    further = [kind.__name__ for kind in FURTHER]
    versions = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    lines = [
        "# Damaged files: what landing makes of them",
        "",
        "Written by `make faults`; the same seeds give the same files. Each file holds 20 to 60 sound rows of one",
        "shape of extract, one kind of damage at one place, and goes through `collect` like any extract. What must",
        "come out is known from the rows that were generated, never read back; lines, records and dispositions are",
        "counted again without the code of the pipeline (`tests/faults/damage/`).",
        "",
        f"**{sum(k['files'] for k in counted):,} files** of twelve kinds ({len(STREAMS)} shapes, {told['seeds']} seeds"
        f" each) and {sum(k['files'] for k in every) - sum(k['files'] for k in counted):,} of four further kinds; "
        f"{versions}.",
        "",
        f"- Undamaged rows of the eleven kinds: {sum(k['untouched'] for k in eleven):,}; "
        f"lost {sum(k['lost'] for k in eleven)}, altered {sum(k['altered'] for k in eleven)}.",
        f"- A lost line end takes its one neighbour: beside the two rows it joins, "
        f"{told['kinds'][TWELFTH.__name__]['lost'] + told['kinds'][TWELFTH.__name__]['altered']} rows lost or altered.",
        f"- Records that no line of a file holds: {sum(k['invented'] for k in every)}. "
        f"Identities A, B, C that do not hold on recount: {sum(k['imbalances'] for k in every)}.",
        "",
        "## By kind of damage",
        "",
        "Fast: files on which the fast reader was believed. Damaged rows are quarantined by line, or read as the",
        "record that their bytes now are (kept), since no reader can know that the bytes were others once.",
        "",
        "| kind | files | undamaged rows | lost | altered | invented | imbalances | refused | fast | rows damaged | "
        "lines quarantined | kept as they were | kept as they now read | set aside |",
        "|---|" + "---:|" * 13,
    ]
    for name, k in told["kinds"].items():
        if name == further[0]:
            lines.append("| *further kinds* |" + " |" * 13)
        codes = ", ".join(f"{code}" for code in k.get("codes", {}))
        refused = f"{k['refused']} ({codes})" if codes else str(k["refused"])
        lines.append(
            f"| {name.replace('_', ' ')} | {k['files']:,} | {k['untouched']:,} | {k['lost']} | {k['altered']} "
            f"| {k['invented']} | {k['imbalances']} | {refused} | {k['fast']} | {k['touched']} "
            f"| {k['quarantined_lines']} | {k['touched_kept_equal']} | {k['touched_kept_other']} "
            f"| {k['touched_set_aside']} |"
        )
    lines += [
        "",
        "A doubled line is landed twice and told as an exact duplicate ("
        f"{told['kinds']['doubled_line']['duplicates']:,} of {told['kinds']['doubled_line']['files']:,}). A file that",
        "ends early is refused as a whole: by its missing line end, or, when it ends between two rows, by the",
        "control total beside it; without one, only the volume control can see it. The rows of a refused file are",
        "all still to come.",
        "",
        "## By shape of extract",
        "",
        "| shape | like | files | undamaged rows | lost | altered | imbalances | fast | lines quarantined |",
        "|---|---|" + "---:|" * 7,
    ]
    for stream in STREAMS:
        k = told["streams"][stream.name]
        lines.append(
            f"| {stream.name.replace('_', ' ')} | {stream.like} | {k['files']:,} | {k['untouched']:,} | {k['lost']} "
            f"| {k['altered']} | {k['imbalances']} | {k['fast']} | {k['quarantined_lines']} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Land, count, write the page; 1 when something is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--further-seeds", type=int, default=FURTHER_SEEDS)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=DOCS, help="folder of faults.json and faults.md")
    options = parser.parse_args()
    started = time.perf_counter()
    todo = jobs(options.seeds, options.further_seeds)
    with ProcessPoolExecutor(options.workers) as pool:
        outcomes = list(pool.map(batch, todo))
    by_kind, by_stream = summed(outcomes)
    told = result(by_kind, by_stream, options.seeds, options.further_seeds)
    (options.out / "faults.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    (options.out / "faults.md").write_text(page(told), encoding="utf-8")
    files = sum(outcome.files for outcome in by_kind.values())
    print(f"{files:,} files in {time.perf_counter() - started:.0f} s")
    faults = [fault for outcome in by_kind.values() for fault in outcome.faults]
    for fault in faults[:50]:
        print(fault)
    print(f"{len(faults)} faults")
    return int(not all(is_sound(outcome) for outcome in by_kind.values()))


if __name__ == "__main__":
    sys.exit(main())
