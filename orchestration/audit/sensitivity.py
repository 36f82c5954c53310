"""Does the line hang on a few units: without the top 1 %, without any one, by influence (rows QU11, OU5).

Not here: the class of an outlier; errors have left the data before any figure (dq_outliers).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from orchestration.audit.points import Points
from orchestration.audit.regression import Line, line

TOP = Fraction(99, 100)


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


def without_top(points: Points, whole: Line, bars: tuple[float, float] = (0.10, 0.25)) -> Sensitivity:
    """Sensitivity of `whole`, the line of `points`; `bars` part the bands of r."""
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
    moved = _band(whole.r, bars) != _band(fitted.r, bars) or (whole.r > 0) != (fitted.r > 0)
    return Sensitivity(limit, dropped, fitted, moved, None)


def _band(r: float, bars: tuple[float, float]) -> int:
    return sum(r >= bar for bar in bars)


@dataclass(frozen=True)
class Influence:
    """Influence of the units on one point. cooks_distance is None with leverage 1 (Anscombe's fourth set)."""

    x: Fraction
    y: Fraction
    units: int
    leverage: float
    cooks_distance: float | None


def influences(points: Points, fitted: Line) -> list[Influence]:
    """Cook's distance and leverage of each point, the most influential first; empty where no line is fitted.

    Cook 1977: residual squared x leverage / (p x residual variance x (1 - leverage) squared), p = 2.
    """
    if fitted.r is None or fitted.mean_x is None or fitted.mean_y is None:
        return []
    n, mean_x = points.n, fitted.mean_x
    sxx = sum(((p.x - mean_x) ** 2 * p.units for p in points), Fraction(0))
    slope = sum(((p.x - mean_x) * (p.y - fitted.mean_y) * p.units for p in points), Fraction(0)) / sxx
    residuals = [p.y - fitted.mean_y - slope * (p.x - mean_x) for p in points]
    variance = sum((e * e * p.units for e, p in zip(residuals, points, strict=True)), Fraction(0)) / (n - 2)
    found = []
    for p, e in zip(points, residuals, strict=True):
        leverage = Fraction(1, n) + (p.x - mean_x) ** 2 / sxx
        distance = None
        if leverage != 1:
            distance = float(e * e * leverage / (2 * variance * (1 - leverage) ** 2)) if variance else 0.0
        found.append(Influence(p.x, p.y, p.units, float(leverage), distance))
    return sorted(found, key=lambda i: (i.cooks_distance is not None, -(i.cooks_distance or 0), i.x, i.y))
