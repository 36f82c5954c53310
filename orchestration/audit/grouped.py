"""How much one line of yes/no outcomes hangs on whole groups of units: leaving out, and errors by group (2.2, 2.4).

Leads of one account are no independent witnesses. Five sums of a group say all that the line takes from it, so that
leaving each of a hundred thousand accounts out is one division, not a hundred thousand fits.
What does NOT belong here: the line of the units themselves (`regression.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from orchestration.audit.regression import CONFIDENCE


@dataclass(frozen=True)
class Sums:
    """Of each group (g,) as whole numbers: units, sum of x, of x squared, of y, of x times y. y is 0 or 1."""

    n: np.ndarray
    x: np.ndarray
    xx: np.ndarray
    y: np.ndarray
    xy: np.ndarray


@dataclass(frozen=True)
class Influence:
    """The group whose absence moves r most: its place, r without it, |change|; or why none is told."""

    place: int | None
    r_without: float | None
    change: float | None
    reason: str | None


@dataclass(frozen=True)
class ClusteredSlope:
    """Slope with an error that lets the units of a group go together (Liang and Zeger 1986, small-sample factor)."""

    slope: float | None
    se: float | None
    low: float | None
    high: float | None
    reason: str | None


def leave_one_out(sums: Sums) -> Influence:
    """Jackknife of r over groups. The first of groups that move it equally is told."""
    total = _total(sums)
    whole = _correlation(*total)
    if len(sums.n) < 2 or np.isnan(whole):
        return Influence(None, None, None, "under_two_groups" if len(sums.n) < 2 else "not_estimable")
    left = _correlation(*(all_of_it - part for all_of_it, part in zip(total, _parts(sums), strict=True)))
    change = np.where(np.isnan(left), -1.0, np.abs(left - whole))
    place = int(np.argmax(change))
    if change[place] < 0:
        return Influence(None, None, None, "not_estimable")
    return Influence(place, float(left[place]), float(change[place]), None)


def clustered_slope(sums: Sums) -> ClusteredSlope:
    """Slope of all units with the error by group; its interval by Student's t with groups - 1 degrees."""
    n, x, xx, y, xy = _total(sums)
    spread = n * xx - x * x
    groups = len(sums.n)
    if n < 3 or groups < 2 or spread <= 0:
        reason = "n_lt_3" if n < 3 else "under_two_groups" if groups < 2 else "zero_variance_x"
        return ClusteredSlope(None, None, None, None, reason)
    slope = (n * xy - x * y) / spread
    mean_x, mean_y = x / n, y / n
    # sum over the units of a group of (x - mean_x) * residual, from its sums
    intercept = mean_y - slope * mean_x
    score = (
        sums.xy
        - mean_x * sums.y
        - intercept * (sums.x - mean_x * sums.n)
        - slope * (sums.xx - mean_x * sums.x)
    )
    factor = groups / (groups - 1) * (n - 1) / (n - 2)
    se = float(np.sqrt(factor * np.sum(score * score)) / (spread / n))
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, groups - 1)) * se
    return ClusteredSlope(float(slope), se, float(slope - half), float(slope + half), None)


def _parts(sums: Sums) -> tuple[np.ndarray, ...]:
    return sums.n, sums.x, sums.xx, sums.y, sums.xy


def _total(sums: Sums) -> tuple[int, ...]:
    return tuple(int(part.sum()) for part in _parts(sums))


def _correlation(n, x, xx, y, xy) -> np.ndarray | float:
    """r of the sums, whole numbers so that no digit is lost before the division; nan where it has none."""
    spread_x = np.asarray(n * xx - x * x, dtype=float)
    spread_y = np.asarray(n * y - y * y, dtype=float)
    product = np.asarray(n * xy - x * y, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = product / np.sqrt(spread_x * spread_y)
    return np.where((spread_x > 0) & (spread_y > 0), found, np.nan)[()]
