"""Evaluate the matching that a run of the pipeline has made, on the demo company's known truth.

What does NOT belong here: linking records (the pipeline did it), labelled files of other origin (see evaluating).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from ingest.sql import literal
from orchestration.evaluation.metrics import ClusterScores, score_clusters
from orchestration.matching.errors import MatchingError

_ENTITIES = {"account": "account_id", "person": "person_id"}


@dataclass(frozen=True)
class CompanyEvaluation:
    """entity: account or person. scores over the records that truth and run share; n_unknown: records of the run
    that the truth does not know. by_evidence: accepted edges by evidence code with their precision."""

    entity: str
    scores: ClusterScores
    n_unknown: int
    by_evidence: dict[str, dict[str, float]]
    decisions: dict[str, int]


@dataclass(frozen=True)
class TrapOutcome:
    """Planted traps of a kind: how many there are, in how many of them two records were merged, or wait for review."""

    entity: str
    kind: str
    planted: int
    merged: int
    in_review: int


def evaluate_company(company: Path, work: Path) -> list[CompanyEvaluation]:
    """Scores of accounts and persons. Raises MatchingError E-MAT-009 when truth or matching is not there."""
    known = company / "truth" / "entity_clusters.parquet"
    _need(company, known, *(work / "matching" / f"{entity}_members.parquet" for entity in _ENTITIES))
    con = duckdb.connect()
    try:
        return [_one(con, entity, known, work) for entity in _ENTITIES]
    finally:
        con.close()


def evaluate_traps(company: Path, work: Path) -> list[TrapOutcome]:
    """What became of the records that must stay apart, by entity and kind; empty for a truth without traps.

    A trap is merged when any two of its records have one golden id; a record that no golden id holds is apart.
    Raises MatchingError E-MAT-009 when the matching is not there.
    """
    planted = company / "truth" / "traps.parquet"
    if not planted.is_file():
        return []
    _need(company, work / "matching" / "review_items.parquet")
    members = " UNION ALL ".join(
        f"SELECT '{entity}' AS entity, record_key, {golden_id} AS golden_id FROM "
        f"read_parquet({literal(str(work / 'matching' / f'{entity}_members.parquet'))})"
        for entity, golden_id in _ENTITIES.items()
    )
    review_items = literal(str(work / "matching" / "review_items.parquet"))
    con = duckdb.connect()
    try:
        rows = con.execute(
            f"WITH trap AS (SELECT * FROM read_parquet({literal(str(planted))})), members AS ({members}), "
            "merged AS (SELECT DISTINCT trap_id FROM trap JOIN members USING (entity, record_key) "
            "GROUP BY trap_id, golden_id HAVING count(*) > 1), "
            f"asked AS (SELECT DISTINCT l.trap_id FROM read_parquet({review_items}) AS i "
            "JOIN trap AS l ON l.record_key = i.left_record_key AND l.entity = i.entity "
            "JOIN trap AS r ON r.record_key = i.right_record_key AND r.trap_id = l.trap_id) "
            "SELECT entity, kind, count(DISTINCT trap_id), count(DISTINCT trap_id) FILTER (trap_id IN (FROM merged)), "
            "count(DISTINCT trap_id) FILTER (trap_id IN (FROM asked)) FROM trap GROUP BY entity, kind ORDER BY ALL"
        ).fetchall()
    finally:
        con.close()
    return [TrapOutcome(*row) for row in rows]


def _need(company: Path, *files: Path) -> None:
    for needed in files:
        if not needed.is_file():
            missing = needed.relative_to(company) if needed.is_relative_to(company) else needed.name
            raise MatchingError("E-MAT-009", company.name, is_usage=True, detail=f"{missing} is missing")


def _one(con: duckdb.DuckDBPyConnection, entity: str, known: Path, work: Path) -> CompanyEvaluation:
    members = literal(str(work / "matching" / f"{entity}_members.parquet"))
    edges = literal(str(work / "matching" / "edges.parquet"))
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE truth_of AS SELECT source_instance || '/' || contract || '/' || "
        f"source_record_id AS record_key, true_id FROM read_parquet({literal(str(known))}) WHERE entity = '{entity}'"
    )
    rows = con.execute(
        f"SELECT m.{_ENTITIES[entity]} AS found, t.true_id FROM read_parquet({members}) AS m "
        "JOIN truth_of AS t USING (record_key) ORDER BY record_key"
    ).fetchnumpy()
    unknown = con.execute(
        f"SELECT count(*) FROM read_parquet({members}) WHERE record_key NOT IN (SELECT record_key FROM truth_of)"
    ).fetchone()[0]
    if not len(rows["found"]):
        raise MatchingError(
            "E-MAT-009", entity, is_usage=True, detail=f"no {entity} of the run is in the truth"
        )
    evidence: dict[str, dict[str, float]] = {}
    decisions: dict[str, int] = {}
    for code, decision, pairs, precision in con.execute(
        f"SELECT evidence_code, decision, count(*), avg(cast(l.true_id = r.true_id AS INTEGER)) "
        f"FROM read_parquet({edges}) AS e JOIN truth_of AS l ON l.record_key = e.left_record_key "
        f"JOIN truth_of AS r ON r.record_key = e.right_record_key WHERE e.entity = '{entity}' "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall():
        decisions[decision] = decisions.get(decision, 0) + pairs
        if decision == "accepted":
            evidence[code] = {"pairs": pairs, "precision": precision}
    scores = score_clusters(np.asarray(rows["found"], dtype=str), np.asarray(rows["true_id"], dtype=str))
    return CompanyEvaluation(entity, scores, unknown, evidence, decisions)


def traps_json(outcomes: list[TrapOutcome]) -> dict[str, Any]:
    """Sums over all traps and the same by kind, as plain JSON values."""
    figures = ("planted", "merged", "in_review")
    return {
        **{name: sum(getattr(each, name) for each in outcomes) for name in figures},
        "by_kind": [
            {"entity": each.entity, "kind": each.kind, **{name: getattr(each, name) for name in figures}}
            for each in outcomes
        ],
    }


def as_json(result: CompanyEvaluation) -> dict[str, Any]:
    """Plain JSON values of one entity."""
    from orchestration.evaluation.evaluating import scores_json

    return {
        **scores_json(result.scores),
        "records_without_truth": result.n_unknown,
        "by_evidence": result.by_evidence,
        "edges": result.decisions,
    }
