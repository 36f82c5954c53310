"""The four weeks of an audit cycle: when each of its seven steps and the two stand-ups are due (rows PB7, PB9).

The extracts of a month are whole when it is over, so week 1 begins on the first Monday on or after the day that follows
the cycle. Pure: a date comes from the cycle, never from the clock.
What does NOT belong here: what has been done (steps.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

#: Step -> (week, weekday from 0 for Monday), in the order of the method.
_DUE: dict[str, tuple[int, int]] = {
    "frame": (1, 0),
    "collect": (1, 2),
    "clean": (1, 4),
    "visualise": (2, 0),
    "quantify": (2, 2),
    "decide": (3, 4),
    "experiment": (4, 4),
}
STEPS = tuple(_DUE)
#: The audit stand-ups: 30 minutes on the Mondays of week 2 and week 4.
_STAND_UPS = ("S2", "S4")


@dataclass(frozen=True)
class Calendar:
    """Days of one cycle. due: step -> day. stand_ups: `S2` and `S4` -> Monday. ends_on: last Friday."""

    begins_on: date
    ends_on: date
    due: dict[str, date]
    stand_ups: dict[str, date]


def calendar_of(cycle_end: date) -> Calendar:
    """The calendar of the cycle that ends before `cycle_end` (exclusive)."""
    monday = cycle_end + timedelta(days=-cycle_end.weekday() % 7)

    def day(week: int, weekday: int) -> date:
        return monday + timedelta(weeks=week - 1, days=weekday)

    return Calendar(
        begins_on=monday,
        ends_on=day(4, 4),
        due={step: day(*place) for step, place in _DUE.items()},
        stand_ups={name: day(int(name[1]), 0) for name in _STAND_UPS},
    )
