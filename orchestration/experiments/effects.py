"""Difference of two arms with its interval and its test (rows EX6, EX7): shares, means, ratios, and CUPED.

Differences of shares are exact fractions; intervals are floats. An account has several leads, which convert alike:
counts are divided by the design effect of their arm before any interval or test (Rao and Scott 1992), the difference
stays that of the counts. Not here: which leads count (statistics.experiments), what follows from the figures (verdict).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from orchestration.audit.two_groups import equal_odds_p

#: A cell below it takes the exact test.
LEAST_CELL = 5


@dataclass(frozen=True)
class Share:
    """x of n units have it. effect: design effect of the arm, 1 without clusters."""

    x: int
    n: int
    effect: float = 1.0

    @property
    def rate(self) -> Fraction | None:
        return Fraction(self.x, self.n) if self.n else None

    @property
    def effective(self) -> tuple[float, float]:
        """Counts that carry as much information as these."""
        return self.x / self.effect, self.n / self.effect


@dataclass(frozen=True)
class Difference:
    """test - control. reason: why there is no figure (no_units). Shares are 0 to 1, so 0.02 is two points.

    method: newcombe, mantel_haenszel, welch, delta or confidence_sequence; p_method: pooled_z, fisher,
    cochran_mantel_haenszel, welch or delta.
    """

    delta: Fraction | float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    method: str | None = None
    p_method: str | None = None
    reason: str | None = None


NO_UNITS = Difference(None, reason="no_units")


def difference(test: Share, control: Share, alpha: float = 0.05) -> Difference:
    """Newcombe's interval (1998, method 10); pooled z test, Fisher's exact one where a cell is below five."""
    if test.rate is None or control.rate is None:
        return NO_UNITS
    low, high = interval(test, control, alpha)
    p, p_method = _p_value(test, control)
    return Difference(test.rate - control.rate, low, high, p, "newcombe", p_method)


def interval(
    test: Share, control: Share, alpha: float = 0.05, method: str = "newcomb"
) -> tuple[float, float]:
    """Two-sided interval of the difference of two shares by statsmodels; method: newcomb or agresti-caffo."""
    (x, n), (y, m) = test.effective, control.effective
    low, high = confint_proportions_2indep(x, n, y, m, method=method, alpha=alpha)
    return float(low), float(high)


def _p_value(test: Share, control: Share) -> tuple[float, str]:
    cells = [test.x, test.n - test.x, control.x, control.n - control.x]
    (x, n), (y, m) = test.effective, control.effective
    if min(cells) < LEAST_CELL:
        table = np.round([[x, n - x], [y, m - y]]).astype(int)
        return float(stats.fisher_exact(table).pvalue), "fisher"
    return float(proportions_ztest([x, y], [n, m])[1]), "pooled_z"


def stratified(strata: Sequence[tuple[Share, Share]], alpha: float = 0.05) -> Difference:
    """Mantel-Haenszel difference of (test, control) over strata, with the interval of Sato (1989).

    Strata without units in one arm weigh nothing. p: the Cochran-Mantel-Haenszel test without correction.
    """
    kept = [(t, c) for t, c in strata if t.n and c.n]
    if not kept:
        return NO_UNITS
    weights = [Fraction(t.n * c.n, t.n + c.n) for t, c in kept]
    gaps = [Fraction(t.x, t.n) - Fraction(c.x, c.n) for t, c in kept]
    delta = sum((w * gap for w, gap in zip(weights, gaps, strict=True)), Fraction(0)) / sum(
        weights, Fraction(0)
    )
    first = second = total = 0.0
    for t, c in kept:
        (x, n), (y, m) = t.effective, c.effective
        size = n + m
        first += (n * n * y - m * m * x + n * m * (m - n) / 2) / size**2
        second += (x * (m - y) + y * (n - x)) / (2 * size)
        total += n * m / size
    variance = max(float(delta) * first + second, 0.0) / total**2
    half = float(stats.norm.ppf(1 - alpha / 2) * np.sqrt(variance))
    low, high = max(float(delta) - half, -1.0), min(float(delta) + half, 1.0)
    tables = _tables(kept)
    p = float(StratifiedTable(tables).test_null_odds(correction=False).pvalue) if tables else None
    return Difference(delta, low, high, p, "mantel_haenszel", "cochran_mantel_haenszel" if tables else None)


def heterogeneity_p(strata: Sequence[tuple[Share, Share]]) -> float | None:
    """Breslow and Day's test that the odds ratio is the same in all strata; None with fewer than two to compare."""
    tables = [table for table in _tables(strata) if table.min() > 0]
    if len(tables) < 2:
        return None
    return equal_odds_p(tables)


def _tables(strata: Sequence[tuple[Share, Share]]) -> list[np.ndarray]:
    """2 x 2 tables of the strata in which the outcome varies; the others say nothing about odds."""
    found = []
    for t, c in strata:
        (x, n), (y, m) = t.effective, c.effective
        if t.n and c.n and 0 < t.x + c.x < t.n + c.n:
            found.append(np.array([[x, n - x], [y, m - y]]))
    return found


