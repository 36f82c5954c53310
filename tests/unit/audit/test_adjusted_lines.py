"""The line with covariates held equal against statsmodels, and hidden factors against the published example."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from orchestration.audit.adjusted import (
    Units,
    adjusted_slope,
    hidden_strengths,
    numbered,
    robustness_value,
    slope_beside,
)

#: Cinelli and Hazlett (2020), section 5: violence in Darfur, as the authors' package prints it.
DARFUR = {"slope": 0.09731581928495726, "se": 0.023256537809811153, "freedom": 783}
AS_FEMALE = {
    1: (0.00916429, 0.124641, 0.0752203),
    2: (0.0183286, 0.249324, 0.0529152),
    3: (0.0274929, 0.37405, 0.030396),
}


def drawn(n: int, seed: int, *, sellers: int = 12) -> Units:
    """Units whose touches and outcome follow their classes, in accounts of about four."""
    rng = np.random.default_rng(seed)
    seller, source = rng.integers(0, sellers, n), rng.integers(0, 4, n)
    score = np.clip((rng.random(n) * 5).astype(int), 0, 4)
    x = rng.poisson(1 + 0.3 * score + 0.1 * seller)
    y = (rng.random(n) < np.clip(0.05 + 0.03 * x + 0.06 * score, 0, 1)).astype(int)
    group = np.unique(rng.integers(0, n // 4, n), return_inverse=True)[1]
    return Units(x, y, group, {"seller": seller, "source": source, "score": score})


def dummies(units: Units, names: list[str]) -> np.ndarray:
    columns = [np.ones(len(units.x))]
    for name in names:
        codes = units.covariates[name]
        columns += [(codes == level).astype(float) for level in np.unique(codes)[1:]]
    return np.column_stack(columns)


def of_statsmodels(units: Units, names: list[str], *, clustered: bool):
    design = np.column_stack([units.x, dummies(units, names)])
    told = {"cov_type": "cluster", "cov_kwds": {"groups": units.group}, "use_t": True} if clustered else {}
    return sm.OLS(units.y, design).fit(**told)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_slope_and_errors_are_those_of_the_regression_with_all_dummies(seed):
    units = drawn(900, seed)
    found = adjusted_slope(units)
    wanted = of_statsmodels(units, list(units.covariates), clustered=True)
    low, high = wanted.conf_int()[0]
    assert (found.slope, found.se, found.low, found.high) == pytest.approx(
        (wanted.params[0], wanted.bse[0], low, high), rel=1e-9
    )
    assert found.p == pytest.approx(wanted.pvalues[0], rel=1e-7)
    plain = of_statsmodels(units, list(units.covariates), clustered=False)
    assert found.plain_se == pytest.approx(plain.bse[0], rel=1e-9)
    assert found.n_parameters == plain.df_model + 1 == 1 + 1 + 11 + 3 + 4


def test_without_covariates_it_is_the_plain_line_with_errors_by_account():
    units = drawn(400, 4)
    found = adjusted_slope(Units(units.x, units.y, units.group, {}))
    wanted = of_statsmodels(units, [], clustered=True)
    assert (found.slope, found.se) == pytest.approx((wanted.params[0], wanted.bse[0]), rel=1e-9)
    assert (found.hidden.benchmark, found.hidden.is_cancelled) == (None, None)


def test_a_covariate_that_another_one_holds_changes_nothing():
    """Every seller has one team: the teams are free of charge, in the slope and in the number of parameters."""
    units = drawn(600, 5)
    with_team = Units(
        units.x, units.y, units.group, {**units.covariates, "team": units.covariates["seller"] % 3}
    )
    assert adjusted_slope(with_team).slope == pytest.approx(adjusted_slope(units).slope, rel=1e-9)
    assert adjusted_slope(with_team).n_parameters == adjusted_slope(units).n_parameters
    assert adjusted_slope(with_team).se == pytest.approx(adjusted_slope(units).se, rel=1e-9)


def test_covariates_that_the_seller_holds_wholly_are_free():
    """One team and one source to each seller, and nothing beside: no level is left to them."""
    units = drawn(600, 9)
    seller = units.covariates["seller"]
    held = {"seller": seller, "team": seller % 3, "source": seller // 4}
    found = adjusted_slope(Units(units.x, units.y, units.group, held))
    alone = adjusted_slope(Units(units.x, units.y, units.group, {"seller": seller}))
    assert (found.slope, found.se, found.n_parameters) == (alone.slope, alone.se, alone.n_parameters)


def test_the_order_of_units_changes_no_published_digit():
    units = drawn(700, 6)
    order = np.random.default_rng(0).permutation(700)
    found, shuffled = adjusted_slope(units), adjusted_slope(units.where(order))
    assert round(found.slope, 10) == round(shuffled.slope, 10)
    assert round(found.hidden.robustness, 10) == round(shuffled.hidden.robustness, 10)


def test_robustness_values_are_those_of_the_published_example():
    t = DARFUR["slope"] / DARFUR["se"]
    assert robustness_value(t, DARFUR["freedom"]) == pytest.approx(0.13878, abs=5e-6)
    critical = float(stats.t.ppf(0.975, DARFUR["freedom"] - 1))
    assert robustness_value(t, DARFUR["freedom"], critical) == pytest.approx(0.07626, abs=5e-6)
    assert robustness_value(1.5, DARFUR["freedom"], critical) == 0.0
    assert robustness_value(0.0, 10) == 0.0


def test_the_bound_that_a_hidden_factor_takes_to_zero_is_the_published_one():
    """Accounts of eight leads alike: the classical error is too small by far, and an interval that holds zero has 0."""
    n_zero = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        account = np.repeat(np.arange(60), 8)
        x = rng.poisson(2 + 3 * rng.random(60))[account]
        share = np.clip(0.3 * rng.random(60)[account] ** 2 + 0.03 * x, 0, 1)
        y = (rng.random(60)[account] < share).astype(int)
        source = rng.integers(0, 3, 480)
        found = adjusted_slope(Units(x, y, account, {"source": source}))
        hidden, freedom = found.hidden, 480 - found.n_parameters
        holds_zero = found.low <= 0 <= found.high
        assert holds_zero <= (hidden.robustness_of_bound == 0) and found.se > 1.5 * found.plain_se
        assert hidden.robustness_of_bound < hidden.robustness
        n_zero += (
            holds_zero
            and robustness_value(
                found.slope / found.plain_se, freedom, float(stats.t.ppf(0.975, freedom - 1))
            )
            > 0
        )
        if not holds_zero:  # a factor that explains so much of both leaves the bound at zero
            share = hidden.robustness_of_bound
            near = min(abs(found.low), abs(found.high))
            left = slope_beside(near, found.plain_se, freedom, share, share)
            assert left == pytest.approx(0, abs=0.01 * found.se)
    assert n_zero > 5, "samples in which the classical error alone would speak of a robust bound"


def test_many_classes_of_noise_are_no_strong_factor():
    """80 sellers who differ in nothing, five leads each: uncorrected, the like of them undoes nearly any slope."""
    n_cancelled = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x = rng.poisson(3, 400)
        y = (rng.random(400) < 0.1 + 0.06 * x).astype(int)
        units = Units(x, y, np.arange(400), {"seller": numbered(rng.integers(0, 80, 400))})
        found = adjusted_slope(units)
        n_cancelled += found.hidden.is_cancelled
        assert found.hidden.benchmark == "seller" and found.low > 0
    assert n_cancelled == 0


@pytest.mark.parametrize("times", [1, 2, 3])
def test_factors_as_strong_as_a_covariate_are_those_of_the_published_example(times):
    """From the row of one such factor follow those of two and three."""
    share_x, share_y, _ = AS_FEMALE[1]
    of_x = share_x / (1 + share_x)
    between = (of_x / (1 - of_x)) ** 2
    odds = share_y * (1 - between) / (1 + np.sqrt(between)) ** 2
    found = hidden_strengths(of_x, odds / (1 + odds), times)
    assert found == pytest.approx(AS_FEMALE[times][:2], rel=2e-5)
    left = slope_beside(DARFUR["slope"], DARFUR["se"], DARFUR["freedom"], *AS_FEMALE[times][:2])
    assert left == pytest.approx(AS_FEMALE[times][2], rel=2e-5)
    assert slope_beside(
        -DARFUR["slope"], DARFUR["se"], DARFUR["freedom"], *AS_FEMALE[times][:2]
    ) == pytest.approx(-AS_FEMALE[times][2], rel=2e-5)


def test_the_benchmark_is_the_covariate_whose_like_would_do_most():
    units = drawn(1500, 7)
    found = adjusted_slope(units)
    full = of_statsmodels(units, list(units.covariates), clustered=False)
    of_all = sm.OLS(units.x, dummies(units, list(units.covariates))).fit()
    left = {}
    for name in units.covariates:
        others = [other for other in units.covariates if other != name]
        of_x = 1 - of_all.mse_resid / sm.OLS(units.x, dummies(units, others)).fit().mse_resid
        of_y = 1 - full.mse_resid / of_statsmodels(units, others, clustered=False).mse_resid
        left[name] = slope_beside(
            full.params[0], full.bse[0], int(full.df_resid), *hidden_strengths(max(of_x, 0), max(of_y, 0))
        )
    worst = min(left, key=left.get)
    assert found.hidden.benchmark == worst
    assert found.hidden.benchmark_slope == pytest.approx(left[worst], rel=1e-7)
    assert found.hidden.is_cancelled == (left[worst] <= 0)


@pytest.mark.audit("R1")
def test_what_a_recorded_factor_makes_is_taken_out_and_what_touches_go_with_stays():
    rng = np.random.default_rng(8)
    heat = rng.random(6000)
    classes = (heat * 10).astype(int)
    x = rng.poisson(1 + 5 * heat)
    for truth in (0.0, 0.03):
        y = (rng.random(6000) < 0.05 + 0.4 * heat + truth * x).astype(int)
        group = np.arange(6000)
        raw = adjusted_slope(Units(x, y, group, {}))
        held = adjusted_slope(Units(x, y, group, {"score": classes}))
        assert raw.low > truth + 0.01
        assert held.low < truth < held.high
    # a factor that explains most of touches has no like that leaves anything
    assert hidden_strengths(0.5, 0.01) is None


@pytest.mark.parametrize(
    ("x", "y", "covariate", "reason"),
    [
        ([], [], [], "n_lt_3"),
        ([1], [1], [0], "n_lt_3"),
        ([1, 2], [0, 1], [0, 0], "n_lt_3"),
        ([2, 2, 2, 2], [0, 1, 0, 1], [0, 0, 1, 1], "zero_variance_x"),
        ([1, 2, 3, 4], [1, 1, 1, 1], [0, 0, 1, 1], "zero_variance_y"),
        ([1, 1, 1, 4, 4, 4], [0, 1, 0, 1, 0, 0], [0, 0, 0, 1, 1, 1], "touches_follow_from_covariates"),
        ([1, 2, 4], [0, 1, 0], [0, 1, 2], "too_few_for_covariates"),
        ([1, 2, 4, 3, 2], [0, 1, 0, 1, 1], [0, 1, 0, 1, 0], "too_few_for_covariates"),
    ],
)
def test_what_cannot_be_estimated_has_a_reason(x, y, covariate, reason):
    x, y, covariate = (np.array(each, dtype=np.int64) for each in (x, y, covariate))
    found = adjusted_slope(Units(x, y, np.arange(len(x)), {"score": covariate}))
    assert (found.slope, found.hidden, found.reason) == (None, None, reason)


def test_one_account_has_no_error_by_account():
    units = Units(np.array([1, 2, 3, 4]), np.array([0, 1, 0, 1]), np.zeros(4, dtype=np.int64), {})
    assert adjusted_slope(units).reason == "under_two_groups"
