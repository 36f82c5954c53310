"""95 % band of the mean line of a scatter (row VI2): where the line itself may run, not where single leads fall.

The half-width at x is t(n - 2) * sqrt(s2 / n + se(m)^2 * (x - mean x)^2), from the errors that `regression.line` gives.
Not here: the line, its drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from scipy import stats

from orchestration.audit.regression import CONFIDENCE, Line


def band(fitted: Line, places: Sequence[float]) -> list[tuple[float, float]] | None:
    """(low, high) of the mean line at each x of `places`; None where no line or no error can be estimated."""
    if fitted.slope is None or fitted.intercept is None or fitted.mean_x is None:
        return None
    if fitted.slope_se is None or fitted.intercept_se is None or fitted.n < 3:
        return None
    mean = float(fitted.mean_x)
    # se(b)^2 = s2 / n + se(m)^2 * mean^2; rounding may leave a hair below zero
    at_mean = max(fitted.intercept_se**2 - fitted.slope_se**2 * mean**2, 0.0)
    t = float(stats.t.ppf(0.5 + CONFIDENCE / 2, fitted.n - 2))
    found = []
    for x in places:
        middle = fitted.intercept + fitted.slope * x
        half = t * sqrt(at_mean + fitted.slope_se**2 * (x - mean) ** 2)
        found.append((middle - half, middle + half))
    return found
