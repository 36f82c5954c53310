"""Shrinkage of rates and volumes of few members towards their group: beta-binomial and gamma-Poisson by moments.

Arrays in, arrays out; one element per member of ONE group. What does NOT belong here: who is in a group (see
rep_baselines), which figures are shown. Sources: Kleinman (1973) for the moments of unequal binomials; the
gamma-Poisson is the same argument for rates with unequal exposure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Prior:
    """Parameters of a group: beta(a, b) for rates, gamma(shape a, rate b) for volumes."""

    a: float
    b: float


@dataclass(frozen=True)
class Posterior:
    """One element per member: parameters, mean, and the bounds of the central credible interval."""

    a: Floats
    b: Floats
    mean: Floats
    low: Floats
    high: Floats


def rate_prior(events: Floats, trials: Floats) -> Prior | None:
    """Beta prior by moments; None where the group has one outcome only or a single member.

    events <= trials, trials > 0. A group whose members differ no more than chance weighs as much as all its trials:
    more would pretend to know that they are equal.
    """
    n, total = len(trials), trials.sum()
    if n < 2 or not 0 < events.sum() < total:
        return None
    mean = events.sum() / total
    spread = (trials * (events / trials - mean) ** 2).sum() / (mean * (1 - mean))
    room = total - (trials**2).sum() / total - (n - 1)
    correlation = (spread - (n - 1)) / room if room > 0 else 0.0
    weight = min((1 - correlation) / correlation, total) if 0 < correlation < 1 else total
    if correlation >= 1:
        weight = 1 / total
    return Prior(mean * weight, (1 - mean) * weight)


def volume_prior(events: Floats, exposure: Floats) -> Prior | None:
    """Gamma prior by moments; None without events or with a single member. exposure > 0, in units of time."""
    n, total = len(exposure), exposure.sum()
    if n < 2 or events.sum() <= 0:
        return None
    mean = events.sum() / total
    spread = (exposure * (events / exposure - mean) ** 2).sum()
    variance = (spread - (n - 1) * mean) / (total - (exposure**2).sum() / total)
    rate = min(mean / variance, total) if variance > 0 else total
    return Prior(mean * rate, rate)


def rate_posterior(prior: Prior, events: Floats, trials: Floats, level: float) -> Posterior:
    """Rates of the members given their group. level: mass of the interval, 0.8 for 80 %."""
    from scipy.special import betaincinv

    a, b = prior.a + events, prior.b + trials - events
    tail = (1 - level) / 2
    return Posterior(a, b, a / (a + b), betaincinv(a, b, tail), betaincinv(a, b, 1 - tail))


def volume_posterior(prior: Prior, events: Floats, exposure: Floats, level: float) -> Posterior:
    """Volumes a unit of time of the members given their group."""
    from scipy.special import gammaincinv

    a, b = prior.a + events, prior.b + exposure
    tail = (1 - level) / 2
    return Posterior(a, b, a / b, gammaincinv(a, tail) / b, gammaincinv(a, 1 - tail) / b)


def reach_probability(posterior: Posterior, targets: Floats, exposure: float = 1.0) -> Floats:
    """P(a coming count of `exposure` units of time >= target), by the posterior predictive (negative binomial).

    NaN where the target is; 1 where it is zero or less.
    """
    from scipy.special import betainc

    needed = np.ceil(targets)
    reached = betainc(np.maximum(needed, 1), posterior.a, exposure / (posterior.b + exposure))
    return np.where(np.isnan(targets), np.nan, np.where(needed <= 0, 1.0, reached))


def places(posterior: Posterior) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(best, worst) place of each member that the intervals leave open, 1 the highest mean.

    A place is known where both are the same: every other interval lies wholly above or wholly below.
    """
    low, high = posterior.low, posterior.high
    n_above = (low[None, :] > high[:, None]).sum(axis=1)
    n_below = (high[None, :] < low[:, None]).sum(axis=1)
    return (1 + n_above).astype(np.int64), (len(low) - n_below).astype(np.int64)
