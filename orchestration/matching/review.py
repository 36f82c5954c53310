"""Edges and questions for a steward: what they hold, and how a score is told without any value.

What does NOT belong here: deciding (see resolution), ranking by impact (a dbt model), words (see linkage.explanation).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sql import literal
from orchestration.matching import evidence as ev
from orchestration.matching.contradictions import Fight
from orchestration.matching.linkage import Linked
from orchestration.matching.linkage.model import Comparison, Model

#: Edges between node numbers. terms: JSON of [{comparison, level, weight}], the prior first; null without a score.
EDGE_NODES = pa.schema(
    [
        ("left_node", pa.int64()),
        ("right_node", pa.int64()),
        ("evidence_code", pa.string()),
        ("weight", pa.float64()),
        ("decision", pa.string()),
        ("reason", pa.string()),
        ("terms", pa.string()),
    ]
)
EDGES = pa.schema(
    [
        ("entity", pa.string()),
        ("left_record_key", pa.string()),
        ("right_record_key", pa.string()),
        *list(EDGE_NODES)[2:],
    ]
)
#: weight, probability: null when certain evidence is in doubt. terms of a contradiction: the decisions it is between;
#: of a block too large to compare: the blocking rule and how many records share its value.
ITEMS = pa.schema(
    [
        ("item_id", pa.string()),
        ("entity", pa.string()),
        ("kind", pa.string()),
        ("left_record_key", pa.string()),
        ("right_record_key", pa.string()),
        ("weight", pa.float64()),
        ("probability", pa.float64()),
        ("reason", pa.string()),
        ("evidence_code", pa.string()),
        ("terms", pa.string()),
    ]
)
_KINDS = {
    ev.WEAK_BRIDGE: "weak_bridge",
    ev.DIFFERENT_NUMBERS: "conflict",
    ev.OVERSIZED: "oversized",
    ev.LIVE_MERGE: "live_merge",
}


def edge_nodes(
    left: np.ndarray,
    right: np.ndarray,
    evidence: str | Sequence[str] | np.ndarray,
    decision: str | Sequence[str] | np.ndarray,
    reason: str | Sequence[str] | np.ndarray,
) -> pa.Table:
    """Edges without a score; one text stands for all."""
    n = len(left)
    texts = [
        pa.array([each] * n if isinstance(each, str) else each, pa.string())
        for each in (evidence, decision, reason)
    ]
    return pa.table(
        [
            pa.array(left, pa.int64()),
            pa.array(right, pa.int64()),
            texts[0],
            pa.nulls(n, pa.float64()),
            texts[1],
            texts[2],
            pa.nulls(n, pa.string()),
        ],
        schema=EDGE_NODES,
    )


def scored_edges(linked: Linked, nodes: np.ndarray, labels: np.ndarray) -> pa.Table:
    """Scored pairs of different clusters that were accepted, are for review, or have two legal numbers.

    nodes (k,): node of each row of the engine. labels (n,): cluster of each node before scoring. Returns EDGE_NODES.
    """
    found = linked.edges
    if linked.model is None or not found.num_rows:
        return EDGE_NODES.empty_table()
    told = pc.or_(
        pc.is_in(found["decision"], pa.array([ev.ACCEPTED, ev.REVIEW])),
        pc.equal(found["reason"], ev.DIFFERENT_NUMBERS),
    )
    found = found.filter(pc.and_(pc.is_valid(found["weight"]), told))
    left, right = nodes[np.asarray(found["left_node"])], nodes[np.asarray(found["right_node"])]
    kept = labels[left] != labels[right]
    found = found.filter(pa.array(kept))
    con = duckdb.connect()
    try:
        con.register(
            "scored",
            found.append_column("near", pa.array(left[kept])).append_column("far", pa.array(right[kept])),
        )
        return (
            con.sql(
                "SELECT near AS left_node, far AS right_node, evidence_code, weight, decision, reason, "
                f"{_terms(linked.model)} AS terms FROM scored ORDER BY near, far"
            )
            .to_arrow_table()
            .cast(EDGE_NODES)
        )
    finally:
        con.close()


def _terms(model: Model) -> str:
    """SQL of the JSON text that tells a score: comparisons without a value are left out."""
    prior = math.log2(model.prior_probability / (1 - model.prior_probability))
    told = [f"'{_term('prior', 'prior')}{prior:.3f}}}'"]
    told += [_comparison_term(each) for each in model.comparisons]
    return f"'[' || concat_ws(',', {', '.join(told)}) || ']'"


def _term(comparison: str, level: str) -> str:
    return f'{{"comparison":"{comparison}","level":"{level}","weight":'


def _comparison_term(comparison: Comparison) -> str:
    whens = [
        f"WHEN {comparison.gamma(level.code)} THEN {literal(_term(comparison.name, level.code))} || "
        f"printf('%.3f', {math.log2(level.m / level.u)!r} + coalesce(term_{comparison.name}, 0)) || '}}'"
        for level in comparison.levels
    ]
    return f"CASE gamma_{comparison.name} {' '.join(whens)} END"


def record_edges(con: duckdb.DuckDBPyConnection, entity: str, edges: pa.Table) -> pa.Table:
    """EDGE_NODES -> EDGES, in the order of the keys. con: with table `records`."""
    con.register("edges_found", edges)
    try:
        return (
            con.sql(
                f"select '{entity}' as entity, a.record_key as left_record_key, b.record_key as right_record_key, "
                "e.evidence_code, e.weight, e.decision, e.reason, e.terms "
                "from edges_found as e "
                "join records as a on a.node = e.left_node join records as b on b.node = e.right_node "
                "order by left_record_key, right_record_key, evidence_code, weight, decision, reason"
            )
            .to_arrow_table()
            .cast(EDGES)
        )
    finally:
        con.unregister("edges_found")


def review_items(
    con: duckdb.DuckDBPyConnection, entity: str, edges: pa.Table, found: list[pa.Table]
) -> pa.Table:
    """One question per two clusters and kind, about their likeliest pair; ITEMS in the order of item_id.

    con: with tables `records` and `labels`. edges: EDGE_NODES, those for review or refused for two legal numbers are
    asked about. found: questions that are no edge (see contradicted, not_compared).
    """
    decision, reason = edges["decision"], edges["reason"]
    clash = pc.and_(pc.equal(reason, ev.DIFFERENT_NUMBERS), pc.is_null(edges["weight"]))
    asked = edges.filter(pc.or_(pc.equal(decision, ev.REVIEW), clash))
    kinds = " ".join(f"when '{reason}' then '{kind}'" for reason, kind in _KINDS.items())
    con.register("asked", asked)
    con.register("found", pa.concat_tables([_NOTHING_FOUND, *found]))
    try:
        return (
            con.sql(
                f"""
                with questions as (
                    select e.*, case e.reason {kinds} else 'pair' end as kind,
                           least(a.label, b.label) as near, greatest(a.label, b.label) as far
                    from asked as e join labels as a on a.node = e.left_node join labels as b on b.node = e.right_node
                ),
                likeliest as (
                    select left_node, right_node, kind, weight, reason, evidence_code, terms from questions
                    qualify row_number() over (
                        partition by near, far, kind
                        order by weight desc nulls last, left_node, right_node, evidence_code
                    ) = 1
                    -- whether two published ids are one answers the weaker question too
                    and not (
                        kind in ('pair', 'weak_bridge')
                        and bool_or(kind = 'live_merge') over (partition by near, far)
                    )
                    union all
                    select left_node, right_node, kind, null, reason, evidence_code, terms from found
                ),
                keyed as (
                    select i.*, least(a.record_key, b.record_key) as left_record_key,
                           greatest(a.record_key, b.record_key) as right_record_key
                    from likeliest as i
                    join records as a on a.node = i.left_node join records as b on b.node = i.right_node
                )
                select 'rev_' || left(sha256(concat_ws('|', '{entity}', kind, left_record_key, right_record_key)), 12)
                           as item_id,
                       '{entity}' as entity, kind, left_record_key, right_record_key, weight,
                       1 / (1 + pow(2, -greatest(least(weight, 500), -500))) as probability, reason,
                       evidence_code, terms
                from keyed
                -- a cluster and a block of the same two records are one question
                qualify row_number() over (partition by kind, left_record_key, right_record_key order by reason) = 1
                    or kind <> 'oversized'
                order by item_id, reason
                """
            )
            .to_arrow_table()
            .cast(ITEMS)
        )
    finally:
        con.unregister("asked")
        con.unregister("found")


def contradicted(fights: Iterable[Fight]) -> pa.Table:
    """Fights between node numbers as questions; those over the same two nodes are one."""
    names: dict[tuple[int, int], set[str]] = {}
    for fight in fights:
        names.setdefault(fight.keys, set()).update(fight.decision_ids)
    rows = [
        {
            "left_node": left,
            "right_node": right,
            "kind": "contradiction",
            "reason": ev.CONTRADICTORY_DECISIONS,
            "evidence_code": ev.DECIDED_SAME,
            "terms": json.dumps([{"decision_id": name} for name in sorted(names[left, right])]),
        }
        for left, right in sorted(names)
    ]
    return pa.Table.from_pylist(rows, schema=_NOTHING_FOUND.schema)


def not_compared(blocks: pa.Table, nodes: np.ndarray) -> pa.Table:
    """Blocks that were too large to compare (see blocking.largest_dropped) as questions about two of their records.

    nodes (k,): node of each row of the engine. The value itself is not told: both records show it.
    """
    rows = [
        {
            "left_node": int(nodes[block["left_node"]]),
            "right_node": int(nodes[block["right_node"]]),
            "kind": "oversized",
            "reason": ev.BLOCK_TOO_LARGE,
            "evidence_code": block["rule"],
            "terms": json.dumps([{"block": block["rule"], "records": block["n_records"]}]),
        }
        for block in blocks.to_pylist()
    ]
    return pa.Table.from_pylist(rows, schema=_NOTHING_FOUND.schema)


_NOTHING_FOUND = pa.schema(
    [
        ("left_node", pa.int64()),
        ("right_node", pa.int64()),
        ("kind", pa.string()),
        ("reason", pa.string()),
        ("evidence_code", pa.string()),
        ("terms", pa.string()),
    ]
).empty_table()
