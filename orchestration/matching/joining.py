"""Joining components under constraints: numbers that must agree, pairs that must stay apart.

What does NOT belong here: SQL, record keys, which evidence is stronger (the order of the edges says it).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from orchestration.matching.components import component_labels


@dataclass(frozen=True)
class Constraints:
    """identities: (n,) arrays; two nodes whose values >= 0 differ are never together. apart: pairs of nodes."""

    identities: tuple[np.ndarray, ...] = ()
    apart: tuple[np.ndarray, np.ndarray] = field(
        default_factory=lambda: (np.empty(0, np.int64), np.empty(0, np.int64))
    )

    def and_identity(self, identity: np.ndarray) -> Constraints:
        return Constraints((*self.identities, identity), self.apart)

    def and_apart(self, left: np.ndarray, right: np.ndarray) -> Constraints:
        near, far = self.apart
        return Constraints(self.identities, (np.concatenate([near, left]), np.concatenate([far, right])))


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
    foe_left, foe_right = labels[constraints.apart[0]], labels[constraints.apart[1]]
    foes = foe_left != foe_right
    foe_left, foe_right = foe_left[foes], foe_right[foes]

    joined = component_labels(n, near, far)
    clashing = np.zeros(n, dtype=bool)
    for values in held:
        known = np.flatnonzero((values >= 0) & (labels == np.arange(n)))
        lowest = np.full(n, np.iinfo(np.int64).max)
        highest = np.full(n, -1, dtype=np.int64)
        np.minimum.at(lowest, joined[known], values[known])
        np.maximum.at(highest, joined[known], values[known])
        clashing |= (highest >= 0) & (lowest != highest)
    together = joined[foe_left] == joined[foe_right]
    clashing[joined[foe_left[together]]] = True

    accepted = np.ones(len(left), dtype=bool)
    to_walk = np.flatnonzero(clashing[joined[near]])
    if len(to_walk):
        inside = clashing[joined[foe_left]]
        accepted[to_walk] = _walk(
            near[to_walk], far[to_walk], held, foe_left[inside].tolist(), foe_right[inside].tolist()
        )
    return component_labels(n, near[accepted], far[accepted])[labels], accepted


def _held(labels: np.ndarray, identity: np.ndarray) -> np.ndarray:
    """(n,) the identity of each component at its smallest node, -1 for none."""
    held = np.full(len(labels), -1, dtype=np.int64)
    np.maximum.at(held, labels, identity)
    return held


def _walk(
    near: np.ndarray, far: np.ndarray, held: list[np.ndarray], foe_left: list[int], foe_right: list[int]
) -> np.ndarray:
    """Union-find over the few edges of clashing components, in the order given."""
    parent: dict[int, int] = {}
    identities: dict[int, list[int]] = {}
    foes: dict[int, set[int]] = {}
    for one, other in zip(foe_left, foe_right, strict=True):
        foes.setdefault(one, set()).add(other)
        foes.setdefault(other, set()).add(one)

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
        differ = any(x >= 0 and y >= 0 and x != y for x, y in zip(identities[a], identities[b], strict=True))
        if differ or b in foes.get(a, ()):
            keep[position] = False
            continue
        parent[b] = a
        identities[a] = [max(x, y) for x, y in zip(identities[a], identities[b], strict=True)]
        for foe in foes.pop(b, ()):
            foes[foe].discard(b)
            foes[foe].add(a)
            foes.setdefault(a, set()).add(foe)
    return keep
