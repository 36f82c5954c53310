"""An interval that may be looked at every week (row EX5): the asymptotic confidence sequence.

Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (arXiv 2103.06476), equations 9 and 161, as GrowthBook applies them: it
holds at all looks together. The verdict at the end takes the interval of one look (effects). Not here: the looks.
"""

from __future__ import annotations

from math import log, sqrt

from orchestration.experiments.effects import Difference, Share

#: Units of an arm, and events (and units without) of both together, before the variance says anything.
LEAST_UNITS, LEAST_EVENTS = 30, 10


def tuning(expected: float, alpha: float) -> float:
    """rho that makes the sequence tightest when `expected` units, both arms together, are in."""
    level = -2 * log(alpha)
    return sqrt((level + log(level + 1)) / expected)


def half_width(variance: float, n: float, expected: float, alpha: float = 0.05) -> float:
    """Half the width of the sequence at n units. variance: of one unit, n times the squared standard error."""
    rho = tuning(expected, alpha)
    grown = n * rho * rho + 1
    return sqrt(variance) * sqrt(2 * grown * log(sqrt(grown) / alpha) / (n * rho) ** 2)


def look(test: Share, control: Share, expected: float, alpha: float = 0.05) -> Difference:
    """Difference at one look with its always-valid interval.

    expected: units of both arms at the end, fixed before the start: it says where the sequence is tightest, not whether
    it holds.

    reason: no_units, or too_few_events as long as the normal approximation says nothing.
    """
    if test.rate is None or control.rate is None:
        return Difference(None, reason="no_units")
    delta = test.rate - control.rate
    events, units = test.x + control.x, test.n + control.n
    if min(test.n, control.n) < LEAST_UNITS or min(events, units - events) < LEAST_EVENTS:
        return Difference(delta, reason="too_few_events")
    error = sum(
        float(arm.rate * (1 - arm.rate)) / arm.effective[1] for arm in (test, control) if arm.rate is not None
    )
    n = test.effective[1] + control.effective[1]
    half = half_width(error * n, n, expected, alpha)
    return Difference(delta, float(delta) - half, float(delta) + half, None, "confidence_sequence", None)
