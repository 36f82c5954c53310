"""Is the line of the whole the line of its parts (rows QU12, QU17, risk R2): Simpson's paradox and its kin.

Not here: which cut is right; every cut is looked at and the worst finding counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import TypeVar

from scipy import stats
from statsmodels.stats.multitest import multipletests

from orchestration.audit.points import Points
from orchestration.audit.regression import Line, line, spreads
from orchestration.audit.traffic_light import METHOD_BARS, Bars

Key = TypeVar("Key")
_SURE = 1.959963984540054  # standard errors of a two-sided 95 % interval


@dataclass(frozen=True)
class Composition:
    """One cut of a population.

    Attributes:
        within_slope: slope with a level of its own for every segment (fixed effects); None where x never varies
            inside a segment.
        n_eligible: segments with enough units, events and spread for a line of their own.
        is_reversal: the slope of the whole is not found inside: no eligible segment has its sign, or it is attenuated
            and what the segments have in common is not surely of its sign.
        is_attenuated: the slope of the whole is more than half of its size away from within_slope.
        heterogeneity_p: p-value of Cochran's Q of the segments' slopes with their HC3 errors; None under two.
        i_squared: share of the spread of the slopes that chance does not explain, 0 to 1; None under two.
    """

    within_slope: float | None
    n_eligible: int
    is_reversal: bool
    is_attenuated: bool
    heterogeneity_p: float | None
    i_squared: float | None


def is_eligible(fitted: Line, bars: Bars = METHOD_BARS) -> bool:
    """True when a segment may have a line of its own: units and events enough to be judged, a slope with an error."""
    return (
        bars.is_enough(fitted.n, fitted.n_events) and fitted.slope is not None and bool(fitted.slope_hc3_se)
    )


def composition(
    whole: Line,
    segments: Mapping[str, Points],
    fitted: Mapping[str, Line] | None = None,
    bars: Bars = METHOD_BARS,
) -> Composition:
    """What the segments of one cut say about the line of the whole.

    Args:
        whole: line of all units.
        segments: segment -> its units; together they are all units.
        fitted: segment -> its line, where the caller has fitted them.
        bars: the least numbers of the framing note.
    """
    if fitted is None:
        fitted = {segment: line(points) for segment, points in segments.items()}
    lines = [found for found in fitted.values() if is_eligible(found, bars)]
    within = _within_slope(segments)
    slopes = [found.slope for found in lines if found.slope is not None]
    reversed_sign = whole.slope is not None and len(slopes) >= 2 and all(s * whole.slope < 0 for s in slopes)
    attenuated = (
        whole.slope is not None
        and within is not None
        and len(slopes) >= 2
        and abs(whole.slope - within) > 0.5 * abs(whole.slope)
    )
    if len(lines) < 2:
        return Composition(within, len(lines), reversed_sign, attenuated, None, None)
    weights = [1 / (found.slope_hc3_se or 1.0) ** 2 for found in lines]
    centre = sum(w * s for w, s in zip(weights, slopes, strict=True)) / sum(weights)
    # a mixture makes a slope that no part has, and parts without any slope have signs by chance
    away = whole.slope is not None and centre * (1 if whole.slope > 0 else -1) <= _SURE / sqrt(sum(weights))
    q = sum(w * (s - centre) ** 2 for w, s in zip(weights, slopes, strict=True))
    freedom = len(lines) - 1
    return Composition(
        within_slope=within,
        n_eligible=len(lines),
        is_reversal=reversed_sign or (attenuated and away),
        is_attenuated=attenuated,
        heterogeneity_p=float(stats.chi2.sf(q, freedom)),
        i_squared=max(0.0, (q - freedom) / q) if q else 0.0,
    )


def heterogeneous(
    cuts: Mapping[str, Composition], level: float = 0.05, spread: float = 0.5
) -> dict[str, bool]:
    """Cut -> are its slopes of different populations: p under `level` after Benjamini and Hochberg over the cuts.

    I squared above `spread` counts too.
    """
    p_values = adjusted({cut: c.heterogeneity_p for cut, c in cuts.items()})
    return {cut: p_values.get(cut, 1.0) <= level or (c.i_squared or 0.0) > spread for cut, c in cuts.items()}


def adjusted(p_values: Mapping[Key, float | None]) -> dict[Key, float]:
    """p-values adjusted for the number of tests (Benjamini and Hochberg 1995); a test that was not made has none."""
    tested = {key: p for key, p in p_values.items() if p is not None}
    if not tested:
        return {}
    found = multipletests(list(tested.values()), method="fdr_bh")[1]
    return dict(zip(tested, (float(p) for p in found), strict=True))


def _within_slope(segments: Mapping[str, Points]) -> float | None:
    """Least-squares slope with one intercept per segment."""
    sxy = sxx = Fraction(0)
    for points in segments.values():
        spread_x, _, product = spreads(points)
        sxx += spread_x
        sxy += product
    return float(sxy / sxx) if sxx else None
