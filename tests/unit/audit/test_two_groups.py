"""Many touches against few: statsmodels, published E-values, and a paradox planted."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import StratifiedTable, Table2x2

from orchestration.audit.points import Points
from orchestration.audit.shares import newcombe
from orchestration.audit.traffic_light import METHOD_BARS, Bars
from orchestration.audit.two_groups import Stratum, e_value, e_value_of_bound, strata_of, two_groups
from orchestration.statistics.group_contrasts import of_cut

STRATA = [Stratum(12, 80, 10, 120), Stratum(30, 150, 9, 60), Stratum(7, 40, 21, 200)]


def test_pooled_ratios_and_tests_are_those_of_statsmodels():
    found = two_groups(STRATA)
    pooled = StratifiedTable([s.table for s in STRATA])
    low, high = pooled.oddsratio_pooled_confint()
    assert (found.odds_ratio, found.odds_ratio_low, found.odds_ratio_high) == pytest.approx(
        (pooled.oddsratio_pooled, low, high), rel=1e-9
    )
    assert found.risk_ratio == pytest.approx(pooled.riskratio_pooled, rel=1e-9)
    assert found.null_p == pytest.approx(pooled.test_null_odds().pvalue, rel=1e-9)
    assert found.equal_p == pytest.approx(pooled.test_equal_odds().pvalue, rel=1e-9)


def test_the_interval_of_the_ratio_of_risks_is_that_of_one_table_where_there_is_one():
    (stratum,) = STRATA[:1]
    found, table = two_groups([stratum]), Table2x2(stratum.table)
    low, high = table.riskratio_confint()
    assert (found.risk_ratio, found.risk_ratio_low, found.risk_ratio_high) == pytest.approx(
        (table.riskratio, low, high), rel=1e-9
    )
    assert found.equal_p is None


def test_the_interval_of_the_pooled_ratio_keeps_its_word():
    """Sparse segments of one common ratio of 1.5: in 19 of 20 samples it lies inside."""
    rng, inside = np.random.default_rng(3), 0
    for _ in range(400):
        strata = []
        for base in (0.05, 0.1, 0.2, 0.3):
            n, m = 60, 80
            strata.append(Stratum(int(rng.binomial(n, 1.5 * base)), n, int(rng.binomial(m, base)), m))
        found = two_groups(strata)
        inside += found.risk_ratio_low <= 1.5 <= found.risk_ratio_high
    assert 370 <= inside <= 392


@pytest.mark.parametrize(
    ("ratio", "value"), [(3.9, 7.263034), (2.4, 4.23303), (10.73, 20.94777), (8.02, 15.52336)]
)
def test_e_values_are_the_published_ones(ratio, value):
    """VanderWeele and Ding (2017), and the vignette of their package (Hammond and Horn on smoking)."""
    assert e_value(ratio) == pytest.approx(value, abs=5e-6)
    assert e_value(1 / ratio) == pytest.approx(value, abs=5e-6)


def test_the_bound_nearest_to_one_counts():
    assert e_value_of_bound(8.02, 14.36) == e_value(8.02)
    assert e_value_of_bound(0.2, 0.8) == e_value(0.8)
    assert (e_value_of_bound(0.9, 1.2), e_value(1.0)) == (1.0, 1.0)


def test_the_standardised_difference_holds_the_mix_of_segments_equal():
    found = two_groups(STRATA)
    total = sum(s.n for s in STRATA)
    wanted = sum(
        Fraction(s.n, total) * (Fraction(s.k_many, s.n_many) - Fraction(s.k_few, s.n_few)) for s in STRATA
    )
    assert found.standardised == wanted
    assert found.difference == Fraction(49, 270) - Fraction(40, 380)
    assert found.standardised_low < float(wanted) < found.standardised_high


def test_the_interval_of_the_standardised_difference_is_newcombe_s_where_there_is_one_segment():
    found = two_groups([Stratum(56, 70, 48, 80)])  # his example (a): 0.2000, 0.0524 to 0.3339
    assert (found.standardised_low, found.standardised_high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert (found.standardised_low, found.standardised_high) == pytest.approx(
        newcombe(56, 70, 48, 80), rel=1e-9
    )


@pytest.mark.parametrize(("n_segments", "units"), [(60, (1, 4)), (60, (5, 8)), (8, (5, 20)), (4, (20, 60))])
def test_the_interval_of_the_standardised_difference_keeps_its_word_or_is_none(n_segments, units):
    """Nothing differs; segments of few leads a side have all or no conversions, which is no knowledge."""
    rng, inside, told = np.random.default_rng(5), 0, 0
    for _ in range(400):
        sizes = rng.integers(*units, (n_segments, 2)).tolist()
        base = rng.uniform(0.02, 0.2, n_segments).tolist()
        found = two_groups([
            Stratum(int(rng.binomial(n, p)), n, int(rng.binomial(m, p)), m)
            for (n, m), p in zip(sizes, base, strict=True)
        ])  # fmt: skip
        assert found.is_sparse == (units == (1, 4)) == (found.standardised_low is None)
        if not found.is_sparse:
            told += 1
            inside += found.standardised_low <= 0 <= found.standardised_high
    assert inside >= 0.94 * told


def test_a_segment_with_one_side_alone_is_in_no_figure_but_the_first():
    found = two_groups([*STRATA, Stratum(40, 50, 0, 0)])
    assert (found.n_compared, found.k_compared) == (650, 89)
    assert found.standardised == two_groups(STRATA).standardised
    assert found.difference != two_groups(STRATA).difference
    alone = two_groups([Stratum(0, 20, 0, 30), Stratum(40, 50, 0, 0)])
    assert (alone.standardised, alone.reason) == (None, "zero_variance_y")


def test_few_leads_that_are_compared_give_no_figure():
    """The bars of the note are about the leads of segments with both sides, not about all."""
    segments = {
        "lonely": Points.of_outcomes([(3, 20, 12)]),
        "both": Points.of_outcomes([(3, 14, 6), (0, 15, 4)]),
    }
    told = of_cut(segments, Fraction(2), METHOD_BARS)
    assert (told["contrast_reason_code"], told["standardised_reason_code"]) == ("insufficient",) * 2
    assert (told["n_leads_compared"], told["standardised_change"], told["e_value"]) == (29, None, None)
    assert told["many_few_change"] is not None
    told = of_cut(segments, Fraction(2), Bars(minimum_units=29))
    assert told["contrast_reason_code"] is None and told["standardised_change_low"] is not None
    told = of_cut(segments, Fraction(2), Bars(minimum_units=29, minimum_events=11))
    assert told["contrast_reason_code"] == "insufficient"
    assert of_cut({}, None, METHOD_BARS)["n_leads_compared"] == 0


@pytest.mark.audit("R2", "QU12")
def test_a_mix_of_segments_makes_a_difference_that_none_of_them_has():
    """Touched much and converting much: the large segment. Inside each, many touches go with fewer conversions."""
    strata = [Stratum(6, 200, 80, 800), Stratum(300, 900, 90, 200)]
    found = two_groups(strata)
    assert found.difference > Fraction(1, 10)
    assert found.standardised_high < 0 and found.risk_ratio_high < 1 and found.odds_ratio < 1


def test_segments_are_parted_at_the_mean_of_the_whole_and_the_mean_itself_is_many():
    points = {
        "b": Points.of_outcomes([(1, 10, 2), (2, 5, 3)]),
        "a": Points.of_outcomes([(0, 4, 1), (3, 6, 2)]),
    }
    assert strata_of(points, Fraction(2)) == [Stratum(2, 6, 1, 4), Stratum(3, 5, 2, 10)]


@pytest.mark.parametrize(
    ("strata", "reason"),
    [
        ([], "no_two_groups"),
        ([Stratum(3, 9, 0, 0)], "no_two_groups"),
        ([Stratum(3, 9, 0, 0), Stratum(0, 0, 2, 8)], "no_two_groups"),
        ([Stratum(0, 9, 0, 8)], "zero_variance_y"),
        ([Stratum(9, 9, 8, 8)], "zero_variance_y"),
    ],
)
def test_nothing_to_compare_has_a_reason(strata, reason):
    found = two_groups(strata)
    assert (found.standardised, found.odds_ratio, found.e_value, found.reason) == (None, None, None, reason)


def test_one_ratio_for_all_is_judged_where_the_pooled_ratio_is_exactly_one():
    """statsmodels divides zero by zero there; beside it, its value is ours."""
    strata = [Stratum(30, 50, 20, 50), Stratum(20, 50, 30, 50)]
    found = two_groups(strata)
    assert found.odds_ratio == 1.0
    tables = [s.table for s in strata]
    beside = [tables[0] + np.array([[1e-3, 0], [0, 0]]), tables[1]]
    assert found.equal_p == pytest.approx(float(StratifiedTable(beside).test_equal_odds().pvalue), rel=1e-3)
    assert found.equal_p < 0.01
    assert two_groups([Stratum(5, 10, 5, 10)] * 2).equal_p == 1.0


def test_one_side_without_a_conversion_has_a_difference_and_no_ratio():
    found = two_groups([Stratum(5, 50, 0, 60)])
    assert found.standardised == Fraction(1, 10) and found.reason is None
    assert (found.risk_ratio, found.odds_ratio, found.e_value) == (None, None, None)
