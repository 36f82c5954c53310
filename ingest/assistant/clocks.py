"""Clock checks: where an epoch stands beside a local time, the difference shows the date order and the zone.

What does NOT belong here: reading dates (dates.py).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ingest.assistant.questions import Said, said
from ingest.assistant.table import Table
from ingest.sql import literal
from ingest.zone_names import zone_info, zone_names

TOLERANCE_S, MAX_OFFSET_S, ENOUGH = 120, 14 * 3600 + 60, 0.95


@dataclass(frozen=True)
class ClockCheck:
    """One epoch column against one local time. formats: the list under which the two agree; zones that fit all."""

    epoch: str
    formats: tuple[str, ...]
    n: int
    n_agreeing: int
    zones: tuple[str, ...]
    said: Said


def check_clock(
    table: Table, local_at: int, epoch_at: int, options: tuple[tuple[str, ...], ...]
) -> ClockCheck | None:
    """The one list of formats under which local time and epoch are a zone's offset apart; None when not exactly one."""
    agreeing = [found for formats in options if (found := _offsets(table, local_at, epoch_at, formats))]
    if len(agreeing) != 1:
        return None
    formats, offsets, n, n_agreeing = agreeing[0]
    zones = tuple(
        zone for zone in zone_names() if all(_has_offset(zone, hour, seconds) for hour, seconds in offsets)
    )
    shown = ", ".join(sorted({f"{seconds / 3600:+g} h" for _, seconds in offsets}))
    evidence = said("clock_check", epoch=table.names[epoch_at], local=table.names[local_at], n=n_agreeing, total=n,
                    offsets=shown, zones=", ".join(zones[:6]) or "-")  # fmt: skip
    return ClockCheck(table.names[epoch_at], formats, n, n_agreeing, zones, evidence)


def _offsets(
    table: Table, local_at: int, epoch_at: int, formats: tuple[str, ...]
) -> tuple[tuple[str, ...], list[tuple[dt.datetime, int]], int, int] | None:
    text, epoch = table.column(local_at), table.column(epoch_at)
    parsed = "coalesce(" + ", ".join(
        f"try_cast({text} AS TIMESTAMP)" if f == "iso" else f"try_strptime({text}, {literal(f)})" for f in formats
    ) + ", NULL)"  # fmt: skip
    number = f"try_cast({epoch} AS DOUBLE)"
    seconds = f"CASE WHEN {number} > 1e11 THEN {number} / 1000 ELSE {number} END"
    query = (
        f"WITH pairs AS (SELECT CAST({parsed} AS TIMESTAMP) AS t, {seconds} AS s FROM {table.all_rows} "
        f"WHERE {text} LIKE '%:%' AND NOT regexp_matches({text}, '(?:Z|UTC|[+-][0-9]{{2}}:?[0-9]{{2}})$') "
        f"AND {epoch} IS NOT NULL AND {number} BETWEEN 6e8 AND 5e12), "
        "gaps AS (SELECT t, s, epoch(t) - s AS gap, 900 * round((epoch(t) - s) / 900) AS near FROM pairs), "
        f"fit AS (SELECT *, abs(gap) <= {MAX_OFFSET_S} AND abs(gap - near) <= {TOLERANCE_S} AS ok FROM gaps) "
    )
    n, agreeing = table.row(f"{query} SELECT count(*), count(*) FILTER (ok) FROM fit")
    if n < 5 or agreeing < ENOUGH * n:
        return None
    rows = table.rows(
        f"{query} SELECT date_trunc('hour', make_timestamp(CAST(s * 1000000 AS BIGINT))), CAST(near AS INTEGER), "
        "count(*) FROM fit WHERE ok GROUP BY ALL ORDER BY 1 LIMIT 3000"
    )
    counts: dict[int, int] = {}
    for _, near, k in rows:
        counts[near] = counts.get(near, 0) + k
    usual = {near for near, k in counts.items() if k >= 0.02 * sum(counts.values())}
    return formats, [(hour, near) for hour, near, _ in rows if near in usual], n, agreeing


def _has_offset(zone: str, hour: dt.datetime, seconds: int) -> bool:
    offset = hour.replace(tzinfo=dt.UTC).astimezone(zone_info(zone)).utcoffset()
    return offset is not None and int(offset.total_seconds()) == seconds
