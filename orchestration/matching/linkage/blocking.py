"""Candidate pairs: a bounded number of them, counted before any is made.

What does NOT belong here: scoring. Pairs are (left node < right node).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np

from orchestration.matching.linkage.model import BlockingRule, Model

#: No rule gives more pairs than this many per record (and at least MIN_PAIRS): the largest blocks go first.
MAX_PAIRS_PER_RECORD = 15
MIN_PAIRS = 2_000_000


@dataclass(frozen=True)
class BlockingCount:
    """What one rule did. largest_block: records of the largest block used; dropped_*: blocks over the limit."""

    rule: str
    n_pairs: int
    n_blocks: int
    largest_block: int
    refined_blocks: int
    dropped_blocks: int
    dropped_records: int
    dropped_pairs: int


def make_candidates(
    con: duckdb.DuckDBPyConnection, model: Model, *, between_sources: bool
) -> list[BlockingCount]:
    """Create table `candidates` (left_node, right_node) from table `prepared`.

    between_sources: only pairs of two sources (two-file linkage). Returns one count per rule that has keys.
    """
    n_records = con.execute("SELECT count(*) FROM prepared").fetchall()[0][0]
    limit = max(MIN_PAIRS, MAX_PAIRS_PER_RECORD * n_records)
    con.execute("CREATE OR REPLACE TEMP TABLE pairs_found (left_node INTEGER, right_node INTEGER)")
    counts = []
    for rule in model.blocking:
        count = _apply(con, rule, limit, between_sources)
        if count is not None:
            counts.append(count)
            if rule.code == "all_pairs" and not count.dropped_blocks:
                break  # every pair is a candidate: the other rules add none
    con.execute(
        "CREATE OR REPLACE TEMP TABLE candidates AS SELECT DISTINCT left_node, right_node FROM pairs_found;"
        "DROP TABLE pairs_found"
    )
    return counts


def make_keys(con: duckdb.DuckDBPyConnection, rule: BlockingRule) -> None:
    """Create table `keys` (node, key) of one rule; a list gives one row per distinct element."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE keys AS SELECT node, {rule.sql} AS key FROM prepared")
    kind = con.execute(
        "SELECT coalesce(max(typeof(key)), '') FROM (SELECT key FROM keys LIMIT 1)"
    ).fetchall()[0][0]
    if kind.endswith("[]"):
        con.execute(
            "CREATE OR REPLACE TEMP TABLE keys AS SELECT node, unnest(list_distinct(key)) AS key FROM keys "
            "WHERE key IS NOT NULL"
        )
    con.execute("DELETE FROM keys WHERE key IS NULL OR key = ''")


def _apply(
    con: duckdb.DuckDBPyConnection, rule: BlockingRule, limit: int, between_sources: bool
) -> BlockingCount | None:
    make_keys(con, rule)
    # For list keys the refinement belongs to the record, so it is joined rather than carried.
    refined = 0
    if rule.refine:
        con.execute(
            "CREATE OR REPLACE TEMP TABLE large AS SELECT key FROM keys GROUP BY key "
            f"HAVING count(*) > {rule.max_block}"
        )
        refined = con.execute("SELECT count(*) FROM large").fetchall()[0][0]
        if refined:
            con.execute(
                "CREATE OR REPLACE TEMP TABLE keys AS "
                "SELECT k.node, CASE WHEN l.key IS NULL THEN k.key "
                f"ELSE k.key || '|' || coalesce({rule.refine}, '') END AS key "
                "FROM keys AS k LEFT JOIN large AS l USING (key) JOIN prepared AS p USING (node)"
            )
        con.execute("DROP TABLE large")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE block_sizes AS SELECT key, count(*) AS n FROM keys GROUP BY key HAVING n > 1"
    )
    sizes = con.execute("SELECT n, count(*) AS blocks FROM block_sizes GROUP BY n ORDER BY n").fetchnumpy()
    n, blocks = np.asarray(sizes["n"], dtype=np.int64), np.asarray(sizes["blocks"], dtype=np.int64)
    if not len(n):
        return None
    pairs = blocks * n * (n - 1) // 2
    used = (n <= rule.max_block) & (np.cumsum(pairs) <= limit)
    largest = int(n[used].max(initial=0))
    across = (
        "JOIN prepared AS lp ON lp.node = l.node JOIN prepared AS rp ON rp.node = r.node"
        if between_sources
        else ""
    )
    where = "WHERE lp.source <> rp.source" if between_sources else ""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE keys AS SELECT node, key FROM keys SEMI JOIN "
        f"(SELECT key FROM block_sizes WHERE n <= {largest}) AS b USING (key);"
        "INSERT INTO pairs_found SELECT l.node, r.node FROM keys AS l JOIN keys AS r "
        f"ON l.key = r.key AND l.node < r.node {across} {where};"
        "DROP TABLE keys; DROP TABLE block_sizes"
    )
    return BlockingCount(
        rule=rule.code,
        n_pairs=int(pairs[used].sum()),
        n_blocks=int(blocks[used].sum()),
        largest_block=largest,
        refined_blocks=refined,
        dropped_blocks=int(blocks[~used].sum()),
        dropped_records=int((blocks * n)[~used].sum()),
        dropped_pairs=int(pairs[~used].sum()),
    )
