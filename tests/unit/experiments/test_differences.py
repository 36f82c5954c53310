"""Differences of arms: published cases, statsmodels and scipy, and worlds whose truth is known."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.proportion import confint_proportions_2indep

from orchestration.experiments import design, effects
from orchestration.experiments.effects import Share


@pytest.mark.audit("EX7", "EX6")
def test_the_interval_of_a_difference_is_newcombes():
    """Newcombe 1998, method 10: (a) 56/70 - 48/80 gives 0.0524 to 0.3339, (h) 10/10 - 0/10 gives 0.6075 to 1."""
    found = effects.difference(Share(56, 70), Share(48, 80))
    assert found.delta == Fraction(1, 5) and (found.method, found.p_method) == ("newcombe", "pooled_z")
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)
    total = effects.difference(Share(10, 10), Share(0, 10))
    assert (round(total.low, 4), round(total.high, 4), total.p_method) == (0.6075, 1.0, "fisher")


@pytest.mark.audit("EX7")
def test_the_pooled_z_test_is_chi_square_without_yates_and_small_cells_take_fishers():
    table = [[60, 440], [42, 458]]
    found = effects.difference(Share(60, 500), Share(42, 500))
    assert found.p == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue, rel=1e-9)
    assert effects.difference(Share(4, 30), Share(11, 30)).p == pytest.approx(
        stats.fisher_exact([[4, 26], [11, 19]]).pvalue, rel=1e-12
    )
    low, high = effects.interval(Share(60, 500), Share(42, 500), method="agresti-caffo")
    p, q = 61 / 502, 43 / 502
    half = stats.norm.ppf(0.975) * np.sqrt(p * (1 - p) / 502 + q * (1 - q) / 502)
    assert (low, high) == (pytest.approx(p - q - half, rel=1e-9), pytest.approx(p - q + half, rel=1e-9))


@pytest.mark.parametrize(("test", "control"), [(Share(0, 0), Share(1, 5)), (Share(1, 5), Share(0, 0))])
def test_an_arm_without_units_has_no_difference_and_says_so(test, control):
    found = effects.difference(test, control)
    assert (found.delta, found.low, found.p, found.reason) == (None, None, None, "no_units")
    assert effects.stratified([(test, control)]).reason == "no_units"


@pytest.mark.parametrize("pair", [(0, 9, 0, 9), (9, 9, 9, 9), (1, 1, 0, 1)])
def test_arms_without_variance_have_an_interval_and_no_error(pair):
    x, n, y, m = pair
    found = effects.difference(Share(x, n), Share(y, m))
    assert found.low <= found.delta <= found.high and 0 <= found.p <= 1


@pytest.mark.audit("EX4", "EX7")
def test_the_stratified_difference_is_that_of_the_published_case():
    """University Group Diabetes Program (Rothman and Greenland): deaths of 8/106 and 5/120 below 55 years, 22/98 and
    16/85 above: the Mantel-Haenszel difference is 0.035."""
    strata = [(Share(8, 106), Share(5, 120)), (Share(22, 98), Share(16, 85))]
    found = effects.stratified(strata)
    assert round(float(found.delta), 3) == 0.035 and found.method == "mantel_haenszel"
    tables = [np.array([[8, 98], [5, 115]]), np.array([[22, 76], [16, 69]])]
    reference = StratifiedTable(tables)
    assert found.p == pytest.approx(reference.test_null_odds(correction=False).pvalue, rel=1e-9)
    assert effects.heterogeneity_p(strata) == pytest.approx(reference.test_equal_odds().pvalue, rel=1e-9)
    # Sato's variance written out for the two strata.
    p = q = w = 0.0
    for x, n, y, m in ((8, 106, 5, 120), (22, 98, 16, 85)):
        size = n + m
        p += (n**2 * y - m**2 * x + n * m * (m - n) / 2) / size**2
        q += (x * (m - y) + y * (n - x)) / (2 * size)
        w += n * m / size
    half = stats.norm.ppf(0.975) * np.sqrt(float(found.delta) * p + q) / w
    assert found.high - float(found.delta) == pytest.approx(half, rel=1e-9)


def test_strata_of_one_arm_weigh_nothing_and_one_stratum_is_the_plain_difference():
    whole = effects.stratified([(Share(30, 100), Share(20, 100)), (Share(5, 9), Share(0, 0))])
    assert whole.delta == Fraction(1, 10)
    assert effects.heterogeneity_p([(Share(30, 100), Share(20, 100))]) is None
    assert effects.heterogeneity_p([(Share(0, 10), Share(0, 10)), (Share(0, 9), Share(0, 9))]) is None
    assert effects.stratified([(Share(0, 10), Share(0, 10))]).p is None


@pytest.mark.audit("EX4")
def test_mixed_strata_that_hide_a_gain_show_it_once_stratified():
    """Simpson: the test arm got the hard stratum more often."""
    strata = [(Share(30, 300), Share(4, 100)), (Share(45, 100), Share(120, 300))]
    pooled = effects.difference(Share(75, 400), Share(124, 400))
    assert pooled.delta < 0 < effects.stratified(strata).delta


@pytest.mark.audit("EX6")
def test_means_are_welchs_test_of_scipy():
    rng = np.random.default_rng(1)
    a, b = rng.normal(1, 2, 40), rng.normal(0, 1, 60)
    reference = stats.ttest_ind(a, b, equal_var=False)
    found = effects.welch(a, b)
    bounds = reference.confidence_interval(0.95)
    assert found.p == pytest.approx(reference.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high), rel=1e-9)
    assert effects.welch(a[:1], b).reason == "no_units"
    assert effects.welch(np.ones(3), np.zeros(3)).p is None


@pytest.mark.audit("EX6")
def test_ratios_by_the_delta_method_are_cluster_robust_regression():
    """The ratio of sums is the slope of a regression through zero, weighted; its variance that of clustered errors."""
    rng = np.random.default_rng(2)
    n = rng.integers(1, 6, 300).astype(float)
    x = rng.binomial(n.astype(int), rng.beta(2, 8, 300)).astype(float)
    group = np.repeat(np.arange(300), n.astype(int))
    outcome = np.concatenate([[1.0] * int(k) + [0.0] * int(m - k) for k, m in zip(x, n, strict=True)])
    fit = sm.OLS(outcome, np.ones(len(outcome))).fit(cov_type="cluster", cov_kwds={"groups": group})
    total = n.sum()  # statsmodels corrects by (N - 1) / N for one parameter beside G / (G - 1)
    variance = fit.bse[0] ** 2 * total / (total - 1) * (total - 1) / total
    deff = effects.design_effect(x, n)
    p = x.sum() / total
    assert deff * p * (1 - p) / total == pytest.approx(variance, rel=1e-9)
    found = effects.ratio((x, n), (np.zeros(2), np.ones(2)))
    half = stats.norm.ppf(0.975) * np.sqrt(variance)
    assert found.delta == pytest.approx(p) and found.high - found.delta == pytest.approx(half, rel=1e-9)
    assert effects.ratio((x, n * 0), (x, n)).reason == "no_units"


@pytest.mark.audit("EX3")
def test_the_likeness_of_leads_of_one_account_is_that_of_an_analysis_of_variance():
    rng = np.random.default_rng(4)
    n = rng.integers(2, 7, 120)
    x = rng.binomial(n, rng.beta(1, 4, 120))
    rows = pd.DataFrame(
        [(g, int(i < k)) for g, (k, m) in enumerate(zip(x, n, strict=True)) for i in range(m)],
        columns=["g", "y"],
    )
    table = sm.stats.anova_lm(ols("y ~ C(g)", rows).fit())
    between, within = table["mean_sq"]
    size = (n.sum() - (n**2).sum() / n.sum()) / (len(n) - 1)
    expected = (between - within) / (between + (size - 1) * within)
    assert effects.intraclass_correlation(x, n) == pytest.approx(expected, rel=1e-9)
    assert effects.intraclass_correlation(np.array([1, 0]), np.array([1, 1])) is None
    assert effects.intraclass_correlation(np.array([3]), np.array([5])) is None
    assert design.cluster_effect(3.0, 0.25) == 1.5 and design.cluster_effect(3.0, None) == 1.0


@pytest.mark.audit("EX7")
def test_leads_of_one_account_that_convert_alike_widen_the_interval_as_they_must():
    """A/A worlds of accounts of five alike leads: the plain interval misses too often, the adjusted one does not."""
    rng = np.random.default_rng(5)
    plain = adjusted = 0
    worlds = 1000
    for _ in range(worlds):
        arms = []
        for _ in range(2):
            n = np.full(80, 5)
            x = rng.binomial(n, rng.beta(0.4, 1.6, 80))
            arms.append((x, n))
        shares = [Share(int(x.sum()), int(n.sum()), effects.design_effect(x, n)) for x, n in arms]
        bare = [Share(s.x, s.n) for s in shares]
        low, high = effects.interval(bare[0], bare[1])
        plain += low <= 0 <= high
        found = effects.difference(shares[0], shares[1])
        adjusted += found.low <= 0 <= found.high
    assert plain / worlds < 0.85
    assert stats.binom.cdf(adjusted, worlds, 0.95) > 0.001


@pytest.mark.audit("EX7", "EX4")
def test_a_thousand_experiments_without_effect_are_covered_and_rarely_significant():
    """A/A: coverage of the interval and share of p below 0.05, within what chance allows around 95 % and 5 %."""
    rng = np.random.default_rng(6)
    worlds, covered, false = 1000, 0, 0
    for x, y in zip(rng.binomial(300, 0.12, worlds), rng.binomial(300, 0.12, worlds), strict=True):
        found = effects.difference(Share(int(x), 300), Share(int(y), 300))
        covered += found.low <= 0 <= found.high
        false += found.p < 0.05
    low, high = stats.binom.ppf([0.0005, 0.9995], worlds, 0.05)
    assert worlds - high <= covered <= worlds - low + 15 and false <= high


@pytest.mark.audit("EX6")
def test_cuped_keeps_the_difference_and_leaves_one_minus_rho_squared_of_the_variance():
    rng = np.random.default_rng(7)
    n, rho = 20_000, 0.7
    x = rng.normal(size=n)
    y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=n)
    half = n // 2
    y[:half] += 0.1
    plain = effects.welch(y[:half], y[half:])
    found = effects.cuped((y[:half], x[:half]), (y[half:], x[half:]))
    fit = sm.OLS(y, sm.add_constant(x)).fit()
    assert found.theta == pytest.approx(fit.params[1], rel=1e-9)
    assert found.variance_ratio == pytest.approx(1 - fit.rsquared, rel=1e-6)
    assert found.variance_ratio == pytest.approx(1 - rho**2, abs=0.02)
    assert abs(found.difference.delta - 0.1) < 0.03
    assert found.difference.high - found.difference.low < 0.75 * (plain.high - plain.low)
    flat = effects.cuped((y[:half], np.ones(half)), (y[half:], np.ones(half)))
    assert flat.theta is None and flat.difference == plain
    assert effects.cuped((y[:1], x[:1]), (y, x)).difference.reason == "no_units"


@pytest.mark.audit("EX3", "EX2")
def test_sizes_are_the_textbooks_and_power_finds_them_again():
    """The formula of Fleiss, Levin and Paik (2003) without continuity correction: 3,841 by arm for 0.10 to 0.12."""
    needed = design.leads_needed(0.10, 0.02)
    a, b = stats.norm.ppf(0.975), stats.norm.ppf(0.8)
    pooled = np.sqrt(2 * 0.11 * 0.89)
    alone = np.sqrt(0.1 * 0.9 + 0.12 * 0.88)
    assert needed == pytest.approx(((a * pooled + b * alone) / 0.02) ** 2, rel=1e-9) and round(needed) == 3841
    assert design.power_at(needed, needed, 0.10, 0.02) == pytest.approx(0.8, abs=1e-6)
    assert design.detectable(needed, needed, 0.10) == pytest.approx(0.02, abs=1e-6)
    assert design.power_at(200, 200, 0.10, 0.02) < 0.15  # two hundred by arm see little of two points


@pytest.mark.audit("EX2", "EX3")
def test_a_plan_says_days_and_what_the_reachable_leads_can_see():
    found = design.plan(base=0.10, gain=0.02, alpha=0.05, effect=1.5, leads_per_day=40.0, days=28)
    assert found.leads_needed == 5762 and found.days_needed == 289
    assert found.leads_reachable == 560 and not found.is_reachable
    assert found.power_reachable == pytest.approx(design.power_at(560 / 1.5, 560 / 1.5, 0.10, 0.02))
    assert found.detectable_reachable > 0.02 and found.power_method < found.power_reachable
    assert design.plan(base=0.10, gain=0.1, alpha=0.05, effect=1.0, leads_per_day=40.0, days=28).is_reachable


@pytest.mark.parametrize(
    ("base", "gain", "traffic", "reason"),
    [
        (None, 0.02, 1.0, "no_matured_leads"),
        (0.0, 0.02, 1.0, "base_rate_without_variance"),
        (1.0, 0.02, 1.0, "base_rate_without_variance"),
        (0.99, 0.02, 1.0, "gain_out_of_range"),
        (0.10, 0.02, 0.0, "no_traffic"),
    ],
)
def test_a_plan_that_cannot_be_made_says_why(base, gain, traffic, reason):
    found = design.plan(base=base, gain=gain, alpha=0.05, effect=1.0, leads_per_day=traffic, days=20)
    assert found.reason == reason and not found.is_reachable and found.days_needed is None


def test_statsmodels_takes_counts_that_are_no_whole_numbers():
    """Counts by a design effect: the score interval of a share is a formula, here against the counts themselves."""
    whole = confint_proportions_2indep(60, 600, 45, 600, method="newcomb")
    assert effects.interval(Share(120, 1200, 2.0), Share(90, 1200, 2.0)) == pytest.approx(whole, rel=1e-12)
