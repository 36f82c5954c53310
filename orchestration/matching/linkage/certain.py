"""Certain evidence: legal numbers and decisions of stewards, both ways.

Same valid SIREN or VAT number: same organisation. Same SIRET: same site. Different valid SIREN (for sites also
different SIRET): never the same. Decisions that contradict each other or a legal number are applied by none: they
go to review with both named.
What does NOT belong here: probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.matching.apart import Apart
from orchestration.matching.components import component_labels
from orchestration.matching.joining import Constraints, join

#: Column -> evidence code of the keys that join records of an entity.
_JOINING = {
    "organisation": (("siren", "same_registration_number"), ("vat_number", "same_vat_number")),
    "site": (("siret", "same_establishment_number"),),
    "person": (),
}
#: Numbers of which two different valid ones are two entities.
DISTINGUISHING: dict[str, tuple[str, ...]] = {
    "organisation": ("siren",),
    "site": ("siren", "siret"),
    "person": (),
}


@dataclass(frozen=True)
class Certain:
    """labels (n,): smallest node of what certain evidence joins. identities (k, n): different values >= 0 never meet.

    apart: nodes decided different. edges: left, right, evidence code and decision of every certain edge.
    contradictions: one sentence's worth of data per refused decision (left, right, reason).
    """

    labels: np.ndarray
    identities: np.ndarray
    apart: Apart
    left: np.ndarray
    right: np.ndarray
    evidence: np.ndarray
    decision: np.ndarray
    contradictions: list[tuple[int, int, str]]


def certain_evidence(
    con: duckdb.DuckDBPyConnection,
    entity: str,
    columns: set[str],
    must_link: pa.Table | None,
    cannot_link: pa.Table | None,
) -> Certain:
    """Join and separate the records of table `prepared` (node 0..n-1) by certain evidence.

    must_link: table (left_record_key, right_record_key). cannot_link: table (record_key, group, part), records of one
    group in different parts are kept apart. Keys that no record has are without effect.
    """
    n = con.execute("SELECT count(*) FROM prepared").fetchall()[0][0]
    identities = np.stack([_identity(con, each, n, columns) for each in DISTINGUISHING[entity] or ("siren",)])
    labels = np.arange(n, dtype=np.int64)
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    for column, code in _JOINING[entity]:
        if column in columns:
            labels, part = _join(labels, identities, *_stars(con, column), code)
            parts.append(part)
    legal = len(parts)
    must, apart = _pairs(con, must_link), _apart(con, cannot_link)
    if len(must[0]):
        labels, part = _join(labels, identities, *must, "decided_same")
        parts.append(part)
    contradictions = [
        (int(a), int(b), "different_registration_number")
        for part in parts[legal:]
        for a, b, kept in zip(part[0], part[1], part[3] == "accepted", strict=True)
        if not kept
    ]
    left, right, evidence, decision = (
        (np.concatenate([part[i] for part in parts]) for i in range(4))
        if parts
        else (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, object), np.empty(0, object))
    )
    clash = apart.split_groups(labels)
    if clash.any():
        # Nobody knows which decision is wrong: every certain edge of such a group waits for a person.
        near, far = _first_of_two_parts(
            Apart(apart.node[clash], apart.group[clash], apart.part[clash]), labels
        )
        doubtful = np.isin(labels[left], labels[apart.node[clash]])
        decision = np.where(doubtful & (decision == "accepted"), "review", decision)
        kept = decision == "accepted"
        labels = component_labels(n, left[kept], right[kept])
        contradictions += [
            (int(a), int(b), "contradictory_decisions")
            for a, b in zip(near.tolist(), far.tolist(), strict=True)
        ]
    return Certain(labels, identities, apart, left, right, evidence, decision, contradictions)


def _identity(con: duckdb.DuckDBPyConnection, column: str, n: int, columns: set[str]) -> np.ndarray:
    if column not in columns:
        return np.full(n, -1, dtype=np.int64)
    found = con.execute(
        f"SELECT CASE WHEN {column} IS NULL THEN -1 ELSE dense_rank() OVER (ORDER BY {column} NULLS LAST) END AS i "
        "FROM prepared ORDER BY node"
    ).fetchnumpy()
    return np.asarray(found["i"], dtype=np.int64)


def _stars(con: duckdb.DuckDBPyConnection, column: str) -> tuple[np.ndarray, np.ndarray]:
    found = con.execute(
        f"SELECT first_node, node FROM (SELECT node, min(node) OVER (PARTITION BY {column}) AS first_node "
        f"FROM prepared WHERE {column} IS NOT NULL) WHERE node <> first_node ORDER BY node"
    ).fetchnumpy()
    return np.asarray(found["first_node"], np.int64), np.asarray(found["node"], np.int64)


def _pairs(con: duckdb.DuckDBPyConnection, table: pa.Table | None) -> tuple[np.ndarray, np.ndarray]:
    if table is None or not table.num_rows:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    con.register("decided_pairs", table)
    found = con.execute(
        "SELECT DISTINCT least(l.node, r.node) AS a, greatest(l.node, r.node) AS b FROM decided_pairs AS d "
        "JOIN prepared AS l ON l.record_key = d.left_record_key "
        "JOIN prepared AS r ON r.record_key = d.right_record_key WHERE l.node <> r.node ORDER BY a, b"
    ).fetchnumpy()
    con.unregister("decided_pairs")
    return np.asarray(found["a"], np.int64), np.asarray(found["b"], np.int64)


def _apart(con: duckdb.DuckDBPyConnection, table: pa.Table | None) -> Apart:
    if table is None or not table.num_rows:
        return Apart()
    con.register("decided_apart", table)
    found = con.execute(
        'SELECT DISTINCT p.node, dense_rank() OVER (ORDER BY d."group") - 1 AS g, '
        "dense_rank() OVER (ORDER BY d.part) - 1 AS part FROM decided_apart AS d JOIN prepared AS p USING (record_key) "
        "ORDER BY g, p.node, part"
    ).fetchnumpy()
    con.unregister("decided_apart")
    return Apart(*(np.asarray(found[name], np.int64) for name in ("node", "g", "part")))


def _first_of_two_parts(apart: Apart, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One pair of nodes a group of which a label holds two parts: its first node, and the first of another part."""
    order = np.lexsort((apart.node, apart.group, labels[apart.node]))
    node, part = apart.node[order], apart.part[order]
    starts = np.r_[True, (np.diff(labels[node]) != 0) | (np.diff(apart.group[order]) != 0)]
    first = np.flatnonzero(starts)[np.cumsum(starts) - 1]
    other = np.flatnonzero((part != part[first]) & (node != node[first]))
    _, once = np.unique(first[other], return_index=True)
    return node[first[other[once]]], node[other[once]]


def _join(
    labels: np.ndarray, identities: np.ndarray, left: np.ndarray, right: np.ndarray, code: str
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    joined, kept = join(labels, left, right, Constraints(tuple(identities)))
    decision = np.where(kept, "accepted", "review").astype(object)
    return joined, (left, right, np.full(len(left), code, dtype=object), decision)
