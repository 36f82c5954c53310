"""Lines, quadrants, sensitivity: against scipy, statsmodels and published sets, and worlds without an answer."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from orchestration.audit.points import Points
from orchestration.audit.quadrants import Quadrants, quadrants
from orchestration.audit.regression import line, square_root
from orchestration.audit.sensitivity import without_top
from orchestration.audit.traffic_light import Bars

# NIST StRD, Norris (y, x), certified to 15 digits
NORRIS_Y = [
    0.1, 338.8, 118.1, 888.0, 9.2, 228.1, 668.5, 998.5, 449.1, 778.9, 559.2, 0.3, 0.1, 778.1, 668.8, 339.3, 448.9,
    10.8, 557.7, 228.3, 998.0, 888.8, 119.6, 0.3, 0.6, 557.6, 339.3, 888.0, 998.5, 778.9, 10.2, 117.6, 228.9, 668.4,
    449.2, 0.2,
]  # fmt: skip
NORRIS_X = [
    0.2, 337.4, 118.2, 884.6, 10.1, 226.5, 666.3, 996.3, 448.6, 777.0, 558.2, 0.4, 0.6, 775.5, 666.9, 338.0, 447.5,
    11.6, 556.0, 228.1, 995.8, 887.6, 120.2, 0.3, 0.3, 556.8, 339.1, 887.2, 999.0, 779.0, 11.1, 118.3, 229.2, 669.1,
    448.9, 0.5,
]  # fmt: skip


def exact(values: list[float]) -> list[Fraction]:
    """Decimal text of each value as a fraction: 0.1 is a tenth."""
    return [Fraction(str(v)) for v in values]


@pytest.mark.audit("QU4", "QU5", "QU6", "QU7")
@pytest.mark.parametrize(("units", "seed"), [(4, 1), (40, 2), (700, 3), (20_000, 4)])
def test_a_line_equals_scipy_and_statsmodels_to_nine_digits(draw, count, units, seed):
    x, y = draw(lambda v: np.clip(0.05 + 0.03 * v, 0, 0.9), units, seed)
    y[:2] = (0, 1)
    found = line(count(x, y))
    reference = stats.linregress(x, y)
    interval = stats.pearsonr(x, y).confidence_interval(0.95)
    robust = sm.OLS(y, sm.add_constant(x.astype(float))).fit(cov_type="HC3", use_t=True)
    for got, wanted in [
        (found.r, reference.rvalue), (found.slope, reference.slope), (found.intercept, reference.intercept),
        (found.p, reference.pvalue), (found.slope_se, reference.stderr),
        (found.intercept_se, reference.intercept_stderr), (found.r_low, interval.low),
        (found.r_high, interval.high), (found.rho, stats.spearmanr(x, y).statistic),
        (found.slope_hc3_se, robust.bse[1]), (found.slope_low, robust.conf_int()[1][0]),
        (found.slope_high, robust.conf_int()[1][1]), (found.r_squared, reference.rvalue**2),
    ]:  # fmt: skip
        assert got == pytest.approx(wanted, rel=1e-9, abs=1e-12)


@pytest.mark.audit("QU5", "QU6", "QU7")
def test_the_certified_values_of_norris_come_out():
    found = line(Points.of((x, y, 1) for x, y in zip(exact(NORRIS_X), exact(NORRIS_Y), strict=True)))
    assert found.intercept == pytest.approx(-0.262323073774029, rel=1e-12)
    assert found.slope == pytest.approx(1.00211681802045, rel=1e-13)
    assert found.intercept_se == pytest.approx(0.232818234301152, rel=1e-12)
    assert found.slope_se == pytest.approx(0.429796848199937e-03, rel=1e-12)
    assert found.r_squared == pytest.approx(0.999993745883712, rel=1e-13)


ANSCOMBE_X = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
ANSCOMBE = [
    (ANSCOMBE_X, [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]),
    (ANSCOMBE_X, [9.14, 8.14, 8.74, 8.77, 9.26, 8.10, 6.13, 3.10, 9.13, 7.26, 4.74]),
    (ANSCOMBE_X, [7.46, 6.77, 12.74, 7.11, 7.81, 8.84, 6.08, 5.39, 8.15, 6.42, 5.73]),
    ([8] * 7 + [19] + [8] * 3, [6.58, 5.76, 7.71, 8.84, 8.47, 7.04, 5.25, 12.50, 5.56, 7.91, 6.89]),
]


@pytest.mark.audit("QU4", "QU5")
def test_anscombe_has_one_line_four_times_and_the_fourth_hangs_on_one_point():
    for xs, ys in ANSCOMBE:
        points = Points.of((x, y, 1) for x, y in zip(xs, exact(ys), strict=True))
        found = line(points)
        assert (round(found.slope, 2), round(found.intercept, 1), round(found.r, 2)) == (0.5, 3.0, 0.82)
    assert found.slope_hc3_se is None and found.slope_low is None


@pytest.mark.audit("EX11")
def test_a_shuffle_of_the_rows_changes_no_digit(draw, count):
    x, y = draw(lambda v: 0.1 + 0.0 * v, 3000, 5)
    order = np.random.default_rng(1).permutation(len(x))
    one = Points.of((int(a), int(b), 1) for a, b in zip(x, y, strict=True))
    other = Points.of((int(a), int(b), 1) for a, b in zip(x[order], y[order], strict=True))
    assert one == other == count(x, y) and line(one) == line(other)


@pytest.mark.audit("QU4", "QU5")
@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "n_lt_3"),
        ([(1, 0, 1)], "n_lt_3"),
        ([(1, 0, 1), (2, 1, 1)], "n_lt_3"),
        ([(4, 0, 5), (4, 1, 5)], "zero_variance_x"),
        ([(0, 0, 5), (4, 0, 5)], "zero_variance_y"),
        ([(0, 1, 5), (4, 1, 5)], "zero_variance_y"),
    ],
)
def test_a_line_that_cannot_be_fitted_says_why_and_gives_no_figure(rows, reason):
    points = Points.of(rows)
    found = line(points)
    assert found.reason == reason
    assert (found.r, found.slope, found.p, found.slope_hc3_se) == (None, None, None, None)
    assert quadrants(points).n == points.n


def test_three_units_on_a_line_have_r_one_and_no_doubt_left():
    found = line(Points.of([(0, 0, 1), (1, 1, 1), (2, 2, 1)]))
    assert (found.r, found.r_low, found.p, found.slope, found.slope_se) == (1.0, 1.0, 0.0, 1.0, 0.0)


def test_more_conversions_than_units_are_refused():
    with pytest.raises(ValueError, match="3 conversions of 2 units"):
        Points.of_outcomes([(1, 2, 3)])


@pytest.mark.parametrize(
    "value", [Fraction(2), Fraction(1, 3), Fraction(10**200 + 1, 7), Fraction(3, 10**250), 0]
)
def test_a_square_root_is_right_beyond_the_range_of_its_terms(value):
    root = square_root(Fraction(value))
    assert Fraction(root) ** 2 == pytest.approx(Fraction(value), rel=1e-15)


@pytest.mark.audit("QU8")
def test_a_value_equal_to_the_mean_is_high_and_is_counted():
    # mean of x is 2, of y one half
    found = quadrants(Points.of([(2, 1, 2), (1, 0, 1), (3, 0, 1), (2, 0, 1), (2, 1, 1)]))
    assert found == Quadrants(q1=3, q2=0, q3=1, q4=2, on_line=4)
    assert found.q1_share == Fraction(1, 2)


@pytest.mark.audit("QU8")
def test_with_a_yes_or_no_outcome_the_upper_quadrants_are_the_conversions(draw, count):
    x, y = draw(lambda v: 0.3 + 0 * v, 500, 7)
    found = quadrants(count(x, y))
    assert found.q1 + found.q2 == y.sum() and found.n == 500


@pytest.mark.parametrize("units", [1, 2, 7, 100, 1001])
def test_the_99th_percentile_is_numpys(units):
    x = np.random.default_rng(units).poisson(6, units)
    points = Points.of((int(v), 0, 1) for v in x)
    assert float(points.quantile_x(Fraction(99, 100))) == pytest.approx(np.quantile(x, 0.99), rel=1e-12)


@pytest.mark.audit("QU11")
def test_a_line_made_by_one_customer_in_a_hundred_is_fragile():
    crowd = [(x, y, 50) for x in range(4) for y in (0, 1)]
    points = Points.of([*crowd, (60, 1, 4)])
    found = without_top(points, line(points))
    assert found.n_dropped == 4 and found.is_fragile
    assert found.without.r == pytest.approx(0.0, abs=1e-12)


@pytest.mark.audit("QU11")
def test_a_tie_at_the_top_drops_nobody_and_says_so():
    points = Points.of([(1, 0, 50), (2, 1, 50)])
    found = without_top(points, line(points))
    assert (found.n_dropped, found.without, found.reason) == (0, None, "no_strict_top_1pct")


@pytest.mark.audit("QU11")
def test_the_bands_of_a_fragile_line_are_those_of_the_light_in_ten_digits():
    """0.320 with the top, 0.278 without it: another band for a green bar of 0.31, the same one for 0.25."""
    points = Points.of_outcomes([(0, 300, 20), (1, 300, 50), (2, 300, 100), (4, 8, 8)])
    whole = line(points)
    found = without_top(points, whole, Bars(r_green=Decimal("0.31")))
    assert (round(whole.r, 3), round(found.without.r, 3)) == (0.320, 0.278)
    assert found.is_fragile and not without_top(points, whole).is_fragile
    r, rest = (Decimal(repr(each)).quantize(Decimal("1e-10")) for each in (whole.r, found.without.r))
    assert without_top(points, whole, Bars(r_green=r)).is_fragile, "a bar that is r in ten digits is reached"
    assert not without_top(points, whole, Bars(r_amber=rest, r_green=Decimal("0.9"))).is_fragile
