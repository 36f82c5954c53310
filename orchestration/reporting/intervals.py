"""Two-sided intervals that a page shows beside a rate.

What does NOT belong here: the rates (marts), bounds of guard rails (bounds.py).
"""

from __future__ import annotations

from decimal import Decimal


def wilson_95(n_events: int, n_trials: int) -> tuple[Decimal, Decimal] | None:
    """95 % interval of n_events / n_trials, to nine decimals; None without trials.

    Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927), as scipy computes it.
    """
    if n_trials <= 0:
        return None
    from scipy.stats import binomtest

    interval = binomtest(n_events, n_trials).proportion_ci(confidence_level=0.95, method="wilson")
    low, high = (Decimal(repr(float(end))).quantize(Decimal("1e-9")) for end in (interval.low, interval.high))
    return max(low, Decimal(0)), min(high, Decimal(1))
