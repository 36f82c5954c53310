"""Arms: public vectors of the hash, shares of a large draw, blocks inside strata, sample ratio, likeness before."""

from collections import Counter
from decimal import Decimal

import numpy as np
import pytest
from scipy import stats

from orchestration.experiments import balance, srm
from orchestration.experiments.assignment import bounds, by_block, by_hash, fnv1a32, places

EQUAL = [Decimal(1), Decimal(1)]
UNITS = [f"acc_{i:012x}" for i in range(20_000)]


def test_the_hash_is_fnv_1a_of_32_bits():
    """Values of the authors' test suite (isthe.com/chongo/tech/comp/fnv)."""
    found = fnv1a32(["", "a", "ab", "foobar"]).tolist()
    assert found == [0x811C9DC5, 0xE40C292C, 0x4D2505CA, 0xBF9CF968]
    assert fnv1a32([]).tolist() == []


@pytest.mark.audit("EX4")
@pytest.mark.parametrize(
    ("seed", "unit", "share"),
    [
        ("seed", "a", "0.0505"),
        ("seed", "b", "0.2696"),
        ("foo", "ab", "0.2575"),
        ("foo", "def", "0.2019"),
        ("89123klj", "8952klfjas09ujkasdf", "0.1240"),
        ("90850943850283058242805", "123", "0.7516"),
        ("()**(%$##$%#$#", '___)((*":&', "0.0128"),
    ],
)
def test_places_are_those_of_growthbooks_version_2(seed, unit, share):
    """The seven vectors of hash version 2 in GrowthBook's sdk-js/test/cases.json."""
    assert Decimal(int(places(seed, [unit])[0])) / 10_000 == Decimal(share)


def test_a_place_is_that_of_the_unit_alone_whatever_stands_beside_it():
    together = places("s:x", [*UNITS[:50], "é", "", "x" * 200])
    assert together.tolist() == [int(places("s:x", [u])[0]) for u in [*UNITS[:50], "é", "", "x" * 200]]


@pytest.mark.audit("EX4")
def test_arms_get_their_share_and_two_experiments_draw_independently():
    arms = by_hash("etalon:one", UNITS, [Decimal(3), Decimal(0), Decimal(1)])
    counts = Counter(arms.tolist())
    assert set(counts) == {0, 2} and stats.binomtest(counts[2], len(UNITS), 0.25).pvalue > 0.001
    other = by_hash("etalon:two", UNITS, EQUAL)
    first = by_hash("etalon:one", UNITS, EQUAL)
    table = np.array([[((first == a) & (other == b)).sum() for b in (0, 1)] for a in (0, 1)])
    assert stats.chi2_contingency(table).pvalue > 0.001


def test_bounds_are_whole_places_and_weights_must_mean_something():
    assert bounds([Decimal("0.4"), Decimal("0.6")]) == [4000, 10_000]
    assert bounds([Decimal(1), Decimal(1), Decimal(1)]) == [3333, 6667, 10_000]
    for wrong in ([Decimal(0), Decimal(0)], [Decimal(-1), Decimal(2)]):
        with pytest.raises(ValueError, match="weights"):
            bounds(wrong)


@pytest.mark.audit("EX4")
def test_blocks_give_every_stratum_its_due_rounded_up_or_down():
    strata = [f"s{i % 7}" if i % 3 else "small" for i in range(1001)]
    units = UNITS[:1001]
    weights = [Decimal(1), Decimal(2)]
    arms = by_block("etalon:b", units, strata, weights)
    for name in set(strata):
        members = arms[np.array(strata) == name]
        due = len(members) / 3
        assert (members == 0).sum() in (int(due), int(due) + 1)
    singles = by_block("etalon:b", units, units, EQUAL)  # a stratum of one unit favours no arm
    assert stats.binomtest(int(singles.sum()), len(units), 0.5).pvalue > 0.001
    order = np.random.default_rng(1).permutation(1001)
    again = by_block("etalon:b", [units[i] for i in order], [strata[i] for i in order], weights)
    assert again.tolist() == arms[order].tolist()
    assert by_block("etalon:b", [], [], weights).tolist() == []


@pytest.mark.audit("EX4")
def test_the_ratio_test_is_scipys_chi_square_and_skips_arms_of_weight_zero():
    weights = [Decimal(1), Decimal(0), Decimal(1)]
    expected = stats.chisquare([520, 480], [500, 500]).pvalue
    assert srm.ratio_p_value([520, 9, 480], weights) == pytest.approx(expected, rel=1e-12)
    assert srm.ratio_p_value([0, 0, 0], weights) is None
    assert srm.ratio_p_value([5, 5], [Decimal(1), Decimal(0)]) is None


@pytest.mark.audit("EX4")
def test_a_mismatch_is_seen_in_the_whole_and_in_one_stratum():
    """Published case: 821,588 against 815,482 users of an even split is an alarm (Kohavi, Tang, Xu 2020, p 1.8e-6)."""
    known = srm.sample_ratio({"all": [821_588, 815_482]}, EQUAL)
    assert known.is_mismatch and known.p_value == pytest.approx(1.8e-6, rel=0.02)
    assert not srm.sample_ratio({"all": [510, 490]}, EQUAL).is_mismatch
    hidden = srm.sample_ratio({"smb": [300, 200], "mid": [200, 300]}, EQUAL)
    assert hidden.p_value == 1.0 and hidden.worst_p_value < 0.001 and hidden.is_mismatch
    none = srm.sample_ratio({}, EQUAL)
    assert (none.p_value, none.is_mismatch) == (None, False)
    assert not srm.sample_ratio(
        {"tiny": [9, 0], "other": [50, 52]}, EQUAL
    ).is_mismatch  # nine units say nothing


@pytest.mark.audit("EX4")
def test_even_draws_raise_the_alarm_as_rarely_as_its_threshold_says():
    rng = np.random.default_rng(3)
    alarms = sum(
        srm.sample_ratio({"a": [k, 400 - k], "b": [m, 300 - m]}, EQUAL).is_mismatch
        for k, m in zip(rng.binomial(400, 0.5, 2000), rng.binomial(300, 0.5, 2000), strict=True)
    )
    assert alarms <= 10  # two tests at 0.001 each: 4 of 2,000 on average


@pytest.mark.audit("EX4")
def test_likeness_before_is_the_standardised_mean_difference():
    a, b = np.array([1.0, 2, 3, 4]), np.array([2.0, 3, 4, 5])
    expected = -1 / np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
    assert balance.standardised_difference(a, b) == pytest.approx(expected, rel=1e-12)
    same, other = np.ones(3), np.zeros(3)
    assert balance.standardised_difference(same, same) == 0.0
    assert balance.standardised_difference(same, other) is None
    assert balance.standardised_difference(a[:1], b) is None
    p, q = 0.5, 0.25
    shares = balance.worst_of_shares(np.array(["x", "y"] * 2), np.array(["x", "y", "y", "y"]))
    assert shares == pytest.approx(abs(p - q) / np.sqrt((p * (1 - p) + q * (1 - q)) / 2), rel=1e-12)
    assert balance.worst_of_shares(np.array(["x", "x"]), np.array(["x", "x"])) == 0.0
