"""Is what matching wrote sound: findings and figures of its files, for checks and metadata.

What does NOT belong here: Dagster (see defs.matching), precision and recall (see orchestration.evaluation).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from ingest.sql import literal
from orchestration.matching import evidence as ev
from orchestration.matching.matching import MatchReport
from orchestration.matching.policy import load_policy

#: Bins of the histogram: log2 odds, the outer ones open.
_LOWEST, _HIGHEST = -5, 30


@dataclass(frozen=True)
class Finding:
    """One question about the files of a run. is_severe: the ids cannot be trusted; else the run only warns."""

    name: str
    passed: bool
    is_severe: bool
    counts: dict[str, int | float]


def audit_matching(exchange: Path, matching: Path, report: MatchReport) -> list[Finding]:
    """Judge the files of one run. exchange: int_account_records, int_person_records; matching: the step's output."""
    con = duckdb.connect()
    try:
        con.execute("SET threads=2")
        wrong = {
            entity: con.execute(
                f"select count(*) from (select record_key from {_exchanged(exchange, entity)}) as r "
                f"full join (select record_key, count(*) as n, count({entity}_id) as n_ids "
                f"from {_read(matching / f'{entity}_members.parquet')} group by record_key) as m using (record_key) "
                "where r.record_key is null or m.n is distinct from 1 or m.n_ids is distinct from 1"
            ).fetchall()[0][0]
            for entity in ("account", "person")
        }
        two_numbers = con.execute(
            f"select count(*) from (select account_id from {_read(matching / 'account_members.parquet')} "
            f"join {_exchanged(exchange, 'account')} using (record_key) "
            "group by account_id having count(distinct registration_number) > 1)"
        ).fetchall()[0][0]
    finally:
        con.close()
    entities = {"account": report.accounts, "person": report.persons}
    shares = {name: round(each.n_review / max(each.n_records, 1), 4) for name, each in entities.items()}
    dropped = {name: each.dropped_blocks for name, each in entities.items()}
    return [
        Finding("every_record_has_one_golden_id", not any(wrong.values()), True, wrong),
        Finding("no_account_has_two_registration_numbers", not two_numbers, True, {"accounts": two_numbers}),
        Finding(
            "the_review_queue_can_be_worked_through",
            all(share <= load_policy(name).most_questions for name, share in shares.items()),
            False,
            shares,
        ),
        Finding("no_block_was_too_large_to_compare", not any(dropped.values()), False, dropped),
    ]


def weights_chart(matching: Path, entity: str) -> str | None:
    """Markdown of an SVG histogram of the scores of one entity, by decision; None without a scored pair."""
    con = duckdb.connect()
    try:
        rows = con.execute(
            f"select greatest(least(cast(floor(weight) as integer), {_HIGHEST}), {_LOWEST}) as bin, decision, count(*) "
            f"from {_read(matching / 'edges.parquet')} where entity = '{entity}' and weight is not null "
            "group by all order by all"
        ).fetchall()
    finally:
        con.close()
    if not rows:
        return None
    counts = {(weight, decision): n for weight, decision, n in rows}
    image = base64.b64encode(_bars(counts).encode()).decode()
    return f"![Scores ({entity}): log2 odds, accepted and for review](data:image/svg+xml;base64,{image})"


def _bars(counts: dict[tuple[int, str], int]) -> str:
    """SVG of stacked bars, one per bin, on a square-root scale: few pairs stay visible beside many."""
    bins = range(_LOWEST, _HIGHEST + 1)
    decisions = ((ev.ACCEPTED, "#2c6e49"), (ev.REVIEW, "#d68c45"), (ev.REJECTED, "#9a9a9a"))
    highest = max(sum(counts.get((weight, each), 0) for each, _ in decisions) for weight in bins)
    width, height, step = 560, 160, 560 / len(bins)
    drawn = []
    for weight in bins:
        top, below = float(height), 0
        for each, colour in decisions:
            n = counts.get((weight, each), 0)
            if n:
                tall = height * (np.sqrt((below + n) / highest) - np.sqrt(below / highest))
                x = (weight - _LOWEST) * step
                drawn.append(
                    f'<rect x="{x:.1f}" y="{top - tall:.1f}" width="{step - 1:.1f}" height="{tall:.1f}" '
                    f'fill="{colour}"><title>{weight}: {n} {each}</title></rect>'
                )
                top, below = top - tall, below + n
    axis = "".join(
        f'<text x="{(weight - _LOWEST) * step:.1f}" y="{height + 14}" font-size="11">{weight}</text>'
        for weight in range(_LOWEST, _HIGHEST + 1, 5)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height + 20}" font-family="sans-serif">'
        f"{''.join(drawn)}{axis}</svg>"
    )


def _exchanged(exchange: Path, entity: str) -> str:
    return _read(exchange / f"int_{entity}_records.parquet")


def _read(path: Path) -> str:
    return f"read_parquet({literal(str(path))})"
