"""Edges and clusters as arrays of node numbers: the pure functions under resolution.

What does NOT belong here: SQL, evidence, the order in which edges are taken (see resolution, joining).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def ends(edges: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """(e,) nodes at the left and at the right end."""
    return np.asarray(edges["left_node"], np.int64), np.asarray(edges["right_node"], np.int64)


def held(labels: np.ndarray, identity: np.ndarray) -> np.ndarray:
    """(n,) the identity of each cluster at its label, -1 for none."""
    held = np.full(len(labels), -1, dtype=np.int64)
    np.maximum.at(held, labels, identity)
    return held


def differ(near: np.ndarray, far: np.ndarray) -> np.ndarray:
    """(e,) whether both identities are known and not the same; -1 is none."""
    return (near >= 0) & (far >= 0) & (near != far)


def with_several(near: np.ndarray, far: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Clusters without an identity whose edges lead to two or more. near, far: (e,) clusters at both ends."""
    bare = np.concatenate([near, far])
    found = held[np.concatenate([far, near])]
    towards = (held[bare] < 0) & (found >= 0)
    pairs = np.unique(np.stack([bare[towards], found[towards]]), axis=1)
    clusters, counts = np.unique(pairs[0], return_counts=True)
    return clusters[counts > 1]


def codes(keys: pa.ChunkedArray) -> np.ndarray:
    """(k,) whole numbers that are equal where the texts are."""
    return np.asarray(keys.combine_chunks().dictionary_encode().indices)


def key_pairs(keys: pa.ChunkedArray, left: np.ndarray, right: np.ndarray) -> pa.Table:
    """Pairs of nodes as pairs of record keys."""
    return pa.table(
        {"left_record_key": keys.take(pa.array(left)), "right_record_key": keys.take(pa.array(right))}
    )


def replaced(edges: pa.Table, *, decision: np.ndarray, reason: np.ndarray) -> pa.Table:
    """The same edges with another decision and reason each."""
    for name, values in (("decision", decision), ("reason", reason)):
        edges = edges.set_column(edges.column_names.index(name), name, pa.array(values, pa.string()))
    return edges
