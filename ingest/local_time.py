"""Local wall-clock time -> UTC, with the two nights a year that need a decision.

Overlap (clocks go back): the local time exists twice; the EARLIER instant is chosen and flagged.
Gap (clocks go forward): the local time never existed; it is read with the offset before the change and
flagged.
What does NOT belong here: parsing text into timestamps (conversion.py).
"""

from __future__ import annotations

import datetime as dt
import functools
import zoneinfo

from ingest.sql import literal

FIRST_YEAR, LAST_YEAR = 1990, 2060


def first_instant(day: dt.date, zone: str) -> dt.datetime:
    """UTC instant, naive, at which `day` begins in `zone`; also where clocks change at midnight."""
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=zoneinfo.ZoneInfo(zone))
    return midnight.astimezone(dt.UTC).replace(tzinfo=None)


@functools.cache
def windows(zone: str) -> tuple[tuple[dt.datetime, dt.datetime, int], ...]:
    """Windows of local time that are ambiguous or do not exist in `zone`, FIRST_YEAR to LAST_YEAR.

    Each is (first local instant, first local instant after it, shift in seconds): shift > 0 for an overlap, <
    0 for a gap. Source: the system's tz database through zoneinfo.
    """
    info = zoneinfo.ZoneInfo(zone)

    def offset(instant: dt.datetime) -> dt.timedelta:
        return instant.replace(tzinfo=dt.UTC).astimezone(info).utcoffset() or dt.timedelta()

    found = []
    step = dt.timedelta(days=7)
    instant = dt.datetime(FIRST_YEAR, 1, 1)  # noqa: DTZ001 - UTC by construction
    while instant.year <= LAST_YEAR:
        low, high = instant, instant + step
        if offset(low) != offset(high):
            while high - low > dt.timedelta(seconds=1):
                middle = low + (high - low) / 2
                middle = middle.replace(microsecond=0)
                if middle == low:
                    break
                low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
            before, after = high + offset(low), high + offset(high)
            shift = int((offset(low) - offset(high)).total_seconds())
            found.append((min(before, after), max(before, after), shift))
        instant += step
    return tuple(found)


def shift_sql(column: str, zone: str) -> str:
    """Integer SQL: seconds of overlap (> 0) or gap (< 0) at local timestamp `column`; 0 elsewhere.

    Rows outside the months and hours in which the zone ever changes never reach the list of windows.
    """
    found = windows(zone)
    if not found:
        return "0"
    months = sorted({start.month for start, _, _ in found} | {end.month for _, end, _ in found})
    hours: set[int] = set()
    for start, end, _ in found:
        moment = start.replace(minute=0, second=0)
        while moment < end:
            hours.add(moment.hour)
            moment += dt.timedelta(hours=1)
    return (
        f"CASE WHEN hour({column}) IN ({', '.join(map(str, sorted(hours)))}) "
        f"AND month({column}) IN ({', '.join(map(str, months))}) THEN {_window_sql(column, found)} ELSE 0 END"
    )


def _window_sql(column: str, found: tuple[tuple[dt.datetime, dt.datetime, int], ...]) -> str:
    """Shift of the window that holds `column`: a list of hours, else of quarter hours, when all windows fall on them.

    list_contains of a constant list would become a join that every row passes through, whatever was tested before.
    """
    bounds = [moment for start, end, _ in found for moment in (start, end)]
    unit = next((u for u in (60, 15) if not any(m.minute % u or m.second for m in bounds)), None)
    if unit is None:
        tests = " ".join(
            f"WHEN {column} >= TIMESTAMP {literal(str(start))} AND {column} < TIMESTAMP {literal(str(end))} "
            f"THEN {shift}"
            for start, end, shift in found
        )
        return f"CASE {tests} ELSE 0 END"
    slots: dict[int, list[int]] = {}
    for start, end, shift in found:
        first, last = (int(m.replace(tzinfo=dt.UTC).timestamp()) // (unit * 60) for m in (start, end))
        slots.setdefault(shift, []).extend(range(first, last))
    tests = " ".join(
        f"WHEN coalesce(list_position({units}, CAST(floor(epoch({column}) / {unit * 60}) AS BIGINT)), 0) > 0 "
        f"THEN {shift}"
        for shift, units in sorted(slots.items())
    )
    return f"CASE {tests} ELSE 0 END"


def utc_sql(column: str, zone: str, shift: str) -> str:
    """SQL of the UTC timestamp of local timestamp `column`; `shift` is the SQL of shift_sql for it.

    ICU reads an overlap as its later instant, so an overlap is moved back by its length. The way back to a timestamp
    without zone is arithmetic: a second question to ICU would cost as much as the first.
    """
    if zone in {"UTC", "Etc/UTC", "GMT"}:
        return column
    converted = f"make_timestamp(epoch_us(timezone({literal(zone)}, {column})))"
    return f"CASE WHEN {shift} > 0 THEN {converted} - to_seconds({shift}) ELSE {converted} END"
