"""Constrained average linkage inside connected components, all components of one size at once.

Nodes are dense integers. No loop over records or pairs: components of one size are one array (k, s, s), and s - 1
rounds join the best two groups of each of them. Oversized components are cut at their weakest edges first.
What does NOT belong here: where weights come from; SQL.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestration.matching.components import component_labels

#: Records of the largest component that is clustered as one; a larger one is cut at its weakest edges.
MAX_COMPONENT = 300
#: Numbers held at once: (k, s, s) arrays are made of this many at most.
MAX_CELLS = 8_000_000


@dataclass(frozen=True)
class Edges:
    """left, right (e,) node numbers; weight (e,) log2 odds."""

    left: np.ndarray
    right: np.ndarray
    weight: np.ndarray

    def where(self, kept: np.ndarray) -> Edges:
        return Edges(self.left[kept], self.right[kept], self.weight[kept])


@dataclass(frozen=True)
class Components:
    """labels (n,) smallest node of the component; cut (e,) edges that were given up because it was too large."""

    labels: np.ndarray
    cut: np.ndarray


def bounded_components(n_nodes: int, edges: Edges, most: int = MAX_COMPONENT) -> Components:
    """Connected components of at most `most` nodes: weaker edges of larger ones are given up, weakest first."""
    alive = np.ones(len(edges.left), dtype=bool)
    while True:
        labels = component_labels(n_nodes, edges.left[alive], edges.right[alive])
        size = np.bincount(labels, minlength=n_nodes)
        too_large = alive & (size[labels[edges.left]] > most)
        if not too_large.any():
            return Components(labels, ~alive)
        # Up to a fifth of the edges of each oversized component at a time; equal weights stay or go together.
        component = labels[edges.left[too_large]]
        order = np.lexsort((edges.weight[too_large], component))
        starts = np.flatnonzero(np.r_[True, np.diff(component[order]) > 0])
        lengths = np.diff(np.r_[starts, len(order)])
        limits = edges.weight[too_large][order][starts + np.maximum(lengths // 5, 1) - 1]
        weakest = edges.weight[too_large][order][starts]
        limit, least = np.full(n_nodes, -np.inf), np.full(n_nodes, -np.inf)
        limit[component[order][starts]] = limits
        least[component[order][starts]] = weakest
        here = labels[edges.left]
        alive &= ~(too_large & ((edges.weight < limit[here]) | (edges.weight <= least[here])))


def missing_pairs(labels: np.ndarray, edges: Edges) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of nodes of one component that have no edge. Returns (left (p,), right (p,)), left < right."""
    order = np.argsort(labels, kind="stable")
    sorted_labels = labels[order]
    starts = np.flatnonzero(np.r_[True, np.diff(sorted_labels) > 0])
    sizes = np.diff(np.r_[starts, len(order)])
    lefts, rights = [], []
    for size in np.unique(sizes[sizes > 2]):
        first = starts[sizes == size]
        members = order[first[:, None] + np.arange(size)]
        i, j = np.triu_indices(size, 1)
        lefts.append(members[:, i].ravel())
        rights.append(members[:, j].ravel())
    if not lefts:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    left, right = np.concatenate(lefts), np.concatenate(rights)
    n = len(labels)
    known = np.minimum(edges.left, edges.right) * n + np.maximum(edges.left, edges.right)
    key = np.minimum(left, right) * n + np.maximum(left, right)
    absent = ~np.isin(key, known)
    return key[absent] // n, key[absent] % n


