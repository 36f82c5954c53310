"""Every figure is recomputed here by enumerating all pairs of small partitions."""

from itertools import combinations

import numpy as np
import pytest

from orchestration.evaluation.metrics import calibration, score_clusters, threshold_curve


def enumerated(labels, truth, source=None):
    tp = predicted = actual = 0
    for i, j in combinations(range(len(labels)), 2):
        if source is not None and source[i] == source[j]:
            continue
        same, true = labels[i] == labels[j], truth[i] == truth[j]
        tp, predicted, actual = tp + (same and true), predicted + same, actual + true
    return tp, predicted, actual


def b_cubed_by_record(labels, truth):
    n = len(labels)
    groups = [
        ({j for j in range(n) if labels[j] == labels[i]}, {j for j in range(n) if truth[j] == truth[i]})
        for i in range(n)
    ]
    return (
        sum(len(c & t) / len(c) for c, t in groups) / n,
        sum(len(c & t) / len(t) for c, t in groups) / n,
    )


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("two_files", [False, True])
def test_scores_equal_those_of_enumerated_pairs(seed, two_files):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 40))
    labels, truth = rng.integers(0, 12, n), rng.integers(0, 12, n)
    source = rng.integers(0, 2, n) if two_files else None
    scores = score_clusters(labels, truth, source)
    pairs = scores.pairs
    assert (pairs.true_positives, pairs.n_predicted, pairs.n_true) == enumerated(labels, truth, source)
    precision, recall = b_cubed_by_record(labels, truth)
    assert scores.b_cubed.precision == pytest.approx(precision)
    assert scores.b_cubed.recall == pytest.approx(recall)
    sets = lambda p: {frozenset(np.flatnonzero(p == v)) for v in set(p)}  # noqa: E731
    assert scores.clusters.true_positives == len(sets(labels) & sets(truth))


def test_a_share_of_nothing_is_unknown_not_perfect():
    scores = score_clusters(np.arange(3), np.arange(3))
    assert scores.pairs.precision is None and scores.pairs.recall is None
    assert scores.clusters.precision == 1.0 and scores.merged_clusters.precision is None


def test_calibration_states_the_true_share_of_each_bin():
    rows = calibration(np.array([0.05, 0.05, 0.95, 1.0]), np.array([False, True, True, True]))
    assert [(row["n_pairs"], row["true_share"]) for row in rows] == [(2, 0.5), (2, 1.0)]


def test_the_threshold_curve_keeps_ties_together_and_counts_unscored_truth():
    weight = np.array([5.0, 3.0, 3.0, 1.0])
    curve = threshold_curve(weight, np.array([True, True, False, False]), n_true=4)
    assert [(row["weight"], row["n_pairs"]) for row in curve] == [(5.0, 1), (3.0, 3), (1.0, 4)]
    assert curve[1]["precision"] == pytest.approx(2 / 3) and curve[1]["recall"] == 0.5
