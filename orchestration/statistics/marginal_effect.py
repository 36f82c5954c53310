"""Points of conversion that go with one more touch by the logistic curve, beside those of the straight line (2.2).

The average over all units of what the curve rises by at each (average marginal effect). The error lets the units of a
group go together and follows the curve by the delta method, as Logit(...).fit(cov_type="cluster").get_margeff() of
statsmodels, to which the tests hold it. What does NOT belong here: the fit of the curve (statistics.logistic).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from orchestration.audit.regression import CONFIDENCE
from orchestration.statistics import logistic


@dataclass(frozen=True)
class MarginalEffect:
    """Outcome per touch (0.01 is one point) with its 95 % interval; None with `reason`.

    reason: n_lt_3, under_two_groups, zero_variance_x, zero_variance_y or separated.
    """

    effect: float | None = None
    se: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


def marginal_effect(x: np.ndarray, y: np.ndarray, group: np.ndarray) -> MarginalEffect:
    """Of the logistic curve of y (0 or 1) on x; group: 0 to the number of groups - 1."""
    n, n_groups = len(x), int(group.max()) + 1 if len(group) else 0
    if n < 3 or n_groups < 2:
        return MarginalEffect(reason="n_lt_3" if n < 3 else "under_two_groups")
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return MarginalEffect(reason="zero_variance_x" if np.ptp(x) == 0 else "zero_variance_y")
    columns = np.column_stack([np.ones(n), x.astype(float)])
    try:
        found = logistic.fit(columns, y.astype(float), np.zeros(n), group.astype(np.int64))
    except logistic.NotEstimableError:
        return MarginalEffect(reason="separated")
    # the factor of small samples that statsmodels has and logistic.fit leaves to its caller
    covariance = found.covariance * (n - 1) / (n - 2)
    p = logistic.expit(columns @ found.coefficients)
    rise = p * (1 - p)
    bend = rise * (1 - 2 * p)
    slope = float(found.coefficients[1])
    gradient = np.array([slope * bend.mean(), rise.mean() + slope * (bend * columns[:, 1]).mean()])
    effect, se = slope * float(rise.mean()), float(np.sqrt(max(gradient @ covariance @ gradient, 0.0)))
    half = float(stats.norm.ppf(0.5 + CONFIDENCE / 2)) * se
    return MarginalEffect(effect, se, effect - half, effect + half)
