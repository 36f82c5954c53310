"""Complaints of a month against those of the month before: shown to be stable, shown to have risen, or neither."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from orchestration.audit.complaints import trend

MARGIN = Fraction(2, 1000)


@pytest.mark.audit("DE21")
def test_stable_complaints_are_proved_only_with_enough_mails() -> None:
    assert trend((10, 10_000), (10, 10_000), MARGIN).status == "proved"
    assert trend((0, 100), (0, 100), MARGIN).status == "not_proved"
    assert trend((40, 10_000), (10, 10_000), MARGIN).status == "worse"
    assert trend((11, 10_000), (10, 10_000), MARGIN).difference == Fraction(1, 10_000)


@pytest.mark.audit("DE21")
def test_a_rise_that_is_shown_is_worse_even_within_the_margin() -> None:
    found = trend((2_000, 1_000_000), (1_500, 1_000_000), MARGIN)
    assert found.low > 0 and found.high < float(MARGIN) and found.status == "worse"


@pytest.mark.parametrize("seed", range(20))
def test_bounds_are_those_of_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n1, n0 = (int(each) for each in rng.integers(1, 50_000, 2))
    k1, k0 = int(rng.integers(0, min(n1, 200) + 1)), int(rng.integers(0, min(n0, 200) + 1))
    found = trend((k1, n1), (k0, n0), MARGIN)
    low, high = confint_proportions_2indep(k1, n1, k0, n0, method="newcomb", alpha=0.10)
    assert found.low == pytest.approx(low, abs=1e-9) and found.high == pytest.approx(high, abs=1e-9)


@pytest.mark.audit("DE21")
def test_a_stable_world_is_seldom_called_worse_and_a_doubled_one_is_never_called_proved() -> None:
    rng = np.random.default_rng(21)
    stable = [
        trend((k, 20_000), (j, 20_000), MARGIN).status for k, j in rng.binomial(20_000, 0.001, (400, 2))
    ]
    assert stable.count("worse") / 400 <= 0.08
    risen = [
        trend(
            (int(rng.binomial(20_000, 0.0035)), 20_000), (int(rng.binomial(20_000, 0.001)), 20_000), MARGIN
        ).status
        for _ in range(400)
    ]
    assert risen.count("proved") == 0 and risen.count("worse") > 390


def test_without_mails_there_is_a_reason() -> None:
    assert (trend((0, 0), (1, 5), MARGIN).reason, trend((1, 5), (0, 0), MARGIN).reason) == (
        "no_mails", "no_mails_before",
    )  # fmt: skip
    unknown = trend((10, 10_000), (10, 10_000), None)
    assert (unknown.status, unknown.reason, unknown.difference) == (None, "no_margin", 0)
    assert trend((40, 10_000), (10, 10_000), None).status == "worse"
    with pytest.raises(ValueError, match="more complaints"):
        trend((6, 5), (0, 5), MARGIN)
