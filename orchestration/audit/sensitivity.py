"""Does the line hang on a few units: what is left of it without the top 1 % (row QU11).

Not here: the influence of one unit and the class of an outlier (dq_outliers), whose errors have left the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from orchestration.audit.points import Points
from orchestration.audit.regression import Line, line
from orchestration.audit.traffic_light import METHOD_BARS, Bars

TOP = Fraction(99, 100)
_STEP = Decimal("1e-10")


@dataclass(frozen=True)
class Sensitivity:
    """The line with and without the units strictly above the 99th percentile of x.

    Attributes:
        limit: the 99th percentile of x; None without units.
        n_dropped: units above it.
        without: the line without them; None where none is above (`reason` no_strict_top_1pct).
        is_fragile: the band of r changes or the slope changes its sign.
    """

    limit: Fraction | None
    n_dropped: int
    without: Line | None
    is_fragile: bool
    reason: str | None


def without_top(points: Points, whole: Line, bars: Bars = METHOD_BARS) -> Sensitivity:
    """Sensitivity of `whole`, the line of `points`; `bars` part the bands of r, as in the light: in ten digits."""
    limit = points.quantile_x(TOP)
    if limit is None:
        return Sensitivity(None, 0, None, False, "no_units")
    rest = points.up_to(limit)
    dropped = points.n - rest.n
    if not dropped:
        return Sensitivity(limit, 0, None, False, "no_strict_top_1pct")
    fitted = line(rest)
    if whole.r is None or fitted.r is None:
        return Sensitivity(limit, dropped, fitted, whole.r is not None, fitted.reason)
    r, r_rest = (Decimal(repr(each)).quantize(_STEP) for each in (whole.r, fitted.r))
    moved = _band(r, bars) != _band(r_rest, bars) or (r > 0) != (r_rest > 0)
    return Sensitivity(limit, dropped, fitted, moved, None)


def _band(r: Decimal, bars: Bars) -> int:
    return sum(r >= bar for bar in (bars.r_amber, bars.r_green))
