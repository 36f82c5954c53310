"""Candidate pairs: a bounded number of them, counted before any is made.

What does NOT belong here: scoring. Pairs are (left node < right node).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.matching.linkage.model import BlockingRule, Model

#: No rule gives more pairs than this many per record (and at least MIN_PAIRS): the largest blocks go first.
MAX_PAIRS_PER_RECORD = 15
MIN_PAIRS = 2_000_000
#: Dropped blocks that are told one by one, the largest first; all of them are counted.
BLOCKS_TOLD = 20
DROPPED_BLOCKS = pa.schema(
    [("rule", pa.string()), ("n_records", pa.int64()), ("left_node", pa.int32()), ("right_node", pa.int32())]
)


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
    """Create tables `candidates` (left_node, right_node) and `large_keys` (rule, stage, key) from table `prepared`.

    between_sources: only pairs of two sources (two-file linkage). large_keys: blocks that were split (stage 1) or
    dropped (stage 2). Table `dropped_blocks`: see largest_dropped. Returns one count per rule that has keys.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE large_keys (rule VARCHAR, stage TINYINT, key VARCHAR)")
    con.execute(_EMPTY_DROPPED_BLOCKS)
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


_EMPTY_DROPPED_BLOCKS = (
    "CREATE OR REPLACE TEMP TABLE dropped_blocks "
    "(rule VARCHAR, n_records BIGINT, left_node INTEGER, right_node INTEGER)"
)


def _note_dropped(con: duckdb.DuckDBPyConnection, rule: BlockingRule, keys: str) -> None:
    """Add the blocks of table `keys` that query `keys` lists to `dropped_blocks`."""
    con.execute(
        f"INSERT INTO dropped_blocks SELECT '{rule.code}', count(*), min(node), max(node) FROM keys "
        f"WHERE key IN ({keys}) GROUP BY key HAVING count(*) > 1"
    )


