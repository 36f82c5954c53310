"""Connected components, plain and under a cannot-link constraint, over integer node numbers.

What does NOT belong here: SQL, record keys, evidence (see accounts, persons).
Labels are always the smallest node number of the component, so they do not depend on edge order.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def component_labels(n_nodes: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Label every node with the smallest node of its component. Shapes: (e,), (e,) -> (n_nodes,)."""
    if n_nodes == 0:
        return np.empty(0, dtype=np.int64)
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(n_nodes, n_nodes))
    _, component = connected_components(graph.tocsr(), directed=False)
    smallest = np.full(component.max() + 1, n_nodes, dtype=np.int64)
    np.minimum.at(smallest, component, np.arange(n_nodes))
    return smallest[component]


def add_edges_without_conflict(
    labels: np.ndarray, identity: np.ndarray, left: np.ndarray, right: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Join components by edges, never two nodes whose identities differ.

    labels: (n,) current component of each node (smallest node). identity: (n,) integer identity of a
    node, -1 when it has none; every current component holds at most one identity.
    left, right: (e,) candidate edges in order of preference.
    Returns (new labels (n,), accepted (e,) bool). Only components that hold a conflict are walked edge
    by edge; the rest is vectorised.
    """
    n_nodes = len(labels)
    accepted = np.ones(len(left), dtype=bool)
    if len(left) == 0:
        return labels, accepted
    held = np.full(n_nodes, -1, dtype=np.int64)
    np.maximum.at(held, labels, identity)
    near, far = labels[left], labels[right]
    accepted &= ~((held[near] >= 0) & (held[far] >= 0) & (held[near] != held[far]))

    joined = component_labels(n_nodes, near[accepted], far[accepted])
    lowest = np.full(n_nodes, np.iinfo(np.int64).max)
    highest = np.full(n_nodes, -1, dtype=np.int64)
    roots = np.unique(labels)
    known = roots[held[roots] >= 0]
    np.minimum.at(lowest, joined[known], held[known])
    np.maximum.at(highest, joined[known], held[known])
    in_conflict = (highest >= 0) & (lowest != highest)
    to_walk = np.flatnonzero(accepted & in_conflict[joined[near]])
    if len(to_walk):
        accepted[to_walk] = _walk(near[to_walk], far[to_walk], held)
    new_labels = component_labels(n_nodes, near[accepted], far[accepted])
    return new_labels[labels], accepted


def _walk(near: np.ndarray, far: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Union-find over the few edges of conflicting components, in the order given."""
    parent: dict[int, int] = {}
    identity: dict[int, int] = {}

    def root(node: int) -> int:
        parent.setdefault(node, node)
        identity.setdefault(node, int(held[node]))
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    keep = np.ones(len(near), dtype=bool)
    for position, (one, other) in enumerate(zip(near.tolist(), far.tolist(), strict=True)):
        a, b = sorted((root(one), root(other)))
        if a == b:
            continue
        if identity[a] >= 0 and identity[b] >= 0 and identity[a] != identity[b]:
            keep[position] = False
            continue
        parent[b] = a
        identity[a] = max(identity[a], identity[b])
    return keep
