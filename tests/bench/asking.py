"""`make bench-asking`: opening a published file and asking a metric of it, as `etalon metrics query` does.

Builds a file of its own with the columns of the KPI mart and of kpi_trust: 100 metrics, 36 months, 120 segments (the
whole company is one), 432,000 cells in the order of a publication. Every question opens a connection, attaches the file
and reads; the operating system has read the file before (warm). "Again" asks in a connection that stays open. Told are
the median and the fastest of the rounds and the load of the machine: others at work lengthen the median, never
the work. Ends with 1 when the fastest of a question is over the bound; `--record` keeps the figures in docs/asking.json
and the sentence of docs/bi.md that tells them.

What does NOT belong here: how a mart is built (marts.py).

Usage: python -m tests.bench.asking [--rounds 25] [--record]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median

import duckdb

from ingest.sql import literal
from orchestration.dictionary.asking import Asked, ask, opened

DOCS = Path(__file__).resolve().parents[2] / "docs"
RECORD, PAGE = DOCS / "asking.json", DOCS / "bi.md"
METRICS, MONTHS, SEGMENTS = 100, 36, 120
#: Milliseconds that a question may take, opening the file included.
MAX_MS = 200
_SENTENCE = re.compile(r"`etalon metrics query` is such a reader:.*?(?=\n\n)", re.DOTALL)
QUESTIONS = {
    "one month": Asked("metric_050", first=date(2026, 6, 1), last=date(2026, 6, 1)),
    "all months": Asked("metric_050"),
    "all months of every segment": Asked("metric_050", cut="channel"),
}


def build(marts: Path) -> int:
    """A published file with the KPI mart and its trust; returns the number of cells."""
    with duckdb.connect() as con:
        con.execute(f"attach {literal(str(marts))} as m")
        con.execute(
            """
            create table m.mart_management_kpis_month as
            select
                'metric_' || lpad(cast(n.i as varchar), 3, '0') as metric_name,
                cast(date '2023-07-01' + to_months(cast(t.i as integer)) as date) as period_month,
                case when s.i = 0 then 'all' else 'channel' end as segment_kind_code,
                case when s.i = 0 then 'all' else 'segment_' || s.i end as segment_code,
                cast(hash(n.i, t.i, s.i) % 100000 / 1000 as decimal(38, 10)) as metric_value,
                cast(hash(n.i, t.i) % 1000 as decimal(38, 4)) as numerator,
                cast(hash(t.i, s.i) % 1000 as decimal(38, 4)) as denominator,
                cast(null as varchar) as reason_code, cast(null as varchar) as caveat_code,
                cast(0 as bigint) as n_immature, 'rate' as unit_code, cast(null as varchar) as reporting_currency
            from range($metrics) as n(i), range($months) as t(i), range($segments) as s(i)
            order by metric_name, period_month, segment_kind_code, segment_code
            """,
            {"metrics": METRICS, "months": MONTHS, "segments": SEGMENTS},
        )
        con.execute(
            "create table m.kpi_trust as select metric_name, period_month, 'reliable' as trust_code,"
            " false as is_too_few, cast(null as varchar) as rule_ids, cast(null as varchar) as caveat_fr,"
            " cast(null as varchar) as caveat_en from m.mart_management_kpis_month"
            " where segment_kind_code = 'all'"
        )
        (cells,) = con.execute("select count(*) from m.mart_management_kpis_month").fetchone() or (0,)
        return int(cells)


def timed(marts: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Question -> milliseconds, opening the file (opened) and in an open connection (again): fastest and median."""
    found = {}
    for name, asked in QUESTIONS.items():

        def with_opening(asked: Asked = asked) -> None:
            with opened(marts) as con:
                ask(con, asked)

        with opened(marts) as con:
            again = _ms(lambda asked=asked, con=con: ask(con, asked), rounds)
        fresh = _ms(with_opening, rounds)
        found[name] = {
            "opened_fastest_ms": fresh[0], "opened_median_ms": fresh[1],
            "again_fastest_ms": again[0], "again_median_ms": again[1],
        }  # fmt: skip
    return found


def _ms(act: Callable[[], object], rounds: int) -> tuple[float, float]:
    act()  # warm
    seconds = []
    for _ in range(rounds):
        begun = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - begun)
    return round(min(seconds) * 1000, 1), round(median(seconds) * 1000, 1)


def sentence(told: dict) -> str:
    """What docs/bi.md says of a record."""

    def span(key: str) -> str:
        of_questions = sorted(each[key] for each in told["questions"].values())
        return f"{of_questions[0]:.0f} to {of_questions[-1]:.0f} ms"

    return (
        "`etalon metrics query` is such a reader: value, halves, reason and trust of a metric. Over"
        f" {told['cells']:,} cells\n({METRICS} metrics, {MONTHS} months, {SEGMENTS} segments), warm, opening the file"
        f" and asking took {span('opened_fastest_ms')} at the fastest\nof {told['rounds']} rounds and"
        f" {span('opened_median_ms')} in the median, asking again {span('again_fastest_ms')} and"
        f" {span('again_median_ms')}:\nfor one month, for all of them, and for all months of every segment"
        f" (`python -m tests.bench.asking`, {told['cores']} cores shared\nwith others at a load of {told['load']:.0f})."
    )


def page_with(told: dict) -> str:
    """docs/bi.md with the sentence of a record."""
    return _SENTENCE.sub(lambda _: sentence(told), PAGE.read_text(encoding="utf-8"), count=1)


def main() -> None:
    """Builds, asks, prints and optionally records."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--record", action="store_true", help="write docs/asking.json and docs/bi.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        marts = Path(folder) / "marts.duckdb"
        cells = build(marts)
        told = {
            "cells": cells,
            "rounds": options.rounds,
            "cores": os.cpu_count(),
            "questions": timed(marts, options.rounds),
            "load": round(os.getloadavg()[0], 1),
        }
    print(json.dumps(told, indent=2))
    if options.record:
        RECORD.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        PAGE.write_text(page_with(told), encoding="utf-8")
    slowest = max(each["opened_fastest_ms"] for each in told["questions"].values())
    if slowest > MAX_MS:
        sys.exit(f"the slowest question took {slowest} ms at its fastest, at most {MAX_MS} ms")


if __name__ == "__main__":
    main()
