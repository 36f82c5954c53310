"""Model parameters from unlabelled data: a fixed recipe, without chance, so that a second run gives the same numbers.

u: share of each level among pairs of records that a hash puts side by side, less what true pairs contribute.
m: expectation maximisation per blocking rule over counts of level patterns; a rule says nothing about the
comparisons it fixes. The stored model is the starting point and weighs as much as PRIOR_PAIRS pairs.
Counts are whole numbers in a fixed order, so neither row order nor threads change a bit of the result.
What does NOT belong here: scoring (see scoring), blocking.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import duckdb
import numpy as np

from orchestration.matching.linkage.blocking import make_keys
from orchestration.matching.linkage.model import BlockingRule, Model, level_case

RANDOM_PAIRS = 250_000
PAIRS_PER_RULE = 100_000
PRIOR_PAIRS = 30.0
PRIOR_RANDOM_PAIRS = 200.0
MAX_ROUNDS = 40
#: A level never weighs more than these shares allow, however rare it was in the sample.
LEAST_U, LEAST_M = 1e-6, 2e-3


@dataclass(frozen=True)
class Estimate:
    """The model with estimated parameters and how they were found (one row per rule: n_pairs, expected matches)."""

    model: Model
    expected_matches: float
    rules: list[dict[str, object]]


@dataclass(frozen=True)
class _Patterns:
    """gammas (p, c) level numbers; n (p,) pairs of each pattern."""

    gammas: np.ndarray
    n: np.ndarray


def estimate(con: duckdb.DuckDBPyConnection, model: Model, *, between_sources: bool) -> Estimate:
    """Estimate m, u and the prior for the comparisons of `model` from tables `prepared` and `candidates`."""
    n_records = con.execute("SELECT count(*) FROM prepared").fetchall()[0][0]
    total_pairs = possible_pairs(con, n_records, between_sources)
    stored_u = [np.array([level.u for level in reversed(c.levels)]) for c in model.comparisons]
    stored_m = [np.array([level.m for level in reversed(c.levels)]) for c in model.comparisons]
    found = _candidate_patterns(con, model)
    n_candidates = con.execute("SELECT count(*) FROM candidates").fetchall()[0][0]
    if n_candidates == total_pairs <= RANDOM_PAIRS:  # every pair is a candidate: it is the sample too
        random, per_rule = found, [(model.blocking[0], found)]
    else:
        random = _random_patterns(con, model, n_records)
        per_rule = list(_rule_patterns(con, model, between_sources))
    raw_u = [_shares(random, position, prior, PRIOR_RANDOM_PAIRS) for position, prior in enumerate(stored_u)]

    u, m, rows, matches = raw_u, stored_m, [], 0.0
    for _ in range(2):  # the second pass knows how many true pairs the random ones contained
        sums = [np.zeros_like(each) for each in stored_m]
        rows = []
        for rule, patterns in per_rule:
            counted, rate = _maximise(
                patterns, [c.name not in rule.uses for c in model.comparisons], m, u, stored_m
            )
            rows.append({"rule": rule.code, "n_pairs": int(patterns.n.sum()), "match_rate": round(rate, 6)})
            for position, counts in enumerate(counted):
                if counts is not None:
                    sums[position] += counts
        m = [_smoothed(counts, prior) for counts, prior in zip(sums, stored_m, strict=True)]
        matches = _expected_matches(found, m, u, total_pairs)
        share = min(matches / total_pairs, 0.5)
        u = [_less_matches(raw, each, share) for raw, each in zip(raw_u, m, strict=True)]
    prior = float(np.clip(matches / total_pairs, 1e-9, 0.5))
    comparisons = tuple(
        replace(
            c,
            levels=tuple(
                replace(level, m=float(m[i][c.gamma(level.code)]), u=float(u[i][c.gamma(level.code)]))
                for level in c.levels
            ),
        )
        for i, c in enumerate(model.comparisons)
    )
    return Estimate(replace(model, comparisons=comparisons, prior_probability=prior), matches, rows)


def possible_pairs(con: duckdb.DuckDBPyConnection, n: int, between_sources: bool) -> float:
    """Number of pairs of the n records of table `prepared`; between sources only when asked."""
    within = 0
    if between_sources:
        within = con.execute(
            "SELECT coalesce(sum(n * (n - 1) / 2), 0) FROM (SELECT count(*) AS n FROM prepared GROUP BY source)"
        ).fetchall()[0][0]
    return max(n * (n - 1) / 2 - float(within), 1.0)


def _patterns(con: duckdb.DuckDBPyConnection, model: Model, pairs_sql: str) -> _Patterns:
    columns = sorted(set(model.columns))
    left = ", ".join(f"l.{column} AS {column}_l" for column in columns)
    right = ", ".join(f"r.{column} AS {column}_r" for column in columns)
    cases = ", ".join(f"{level_case(c)} AS gamma_{c.name}" for c in model.comparisons)
    names = [f"gamma_{c.name}" for c in model.comparisons]
    rows = con.execute(
        f"SELECT {', '.join(names)}, count(*) AS n FROM (SELECT {cases} FROM (SELECT {left}, {right} FROM "
        f"({pairs_sql}) AS p JOIN prepared AS l ON l.node = p.left_node JOIN prepared AS r ON r.node = p.right_node)) "
        f"GROUP BY ALL ORDER BY {', '.join(names)}"
    ).fetchnumpy()
    gammas = np.stack([np.asarray(rows[name], dtype=np.int64) for name in names], axis=1)
    return _Patterns(gammas, np.asarray(rows["n"], dtype=np.float64))


def _random_patterns(con: duckdb.DuckDBPyConnection, model: Model, n: int) -> _Patterns:
    # Each record with the k that follow it in hash order: n * k distinct pairs that nothing but chance made.
    k = max(1, min((n - 1) // 2, RANDOM_PAIRS // max(n, 1)))
    modulus = max(1, n * k // RANDOM_PAIRS)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE shuffled AS "
        "SELECT node, row_number() OVER (ORDER BY md5(record_key), node) - 1 AS place FROM prepared"
    )
    pairs = (
        "SELECT least(a.node, b.node) AS left_node, greatest(a.node, b.node) AS right_node "
        f"FROM shuffled AS a CROSS JOIN range(1, {k + 1}) AS s(step) JOIN shuffled AS b "
        f"ON b.place = (a.place + s.step) % {max(n, 1)} WHERE a.place % {modulus} = 0 AND a.node <> b.node"
    )
    found = _patterns(con, model, pairs)
    con.execute("DROP TABLE shuffled")
    return found


def _candidate_patterns(con: duckdb.DuckDBPyConnection, model: Model) -> _Patterns:
    total = con.execute("SELECT count(*) FROM candidates").fetchall()[0][0]
    every = max(1, total // (4 * PAIRS_PER_RULE))
    found = _patterns(
        con,
        model,
        f"SELECT * FROM candidates WHERE (CAST(left_node AS BIGINT) * 31 + right_node) % {every} = 0",
    )
    scale = total / found.n.sum() if found.n.sum() else 1.0
    return _Patterns(found.gammas, found.n * scale)


def _rule_patterns(
    con: duckdb.DuckDBPyConnection, model: Model, between_sources: bool
) -> Iterator[tuple[BlockingRule, _Patterns]]:
    across = "AND l.source <> r.source" if between_sources else ""
    for rule in model.blocking:
        make_keys(con, rule)
        con.execute(
            "CREATE OR REPLACE TEMP TABLE keys AS SELECT k.node, k.key, p.source FROM keys AS k JOIN prepared AS p "
            "USING (node) WHERE k.key IN (SELECT key FROM keys GROUP BY key "
            f"HAVING count(*) BETWEEN 2 AND {rule.max_block})"
        )
        pairs = (
            "SELECT DISTINCT l.node AS left_node, r.node AS right_node FROM keys AS l JOIN keys AS r "
            f"ON l.key = r.key AND l.node < r.node {across}"
        )
        con.execute(f"CREATE OR REPLACE TEMP TABLE rule_pairs AS {pairs}")
        total = con.execute("SELECT count(*) FROM rule_pairs").fetchall()[0][0]
        if total:
            every = max(1, total // PAIRS_PER_RULE)
            yield (
                rule,
                _patterns(
                    con,
                    model,
                    f"SELECT * FROM rule_pairs WHERE (CAST(left_node AS BIGINT) * 31 + right_node) % {every} = 0",
                ),
            )
        con.execute("DROP TABLE rule_pairs; DROP TABLE keys")


def _shares(patterns: _Patterns, position: int, prior: np.ndarray, prior_pairs: float) -> np.ndarray:
    gammas = patterns.gammas[:, position]
    known = gammas >= 0
    counts = np.bincount(gammas[known], weights=patterns.n[known], minlength=len(prior))
    return _normal((counts + prior_pairs * prior) / (counts.sum() + prior_pairs), LEAST_U)


def _smoothed(counts: np.ndarray, prior: np.ndarray) -> np.ndarray:
    return _normal((counts + PRIOR_PAIRS * prior) / (counts.sum() + PRIOR_PAIRS), LEAST_M)


def _less_matches(raw: np.ndarray, m: np.ndarray, share: float) -> np.ndarray:
    # Never below a twentieth of what was seen: the correction is an estimate itself.
    return _normal(np.maximum((raw - share * m) / (1 - share), raw / 20), LEAST_U)


def _normal(shares: np.ndarray, least: float) -> np.ndarray:
    shares = np.maximum(shares, least)
    return shares / shares.sum()


def _log_ratios(gammas: np.ndarray, used: list[bool], m: list[np.ndarray], u: list[np.ndarray]) -> np.ndarray:
    total = np.zeros(len(gammas))
    for position, is_used in enumerate(used):
        if is_used:
            ratio = np.log(m[position] / u[position])
            column = gammas[:, position]
            total += np.where(column >= 0, ratio[np.maximum(column, 0)], 0.0)
    return total


def _maximise(
    patterns: _Patterns, used: list[bool], m: list[np.ndarray], u: list[np.ndarray], stored: list[np.ndarray]
) -> tuple[list[np.ndarray | None], float]:
    """Expected counts of true pairs per level (None for comparisons the rule fixes) and the share of true pairs."""
    rate, counts = 0.2, [None] * len(m)
    current = list(m)
    n = patterns.n.sum()
    for _ in range(MAX_ROUNDS):
        odds = _log_ratios(patterns.gammas, used, current, u) + np.log(rate / (1 - rate))
        weight = patterns.n / (1 + np.exp(-np.clip(odds, -60, 60)))
        before, rate = rate, float(np.clip(weight.sum() / n, 1e-7, 1 - 1e-7))
        for position, is_used in enumerate(used):
            if is_used:
                gammas = patterns.gammas[:, position]
                known = gammas >= 0
                counts[position] = np.bincount(
                    gammas[known], weights=weight[known], minlength=len(m[position])
                )
                current[position] = _smoothed(counts[position], stored[position])
        if abs(rate - before) < 1e-7:
            break
    return counts, rate


def _expected_matches(patterns: _Patterns, m: list[np.ndarray], u: list[np.ndarray], total: float) -> float:
    ratios = _log_ratios(patterns.gammas, [True] * len(m), m, u)
    matches = patterns.n.sum() * 0.1
    for _ in range(MAX_ROUNDS):
        share = np.clip(matches / total, 1e-9, 0.5)
        odds = np.clip(ratios + np.log(share / (1 - share)), -60, 60)
        matches = float((patterns.n / (1 + np.exp(-odds))).sum())
    return matches