def largest_dropped(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """The largest blocks that were not compared: rule, n_records, left_node, right_node (its first and last record).

    Two rules may drop the same records: told once, of the larger block. All pairs at once is no shared value.
    """
    return con.sql(
        "SELECT * FROM dropped_blocks WHERE rule <> 'all_pairs' QUALIFY row_number() OVER "
        "(PARTITION BY left_node, right_node ORDER BY n_records DESC, rule) = 1 "
        f"ORDER BY n_records DESC, rule, left_node, right_node LIMIT {BLOCKS_TOLD}"
    ).to_arrow_table()


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


def _refined(rule: BlockingRule) -> str:
    """SQL that replaces `keys`: those of blocks in `large` get the second key too."""
    return (
        "CREATE OR REPLACE TEMP TABLE keys AS SELECT k.node, CASE WHEN l.key IS NULL THEN k.key "
        f"ELSE k.key || '|' || coalesce({rule.refine}, '') END AS key "
        "FROM keys AS k LEFT JOIN large AS l USING (key) JOIN prepared AS p USING (node)"
    )


def make_candidates_of_touched(
    con: duckdb.DuckDBPyConnection, model: Model, *, between_sources: bool
) -> list[BlockingCount]:
    """Create table `candidates` of the pairs with a record in table `touched` (node).

    `large_keys` holds what the first run split and dropped, and so it stays. A block that has outgrown twice its
    limit since is split or dropped too; then its records join `touched`, for pairs of theirs may be given up.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE pairs_found (left_node INTEGER, right_node INTEGER)")
    con.execute(_EMPTY_DROPPED_BLOCKS)
    counts: list[BlockingCount] = []
    position = 0
    while position < len(model.blocking):
        rule = model.blocking[position]
        count, is_grown = _apply_to_touched(con, rule, between_sources)
        if is_grown:  # more records are touched: the rules before this one have pairs of theirs too
            con.execute("DELETE FROM pairs_found; DELETE FROM dropped_blocks")
            counts, position = [], 0
            continue
        position += 1
        if count is not None:
            counts.append(count)
            if rule.code == "all_pairs" and not count.dropped_blocks:
                break
    con.execute(
        "CREATE OR REPLACE TEMP TABLE candidates AS SELECT DISTINCT left_node, right_node FROM pairs_found;"
        "DROP TABLE pairs_found"
    )
    return counts


def _apply_to_touched(
    con: duckdb.DuckDBPyConnection, rule: BlockingRule, between_sources: bool
) -> tuple[BlockingCount | None, bool]:
    """Add the pairs of one rule to `pairs_found`, or say that its grown blocks have added to `touched`."""
    make_keys(con, rule)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE keys AS SELECT node, key FROM keys SEMI JOIN "
        "(SELECT DISTINCT key FROM keys SEMI JOIN touched USING (node)) AS k USING (key)"
    )
    is_grown, refined = False, 0
    if rule.refine:
        is_grown = _note_grown(con, rule, 1)
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE large AS SELECT key FROM large_keys WHERE rule = '{rule.code}' "
            "AND stage = 1 AND key IN (SELECT key FROM keys)"
        )
        refined = con.execute("SELECT count(*) FROM large").fetchall()[0][0]
        if refined:
            con.execute(_refined(rule))
        con.execute("DROP TABLE large")
    is_grown |= _note_grown(con, rule, 2)
    dropped = f"SELECT key FROM large_keys WHERE rule = '{rule.code}' AND stage = 2"
    n_dropped, dropped_records, dropped_pairs = con.execute(
        "SELECT count(*), coalesce(sum(n), 0), coalesce(sum(n * (n - 1) // 2), 0) FROM "
        f"(SELECT count(*) AS n FROM keys WHERE key IN ({dropped}) GROUP BY key)"
    ).fetchall()[0]
    if n_dropped:
        _note_dropped(con, rule, dropped)
    con.execute(f"DELETE FROM keys WHERE key IN ({dropped})")
    n_blocks, largest = con.execute(
        "SELECT count(*), coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM keys GROUP BY key HAVING n > 1)"
    ).fetchall()[0]
    if is_grown or not (n_blocks or n_dropped):
        con.execute("DROP TABLE keys")
        return None, is_grown
    where = ""
    if between_sources:
        where = "JOIN prepared AS tp ON tp.node = t.node JOIN prepared AS op ON op.node = o.node "
        where += "WHERE tp.source <> op.source"
    con.execute(
        "CREATE OR REPLACE TEMP TABLE rule_pairs AS SELECT least(t.node, o.node) AS left_node, "
        "greatest(t.node, o.node) AS right_node FROM (SELECT * FROM keys SEMI JOIN touched USING (node)) AS t "
        "JOIN (SELECT k.*, h.node IS NOT NULL AS is_touched FROM keys AS k LEFT JOIN touched AS h USING (node)) AS o "
        f"ON t.key = o.key AND (CASE WHEN o.is_touched THEN t.node < o.node ELSE TRUE END) {where}"
    )
    n_pairs = con.execute("SELECT count(*) FROM rule_pairs").fetchall()[0][0]
    con.execute("INSERT INTO pairs_found SELECT * FROM rule_pairs; DROP TABLE rule_pairs; DROP TABLE keys")
    return (
        BlockingCount(
            rule.code,
            n_pairs,
            n_blocks,
            largest,
            refined,
            n_dropped,
            int(dropped_records),
            int(dropped_pairs),
        ),
        False,
    )


def _note_grown(con: duckdb.DuckDBPyConnection, rule: BlockingRule, stage: int) -> bool:
    """Add blocks of `keys` over twice the limit to `large_keys`; True when records of theirs were not touched yet."""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE grown AS SELECT key FROM keys WHERE key NOT IN (SELECT key FROM large_keys "
        f"WHERE rule = '{rule.code}' AND stage = {stage}) GROUP BY key HAVING count(*) > {2 * rule.max_block};"
        f"INSERT INTO large_keys SELECT '{rule.code}', {stage}, key FROM grown"
    )
    before = con.execute("SELECT count(*) FROM touched").fetchall()[0][0]
    con.execute(
        "INSERT INTO touched SELECT DISTINCT node FROM keys WHERE key IN (SELECT key FROM grown) "
        "AND node NOT IN (SELECT node FROM touched); DROP TABLE grown"
    )
    return con.execute("SELECT count(*) FROM touched").fetchall()[0][0] > before


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
            con.execute(f"INSERT INTO large_keys SELECT '{rule.code}', 1, key FROM large;" + _refined(rule))
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
    if not used.all():
        con.execute(
            f"INSERT INTO large_keys SELECT '{rule.code}', 2, key FROM block_sizes WHERE n > {largest}"
        )
        _note_dropped(con, rule, f"SELECT key FROM block_sizes WHERE n > {largest}")
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
