"""Bounds of a rate and of a difference, against scipy, statsmodels and the definition of the exact bound itself."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from scipy.stats import binom, binomtest
from statsmodels.stats.proportion import confint_proportions_2indep

from orchestration.audit.exact_bounds import difference_bounds, exact_lower, exact_upper
from orchestration.reporting.bounds import exact_upper_95

CASES = [(0, 1), (1, 1), (0, 50), (2, 1000), (3, 1000), (7, 12), (999, 1000), (410, 200_000)]


@pytest.mark.audit("DE15", "DE16", "DE17")
@pytest.mark.parametrize(("events", "trials"), CASES)
def test_the_exact_interval_is_that_of_scipy_and_keeps_its_promise(events: int, trials: int) -> None:
    interval = binomtest(events, trials).proportion_ci(0.95, method="exact")
    low, high = float(exact_lower(events, trials, 0.975)), float(exact_upper(events, trials, 0.975))
    assert (low, high) == pytest.approx((interval.low, interval.high), abs=1e-9)
    upper = float(exact_upper(events, trials))
    if events < trials:  # so few events happen once in twenty at the upper bound
        assert binom.cdf(events, trials, upper) == pytest.approx(0.05, abs=1e-9)
    else:
        assert upper == 1
    assert exact_upper_95(events, trials) == Decimal(repr(upper)).quantize(Decimal("1e-9"))


def test_without_trials_there_is_no_bound() -> None:
    assert np.isnan(exact_upper([0, 0], [0, 5])).tolist() == [True, False]
    assert np.isnan(exact_lower(0, 0)) and exact_upper_95(0, 0) is None
    nothing = difference_bounds([0, 1], [0, 10], [1, 0], [10, 0])
    assert np.isnan(nothing.low).all() and np.isnan(nothing.high).all()


@pytest.mark.audit("DE21")
@pytest.mark.parametrize("counts", [(2, 1000, 6, 4000), (0, 500, 0, 2000), (30, 900, 12, 3600), (5, 5, 0, 7)])
def test_the_bounds_of_a_difference_are_newcombes(counts: tuple[int, int, int, int]) -> None:
    found = difference_bounds(*counts)
    expected = confint_proportions_2indep(*counts, method="newcomb", compare="diff", alpha=0.10)
    assert (float(found.low), float(found.high)) == pytest.approx(expected, abs=1e-12)
