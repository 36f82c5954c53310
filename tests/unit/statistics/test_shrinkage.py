"""Shrunk baselines recover planted sellers, and places are told only where intervals part."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from orchestration.statistics import shrinkage


def test_shrunk_rates_are_nearer_to_the_truth_than_the_observed_ones() -> None:
    better = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        truth = rng.beta(12, 28, 20)
        trials = rng.integers(5, 60, 20).astype(float)
        events = rng.binomial(trials.astype(int), truth).astype(float)
        prior = shrinkage.rate_prior(events, trials)
        shrunk = shrinkage.rate_posterior(prior, events, trials, 0.8)
        better += ((shrunk.mean - truth) ** 2).sum() < ((events / trials - truth) ** 2).sum()
    assert better >= 37


@pytest.mark.audit("QU15", "OB8")
def test_the_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    inside = total = 0
    for seed in range(150):
        rng = np.random.default_rng(1000 + seed)
        truth = rng.gamma(9, 2, 25)
        exposure = rng.integers(3, 13, 25).astype(float)
        events = rng.poisson(truth * exposure).astype(float)
        found = shrinkage.volume_posterior(shrinkage.volume_prior(events, exposure), events, exposure, 0.8)
        inside += ((found.low <= truth) & (truth <= found.high)).sum()
        total += 25
    assert 0.76 < inside / total < 0.84


def test_moments_recover_the_parameters_of_a_large_group() -> None:
    rng = np.random.default_rng(3)
    trials = rng.integers(20, 60, 20_000).astype(float)
    events = rng.binomial(trials.astype(int), rng.beta(8, 12, 20_000)).astype(float)
    prior = shrinkage.rate_prior(events, trials)
    assert (prior.a, prior.b) == pytest.approx((8, 12), rel=0.05)
    exposure = rng.integers(3, 13, 20_000).astype(float)
    volumes = rng.poisson(rng.gamma(6, 1 / 0.5, 20_000) * exposure).astype(float)
    prior = shrinkage.volume_prior(volumes, exposure)
    assert (prior.a, prior.b) == pytest.approx((6, 0.5), rel=0.05)


@pytest.mark.audit("OB10")
def test_bounds_and_chances_are_those_of_the_named_distributions() -> None:
    prior = shrinkage.Prior(3.0, 5.0)
    rates = shrinkage.rate_posterior(prior, np.array([4.0]), np.array([10.0]), 0.8)
    assert (rates.low[0], rates.high[0]) == pytest.approx(stats.beta(7, 11).interval(0.8))
    volumes = shrinkage.volume_posterior(prior, np.array([40.0]), np.array([7.0]), 0.8)
    assert (volumes.low[0], volumes.high[0]) == pytest.approx(stats.gamma(43, scale=1 / 12).interval(0.8))
    chances = shrinkage.reach_probability(volumes, np.array([4.0, 0.0, np.nan, 3.2]))
    predictive = stats.nbinom(43, 12 / 13)
    assert chances[0] == pytest.approx(predictive.sf(3)) and chances[1] == 1
    assert np.isnan(chances[2]) and chances[3] == pytest.approx(predictive.sf(3)), "3.2 needs four"


@pytest.mark.audit("OB9")
def test_sellers_who_differ_by_chance_alone_get_no_place_and_one_far_ahead_gets_the_first() -> None:
    trials = np.full(8, 40.0)
    events = np.array([12, 13, 11, 12, 14, 12, 11, 13], dtype=float)
    equal = shrinkage.rate_posterior(shrinkage.rate_prior(events, trials), events, trials, 0.8)
    best, worst = shrinkage.places(equal)
    assert (best == 1).all() and (worst == 8).all()
    events[0] = 38
    ahead = shrinkage.rate_posterior(shrinkage.rate_prior(events, trials), events, trials, 0.8)
    best, worst = shrinkage.places(ahead)
    assert (best[0], worst[0]) == (1, 1) and (best[1:] == 2).all() and (worst[1:] == 8).all()


def test_one_outcome_or_one_member_gives_no_prior() -> None:
    assert shrinkage.rate_prior(np.array([0.0, 0.0]), np.array([3.0, 4.0])) is None
    assert shrinkage.rate_prior(np.array([3.0, 4.0]), np.array([3.0, 4.0])) is None
    assert shrinkage.rate_prior(np.array([1.0]), np.array([2.0])) is None
    assert shrinkage.volume_prior(np.array([0.0, 0.0]), np.array([1.0, 1.0])) is None
