"""Units with many touches against those with few, segment by segment and pooled (audit 2.6, 2.7.3).

Differences, ratios of odds and of risks with the mix of segments held equal, so that a segment with more touches and
more conversions makes none of it: Mantel and Haenszel with the interval of Robins, Breslow and Greenland (odds) and of
Greenland and Robins (risks), Breslow and Day for one ratio of odds in all segments, direct standardisation on all
units of the segments that have both. The E-value (VanderWeele and Ding 2017) says how strong a hidden factor would have
to be to make the ratio of risks.
The interval of the standardised difference is put together from Wilson's bounds of each share (Newcombe 1998; Zou and
Donner 2008): a segment in which all or none of few units have the outcome is not known exactly. With much of the mix in
segments of few units even these are too short, and there is none.
Units count one by one: leads of one account make the intervals too short. What does NOT belong here: causes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import exp, log, sqrt

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.proportion import proportion_confint

from orchestration.audit.points import Points
from orchestration.audit.regression import CONFIDENCE

#: 95 % quantile of the normal distribution, two-sided.
_Z = float(stats.norm.ppf(0.5 + CONFIDENCE / 2))
#: An upper bound of this size says that nothing is known of the ratio.
_NO_RATIO = 1e6
_AT_ONE = 1e-6
#: Segments with fewer units on a side are sparse; of the units that are compared they may hold this share.
SPARSE_UNITS, SPARSE_SHARE = 5, Fraction(1, 10)


@dataclass(frozen=True)
class Stratum:
    """Units of one segment with many and with few touches, and those of them with the outcome."""

    k_many: int
    n_many: int
    k_few: int
    n_few: int

    @property
    def n(self) -> int:
        return self.n_many + self.n_few

    @property
    def table(self) -> np.ndarray:
        rows = [[self.k_many, self.n_many - self.k_many], [self.k_few, self.n_few - self.k_few]]
        return np.array(rows, dtype=float)


@dataclass(frozen=True)
class TwoGroups:
    """Many touches against few; a figure that cannot be told is None, all of them with `reason`.

    Attributes:
        difference: share of the outcome, many less few, whatever the segments; exact.
        n_compared, k_compared: units of the segments that have units on both sides, and those with the outcome; all
            figures but `difference` are of them.
        standardised, standardised_low, standardised_high: the same with the mix of segments of these units in both.
        is_sparse: too many of them stand in segments of few units for the bounds of `standardised`, which are None.
        odds_ratio and bounds, risk_ratio and bounds: pooled over the segments.
        null_p: Cochran, Mantel and Haenszel's test that nothing differs, without correction.
        equal_p: Breslow and Day's test that the ratio of odds is one and the same in all segments.
        e_value, e_value_of_bound: of the ratio of risks, and of its bound nearest to 1.
        reason: no_two_groups (no segment has units on both sides) or zero_variance_y.
    """

    difference: Fraction | None = None
    n_compared: int = 0
    k_compared: int = 0
    standardised: Fraction | None = None
    standardised_low: float | None = None
    standardised_high: float | None = None
    is_sparse: bool = False
    odds_ratio: float | None = None
    odds_ratio_low: float | None = None
    odds_ratio_high: float | None = None
    risk_ratio: float | None = None
    risk_ratio_low: float | None = None
    risk_ratio_high: float | None = None
    null_p: float | None = None
    equal_p: float | None = None
    e_value: float | None = None
    e_value_of_bound: float | None = None
    reason: str | None = None


def strata_of(segments: Mapping[str, Points], mean_x: Fraction) -> list[Stratum]:
    """Segments parted at the mean of the whole; a value equal to it is many, as in the quadrants. By segment."""
    found = []
    for segment in sorted(segments):
        counts = [0, 0, 0, 0]
        for x, units, events in segments[segment].outcomes():
            place = 0 if x >= mean_x else 2
            counts[place] += int(events)
            counts[place + 1] += units
        found.append(Stratum(*counts))
    return found


def two_groups(strata: Sequence[Stratum]) -> TwoGroups:
    """What many touches go with, the segments held equal. A segment without units on one side compares nothing."""
    n_many, n_few = sum(s.n_many for s in strata), sum(s.n_few for s in strata)
    if not n_many or not n_few:
        return TwoGroups(reason="no_two_groups")
    k_many, k_few = sum(s.k_many for s in strata), sum(s.k_few for s in strata)
    difference = Fraction(k_many, n_many) - Fraction(k_few, n_few)
    both = [s for s in strata if s.n_many and s.n_few]
    n_compared, k_compared = sum(s.n for s in both), sum(s.k_many + s.k_few for s in both)
    if not both or k_compared in (0, n_compared):
        reason = "zero_variance_y" if both else "no_two_groups"
        return TwoGroups(difference, n_compared, k_compared, reason=reason)
    standardised, *bounds = _standardised(both)
    n_sparse = sum(s.n for s in both if min(s.n_many, s.n_few) < SPARSE_UNITS)
    is_sparse = n_sparse > SPARSE_SHARE * n_compared
    telling = [s for s in both if 0 < s.k_many + s.k_few < s.n]
    odds = _odds(telling)
    ratio = _risk_ratio(telling)
    low, high = (None, None) if ratio is None else ratio[1:]
    return TwoGroups(
        difference=difference,
        n_compared=n_compared,
        k_compared=k_compared,
        standardised=standardised,
        standardised_low=None if is_sparse else bounds[0],
        standardised_high=None if is_sparse else bounds[1],
        is_sparse=is_sparse,
        **odds,
        risk_ratio=None if ratio is None else ratio[0],
        risk_ratio_low=low,
        risk_ratio_high=high,
        e_value=None if ratio is None else e_value(ratio[0]),
        e_value_of_bound=None if low is None or high is None else e_value_of_bound(low, high),
    )


def e_value(ratio: float) -> float:
    """Least ratio of risks that a hidden factor needs with both sides to make `ratio` out of nothing; 1 for 1."""
    above = ratio if ratio >= 1 else 1 / ratio
    return above + sqrt(above * (above - 1))


def e_value_of_bound(low: float, high: float) -> float:
    """E-value of the bound nearest to 1; 1 where the interval holds it."""
    if low <= 1 <= high:
        return 1.0
    return e_value(low if low > 1 else high)


def _standardised(strata: Sequence[Stratum]) -> tuple[Fraction, float, float]:
    """(difference with the segments' shares of all these units, its 95 % bounds)."""
    total = sum(s.n for s in strata)
    found = sum(
        (Fraction(s.n, total) * (Fraction(s.k_many, s.n_many) - Fraction(s.k_few, s.n_few)) for s in strata),
        start=Fraction(0),
    )
    weight = np.array([s.n / total for s in strata])
    # square and add: what each share may be lower, and higher, than it was seen
    below, above = [], []
    for counts in ([(s.k_many, s.n_many) for s in strata], [(s.k_few, s.n_few) for s in strata]):
        k, n = np.array(counts, dtype=float).T
        low, high = proportion_confint(k, n, alpha=1 - CONFIDENCE, method="wilson")
        below.append(((weight * (k / n - low)) ** 2).sum())
        above.append(((weight * (high - k / n)) ** 2).sum())
    low, high = float(found) - sqrt(below[0] + above[1]), float(found) + sqrt(above[0] + below[1])
    return found, max(low, -1.0), min(high, 1.0)


def _odds(strata: Sequence[Stratum]) -> dict[str, float | None]:
    """Pooled ratio of odds and its tests, by statsmodels; None where a sum of the ratio is zero."""
    tables = [s.table for s in strata]
    if not tables:
        return {}
    pooled = StratifiedTable(tables)
    found: dict[str, float | None] = {"null_p": float(pooled.test_null_odds(correction=False).pvalue)}
    ups = sum(t[0, 0] * t[1, 1] / t.sum() for t in tables)
    downs = sum(t[0, 1] * t[1, 0] / t.sum() for t in tables)
    if ups > 0 and downs > 0:
        low, high = pooled.oddsratio_pooled_confint(1 - CONFIDENCE)
        if high < _NO_RATIO:
            found |= {
                "odds_ratio": float(pooled.oddsratio_pooled),
                "odds_ratio_low": float(low),
                "odds_ratio_high": float(high),
            }
    full = [t for t in tables if t.min() > 0]
    if len(full) >= 2:
        found["equal_p"] = equal_odds_p(full)
    return found


def equal_odds_p(tables: Sequence[np.ndarray]) -> float:
    """Breslow and Day's p-value that the ratio of odds is the same in all 2 x 2 tables, none of which has a zero.

    statsmodels divides by the distance of the pooled ratio from 1 and has no value there: the expected counts of a
    ratio of 1 are those of independence.
    """
    pooled = StratifiedTable(list(tables))
    if abs(pooled.oddsratio_pooled - 1) > _AT_ONE:
        return float(pooled.test_equal_odds().pvalue)
    statistic = 0.0
    for table in tables:
        expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
        statistic += (table[0, 0] - expected[0, 0]) ** 2 * (1 / expected).sum()
    return float(stats.chi2.sf(statistic, len(tables) - 1))


def _risk_ratio(strata: Sequence[Stratum]) -> tuple[float, float, float] | None:
    """(pooled ratio of risks, its 95 % bounds); None where one side has no event in any segment."""
    many = sum(s.k_many * s.n_few / s.n for s in strata)
    few = sum(s.k_few * s.n_many / s.n for s in strata)
    if many <= 0 or few <= 0:
        return None
    spread = sum(
        (s.n_many * s.n_few * (s.k_many + s.k_few) - s.k_many * s.k_few * s.n) / s.n**2 for s in strata
    )
    ratio, half = many / few, _Z * sqrt(max(spread, 0.0) / (many * few))
    high = exp(min(log(ratio) + half, log(_NO_RATIO)))
    return (ratio, exp(log(ratio) - half), high) if high < _NO_RATIO else None
