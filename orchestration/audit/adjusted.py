"""The line with what is known of each unit held equal, and what a hidden factor could still do to it (audit 2.7.3).

Ordinary least squares of a yes/no outcome on touches with one level for each class of each covariate. The products of
all those dummies are counts of units by pairs of classes, so that no unit is ever written out as a row of dummies, and
the covariate with most classes, as a rule the seller, is taken out by its means. The slope and its errors are those of
the regression with all dummies at once (Frisch, Waugh and Lovell); errors let the units of a group go together (Liang
and Zeger 1986).
What a factor that nobody recorded could do is told after Cinelli and Hazlett (2020): how much of what is left of
touches and of the outcome it would have to explain, and what would be left of the slope were it as strong as one of
the covariates. What does NOT belong here: which covariates there are (statistics.line_checks); an adjusted line is
still "associated with".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats
from scipy.linalg import lapack

from orchestration.audit.regression import CONFIDENCE

#: Units for each parameter below which a slope with covariates is not told (Austin and Steyerberg 2015).
UNITS_PER_PARAMETER = 2
#: Of a spread that is explained wholly, rounding leaves less than this share.
_NOTHING = 1e-9


@dataclass(frozen=True)
class Units:
    """The units, one array element each.

    x: touches. y: 0 or 1. group: 0 to the number of groups - 1. covariates: name -> class, 0 to classes - 1; a unit
    of which it is not known has a class of its own.
    """

    x: np.ndarray
    y: np.ndarray
    group: np.ndarray
    covariates: Mapping[str, np.ndarray]

    def where(self, kept: np.ndarray) -> Units:
        """The units of a mask, groups and classes numbered anew; a covariate of one class says nothing and is left."""
        covariates = {name: numbered(codes[kept]) for name, codes in self.covariates.items()}
        told = {name: codes for name, codes in covariates.items() if codes.max(initial=0) > 0}
        return Units(self.x[kept], self.y[kept], numbered(self.group[kept]), told)


def numbered(codes: np.ndarray) -> np.ndarray:
    """Codes (0 and up) without those that do not occur, in the same order."""
    return (np.cumsum(np.bincount(codes) > 0) - 1)[codes] if len(codes) else codes


@dataclass(frozen=True)
class Hidden:
    """What a factor that nobody recorded would have to be.

    Attributes:
        robustness: share of what is left of touches, and of the outcome, that it would have to explain to take the
            slope to zero, 0 to 1.
        robustness_of_bound: the same to take the 95 % bound by group nearest to zero there; 0 where it lies beyond.
        benchmark: the covariate whose like would do most; None without any. Its strength is that beyond what as many
            classes of noise would explain.
        benchmark_slope: slope that a factor as strong as it would leave; None where that strength has no bound.
        is_cancelled: nothing of the sign of the slope would be left; None without a benchmark.
    """

    robustness: float
    robustness_of_bound: float
    benchmark: str | None
    benchmark_slope: float | None
    is_cancelled: bool | None


@dataclass(frozen=True)
class AdjustedSlope:
    """Slope with the covariates held equal; every figure None with `reason`.

    Attributes:
        slope, se, low, high, p: outcome per touch (0.01 is one point), error by group and 95 % interval and p-value by
            Student's t with groups - 1 degrees.
        plain_se: the classical error, which `hidden` is told from.
        n_parameters: of the regression with all dummies, the slope and a level included.
        hidden: what a hidden factor could do.
        reason: n_lt_3, under_two_groups, zero_variance_x, zero_variance_y, touches_follow_from_covariates (no two
            units alike have different numbers of touches) or too_few_for_covariates (UNITS_PER_PARAMETER).
    """

    slope: float | None = None
    se: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    plain_se: float | None = None
    n_parameters: int | None = None
    hidden: Hidden | None = None
    reason: str | None = None


def _product(one: np.ndarray, other: np.ndarray) -> float:
    """Sum of products in one thread: those of a library of linear algebra cost more to wake than they save here."""
    return float(np.einsum("i,i->", one, other))


class _Products:
    """Sums of products of x, y and the dummies of all covariates; a part of the covariates is a part of them."""

    def __init__(self, units: Units) -> None:
        self.codes = dict(sorted(units.covariates.items()))
        self.sizes = {name: int(codes.max(initial=0)) + 1 for name, codes in self.codes.items()}
        # around the mean, so that the sums of large numbers that cancel stay small
        self.x = units.x - units.x.mean()
        self.y = units.y - units.y.mean()
        self.pairs = {
            (one, other): self._counted(one, other)
            for one in self.codes
            for other in self.codes
            if one < other
        }
        self.counts = {
            name: np.bincount(codes, minlength=self.sizes[name]) for name, codes in self.codes.items()
        }
        self.sums = {
            name: np.column_stack(
                [np.bincount(codes, weights=v, minlength=self.sizes[name]) for v in (self.x, self.y)]
            )
            for name, codes in self.codes.items()
        }
        xy = _product(self.x, self.y)
        self.squares = np.array([[_product(self.x, self.x), xy], [xy, _product(self.y, self.y)]])

    def _counted(self, one: str, other: str) -> np.ndarray:
        """Units by class of two covariates."""
        size = self.sizes[other]
        packed = self.codes[one] * size + self.codes[other]
        return np.bincount(packed, minlength=self.sizes[one] * size).reshape(-1, size).astype(float)

    def between(self, one: str, other: str) -> np.ndarray:
        """Products of the dummies of two covariates, (classes of one, classes of other)."""
        if one == other:
            return np.diag(self.counts[one].astype(float))
        return self.pairs[one, other] if one < other else self.pairs[other, one].T


@dataclass(frozen=True)
class _Rest:
    """What some covariates leave.

    levels: covariate -> (classes, 2): what each class takes from x and from y. n_levels: free parameters. squares:
    (2, 2) sums of products of what is left of x and y.
    """

    levels: Mapping[str, np.ndarray]
    n_levels: int
    squares: np.ndarray

    @property
    def spread_x(self) -> float:
        return float(self.squares[0, 0])

    @property
    def spread_y(self) -> float:
        """What touches leave of the rest of the outcome."""
        (xx, xy), (_, yy) = self.squares
        return float(yy - xy * xy / xx) if xx > 0 else float(yy)


def _rest(products: _Products, names: Sequence[str]) -> _Rest:
    """What these covariates leave of x and y; without any, what their means leave."""
    if not names:
        return _Rest({}, 1, products.squares)
    # the one with most classes is taken out by its means; of equals, the first by name
    first = min(names, key=lambda name: (-products.sizes[name], name))
    others = [name for name in names if name != first]
    counts, sums = products.counts[first], products.sums[first]
    shares = 1 / np.maximum(counts, 1)
    squares = products.squares - sums.T @ (sums * shares[:, None])
    n_first = int((counts > 0).sum())
    if not others:
        return _Rest({first: sums * shares[:, None]}, n_first, squares)
    within = np.hstack([products.between(first, name) for name in others])
    gram = np.block([[products.between(one, other) for other in others] for one in others])
    scale = float(gram.diagonal().max())
    gram = gram - within.T @ (within * shares[:, None])
    right = np.vstack([products.sums[name] for name in others]) - within.T @ (sums * shares[:, None])
    # a class that others hold has no level of its own: what rounding leaves of it is nothing
    factor, order, rank, _ = lapack.dpstrf(gram, tol=_NOTHING * scale, lower=1)
    kept = order[:rank] - 1
    found = np.zeros_like(right)
    if rank:
        found[kept] = lapack.dpotrs(factor[:rank, :rank], right[kept], lower=1)[0]
    taken = (sums - within @ found) * shares[:, None]
    ends = np.cumsum([products.sizes[name] for name in others])[:-1]
    levels = {first: taken, **dict(zip(others, np.split(found, ends), strict=True))}
    return _Rest(levels, n_first + int(rank), squares - right.T @ found)


def adjusted_slope(units: Units, made_of_touches: Collection[str] = ()) -> AdjustedSlope:
    """The slope with all covariates of `units` held equal.

    made_of_touches: covariates that touches themselves decide, whose like is no factor behind them: no benchmarks.
    """
    n, n_groups = len(units.x), int(units.group.max()) + 1 if len(units.group) else 0
    if n < 3 or n_groups < 2:
        return AdjustedSlope(reason="n_lt_3" if n < 3 else "under_two_groups")
    if np.ptp(units.x) == 0 or np.ptp(units.y) == 0:
        return AdjustedSlope(reason="zero_variance_x" if np.ptp(units.x) == 0 else "zero_variance_y")
    products = _Products(units)
    rest = _rest(products, list(products.codes))
    n_parameters = rest.n_levels + 1
    freedom = n - n_parameters
    if units.covariates and n < UNITS_PER_PARAMETER * n_parameters:
        return AdjustedSlope(n_parameters=n_parameters, reason="too_few_for_covariates")
    if rest.spread_x <= _NOTHING * n * float(units.x.var()):
        return AdjustedSlope(n_parameters=n_parameters, reason="touches_follow_from_covariates")
    x, y = products.x.copy(), products.y.copy()
    for name, levels in rest.levels.items():
        x -= levels[products.codes[name], 0]
        y -= levels[products.codes[name], 1]
    spread = _product(x, x)
    slope = _product(x, y) / spread
    residual = y - slope * x
    plain = sqrt(_product(residual, residual) / freedom / spread)
    score = np.bincount(units.group, weights=x * residual, minlength=n_groups)
    factor = n_groups / (n_groups - 1) * (n - 1) / freedom
    se = sqrt(factor * _product(score, score)) / spread
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, n_groups - 1)) * se
    p = float(2 * stats.t.sf(abs(slope) / se, n_groups - 1)) if se else 0.0
    return AdjustedSlope(
        slope=slope,
        se=se,
        low=slope - half,
        high=slope + half,
        p=p,
        plain_se=plain,
        n_parameters=n_parameters,
        hidden=_hidden(products, rest, slope, plain, half, freedom, made_of_touches) if plain else None,
    )


def robustness_value(t: float, freedom: int, critical: float | None = None) -> float:
    """Share of the rest of treatment and outcome that takes an estimate with this t to zero (Cinelli and Hazlett).

    t: by the classical error, as it says what touches explain. critical: not the estimate, but the bound of its
    interval nearest to zero, as many classical errors away: the authors' with Student's quantile of freedom - 1
    degrees, and with errors by group so many more as these are larger.
    """
    f = abs(t) / sqrt(freedom)
    if critical is None:
        return 0.5 * (sqrt(f**4 + 4 * f * f) - f * f)
    if freedom < 2:
        return 0.0
    critical = critical / sqrt(freedom - 1)
    f_left = f - critical
    if f_left <= 0:
        return 0.0
    if f * critical > 1:  # a bound so strong that the outcome would be explained wholly
        return (f * f - critical * critical) / (1 + f * f)
    return 0.5 * (sqrt(f_left**4 + 4 * f_left * f_left) - f_left * f_left)


def hidden_strengths(of_x: float, of_y: float, times: int = 1) -> tuple[float, float] | None:
    """Strongest (share of the rest of x, share of the rest of y) of a hidden factor `times` as strong as a covariate.

    of_x, of_y: partial R squared of the covariate with x given the others, and with y given the others and x. None
    where such a factor could explain all of x (Cinelli and Hazlett 2020, section 4.4).
    """
    if times * of_x >= 1 - of_x:
        return None
    share_x = times * of_x / (1 - of_x)
    between = times * of_x * of_x / ((1 - times * of_x) * (1 - of_x))
    if between >= 1 or of_y >= 1:
        return share_x, 1.0
    share_y = ((sqrt(times) + sqrt(between)) / sqrt(1 - between)) ** 2 * of_y / (1 - of_y)
    return share_x, min(share_y, 1.0)


def slope_beside(slope: float, plain_se: float, freedom: int, share_x: float, share_y: float) -> float:
    """What a hidden factor of these strengths would leave of the slope, in the direction that hurts it."""
    bias = plain_se * sqrt(freedom * share_y * share_x / (1 - share_x))
    return slope - bias if slope > 0 else slope + bias


def _hidden(
    products: _Products,
    rest: _Rest,
    slope: float,
    plain: float,
    half: float,
    freedom: int,
    made_of_touches: Collection[str],
) -> Hidden:
    """The covariate whose like would do most stands as the benchmark; of equals, the first by name.

    half: of the published interval of the slope.
    """
    t = slope / plain
    worst: tuple[float, str, float | None] | None = None
    for name in products.codes:
        if name in made_of_touches:
            continue
        without = _rest(products, [other for other in products.codes if other != name])
        added = rest.n_levels - without.n_levels
        of_x = _beyond_noise(rest.spread_x, without.spread_x, added, freedom + 1)
        of_y = _beyond_noise(rest.spread_y, without.spread_y, added, freedom)
        strengths = hidden_strengths(of_x, of_y)
        left = None if strengths is None else slope_beside(slope, plain, freedom, *strengths)
        # in the direction of the slope, the least left first; without a bound, less than anything
        told = float("-inf") if left is None else left * (1 if slope > 0 else -1)
        if worst is None or told < worst[0]:
            worst = (told, name, left)
    return Hidden(
        robustness=robustness_value(t, freedom),
        robustness_of_bound=robustness_value(t, freedom, half / plain),
        benchmark=None if worst is None else worst[1],
        benchmark_slope=None if worst is None else worst[2],
        is_cancelled=None if worst is None else worst[0] <= 0,
    )


def _beyond_noise(left: float, left_without: float, added: int, freedom: int) -> float:
    """Partial R squared of `added` levels, adjusted as R squared is: n levels of noise explain n of what is left.

    left, left_without: sum of squares with and without them; freedom: degrees with them. 0 for less than noise.
    """
    if left_without <= 0 or freedom < 1:
        return 0.0
    return max(1 - left / left_without * (freedom + added) / freedom, 0.0)
