"""Intervals of shares, one at a time (Wilson) and of the difference of two (Newcombe), from counts.

Two samples may share units, as accounts that are counted in two periods: the interval of their difference is narrower
where who has it once has it again, and the one for independent samples is wrong.

What does NOT belong here: which counts; a bar that a share is held against.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

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


@dataclass(frozen=True)
class Shared:
    """Units that stand in both samples: how many, with the mark now, before, and both times."""

    n: int
    n_now: int
    n_before: int
    n_both: int


def newcombe_shared(
    count: int, units: int, count_before: int, units_before: int, shared: Shared
) -> tuple[float, float]:
    """95 % interval of count / units - count_before / units_before where some units stand in both samples.

    Newcombe's square-and-add of Wilson's bounds with the correlation of the two shares (Newcombe 1998, paired data,
    method 10, with its correction for continuity; Zou and Donner 2008 for any correlated estimates). Their covariance
    is that of the units in both. Without such units it is `newcombe`, with no others the interval of paired data.

    Raises:
        ValueError: a side without units, a count outside 0 to its units, or more shared units than a side has.
    """
    for k, n, k_shared in ((count, units, shared.n_now), (count_before, units_before, shared.n_before)):
        if not 0 <= k <= n or not n:
            raise ValueError(f"{k} of {n} units")
        if not 0 <= shared.n_both <= k_shared <= min(k, shared.n) or shared.n - k_shared > n - k:
            raise ValueError(f"{shared} of {k} of {n} units")
    p, q = count / units, count_before / units_before
    covariance = shared.n_both - q * shared.n_now - p * shared.n_before + shared.n * p * q
    covariance = max(covariance - 0.5, 0.0) if covariance > 0 else covariance
    spread = sqrt(p * (1 - p) * units * q * (1 - q) * units_before)
    r = max(-1.0, min(1.0, covariance / spread)) if spread else 0.0
    (p_low, p_high), (q_low, q_high) = wilson(count, units), wilson(count_before, units_before)
    below = (p - p_low) ** 2 - 2 * r * (p - p_low) * (q_high - q) + (q_high - q) ** 2
    above = (p_high - p) ** 2 - 2 * r * (p_high - p) * (q - q_low) + (q - q_low) ** 2
    return p - q - sqrt(max(below, 0.0)), p - q + sqrt(max(above, 0.0))