def average_linkage(
    labels: np.ndarray,
    edges: Edges,
    threshold: float,
    default: float,
    identities: np.ndarray | None = None,
    apart: tuple[np.ndarray, np.ndarray] | None = None,
    limit: float = 12.0,
    weights: np.ndarray | None = None,
    single: np.ndarray | None = None,
) -> np.ndarray:
    """Split components into clusters whose groups joined at a mean weight of at least `threshold`.

    labels (n,): component of each node. edges: weights of pairs inside components; a pair without one counts as
    `default`. Weights are cut to +-limit, so that one certain pair does not outvote three unlikely ones.
    identities (k, n): two nodes with different values >= 0 in a row are never together. apart: pairs never together.
    weights (n,): number of records of each node. single (n,): bits of which no two nodes together share one (sources
    that give one record to a cluster). Returns (n,) the smallest node of each cluster.
    """
    n = len(labels)
    result = np.arange(n, dtype=np.int64)
    order = np.argsort(labels, kind="stable")
    sorted_labels = labels[order]
    starts = np.flatnonzero(np.r_[True, np.diff(sorted_labels) > 0])
    sizes = np.diff(np.r_[starts, n])
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n) - np.repeat(starts, sizes)
    group_of = np.empty(n, dtype=np.int64)
    group_of[order] = np.repeat(np.arange(len(starts)), sizes)
    inside = labels[edges.left] == labels[edges.right]
    edge_group = np.where(inside, group_of[edges.left], -1)
    held = np.ones(n) if weights is None else weights.astype(np.float64)
    apart_left, apart_right = apart if apart is not None else (np.empty(0, np.int64), np.empty(0, np.int64))
    apart_group = np.where(labels[apart_left] == labels[apart_right], group_of[apart_left], -1)

    for size in np.unique(sizes[sizes > 1]):
        groups = np.flatnonzero(sizes == size)
        step = max(1, MAX_CELLS // int(size * size))
        for begin in range(0, len(groups), step):
            batch = groups[begin : begin + step]
            members = order[starts[batch][:, None] + np.arange(size)]
            row = np.full(len(starts), -1, dtype=np.int64)
            row[batch] = np.arange(len(batch))
            similarity = np.full((len(batch), size, size), float(default))
            used = np.flatnonzero((edge_group >= 0) & (row[edge_group] >= 0))
            k = row[edge_group[used]]
            i, j = place[edges.left[used]], place[edges.right[used]]
            value = np.clip(edges.weight[used], -limit, limit)
            similarity[k, i, j] = value
            similarity[k, j, i] = value
            for identity in () if identities is None else identities:
                known = identity[members]
                clash = (
                    (known[:, :, None] >= 0)
                    & (known[:, None, :] >= 0)
                    & (known[:, :, None] != known[:, None, :])
                )
                similarity[clash] = -np.inf
            if single is not None:
                bits = single[members]
                similarity[(bits[:, :, None] & bits[:, None, :]) != 0] = -np.inf
            kept_apart = np.flatnonzero((apart_group >= 0) & (row[apart_group] >= 0))
            k = row[apart_group[kept_apart]]
            i, j = place[apart_left[kept_apart]], place[apart_right[kept_apart]]
            similarity[k, i, j] = -np.inf
            similarity[k, j, i] = -np.inf
            result[members] = _agglomerate(similarity, held[members], members, threshold)
    return result


def _agglomerate(
    similarity: np.ndarray, held: np.ndarray, members: np.ndarray, threshold: float
) -> np.ndarray:
    """Average linkage of k components of s nodes at once. similarity (k, s, s), -inf never; held (k, s) weights.

    Returns (k, s) the smallest member of each node's cluster.
    """
    n_components, size, _ = similarity.shape
    similarity[:, np.arange(size), np.arange(size)] = -np.inf
    assigned = np.tile(np.arange(size), (n_components, 1))
    held = held.copy()
    running = np.arange(n_components)
    for _ in range(size - 1):
        flat = similarity[running].reshape(len(running), -1)
        best = flat.argmax(axis=1)
        joins = flat[np.arange(len(running)), best] >= threshold
        running, best = running[joins], best[joins]
        if not len(running):
            break
        i, j = np.minimum(best // size, best % size), np.maximum(best // size, best % size)
        wi, wj = held[running, i][:, None], held[running, j][:, None]
        joined = (wi * similarity[running, i] + wj * similarity[running, j]) / (wi + wj)
        joined[np.arange(len(running)), i] = -np.inf
        joined[np.arange(len(running)), j] = -np.inf
        similarity[running, i, :] = joined
        similarity[running, :, i] = joined
        similarity[running, j, :] = -np.inf
        similarity[running, :, j] = -np.inf
        held[running, i] += held[running, j]
        moved = assigned[running] == j[:, None]
        assigned[running] = np.where(moved, i[:, None], assigned[running])
    smallest = np.full((n_components, size), np.iinfo(np.int64).max)
    rows = np.repeat(np.arange(n_components), size)
    np.minimum.at(smallest, (rows, assigned.ravel()), members.ravel())
    return smallest[np.arange(n_components)[:, None], assigned]
