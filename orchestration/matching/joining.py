"""Joining components under constraints: numbers that must agree, records that must stay apart.

What does NOT belong here: SQL, record keys, which evidence is stronger (the order of the edges says it).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from orchestration.matching.apart import Apart
from orchestration.matching.components import component_labels


@dataclass(frozen=True)
class Constraints:
    """identities: (n,) arrays; two nodes whose values >= 0 differ are never together. apart: see Apart."""

    identities: tuple[np.ndarray, ...] = ()
    apart: Apart = field(default_factory=Apart)

    def and_identity(self, identity: np.ndarray) -> Constraints:
        return Constraints((*self.identities, identity), self.apart)

    def and_apart(self, left: np.ndarray, right: np.ndarray) -> Constraints:
        return Constraints(self.identities, self.apart + Apart.of_pairs(left, right))


def join(
    labels: np.ndarray, left: np.ndarray, right: np.ndarray, constraints: Constraints
) -> tuple[np.ndarray, np.ndarray]:
    """Join components by edges, the first ones first, as far as the constraints allow.

    labels: (n,) smallest node of each node's component; no component breaks a constraint, but for pairs kept apart that
    are together already. left, right: (e,) edges. Returns (labels (n,), accepted (e,) bool). An edge inside one
    component is accepted. Only components in which something clashes are walked edge by edge.
    """
    n = len(labels)
    if not len(left):
        return labels, np.ones(0, dtype=bool)
    near, far = labels[left], labels[right]
    held = [_held(labels, identity) for identity in constraints.identities]
    apart = constraints.apart.at(labels)

    joined = component_labels(n, near, far)
    clashing = np.zeros(n, dtype=bool)
    for values in held:
        known = np.flatnonzero((values >= 0) & (labels == np.arange(n)))
        lowest = np.full(n, np.iinfo(np.int64).max)
        highest = np.full(n, -1, dtype=np.int64)
        np.minimum.at(lowest, joined[known], values[known])
        np.maximum.at(highest, joined[known], values[known])
        clashing |= (highest >= 0) & (lowest != highest)
    clashing[joined[apart.node[apart.split_groups(joined)]]] = True

    accepted = np.ones(len(left), dtype=bool)
    to_walk = np.flatnonzero(clashing[joined[near]])
    if len(to_walk):
        inside = clashing[joined[apart.node]]
        kept_apart = Apart(apart.node[inside], apart.group[inside], apart.part[inside])
        accepted[to_walk] = _walk(near[to_walk], far[to_walk], held, kept_apart)
    return component_labels(n, near[accepted], far[accepted])[labels], accepted


def _held(labels: np.ndarray, identity: np.ndarray) -> np.ndarray:
    """(n,) the identity of each component at its smallest node, -1 for none."""
    held = np.full(len(labels), -1, dtype=np.int64)
    np.maximum.at(held, labels, identity)
    return held


def _walk(near: np.ndarray, far: np.ndarray, held: list[np.ndarray], apart: Apart) -> np.ndarray:
    """Union-find over the few edges of clashing components, in the order given."""
    parent: dict[int, int] = {}
    identities: dict[int, list[int]] = {}
    #: component -> group -> its parts there, several only where something joined them before
    parts: dict[int, dict[int, set[int]]] = {}
    for node, group, part in zip(apart.node.tolist(), apart.group.tolist(), apart.part.tolist(), strict=True):
        parts.setdefault(node, {}).setdefault(group, set()).add(part)

    def root(node: int) -> int:
        if node not in parent:
            parent[node] = node
            identities[node] = [int(values[node]) for values in held]
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    keep = np.ones(len(near), dtype=bool)
    for position, (one, other) in enumerate(zip(near.tolist(), far.tolist(), strict=True)):
        a, b = sorted((root(one), root(other)))
        if a == b:
            continue
        fewer, more = sorted((parts.get(a, {}), parts.get(b, {})), key=len)
        differ = any(x >= 0 and y >= 0 and x != y for x, y in zip(identities[a], identities[b], strict=True))
        if differ or any(len(fewer[group] | more[group]) > 1 for group in fewer.keys() & more.keys()):
            keep[position] = False
            continue
        parent[b] = a
        identities[a] = [max(x, y) for x, y in zip(identities[a], identities[b], strict=True)]
        for group, theirs in fewer.items():
            more.setdefault(group, set()).update(theirs)
        parts.pop(b, None)
        if more:
            parts[a] = more
    return keep
