"""BG/NBD and Gamma-Gamma against the published figures of CDNOW, the textbook example and simulated customers."""

from __future__ import annotations

import numpy as np
import pytest

from orchestration.statistics.lifetime import (
    NotFittedError,
    Purchasing,
    expected_purchases,
    expected_value,
    fit_purchasing,
    fit_spending,
    probability_alive,
)

# Fader, Hardie and Lee (2005), table 2: the 2,357 customers of the CDNOW sample, weeks.
PAPER = Purchasing(0.243, 4.414, 0.793, 2.426, -9582.4)


def one(*values: float) -> tuple[np.ndarray, ...]:
    return tuple(np.array([value]) for value in values)


def simulated(n: int, seed: int, model: Purchasing = PAPER) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, t and age of customers drawn from a model, observed for 27 to 39 weeks."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(27, 39, n)
    rate = rng.gamma(model.r, 1 / model.alpha, n)
    leaves = rng.beta(model.a, model.b, n)
    x, t, at = np.zeros(n), np.zeros(n), np.zeros(n)
    alive = np.ones(n, dtype=bool)
    for _ in range(400):
        at = at + rng.exponential(1 / rate)
        alive &= at <= age
        x[alive] += 1
        t[alive] = at[alive]
        alive &= rng.random(n) >= leaves
    return x, t, age


def test_the_customer_of_the_paper_is_expected_to_buy_1_226_times_in_39_weeks() -> None:
    """Two repeat purchases, the last in week 30.43, observed for 38.86 weeks."""
    assert expected_purchases(PAPER, 39, *one(2, 30.43, 38.86))[0] == pytest.approx(1.226, abs=0.001)


def test_who_bought_once_is_alive_and_who_stopped_long_ago_is_not() -> None:
    alive = probability_alive(PAPER, np.array([0.0, 8.0, 8.0]), np.array([0.0, 38.0, 5.0]), np.full(3, 38.86))
    assert alive[0] == 1 and alive[1] > 0.8 > 0.1 > alive[2]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_parameters_that_made_the_customers_are_found_again(seed: int) -> None:
    x, t, age = simulated(20_000, seed)
    found = fit_purchasing(x, t, age)
    assert found.r == pytest.approx(PAPER.r, rel=0.1) and found.alpha == pytest.approx(PAPER.alpha, rel=0.12)
    assert found.a / (found.a + found.b) == pytest.approx(PAPER.a / (PAPER.a + PAPER.b), rel=0.1)


def test_expected_purchases_are_those_that_simulated_customers_make() -> None:
    """The mean over all customers of the next 20 weeks, against drawing them for 20 weeks more."""
    rng = np.random.default_rng(5)
    n, age, more = 60_000, 30.0, 20.0
    rate = rng.gamma(PAPER.r, 1 / PAPER.alpha, n)
    leaves = rng.beta(PAPER.a, PAPER.b, n)
    x, t, at, after = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    alive = np.ones(n, dtype=bool)
    for _ in range(600):
        at = at + rng.exponential(1 / rate)
        alive &= at <= age + more
        before = alive & (at <= age)
        x[before] += 1
        t[before] = at[before]
        after[alive & (at > age)] += 1
        alive &= rng.random(n) >= leaves
    expected = expected_purchases(PAPER, more, x, t, np.full(n, age))
    assert expected.mean() == pytest.approx(after.mean(), rel=0.05)


def test_spending_finds_its_parameters_and_shrinks_few_purchases_to_the_mean() -> None:
    rng = np.random.default_rng(8)
    p, q, v, n = 6.25, 3.74, 15.44, 20_000
    x = rng.integers(1, 8, n).astype(float)
    nu = rng.gamma(q, 1 / v, n)
    mean = rng.gamma(p * x, 1 / nu) / x
    found = fit_spending(x, mean)
    assert found.q == pytest.approx(q, rel=0.1)
    population = p * v / (q - 1)
    assert expected_value(found, np.array([0.0]), np.array([0.0]))[0] == pytest.approx(population, rel=0.05)
    once, often = expected_value(found, np.array([1.0, 7.0]), np.array([200.0, 200.0]))
    assert population < once < often < 200


def test_customers_without_any_repeat_purchase_have_no_model() -> None:
    with pytest.raises(NotFittedError):
        fit_purchasing(np.zeros(50), np.zeros(50), np.full(50, 30.0))
