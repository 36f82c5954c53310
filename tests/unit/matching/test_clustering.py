"""Average linkage against a plain reference written here, one component at a time."""

import numpy as np
import pytest

from orchestration.matching.components import component_labels
from orchestration.matching.linkage.clustering import (
    Edges,
    average_linkage,
    bounded_components,
    missing_pairs,
)


def reference(n, edges, threshold, default, identity, limit=12.0):
    """Join the best two groups until none is at the threshold; groups are lists, weights are looked up pair by pair."""
    weight = {
        (min(a, b), max(a, b)): max(min(w, limit), -limit)
        for a, b, w in zip(edges.left.tolist(), edges.right.tolist(), edges.weight.tolist(), strict=True)
    }
    parts = component_labels(n, edges.left, edges.right)
    groups = [[i] for i in range(n)]

    def mean(one, other):
        if parts[one[0]] != parts[other[0]]:
            return -np.inf
        known = {identity[i] for i in one + other if identity[i] >= 0}
        if len(known) > 1:
            return -np.inf
        return np.mean([weight.get((min(a, b), max(a, b)), default) for a in one for b in other])

    while True:
        best = max(
            ((mean(a, b), -i, -j) for i, a in enumerate(groups) for j, b in enumerate(groups) if i < j),
            default=(-np.inf, 0, 0),
        )
        if best[0] < threshold:
            break
        i, j = -best[1], -best[2]
        groups[i] += groups.pop(j)
    return {frozenset(group) for group in groups}


def as_sets(labels):
    return {frozenset(np.flatnonzero(labels == each).tolist()) for each in np.unique(labels)}


@pytest.mark.parametrize("seed", range(12))
def test_average_linkage_equals_the_plain_reference(seed):
    rng = np.random.default_rng(seed)
    n, m = 30, 45
    pairs = {tuple(sorted(rng.choice(n, 2, replace=False).tolist())) for _ in range(m)}
    left, right = (np.array([pair[side] for pair in sorted(pairs)]) for side in (0, 1))
    edges = Edges(left, right, rng.normal(2, 6, len(left)))
    identity = np.where(rng.random(n) < 0.2, rng.integers(0, 3, n), -1)
    labels = component_labels(n, left, right)
    found = average_linkage(labels, edges, 1.0, -4.0, identity[None, :])
    assert as_sets(found) == reference(n, edges, 1.0, -4.0, identity)


def test_pairs_kept_apart_never_share_a_cluster():
    edges = Edges(np.array([0, 1]), np.array([1, 2]), np.array([9.0, 9.0]))
    labels = np.zeros(3, dtype=np.int64)
    apart = (np.array([0]), np.array([2]))
    found = average_linkage(labels, edges, 1.0, 5.0, None, apart)
    assert found[0] != found[2]


def test_a_chain_of_one_strong_edge_each_does_not_join_strangers():
    # 0-1 and 2-3 are the same for certain; one bridge says 1-2, the other three pairs say no.
    edges = Edges(np.array([0, 2, 1]), np.array([1, 3, 2]), np.array([10.0, 10.0, 7.0]))
    found = average_linkage(np.zeros(4, dtype=np.int64), edges, 1.0, -4.0)
    assert as_sets(found) == {frozenset({0, 1}), frozenset({2, 3})}


def test_an_oversized_component_is_cut_at_its_weakest_edges():
    left = np.arange(0, 99)
    weight = np.where(left % 10 == 9, 1.0, 8.0)
    cut = bounded_components(100, Edges(left, left + 1, weight), most=40)
    assert np.bincount(cut.labels).max() <= 40
    assert (weight[cut.cut] == 1.0).all()


def test_the_bound_holds_when_all_edges_weigh_the_same():
    left, right = np.triu_indices(60, 1)
    bounded = bounded_components(60, Edges(left, right, np.ones(len(left))), most=20)
    assert np.bincount(bounded.labels).max() <= 20


def test_missing_pairs_complete_a_component():
    edges = Edges(np.array([0, 1, 4]), np.array([1, 2, 5]), np.ones(3))
    left, right = missing_pairs(component_labels(7, edges.left, edges.right), edges)
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == [(0, 2)]
