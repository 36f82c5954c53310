"""Exact bounds of a rate, and how a rate compares with another one: the one definition of both.

Clopper and Pearson, Biometrika 26 (1934), for one rate; Newcombe's hybrid score interval, Statistics in Medicine 17
(1998), for a difference. What does NOT belong here: which events are counted, the bars they are held against.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Counts = npt.ArrayLike
Bounds = npt.NDArray[np.float64]


def exact_upper(n_events: Counts, n_trials: Counts, level: float = 0.95) -> Bounds:
    """One-sided upper bounds of n_events / n_trials; NaN without trials.

    The rate at which so few events still happen once in 1 / (1 - level): the quantile of Beta(k + 1, n - k).
    """
    from scipy.special import betaincinv

    events, trials = np.asarray(n_events, np.float64), np.asarray(n_trials, np.float64)
    with np.errstate(invalid="ignore"):
        bounds = betaincinv(events + 1, np.where(trials > events, trials - events, np.nan), level)
    return np.where(trials <= 0, np.nan, np.where(events >= trials, 1.0, bounds))


def exact_lower(n_events: Counts, n_trials: Counts, level: float = 0.95) -> Bounds:
    """One-sided lower bounds of n_events / n_trials; NaN without trials."""
    events, trials = np.asarray(n_events, np.float64), np.asarray(n_trials, np.float64)
    return 1 - exact_upper(trials - events, trials, level)


@dataclass(frozen=True)
class Difference:
    """One-sided bounds of rate minus reference rate, each at the level asked for; NaN where either has no trials."""

    low: Bounds
    high: Bounds


def difference_bounds(
    n_events: Counts,
    n_trials: Counts,
    n_reference_events: Counts,
    n_reference_trials: Counts,
    level: float = 0.95,
) -> Difference:
    """Newcombe's bounds of events / trials - reference events / reference trials (method 10 of his comparison)."""
    rate, low, high = _wilson(n_events, n_trials, level)
    rate_before, low_before, high_before = _wilson(n_reference_events, n_reference_trials, level)
    gap = rate - rate_before
    return Difference(
        gap - np.sqrt((rate - low) ** 2 + (high_before - rate_before) ** 2),
        gap + np.sqrt((high - rate) ** 2 + (rate_before - low_before) ** 2),
    )


def _wilson(n_events: Counts, n_trials: Counts, level: float) -> tuple[Bounds, Bounds, Bounds]:
    """Rate and Wilson's bounds, each one-sided at `level`; importing statsmodels would cost a run a second."""
    from scipy.special import ndtri

    z = float(ndtri(level))
    trials = np.asarray(n_trials, np.float64)
    trials = np.where(trials > 0, trials, np.nan)
    rate = np.asarray(n_events, np.float64) / trials
    centre = (rate + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * np.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return rate, np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
