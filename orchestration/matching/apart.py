"""Records that must not meet, as groups with parts: n records each alone are n rows, not n * (n - 1) / 2 pairs.

A pair kept apart is a group of two parts with one record each.
What does NOT belong here: who decided it, the order in which edges are tried (see joining).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


def _none() -> np.ndarray:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Apart:
    """node, group, part (k,) int64: two nodes of one group whose parts differ are never together.

    A node may be in several groups. Groups are numbers from 0; a part is a number of its group only.
    """

    node: np.ndarray = field(default_factory=_none)
    group: np.ndarray = field(default_factory=_none)
    part: np.ndarray = field(default_factory=_none)

    @classmethod
    def of_pairs(cls, left: np.ndarray, right: np.ndarray) -> Apart:
        """Pairs of nodes, (e,) each: every pair is a group of its own."""
        group = np.arange(len(left), dtype=np.int64)
        side = np.zeros(len(left), dtype=np.int64)
        return cls(np.concatenate([left, right]), np.tile(group, 2), np.concatenate([side, side + 1]))

    def __len__(self) -> int:
        return len(self.node)

    def __add__(self, other: Apart) -> Apart:
        """Both; the groups of the other one are numbered after those of this one."""
        first = int(self.group.max(initial=-1)) + 1
        return Apart(
            np.concatenate([self.node, other.node]),
            np.concatenate([self.group, other.group + first]),
            np.concatenate([self.part, other.part]),
        )

    def at(self, labels: np.ndarray) -> Apart:
        """The same of the clusters that hold the nodes: labels (n,), the cluster of each node."""
        if not len(self):
            return self
        rows = np.unique(np.stack([labels[self.node], self.group, self.part]), axis=1)
        return Apart(*rows)

    def split_groups(self, labels: np.ndarray) -> np.ndarray:
        """(k,) whether the group has two nodes of different parts below the label of the row's node.

        Parts that one node has already brought together do not count.
        """
        key = _pair(labels[self.node], self.group)
        _, place, count = np.unique(key, return_inverse=True, return_counts=True)
        lowest, highest = _bounds(place, len(count), self.part)
        first, last = _bounds(place, len(count), self.node)
        return ((lowest < highest) & (first < last))[place]

    def are_apart(self, near: np.ndarray, far: np.ndarray) -> np.ndarray:
        """(e,) whether two different nodes must not be together. near, far: (e,) nodes."""
        found = np.zeros(len(near), dtype=bool)
        if not len(self) or not len(near):
            return found
        # One row a node and group: the parts it has there, of which there is one unless something joined two before.
        keys, place = np.unique(_pair(self.node, self.group), return_inverse=True)
        lowest, highest = _bounds(place, len(keys), self.part)
        nodes, start, count = np.unique(keys // _SPAN, return_index=True, return_counts=True)
        asked = np.flatnonzero((near != far) & np.isin(near, nodes) & np.isin(far, nodes))
        one, other = np.searchsorted(nodes, near[asked]), np.searchsorted(nodes, far[asked])
        # The end with fewer groups is spread: a parent of thousands is in a group with each of its children.
        few, many = np.where(count[one] <= count[other], (one, other), (other, one))
        edge = np.repeat(np.arange(len(asked)), count[few])
        offset = np.arange(len(edge)) - np.repeat(np.cumsum(count[few]) - count[few], count[few])
        row = start[few][edge] + offset
        wanted = _pair(nodes[many][edge], keys[row] % _SPAN)
        match = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        differ = (keys[match] == wanted) & (
            np.minimum(lowest[row], lowest[match]) < np.maximum(highest[row], highest[match])
        )
        found[asked[edge[differ]]] = True
        return found

    def pairs_within(self, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of nodes (p,), (p,) that share a group and a label and whose parts differ; labels are small sets."""
        order = np.lexsort((self.part, self.group, labels[self.node]))
        node, part = self.node[order], self.part[order]
        key = _pair(labels[self.node], self.group)[order]
        starts = np.flatnonzero(np.r_[True, np.diff(key) > 0]) if len(key) else _none()
        sizes = np.diff(np.r_[starts, len(key)])
        lefts, rights = [_none()], [_none()]
        for size in np.unique(sizes[sizes > 1]):
            rows = starts[sizes == size][:, None] + np.arange(size)
            i, j = np.triu_indices(size, 1)
            near, far = rows[:, i].ravel(), rows[:, j].ravel()
            differ = (part[near] != part[far]) & (node[near] != node[far])
            lefts.append(node[near[differ]])
            rights.append(node[far[differ]])
        return np.concatenate(lefts), np.concatenate(rights)


#: Group numbers are below this, so that a node and a group are one number.
_SPAN = np.int64(2**31)


def _pair(node: np.ndarray, group: np.ndarray) -> np.ndarray:
    return node * _SPAN + group


def _bounds(place: np.ndarray, n: int, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) smallest and greatest value of each place."""
    lowest = np.full(n, np.iinfo(np.int64).max)
    highest = np.full(n, -1, dtype=np.int64)
    np.minimum.at(lowest, place, values)
    np.maximum.at(highest, place, values)
    return lowest, highest