def design_effect(x: np.ndarray, n: np.ndarray) -> float:
    """Variance of the share sum(x) / sum(n) over clusters against that of as many independent units, 1 at least.

    x, n: by cluster. The ratio's variance is the delta method's: k / (k - 1) sum((x - p n)^2) / sum(n)^2.
    """
    n = np.asarray(n, dtype=float)
    x = np.asarray(x, dtype=float)
    units, clusters = n.sum(), len(n)
    p = x.sum() / units if units else 0.0
    if clusters < 2 or units == clusters or not 0 < p < 1:
        return 1.0
    spread = clusters / (clusters - 1) * ((x - p * n) ** 2).sum() / units**2
    return float(max(spread / (p * (1 - p) / units), 1.0))


def intraclass_correlation(x: np.ndarray, n: np.ndarray) -> float | None:
    """Correlation of two units of one cluster, from the analysis of variance of 0/1 outcomes (Fleiss 1981).

    x of the n units of each cluster have the outcome. None with fewer than two clusters or no cluster of two.
    """
    n = np.asarray(n, dtype=float)
    x = np.asarray(x, dtype=float)
    units, clusters = n.sum(), len(n)
    if clusters < 2 or units <= clusters:
        return None
    p = x.sum() / units
    between = (n * (x / n - p) ** 2).sum() / (clusters - 1)
    within = (x * (n - x) / n).sum() / (units - clusters)
    size = (units - (n**2).sum() / units) / (clusters - 1)
    below = between + (size - 1) * within
    return float((between - within) / below) if below > 0 else None


def welch(test: np.ndarray, control: np.ndarray, alpha: float = 0.05) -> Difference:
    """Difference of two means by Welch's t test (scipy); without spread the interval is the point."""
    if min(len(test), len(control)) < 2:
        return NO_UNITS
    delta = float(test.mean() - control.mean())
    if test.var() + control.var() == 0:
        return Difference(delta, delta, delta, None, "welch", None)
    found = stats.ttest_ind(test, control, equal_var=False)
    bounds = found.confidence_interval(1 - alpha)
    return Difference(delta, float(bounds.low), float(bounds.high), float(found.pvalue), "welch", "welch")


def ratio(
    test: tuple[np.ndarray, np.ndarray], control: tuple[np.ndarray, np.ndarray], alpha: float = 0.05
) -> Difference:
    """Difference of two ratios of sums, (numerator, denominator) by cluster, by the delta method."""
    arms = [_ratio(*arm) for arm in (test, control)]
    if any(arm is None for arm in arms):
        return NO_UNITS
    (p, variance_p), (q, variance_q) = arms  # type: ignore[misc]
    error = float(np.sqrt(variance_p + variance_q))
    half = float(stats.norm.ppf(1 - alpha / 2)) * error
    p_value = float(2 * stats.norm.sf(abs(p - q) / error)) if error else None
    return Difference(p - q, p - q - half, p - q + half, p_value, "delta", "delta" if error else None)


def _ratio(above: np.ndarray, below: np.ndarray) -> tuple[float, float] | None:
    """Ratio of the sums and its variance; None without denominator or with one cluster."""
    clusters, total = len(below), float(np.sum(below))
    if clusters < 2 or total <= 0:
        return None
    p = float(np.sum(above)) / total
    return p, clusters / (clusters - 1) * float(((above - p * below) ** 2).sum()) / total**2


@dataclass(frozen=True)
class Adjusted:
    """Difference of means after CUPED. variance_ratio: variance that is left, about 1 - rho squared."""

    difference: Difference
    theta: float | None
    variance_ratio: float | None


def cuped(
    test: tuple[np.ndarray, np.ndarray], control: tuple[np.ndarray, np.ndarray], alpha: float = 0.05
) -> Adjusted:
    """Welch on y - theta (x - mean x), theta = cov(y, x) / var(x) over both arms (Deng et al. 2013).

    Arms are (y, x); x is known from before the assignment. Without any variance of x nothing is adjusted.
    """
    (y1, x1), (y0, x0) = test, control
    if min(len(y1), len(y0)) < 2:
        return Adjusted(NO_UNITS, None, None)
    y, x = np.concatenate([y1, y0]), np.concatenate([x1, x0])
    spread = float(np.var(x, ddof=1))
    if spread == 0:
        return Adjusted(welch(y1, y0, alpha), None, None)
    theta = float(np.cov(y, x, ddof=1)[0, 1]) / spread
    mean = float(x.mean())
    a1, a0 = y1 - theta * (x1 - mean), y0 - theta * (x0 - mean)
    before = float(np.var(y, ddof=1))
    left = float(np.var(np.concatenate([a1, a0]), ddof=1)) / before if before else None
    return Adjusted(welch(a1, a0, alpha), theta, left)
