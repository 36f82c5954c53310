"""Logistic regression with an offset and errors robust to clusters, by Newton's method.

Written here rather than taken from statsmodels because its import costs a run a second; the tests hold the two
equal. What does NOT belong here: which features there are (deal_features.py), what is published (deal_score.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class NotEstimableError(ValueError):
    """The likelihood has no maximum: the outcomes are separated or columns depend on each other."""


@dataclass(frozen=True)
class Fit:
    """coefficients and covariance (sandwich over clusters), in the order of the columns."""

    coefficients: Floats
    covariance: Floats

    @property
    def errors(self) -> Floats:
        """Standard errors."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def p_values(self) -> Floats:
        """Two-sided, normal."""
        from scipy.special import erfc

        return erfc(np.abs(self.coefficients / self.errors) / np.sqrt(2))


def expit(x: Floats) -> Floats:
    """1 / (1 + exp(-x)) without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def logit(p: Floats) -> Floats:
    """Inverse of `expit`, for 0 < p < 1."""
    return np.log(p) - np.log1p(-p)


def fit(x: Floats, y: Floats, offset: Floats, clusters: NDArray[np.int64]) -> Fit:
    """Maximum likelihood of P(y = 1) = expit(x @ beta + offset).

    x: n x k with the constant among its columns; y: 0 or 1; clusters: 0 to n_clusters - 1, rows of one cluster are not
    independent (HC0 sandwich with the factor G / (G - 1), as statsmodels without its n / (n - k)).
    Raises NotEstimableError.
    """
    beta = np.zeros(x.shape[1])
    for _ in range(60):
        p = expit(x @ beta + offset)
        information = (x * (p * (1 - p))[:, None]).T @ x
        if not np.isfinite(information).all() or np.linalg.cond(information) > 1e12:
            raise NotEstimableError("the features do not determine the coefficients")
        step = np.linalg.solve(information, x.T @ (y - p))
        # A long step of a badly started column overshoots; the likelihood is concave, a bounded one arrives.
        beta = beta + step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < 1e-10:
            break
    else:
        raise NotEstimableError("the outcomes are separated by the features")
    if np.abs(beta).max() > 30:
        raise NotEstimableError("the outcomes are separated by the features")
    p = expit(x @ beta + offset)
    bread = np.linalg.inv((x * (p * (1 - p))[:, None]).T @ x)
    n_clusters = int(clusters.max()) + 1
    scores = np.zeros((n_clusters, x.shape[1]))
    np.add.at(scores, clusters, x * (y - p)[:, None])
    factor = n_clusters / (n_clusters - 1) if n_clusters > 1 else 1.0
    return Fit(beta, factor * bread @ (scores.T @ scores) @ bread)


def adjusted(p_values: Floats) -> Floats:
    """Benjamini-Hochberg adjusted p-values."""
    n = len(p_values)
    order = np.argsort(p_values, kind="stable")[::-1]
    ranked = p_values[order] * n / np.arange(n, 0, -1)
    found = np.empty(n)
    found[order] = np.minimum(np.minimum.accumulate(ranked), 1.0)
    return found
