"""What the framing note of the cycle says that estimates are made with: landmarks, least numbers, bars, capacities.

Without a note the defaults of the method stand. What does NOT belong here: the note (orchestration.cycles), an
estimate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import duckdb

from orchestration.audit.traffic_light import METHOD_BARS, Bars
from orchestration.cycles.standing import framing_in
from orchestration.settings import RunSettings


@dataclass(frozen=True)
class Frame:
    """landmarks: days after creation, ascending; capacity: team -> touches a working day."""

    landmarks: tuple[int, ...] = (3, 5, 10)
    bars: Bars = METHOD_BARS
    capacity: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def judged_day(self) -> int:
        """The landmark that feeds the light: the middle one; of two, the later."""
        return self.landmarks[len(self.landmarks) // 2]

    @property
    def judged_design(self) -> str:
        """Its design_code."""
        return f"landmark_{self.judged_day}"


METHOD = Frame()


def frame_of(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> Frame:
    """The frame of the cycle, from the note that the warehouse was made with."""
    _, framing = framing_in(con, settings.cycle)
    if framing is None:
        return METHOD
    return Frame(
        framing.landmarks_days,
        Bars(
            r_green=framing.bars.r_green,
            r_amber=framing.bars.r_amber,
            delta_points=framing.bars.delta_points,
            minimum_units=framing.minimum_n,
            minimum_events=framing.minimum_events,
        ),
        {team: Decimal(touches) for team, touches in framing.team_capacity.items()},
    )
