"""Why a clock differs: another zone that would fit every time, or day and month swapped.

What does NOT belong here: counting the rows that differ (controls_measures.py); the assistant's own clock check
reads text of unknown format (assistant/clocks.py).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from ingest.zone_names import zone_info, zone_names

QUARTER_S, ENOUGH = 900, 0.95
# Rows that are looked at for the evidence; the counts of the control come from all rows.
SAMPLE = 400


def evidence(
    pairs: list[tuple[dt.datetime, float]], zone: str, tolerance_s: int
) -> tuple[str, dict[str, Any]]:
    """(sentence code, its values) for times that differ from their epoch.

    pairs: (time as stored, naive UTC; seconds since 1970) of times that differ; one file may mix two clocks. zone:
    the one the mapping reads local times in.
    """
    gaps = Counter(round((_seconds(stored) - epoch) / QUARTER_S) * QUARTER_S for stored, epoch in pairs)
    usual = gaps.most_common(1)[0][0] if gaps else 0
    values: dict[str, Any] = {"offset": _duration(usual), "declared": zone}
    walls = [(_wall(stored, zone), epoch) for stored, epoch in pairs]
    swapped = [
        (wall.replace(day=wall.month, month=wall.day), epoch) for wall, epoch in walls if wall.day <= 12
    ]
    fitting = sum(_agrees(wall, epoch, zone, tolerance_s) for wall, epoch in swapped)
    zones = [z for z in zone_names() if z != zone and _fits(walls, z, tolerance_s)]
    if zones:
        return "clock_zone", {**values, "zones": " / ".join(zones[:3])}
    if len(swapped) == len(walls) and fitting >= ENOUGH * len(walls):
        return "clock_month_day", {**values, "fitting": fitting, "sampled": len(walls)}
    return "clock_offset", values


def _fits(walls: list[tuple[dt.datetime, float]], zone: str, tolerance_s: int) -> bool:
    misses, allowed = 0, (1 - ENOUGH) * len(walls)
    for wall, epoch in walls:
        misses += not _agrees(wall, epoch, zone, tolerance_s)
        if misses > allowed:
            return False
    return True


def _agrees(wall: dt.datetime, epoch: float, zone: str, tolerance_s: int) -> bool:
    instant = dt.datetime.fromtimestamp(epoch, dt.UTC).astimezone(zone_info(zone)).replace(tzinfo=None)
    return abs((wall - instant).total_seconds()) <= tolerance_s


def _wall(stored: dt.datetime, zone: str) -> dt.datetime:
    return stored.replace(tzinfo=dt.UTC).astimezone(zone_info(zone)).replace(tzinfo=None)


def _seconds(stored: dt.datetime) -> float:
    return stored.replace(tzinfo=dt.UTC).timestamp()


def _duration(seconds: int) -> str:
    """+1 h, -5:45 h, +3 d 2 h."""
    sign, rest = ("+" if seconds >= 0 else "-"), abs(seconds)
    days, rest = divmod(rest, 86400)
    hours, minutes = divmod(rest // 60, 60)
    text = f"{hours}:{minutes:02d} h" if minutes else f"{hours} h"
    return f"{sign}{days} d {text}" if days else f"{sign}{text}"
