"""Why a light has its colour, in words, with the bars of the framing note of the cycle (row DE20).

What does not belong here: the rules (orchestration.audit.traffic_light), the bars themselves.
"""

from __future__ import annotations

from collections.abc import Iterable

from orchestration.audit.traffic_light import Bars
from orchestration.reporting.formatting import Formats
from orchestration.reporting.wording import Wording


def light_reasons(codes: Iterable[str], bars: Bars, t: Wording, f: Formats) -> str:
    """Codes of the reasons and flags of a light as one enumeration; bars: those that the light was made with."""
    values = {
        "minimum_n": f.integer(bars.minimum_units),
        "minimum_events": f.integer(bars.minimum_events),
        "r_amber": f.exact(bars.r_amber, 2),
        "r_green": f.exact(bars.r_green, 2),
        "points": f.exact(bars.delta_points),
    }
    return ", ".join(t.or_raw("lights.reason", code, **values) for code in codes)
