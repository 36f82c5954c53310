"""The difference of two shares whose samples share units, as the accounts of two half years do."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from orchestration.audit.shares import Shared, newcombe_shared


def method_10(r: int, s: int, t: int, u: int) -> tuple[float, float]:
    """Newcombe (1998), paired data, method 10, from the fourfold table alone."""
    n = r + s + t + u
    p, q = (r + s) / n, (r + t) / n
    (l1, u1), (l2, u2) = (proportion_confint(k, n, method="wilson") for k in (r + s, r + t))
    b = r * u - s * t
    c = max(b - n / 2, 0) if b > 0 else b
    phi = c / sqrt((r + s) * (t + u) * (r + t) * (s + u))
    low = p - q - sqrt((p - l1) ** 2 - 2 * phi * (p - l1) * (u2 - q) + (u2 - q) ** 2)
    high = p - q + sqrt((q - l2) ** 2 - 2 * phi * (q - l2) * (u1 - p) + (u1 - p) ** 2)
    return low, high


@pytest.mark.audit("QU19")
@pytest.mark.parametrize("table", [(14, 5, 0, 22), (1, 1, 7, 12), (36, 12, 2, 0), (3, 17, 15, 5)])
def test_with_every_unit_in_both_it_is_the_interval_of_paired_data(table) -> None:
    r, s, t, _ = table
    n = sum(table)
    found = newcombe_shared(r + s, n, r + t, n, Shared(n, r + s, r + t, r))
    assert found == pytest.approx(method_10(*table), abs=1e-12)


@pytest.mark.audit("QU19")
def test_published_intervals_of_paired_data() -> None:
    """Altman et al., Statistics with Confidence, table 6.2; Fagerland et al. 2014, hyper-responsiveness of airways."""
    assert newcombe_shared(19, 41, 14, 41, Shared(41, 19, 14, 14)) == pytest.approx((0.011, 0.226), abs=5e-4)
    assert newcombe_shared(2, 21, 8, 21, Shared(21, 2, 8, 1)) == pytest.approx((-0.507, -0.026), abs=5e-4)


def test_without_shared_units_it_is_the_interval_of_independent_samples() -> None:
    for counts in ((56, 70, 48, 80), (0, 5, 3, 9), (9, 9, 9, 9)):
        found = newcombe_shared(*counts, Shared(0, 0, 0, 0))
        assert found == pytest.approx(
            confint_proportions_2indep(*counts, method="newcomb", compare="diff"), abs=1e-12
        )


def test_counts_that_cannot_be_are_refused() -> None:
    for counts, both in (
        ((1, 2, 0, 0), (0, 0, 0, 0)), ((3, 2, 1, 2), (0, 0, 0, 0)), ((1, 2, 1, 2), (3, 1, 1, 1)),
        ((1, 4, 1, 4), (2, 2, 0, 0)), ((2, 4, 2, 4), (2, 1, 1, 2)),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            newcombe_shared(*counts, Shared(*both))


@pytest.mark.audit("QU19")
def test_it_holds_what_it_says_where_the_interval_of_independent_samples_holds_nearly_always() -> None:
    """Three of four accounts stand in both periods and nine of ten of them keep their quadrant; 1,500 drawn worlds."""
    rng = np.random.default_rng(19)
    held = independent = 0
    worlds, both, alone, share = 1500, 120, 40, 0.3
    for _ in range(worlds):
        then = rng.random(both) < share
        now = np.where(rng.random(both) < 0.9, then, rng.random(both) < share)
        k = int(now.sum() + (rng.random(alone) < share).sum())
        k_before = int(then.sum() + (rng.random(alone) < share).sum())
        shared = Shared(both, int(now.sum()), int(then.sum()), int((now & then).sum()))
        low, high = newcombe_shared(k, both + alone, k_before, both + alone, shared)
        held += low <= 0 <= high
        low, high = confint_proportions_2indep(
            k, both + alone, k_before, both + alone, method="newcomb", compare="diff"
        )
        independent += low <= 0 <= high
    assert 0.935 <= held / worlds <= 0.975
    assert independent / worlds > 0.99
