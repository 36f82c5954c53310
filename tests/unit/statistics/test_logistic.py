"""The logistic fit equals an independent maximisation of the same likelihood."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from orchestration.statistics import logistic


def data(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(300), rng.normal(size=(300, 3))])
    offset = rng.normal(scale=0.5, size=300)
    y = (rng.random(300) < 1 / (1 + np.exp(-(x @ [0.2, 0.8, 0.0, -0.5] + offset)))).astype(float)
    return x, y, offset, rng.integers(0, 80, 300)


@pytest.mark.parametrize("seed", range(5))
def test_the_coefficients_maximise_the_likelihood(seed: int) -> None:
    x, y, offset, groups = data(seed)
    _, clusters = np.unique(groups, return_inverse=True)

    def loss(beta: np.ndarray) -> float:
        eta = x @ beta + offset
        return float(np.logaddexp(0, eta).sum() - y @ eta)

    found = logistic.fit(x, y, offset, clusters)
    best = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-9})
    assert found.coefficients == pytest.approx(best.x, abs=1e-5)
    assert loss(found.coefficients) <= loss(best.x) + 1e-12


@pytest.mark.parametrize("seed", range(3))
def test_coefficients_and_clustered_errors_equal_those_of_statsmodels(seed: int) -> None:
    api = pytest.importorskip("statsmodels.api")
    x, y, offset, groups = data(seed)
    _, clusters = np.unique(groups, return_inverse=True)
    found = logistic.fit(x, y, offset, clusters)
    theirs = api.GLM(y, x, family=api.families.Binomial(), offset=offset).fit(
        cov_type="cluster", cov_kwds={"groups": clusters, "df_correction": False}, tol=1e-14
    )
    n, k, g = len(y), x.shape[1], clusters.max() + 1
    assert found.coefficients == pytest.approx(theirs.params, abs=1e-8)
    ratio = (found.errors / theirs.bse) ** 2
    assert ratio == pytest.approx(ratio[0], rel=1e-6)
    assert any(ratio[0] == pytest.approx(f, rel=1e-6) for f in (1, g / (g - 1), (n - k) / (n - 1)))


def test_errors_are_wider_when_rows_repeat_each_other() -> None:
    x, y, offset, _ = data(1)
    alone = logistic.fit(x, y, offset, np.arange(300))
    twice = logistic.fit(
        np.repeat(x, 2, axis=0), np.repeat(y, 2), np.repeat(offset, 2), np.repeat(np.arange(300), 2)
    )
    assert twice.coefficients == pytest.approx(alone.coefficients, abs=1e-9)
    assert twice.errors == pytest.approx(alone.errors, rel=1e-9)


def test_separated_outcomes_and_dependent_columns_are_refused() -> None:
    x, y, offset, _ = data(1)
    with pytest.raises(logistic.NotEstimableError):
        logistic.fit(np.column_stack([x, x[:, 1]]), y, offset, np.arange(300))
    with pytest.raises(logistic.NotEstimableError):
        logistic.fit(x, (x[:, 1] > 0).astype(float), np.zeros(300), np.arange(300))


def test_adjusted_p_values_are_those_of_benjamini_and_hochberg() -> None:
    assert logistic.adjusted(np.array([0.01, 0.04, 0.03, 0.5])) == pytest.approx(
        [0.04, 0.16 / 3, 0.16 / 3, 0.5]
    )
