"""How sure the form of a scatter is: resampled accounts, and the slopes at both ends of a U (audit 2.5).

Leads of one account are no independent witnesses, so that accounts are drawn, not leads. The test of Lind and Mehlum
(2010) asks what a quadratic alone does not say: whether the line really falls at one end and rises at the other.
What does NOT belong here: the forms (`shape.py`), which leads count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from orchestration.audit.points import Points
from orchestration.audit.shape import best_forms

DRAWS = 200
#: The ends at which the slopes are tested: a vertex beyond them is none (2.5).
ENDS = (0.05, 0.95)


@dataclass(frozen=True)
class UTest:
    """u_shape or inverted_u by the sign of the bend, and the p-value that it is none; None with `reason`.

    reason: under_three_counts, under_two_groups, zero_variance_y, not_estimable, or vertex_outside (the line does not
    turn between the ends: the bend has a direction, no test is made).
    """

    form: str | None = None
    p: float | None = None
    reason: str | None = None


def drawn_counts(
    cell: np.ndarray, group: np.ndarray, n_cells: int, seed: int, draws: int = DRAWS
) -> np.ndarray:
    """Units by cell in each of `draws` samples of as many groups, drawn with replacement: (draws, n_cells).

    cell, group: of each unit, 0 and up.
    """
    rng = np.random.default_rng(seed)
    n_groups = int(group.max()) + 1 if len(group) else 0
    found = np.zeros((draws, n_cells))
    for place in range(draws if n_groups else 0):
        weight = np.bincount(rng.integers(0, n_groups, n_groups), minlength=n_groups)
        found[place] = np.bincount(cell, weights=weight[group], minlength=n_cells)
    return found


def form_share(points: Points, best: str, n: np.ndarray, k: np.ndarray) -> float | None:
    """Share of the drawn samples in which the form `best` is the best one; None where no sample has a form.

    n, k: as of `best_forms`.
    """
    forms = [form for form in best_forms(points, n, k) if form is not None]
    return sum(form == best for form in forms) / len(forms) if forms else None


def u_test(x: np.ndarray, y: np.ndarray, group: np.ndarray) -> UTest:
    """Of y on x and its square, between the 5th and the 95th percentile of x; errors by group."""
    n, n_groups = len(x), int(group.max()) + 1 if len(group) else 0
    if n <= 3 or len(np.unique(x)) < 3:
        return UTest(reason="under_three_counts")
    if n_groups < 2 or np.ptp(y) == 0:
        return UTest(reason="under_two_groups" if n_groups < 2 else "zero_variance_y")
    centre = float(x.mean())
    off = x - centre
    design = np.column_stack([np.ones(n), off, off * off])
    gram = design.T @ design
    if np.linalg.cond(gram) > 1e14:
        return UTest(reason="not_estimable")
    bread = np.linalg.inv(gram)
    beta = bread @ (design.T @ y)
    residual = y - design @ beta
    scores = np.column_stack(
        [np.bincount(group, weights=column * residual, minlength=n_groups) for column in design.T]
    )
    factor = n_groups / (n_groups - 1) * (n - 1) / (n - 3)
    covariance = factor * bread @ (scores.T @ scores) @ bread
    t = []
    for end in np.quantile(x, ENDS):
        along = np.array([0.0, 1.0, 2 * (float(end) - centre)])
        error = float(np.sqrt(max(along @ covariance @ along, 0.0)))
        if error == 0:
            return UTest(reason="not_estimable")
        t.append(float(along @ beta) / error)
    is_u = bool(beta[2] > 0)
    form = "u_shape" if is_u else "inverted_u"
    low, high = (t[0], t[1]) if is_u else (-t[0], -t[1])  # falls first, rises then
    if low >= 0 or high <= 0:
        return UTest(form, None, "vertex_outside")
    freedom = n_groups - 1
    return UTest(form, max(float(stats.t.cdf(low, freedom)), float(stats.t.sf(high, freedom))))
