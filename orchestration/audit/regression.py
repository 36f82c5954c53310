"""Straight line through the scatter: r, m, b and R2 with their uncertainty (rows QU4 to QU7 of the audit).

scipy and statsmodels fit units one by one in doubles; here the units are counted by place and the sums are exact
fractions, so that half a million leads cost what a few dozen points cost and a shuffle changes no digit. The tests
hold every figure to theirs. The interval of r is Fisher's; the slope has the classical standard error and, because
the spread of a yes/no outcome depends on its mean, that of HC3 (MacKinnon and White 1985), whose interval is shown.
Not here: whether touches cause conversions. A line says "associated with".
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import atanh, fsum, isqrt, sqrt, tanh

import numpy as np
from scipy import stats

from orchestration.audit.points import Exact, Points

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Line:
    """A fitted line, or why there is none (`reason`, and every figure from r on None).

    Attributes:
        n, n_events: units, and those with an outcome.
        mean_x, mean_y: exact means; None without units.
        r, r_low, r_high: correlation and its 95 % interval (the bounds are None with three units).
        rho: Spearman's rank correlation, ties at their mean rank.
        p: two-sided p-value of r, and of the slope, by Student's t.
        slope, slope_se, intercept, intercept_se: outcome per touch (1 = 100 points), classical errors.
        slope_hc3_se, slope_low, slope_high: HC3 error and its 95 % interval; None where a unit has leverage 1.
        r_squared: r squared.
        reason: None, n_lt_3, zero_variance_x or zero_variance_y.
    """

    n: int
    n_events: int
    mean_x: Fraction | None
    mean_y: Fraction | None
    r: float | None = None
    r_low: float | None = None
    r_high: float | None = None
    rho: float | None = None
    p: float | None = None
    slope: float | None = None
    slope_se: float | None = None
    intercept: float | None = None
    intercept_se: float | None = None
    slope_hc3_se: float | None = None
    slope_low: float | None = None
    slope_high: float | None = None
    r_squared: float | None = None
    reason: str | None = None


def line(points: Points) -> Line:
    """The least-squares line of y on x over the units of `points`."""
    n = points.n
    mean_x, mean_y = points.mean_x(), points.mean_y()
    told = {"n": n, "n_events": points.n_events, "mean_x": mean_x, "mean_y": mean_y}
    if n < 3 or mean_x is None or mean_y is None:
        return Line(**told, reason="n_lt_3")
    sxx, syy, sxy = spreads(points)
    if sxx == 0:
        return Line(**told, reason="zero_variance_x")
    if syy == 0:
        return Line(**told, reason="zero_variance_y")
    slope = sxy / sxx
    intercept = mean_y - slope * mean_x
    r_squared = sxy * sxy / (sxx * syy)
    r = square_root(r_squared) * (1 if sxy >= 0 else -1)
    residual = (syy - slope * sxy) / (n - 2)
    hc3 = _hc3_error(points, sxx, sxy)
    half = None if hc3 is None else float(stats.t.ppf(0.5 + CONFIDENCE / 2, n - 2)) * hc3
    low, high = _interval_of_r(r, n)
    return Line(
        **told,
        r=r,
        r_low=low,
        r_high=high,
        rho=_rank_correlation(points),
        p=_p_value(r_squared, n),
        slope=float(slope),
        slope_se=square_root(residual / sxx),
        intercept=float(intercept),
        intercept_se=square_root(residual * (Fraction(1, n) + mean_x * mean_x / sxx)),
        slope_hc3_se=hc3,
        slope_low=None if half is None else float(slope) - half,
        slope_high=None if half is None else float(slope) + half,
        r_squared=float(r_squared),
    )


def square_root(value: Fraction) -> float:
    """Square root of an exact fraction to the last digit of a double; its terms may exceed any double."""
    if value == 0:
        return 0.0
    # numerator/denominator scaled by an even power of two to 128 significant bits, then an integer root
    shift = 128 - value.numerator.bit_length() + value.denominator.bit_length()
    shift += shift % 2
    scaled = value * Fraction(2) ** shift
    return float(Fraction(isqrt(int(scaled))) / Fraction(2) ** (shift // 2))


def _p_value(r_squared: Fraction, n: int) -> float:
    if r_squared == 1:
        return 0.0
    return float(2 * stats.t.sf(square_root(r_squared * (n - 2) / (1 - r_squared)), n - 2))


def _interval_of_r(r: float, n: int) -> tuple[float | None, float | None]:
    """tanh(atanh r -+ z / sqrt(n - 3)), Fisher 1921; the point itself where |r| is 1."""
    if abs(r) == 1:
        return r, r
    if n <= 3:
        return None, None
    half = float(stats.norm.ppf(0.5 + CONFIDENCE / 2)) / sqrt(n - 3)
    return tanh(atanh(r) - half), tanh(atanh(r) + half)


def spreads(points: Points) -> tuple[Fraction, Fraction, Fraction]:
    """Sums of squares of x and of y and of their products around the means, exact; 0 without units.

    From sums of whole numbers where x and y are whole: exact both ways, and ten times as fast as fractions.
    """
    n = points.n
    if not n:
        return Fraction(0), Fraction(0), Fraction(0)
    x = sum(p.x * p.units for p in points)
    y = sum(p.y * p.units for p in points)
    xx = sum(p.x * p.x * p.units for p in points)
    yy = sum(p.y * p.y * p.units for p in points)
    xy = sum(p.x * p.y * p.units for p in points)
    return (
        Fraction(xx) - Fraction(x * x) / n,
        Fraction(yy) - Fraction(y * y) / n,
        Fraction(xy) - Fraction(x * y) / n,
    )


def _hc3_error(points: Points, sxx: Fraction, sxy: Fraction) -> float | None:
    """Each term is one exact quotient rounded once, and their sum is exact: no order of units shows."""
    n = points.n
    x, y = (sum(values) for values in zip(*((p.x * p.units, p.y * p.units) for p in points), strict=True))
    # n * sxx, n * sxy, n * (x - mean) and so on: whole where x and y are
    spread, product = _whole(sxx * n), _whole(sxy * n)
    terms = []
    for p in points:
        off = n * p.x - x
        rest = n * spread - spread - off * off  # n * spread * (1 - leverage)
        if rest == 0:
            return None
        term = float(off * ((n * p.y - y) * spread - product * off) / (n * rest))
        terms.append(p.units * term * term)
    return sqrt(fsum(terms)) / float(sxx)


def _whole(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


def _rank_correlation(points: Points) -> float:
    """Spearman's rho: the correlation of mean ranks."""
    units = np.array([p.units for p in points], dtype=float)
    ranks = []
    for values in ([p.x for p in points], [p.y for p in points]):
        weight: dict[Exact, float] = {}
        for value, n in zip(values, units, strict=True):
            weight[value] = weight.get(value, 0.0) + n
        below, rank = 0.0, {}
        for value in sorted(weight):
            rank[value] = below + (weight[value] + 1) / 2
            below += weight[value]
        ranks.append(np.array([rank[value] for value in values]))
    centred = [rank - (rank * units).sum() / units.sum() for rank in ranks]
    products = [
        (a * b * units).sum() for a, b in ((centred[0], centred[1]), (centred[0],) * 2, (centred[1],) * 2)
    ]
    return float(products[0] / sqrt(products[1] * products[2]))
