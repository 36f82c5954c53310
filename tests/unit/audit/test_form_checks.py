"""How sure a form is: drawn accounts against the form of the whole, the ends of a U against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from orchestration.audit.form_checks import ENDS, drawn_counts, form_share, u_test
from orchestration.audit.points import Points
from orchestration.audit.shape import best_forms, shape


def scatter(share, n: int, seed: int, mean: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.poisson(rng.gamma(4.0, mean / 4.0, n))
    return x, (rng.random(n) < np.clip(share(x), 0, 1)).astype(int)


def points_of(x: np.ndarray, y: np.ndarray) -> Points:
    n, k = np.bincount(x), np.bincount(x, weights=y)
    return Points.of_outcomes((int(at), int(n[at]), int(k[at])) for at in np.flatnonzero(n))


def counts_of(points: Points) -> tuple[np.ndarray, np.ndarray]:
    cells = points.outcomes()
    return tuple(np.array([[float(cell[place]) for cell in cells]]) for place in (1, 2))


FORMS = {
    "flat": lambda x: np.full(len(x), 0.2),
    "linear": lambda x: 0.05 + 0.03 * x,
    "plateau": lambda x: 0.03 + 0.04 * np.minimum(x, 6),
    "u_shape": lambda x: 0.05 + 0.015 * (x - 6.0) ** 2,
    "s_curve": lambda x: 0.05 + 0.35 / (1 + np.exp(-2.0 * (x - 6))),
}


@pytest.mark.parametrize("truth", FORMS)
@pytest.mark.parametrize("n", [300, 4000])
def test_the_counts_themselves_have_the_form_of_the_whole(truth, n):
    points = points_of(*scatter(FORMS[truth], n, 11))
    assert best_forms(points, *counts_of(points)) == [shape(points).best]


@pytest.mark.parametrize("truth", FORMS)
def test_a_few_steps_find_the_form_that_the_whole_way_finds(truth):
    x, y = scatter(FORMS[truth], 3000, 12)
    points = points_of(x, y)
    rng, same = np.random.default_rng(1), 0
    size = int(x.max()) + 1
    rows = []
    for _ in range(60):
        drawn = rng.integers(0, len(x), len(x))
        rows.append((np.bincount(x[drawn], minlength=size), np.bincount(x[drawn], y[drawn], minlength=size)))
    at = np.flatnonzero(np.bincount(x, minlength=size))
    n, k = (np.array([row[place][at] for row in rows], dtype=float) for place in (0, 1))
    for found, (units, events) in zip(best_forms(points, n, k), rows, strict=True):
        cells = Points.of_outcomes((int(a), int(units[a]), int(events[a])) for a in at if units[a])
        same += found == shape(cells).best
    assert same >= 58


def test_a_sure_form_wins_nearly_every_sample_and_chance_does_not():
    shares = {}
    for truth, n in (("s_curve", 6_000), ("flat", 600)):
        x, y = scatter(FORMS[truth], n, 13)
        points = points_of(x, y)
        cell = np.unique(x * 2 + y, return_inverse=True)
        counts = drawn_counts(cell[1], np.arange(n), len(cell[0]), seed=5)
        at = np.array([c[0] for c in points.outcomes()])
        place = (cell[0][:, None] // 2 == at[None, :]).astype(float)
        n_drawn, k_drawn = counts @ place, (counts * (cell[0] % 2)) @ place
        best = shape(points).best
        shares[truth] = form_share(points, best, n_drawn, k_drawn)
        assert counts.sum(axis=1).tolist() == [n] * 200
    assert shares["s_curve"] > 0.9 and shares["flat"] < 0.6


def test_accounts_are_drawn_whole_and_from_the_seed():
    cell, group = np.array([0, 1, 1, 2]), np.array([0, 0, 1, 1])
    found = drawn_counts(cell, group, 3, seed=7, draws=50)
    assert {tuple(row) for row in found} <= {(2, 2, 0), (0, 2, 2), (1, 2, 1)}
    assert (found == drawn_counts(cell, group, 3, seed=7, draws=50)).all()
    assert drawn_counts(cell[:0], group[:0], 0, seed=7, draws=3).shape == (3, 0)


def test_a_sample_without_a_conversion_has_no_form():
    points = points_of(*scatter(FORMS["linear"], 500, 14))
    n, k = counts_of(points)
    assert best_forms(points, np.vstack([n, n]), np.vstack([k * 0, n])) == [None, None]
    assert form_share(points, "linear", n, k * 0) is None


@pytest.mark.parametrize(("truth", "form"), [("u_shape", "u_shape"), ("hill", "inverted_u")])
def test_the_slopes_at_the_ends_are_those_of_statsmodels(truth, form):
    share = {**FORMS, "hill": lambda x: 0.6 - 0.015 * (x - 6.0) ** 2}[truth]
    x, y = scatter(share, 2500, 15)
    group = np.random.default_rng(2).integers(0, 600, 2500)
    group = np.unique(group, return_inverse=True)[1]
    found = u_test(x, y, group)
    fit = sm.OLS(y, np.column_stack([np.ones(2500), x, x * x])).fit(
        cov_type="cluster", cov_kwds={"groups": group}, use_t=True
    )
    ends = np.quantile(x, ENDS)
    tests = [fit.t_test(np.array([[0.0, 1.0, 2 * end]])) for end in ends]
    one_sided = [float(test.pvalue) / 2 for test in tests]
    assert found.form == form
    assert found.p == pytest.approx(max(one_sided), rel=1e-6)
    assert found.p < 0.001


@pytest.mark.parametrize("seed", range(16, 24))
def test_a_curve_that_only_levels_off_is_no_u(seed):
    """A quadratic through it bends down; the slope at its end is not below zero (Lind and Mehlum)."""
    x, y = scatter(lambda x: 0.05 + 0.3 * (1 - np.exp(-x / 2.5)), 6000, seed)
    found = u_test(x, y, np.arange(6000))
    assert found.form == "inverted_u"
    assert found.reason == "vertex_outside" or found.p > 0.05


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        ([], [], "under_three_counts"),
        ([1, 2, 3], [0, 1, 0], "under_three_counts"),
        ([1, 1, 2, 2], [0, 1, 0, 1], "under_three_counts"),
        ([1, 2, 3, 4], [1, 1, 1, 1], "zero_variance_y"),
    ],
)
def test_what_has_no_bend_says_why(x, y, reason):
    found = u_test(np.array(x, dtype=int), np.array(y, dtype=int), np.arange(len(x)))
    assert (found.p, found.reason) == (None, reason)
