"""Intervals of shares, median times and grouped lines are those of statsmodels, scipy and published cases."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight

from orchestration.audit.grouped import Sums, clustered_slope, leave_one_out
from orchestration.audit.shares import newcombe, wilson
from orchestration.audit.survival import median_time


def test_wilson_is_the_published_interval_and_stays_inside():
    """Newcombe 1998, Statistics in Medicine 17:857, table I: 81 of 263, and none of 20."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(0, 0) == (None, None)
    with pytest.raises(ValueError, match="5 of 4"):
        wilson(5, 4)


@pytest.mark.audit("QU19")
def test_the_change_of_a_share_has_the_published_interval():
    """Newcombe 1998, Statistics in Medicine 17:873, table II, method 10: 56/70 - 48/80 and 9/10 - 3/10."""
    assert newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert newcombe(9, 10, 3, 10) == pytest.approx((0.1705, 0.8090), abs=5e-5)
    with pytest.raises(ValueError, match="0 of 0"):
        newcombe(1, 2, 0, 0)


@pytest.mark.audit("QU3", "DA1")
def test_the_median_time_of_the_remission_trial_is_the_published_one():
    """Freireich 1963, 6-MP arm: median 23 weeks; placebo arm: 8 weeks (Kleinbaum and Klein, tables 2.1 to 2.3)."""
    treated = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    left = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    placebo = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
    found = median_time(np.array(placebo, float), np.ones(21, bool))
    assert (found.value, found.n, found.n_events) == (8.0, 21, 21)
    # nine of 21: fewer than half, so that the median rests on the few who were watched longest
    assert median_time(np.array(treated, float), np.array(left, bool)).reason == "under_half"
    assert SurvfuncRight(np.array(treated, float), np.array(left)).quantile(0.5) == 23


def test_a_median_lies_where_half_is_reached_and_its_interval_is_that_of_statsmodels():
    hours = np.array([1.0, 2.0, 3.0, 4.0])
    assert median_time(hours, np.ones(4, bool)).value == 2.0, "half is reached at 2, not passed at 3"
    rng = np.random.default_rng(5)
    waits, watched = rng.exponential(10, 500), rng.exponential(30, 500)
    found = median_time(np.minimum(waits, watched), waits <= watched)
    fitted = SurvfuncRight(np.minimum(waits, watched), (waits <= watched).astype(int))
    with np.errstate(invalid="ignore", divide="ignore"):
        assert (found.low, found.high) == pytest.approx(fitted.quantile_ci(0.5), abs=1e-9)
    assert found.low < found.value < found.high and found.low < 10 * np.log(2) < found.high


@pytest.mark.parametrize(
    ("hours", "events", "reason"),
    [([], [], "no_units"), ([np.nan], [True], "no_units"), ([5.0], [False], "under_half"),
     ([5.0, 6.0, 7.0], [True, False, False], "under_half")],
)  # fmt: skip
def test_a_median_that_cannot_be_told_says_why(hours, events, reason):
    found = median_time(np.array(hours, float), np.array(events, bool))
    assert (found.value, found.low, found.high, found.reason) == (None, None, None, reason)


def test_one_time_alone_is_a_median_without_an_interval():
    found = median_time(np.array([5.0]), np.array([True]))
    assert (found.value, found.low, found.high, found.reason) == (5.0, None, None, None)


def of_groups(x: np.ndarray, y: np.ndarray, groups: np.ndarray) -> Sums:
    codes = np.unique(groups)
    at = [groups == code for code in codes]
    return Sums(*(np.array([int(v[a].sum()) for a in at]) for v in (np.ones_like(x), x, x * x, y, x * y)))


def test_leaving_each_account_out_is_fitting_again_without_it():
    rng = np.random.default_rng(7)
    groups = rng.integers(0, 40, 400)
    x = rng.poisson(4, 400)
    y = (rng.random(400) < 0.1 + 0.03 * x).astype(int)
    x[groups == 3], y[groups == 3] = 15, 0  # one account of much effort and no conversion
    whole = stats.pearsonr(x, y).statistic
    changes = {g: stats.pearsonr(x[groups != g], y[groups != g]).statistic - whole for g in range(40)}
    most = max(changes, key=lambda g: abs(changes[g]))
    found = leave_one_out(of_groups(x, y, groups))
    assert (most, found.place) == (3, 3)
    assert found.change == pytest.approx(abs(changes[3]), abs=1e-12)
    assert found.r_without == pytest.approx(whole + changes[3], abs=1e-12)


def test_the_error_by_account_is_that_of_statsmodels():
    rng = np.random.default_rng(8)
    groups = np.repeat(np.arange(60), 5)
    x = np.repeat(rng.poisson(4, 60), 5)
    y = (rng.random(300) < 0.2 + 0.4 * np.repeat(rng.random(60) < 0.3, 5)).astype(int)
    fitted = sm.OLS(y, sm.add_constant(x)).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
    found = clustered_slope(of_groups(x, y, groups))
    assert (found.slope, found.se) == pytest.approx((fitted.params[1], fitted.bse[1]), abs=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(fitted.conf_int()[1]), abs=1e-9)
    naive = sm.OLS(y, sm.add_constant(x)).fit()
    assert found.se > naive.bse[1], "leads of one account that convert together are fewer witnesses"


@pytest.mark.parametrize(
    ("x", "y", "groups", "left_out", "slope"),
    [([], [], [], "under_two_groups", "n_lt_3"), ([1], [1], [0], "under_two_groups", "n_lt_3"),
     ([1, 2, 3], [0, 1, 1], [0, 0, 0], "under_two_groups", "under_two_groups"),
     ([2, 2, 2], [0, 1, 1], [0, 1, 2], "not_estimable", "zero_variance_x"),
     ([1, 2, 3], [0, 0, 0], [0, 1, 2], "not_estimable", None)],
)  # fmt: skip
def test_what_cannot_be_estimated_by_group_says_why(x, y, groups, left_out, slope):
    sums = of_groups(np.array(x, int), np.array(y, int), np.array(groups, int))
    assert leave_one_out(sums).reason == left_out
    assert clustered_slope(sums).reason == slope
