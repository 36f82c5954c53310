"""Scores of candidate pairs by Splink on DuckDB, with term-frequency adjustments.

Splink gets the pairs that blocking made and the parameters of the model; it trains nothing and draws no chart here.
What does NOT belong here: blocking, decisions.
"""

from __future__ import annotations

import logging
from typing import Any

import duckdb

from orchestration.matching.linkage.model import Comparison, Level, Model, conditions_sql

#: A value is never counted rarer than this share: one spelling seen once is no proof.
LEAST_TERM_FREQUENCY = 1e-6
RECORDS_OF_THE_MODEL = 30


def splink_settings(model: Model) -> dict[str, Any]:
    """The model as a Splink settings object for pairs registered beforehand."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "node",
        "probability_two_random_records_match": model.prior_probability,
        "blocking_rules_to_generate_predictions": ["l.node = r.node"],  # replaced by the registered pairs
        "comparisons": [_comparison(each) for each in model.comparisons],
        "retain_matching_columns": True,  # without them Splink keeps no level numbers
        "retain_intermediate_calculation_columns": True,
        "sql_dialect": "duckdb",
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    levels: list[dict[str, Any]] = [
        {"sql_condition": comparison.null_sql, "label_for_charts": "null", "is_null_level": True}
    ]
    for level in comparison.levels:
        entry: dict[str, Any] = {
            "sql_condition": level.sql,
            "label_for_charts": level.code,
            "m_probability": level.m,
            "u_probability": level.u,
        }
        if level.tf:
            entry |= {
                "tf_adjustment_column": level.tf,
                "tf_adjustment_weight": 1.0,
                "tf_minimum_u_value": LEAST_TERM_FREQUENCY,
            }
        levels.append(entry)
    return {"output_column_name": comparison.name, "comparison_levels": levels}


def score(con: duckdb.DuckDBPyConnection, model: Model, pairs: str, out: str, floor: float | None) -> None:
    """Create table `out` from table `pairs` (left_node, right_node) and table `prepared`.

    Columns of `out`: left_node, right_node, weight (log2 odds), gamma_<comparison>, term_<comparison> (log2 of the
    term-frequency adjustment). Pairs under `floor` are left out; None keeps all.
    """
    from splink import DuckDBAPI, Linker

    columns = {c for comparison in model.comparisons for c in comparison.columns} | set(model.columns)
    con.execute(
        f"CREATE OR REPLACE TEMP VIEW scored_records AS SELECT node, {', '.join(sorted(columns))} FROM prepared"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE splink_pairs AS "
        f"SELECT left_node AS join_key_l, right_node AS join_key_r, '0' AS match_key FROM {pairs}"
    )
    api = DuckDBAPI(connection=con)
    # The model is checked when it is loaded; Splink's own look at every column is a fifth of a small run.
    linker = Linker(api.register("scored_records"), splink_settings(model), validate_settings=False)
    # Splink sets its own level when it starts.
    logging.getLogger("splink").setLevel(logging.ERROR)
    for comparison in model.comparisons:
        for level in comparison.levels:
            if level.tf:
                con.execute(
                    f"CREATE OR REPLACE TEMP TABLE frequency_{level.tf} AS SELECT value AS {level.tf}, "
                    f"share AS tf_{level.tf} FROM frequencies_used WHERE column_ = '{level.tf}'"
                )
                frequencies = api.register(f"frequency_{level.tf}")
                linker.table_management.register_term_frequency_lookup(frequencies, level.tf)
    linker.table_management.register_blocked_pairs_for_predict(api.register("splink_pairs"))
    found = linker.inference.predict(threshold_match_weight=floor, warning_mode="never")
    names = [comparison.name for comparison in model.comparisons]
    with_terms = {c.name for c in model.comparisons if any(level.tf for level in c.levels)}
    details = ", ".join(
        f"gamma_{name}::TINYINT AS gamma_{name}, "
        + (f"mw_tf_adj_{name}" if name in with_terms else "0.0")
        + f"::FLOAT AS term_{name}"
        for name in names
    )
    # Rounded: the sum of logarithms may differ in its last bit between plans.
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {out} AS SELECT least(node_l, node_r) AS left_node, "
        f"greatest(node_l, node_r) AS right_node, round(match_weight, 6) AS weight, {details} "
        f"FROM {found.physical_name}"
    )
    found.drop_table_from_database_and_remove_from_cache()
    api.delete_tables_created_by_splink_from_db()
    con.execute("DROP TABLE splink_pairs; DROP VIEW scored_records")


def count_terms(con: duckdb.DuckDBPyConnection, model: Model) -> dict[str, float]:
    """Create `frequencies_used` (column_, value, share): how often a stranger bears a value that two records share.

    The two records themselves do not count; the share of the level stands for RECORDS_OF_THE_MODEL further records, so
    that in a handful of records a name seen twice is not taken for a common one. Returns the share of a value that
    no record bears, by column.
    """
    con.execute(
        "CREATE OR REPLACE TEMP TABLE frequencies_used (column_ VARCHAR, value VARCHAR, share DOUBLE)"
    )
    known, unseen = RECORDS_OF_THE_MODEL, {}
    for column, level in _terms(model):
        filled = con.execute(f"SELECT count({column}) FROM prepared").fetchall()[0][0]
        con.execute(
            f"INSERT INTO frequencies_used SELECT '{column}', {column}, (greatest(count(*) - 2, 0) + 1 + "
            f"{known * level.u}) / {filled + known} FROM prepared WHERE {column} IS NOT NULL GROUP BY {column}"
        )
        unseen[column] = (1 + known * level.u) / (filled + known)
    return unseen


def add_unseen_terms(con: duckdb.DuckDBPyConnection, model: Model, unseen: dict[str, float]) -> None:
    """Add the values of `prepared` that `frequencies_used` does not hold, with the share `unseen` gives."""
    for column, _ in _terms(model):
        con.execute(
            f"INSERT INTO frequencies_used SELECT DISTINCT '{column}', {column}, {unseen[column]} FROM prepared "
            f"WHERE {column} IS NOT NULL AND {column} NOT IN "
            f"(SELECT value FROM frequencies_used WHERE column_ = '{column}')"
        )


def _terms(model: Model) -> list[tuple[str, Level]]:
    """Columns whose value frequencies refine a level."""
    return [(level.tf, level) for c in model.comparisons for level in c.levels if level.tf]


def judge(con: duckdb.DuckDBPyConnection, model: Model, active: Model, scored: str, out: str) -> None:
    """Create table `out`: the scored pairs with decision (accepted, review, rejected), reason and evidence_code.

    The reason names the gate that capped the decision, else the threshold that was met.
    """
    limits = model.thresholds
    caps = {"review": 1, "reject": 0}
    rank = f"CASE WHEN weight >= {limits.accept} THEN 2 WHEN weight >= {limits.review} THEN 1 ELSE 0 END"
    gates = sorted(model.gates, key=lambda gate: caps[gate.cap])
    whens = [
        f"WHEN rank > {caps[g.cap]} AND ({conditions_sql(g.sql, model, active)}) THEN '{g.code}'"
        for g in gates
    ]
    reason = f"CASE {' '.join(whens)} WHEN rank = 2 THEN 'score' WHEN rank = 1 THEN 'between_thresholds' "
    reason += "ELSE 'low_score' END"
    capped = " ".join(f"WHEN reason = '{g.code}' THEN {caps[g.cap]}" for g in gates)
    evidence = " ".join(
        f"WHEN {conditions_sql(sql, model, active)} THEN '{code}'" for code, sql in model.evidence
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {out} AS "
        f"WITH ranked AS (SELECT *, {rank} AS rank FROM {scored}), "
        f"reasoned AS (SELECT *, {reason} AS reason FROM ranked) "
        f"SELECT * EXCLUDE (rank), CASE {evidence} ELSE 'other' END AS evidence_code, "
        f"CASE CASE {capped or 'WHEN FALSE THEN 0'} ELSE rank END "
        "WHEN 2 THEN 'accepted' WHEN 1 THEN 'review' ELSE 'rejected' END AS decision FROM reasoned"
    )
