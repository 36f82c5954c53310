"""Median time of an event that some units still wait for: Kaplan-Meier with its interval (rows QU3, DA1).

The estimate is that of statsmodels; its errors are Greenwood's, the interval is on the scale of log(-log S).
What does NOT belong here: who waits, and for what (the statistics step).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from statsmodels.duration.survfunc import SurvfuncRight

_SLACK = 1e-12  # a product of fractions that is exactly one half may come out a hair above it in binary


@dataclass(frozen=True)
class MedianTime:
    """Attributes:
    n, n_events: units with a duration, and those whose event came.
    value: smallest duration at which half or fewer still wait; None with `reason`.
    low, high: 95 % interval; None where the curve never leaves or never reaches the median's neighbourhood.
    reason: None, no_units, or under_half (fewer than half had the event: what the rest waits is not known).
    """

    n: int
    n_events: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


def median_time(durations: np.ndarray, is_event: np.ndarray) -> MedianTime:
    """Median of `durations` (n,), of which those not `is_event` are censored; nan durations are no units."""
    known = ~np.isnan(durations)
    durations, is_event = durations[known], is_event[known]
    n, n_events = len(durations), int(is_event.sum())
    if n == 0 or n_events * 2 < n:
        return MedianTime(n, n_events, reason="under_half" if n else "no_units")
    with np.errstate(divide="ignore", invalid="ignore"):
        fitted = SurvfuncRight(durations, is_event.astype(int))
        low, high = fitted.quantile_ci(0.5)
    half = np.flatnonzero(fitted.surv_prob <= 0.5 + _SLACK)
    return MedianTime(
        n,
        n_events,
        value=float(fitted.surv_times[half[0]]),
        low=float(low) if np.isfinite(low) else None,
        high=float(high) if np.isfinite(high) else None,
    )
