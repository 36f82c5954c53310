"""How often customers without a contract buy again, and for how much: BG/NBD and Gamma-Gamma.

Fader, Hardie and Lee (2005), "Counting Your Customers the Easy Way": purchases are Poisson while a customer is alive,
who may leave after any purchase; rates are gamma, chances to leave beta over customers. Fader and Hardie (2013): the
value of a purchase is gamma around the customer's own mean. Times are weeks. Arrays are aligned: x repeat purchases, t
weeks of the last one since the first, age weeks observed since the first.
What does NOT belong here: which customers and purchases are meant (account_values.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, digamma, gammaln, hyp2f1


@dataclass(frozen=True)
class Purchasing:
    """BG/NBD: gamma(r, alpha) of the weekly rate, beta(a, b) of the chance to leave after a purchase."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float


@dataclass(frozen=True)
class Spending:
    """Gamma-Gamma: purchases are gamma(p, nu) with nu gamma(q, v) over customers."""

    p: float
    q: float
    v: float
    log_likelihood: float


class NotFittedError(ValueError):
    """The likelihood has no maximum that the search reaches."""


def purchasing_likelihood(parameters: np.ndarray, x: np.ndarray, t: np.ndarray, age: np.ndarray) -> float:
    """Log likelihood of BG/NBD at (r, alpha, a, b), their equation 6, summed over customers."""
    r, alpha, a, b = parameters
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
    alive = -(r + x) * np.log(alpha + age)
    repeated = x > 0
    gone = np.full(len(x), -np.inf)
    gone[repeated] = np.log(a) - np.log(b + x[repeated] - 1) - (r + x[repeated]) * np.log(alpha + t[repeated])
    return float(np.sum(common + np.logaddexp(alive, gone)))


def spending_likelihood(parameters: np.ndarray, x: np.ndarray, mean: np.ndarray) -> float:
    """Log likelihood of Gamma-Gamma at (p, q, v) of customers with x purchases of a mean value, over customers."""
    p, q, v = parameters
    return float(
        np.sum(
            gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v) + (p * x - 1) * np.log(mean)
            + p * x * np.log(x) - (p * x + q) * np.log(x * mean + v)
        )
    )  # fmt: skip


def _purchasing_slopes(parameters: np.ndarray, x: np.ndarray, t: np.ndarray, age: np.ndarray) -> np.ndarray:
    """The derivatives of purchasing_likelihood by (r, alpha, a, b)."""
    r, alpha, a, b = parameters
    repeated = x > 0
    odds = np.zeros(len(x))  # of having left against being alive still
    odds[repeated] = a / (b + x[repeated] - 1)
    odds[repeated] *= ((alpha + age[repeated]) / (alpha + t[repeated])) ** (r + x[repeated])
    left = np.where(np.isinf(odds), 1.0, odds / (1 + odds))
    both = digamma(a + b + x) - digamma(a + b)
    of_b = digamma(b + x) - digamma(b) - both
    of_b[repeated] -= left[repeated] / (b + x[repeated] - 1)
    return np.array(
        [
            np.sum(digamma(r + x) - digamma(r) + np.log(alpha)
                   - (1 - left) * np.log(alpha + age) - left * np.log(alpha + t)),
            np.sum(r / alpha - (r + x) * ((1 - left) / (alpha + age) + left / (alpha + t))),
            np.sum(left / a - both),
            np.sum(of_b),
        ]
    )  # fmt: skip


def _spending_slopes(parameters: np.ndarray, x: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """The derivatives of spending_likelihood by (p, q, v)."""
    p, q, v = parameters
    total = np.log(x * mean + v)
    shared = digamma(p * x + q) - total
    return np.array(
        [
            np.sum(x * (shared - digamma(p * x) + np.log(mean) + np.log(x))),
            np.sum(shared - digamma(q) + np.log(v)),
            np.sum(q / v - (p * x + q) / (x * mean + v)),
        ]
    )


def fit_purchasing(x: np.ndarray, t: np.ndarray, age: np.ndarray) -> Purchasing:
    """The most likely BG/NBD. Time is searched at the scale of the data. Raises NotFittedError."""
    scale = float(age.max())
    found = _maximum(purchasing_likelihood, _purchasing_slopes, (x, t / scale, age / scale), 4)
    r, alpha, a, b = found * np.array([1, scale, 1, 1])
    return Purchasing(r, alpha, a, b, purchasing_likelihood(np.array([r, alpha, a, b]), x, t, age))


def fit_spending(x: np.ndarray, mean: np.ndarray) -> Spending:
    """The most likely Gamma-Gamma of customers who bought again. Raises NotFittedError."""
    scale = float(mean.mean())
    found = _maximum(spending_likelihood, _spending_slopes, (x, mean / scale), 3)
    p, q, v = found * np.array([1, 1, scale])
    return Spending(p, q, v, spending_likelihood(np.array([p, q, v]), x, mean))


def expected_purchases(
    model: Purchasing, weeks: float, x: np.ndarray, t: np.ndarray, age: np.ndarray
) -> np.ndarray:
    """Purchases expected in the weeks that follow, of each customer: their equation 10."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    held = ((alpha + age) / (alpha + age + weeks)) ** (r + x)
    bought = 1 - held * hyp2f1(r + x, b + x, a + b + x - 1, weeks / (alpha + age + weeks))
    with np.errstate(divide="ignore", invalid="ignore"):
        gone = np.where(x > 0, a / (b + x - 1) * ((alpha + age) / (alpha + t)) ** (r + x), 0.0)
    return (a + b + x - 1) / (a - 1) * bought / (1 + gone)


def probability_alive(model: Purchasing, x: np.ndarray, t: np.ndarray, age: np.ndarray) -> np.ndarray:
    """Chance that each customer has not left; 1 for those who bought once."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gone = np.where(
            x > 0,
            model.a / (model.b + x - 1) * ((model.alpha + age) / (model.alpha + t)) ** (model.r + x),
            0.0,
        )
    return 1 / (1 + gone)


def expected_value(model: Spending, x: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Mean value of a customer's purchases to come; that of the population for who bought once."""
    return model.p * (model.v + x * np.where(x > 0, mean, 0.0)) / (model.p * x + model.q - 1)


def _maximum(
    likelihood: Callable[..., float],
    slopes: Callable[..., np.ndarray],
    data: tuple[np.ndarray, ...],
    n: int,
) -> np.ndarray:
    """Positive parameters of the largest likelihood, searched on logarithms from two starts."""
    best = None
    units = len(data[0])

    def falling(logs: np.ndarray) -> tuple[float, np.ndarray]:
        each = np.exp(logs)
        return -likelihood(each, *data) / units, -slopes(each, *data) * each / units

    for start in (np.zeros(n), np.full(n, -1.0)):
        found = minimize(
            falling, start, jac=True, method="L-BFGS-B", bounds=[(-12.0, 12.0)] * n,
            options={"maxiter": 2000, "maxfun": 4000, "ftol": 1e-15, "gtol": 1e-10},
        )  # fmt: skip
        if np.isfinite(found.fun) and (best is None or found.fun < best.fun):
            best = found
    # The first parameter shapes the rates: at the edge there are none. Large ones of the leaving only say that all
    # customers leave alike.
    if best is None or abs(best.x[0]) > 11:
        raise NotFittedError("the likelihood has no maximum inside the range searched")
    return np.exp(best.x)
