"""Intervals of shares, one at a time (Wilson) and of the difference of two (Newcombe), from counts.

What does NOT belong here: which counts; a bar that a share is held against.
"""

from __future__ import annotations

from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

CONFIDENCE = 0.95


def wilson(count: int, units: int) -> tuple[float, float] | tuple[None, None]:
    """95 % interval of count / units (Wilson 1927); (None, None) without units.

    Raises:
        ValueError: a count outside 0 to units.
    """
    if not 0 <= count <= units:
        raise ValueError(f"{count} of {units} units")
    if not units:
        return None, None
    low, high = proportion_confint(count, units, alpha=1 - CONFIDENCE, method="wilson")
    return float(max(low, 0.0)), float(min(high, 1.0))


def newcombe(count: int, units: int, count_before: int, units_before: int) -> tuple[float, float]:
    """95 % interval of count / units - count_before / units_before (Newcombe 1998, score intervals).

    Raises:
        ValueError: a side without units, or a count outside 0 to its units.
    """
    for k, n in ((count, units), (count_before, units_before)):
        if not 0 <= k <= n or not n:
            raise ValueError(f"{k} of {n} units")
    low, high = confint_proportions_2indep(
        count, units, count_before, units_before, method="newcomb", compare="diff", alpha=1 - CONFIDENCE
    )
    return float(low), float(high)
