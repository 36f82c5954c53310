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


def evaluate_company(company: Path, work: Path) -> list[CompanyEvaluation]:
    """Scores of accounts and persons. Raises MatchingError E-MAT-009 when truth or matching is not there."""
    known = company / "truth" / "entity_clusters.parquet"
    for needed in (known, *(work / "matching" / f"{entity}_members.parquet" for entity in _ENTITIES)):
        if not needed.is_file():
            missing = needed.relative_to(company) if needed.is_relative_to(company) else needed.name
            raise MatchingError("E-MAT-009", company.name, is_usage=True, detail=f"{missing} is missing")
    con = duckdb.connect()
    try:
        return [_one(con, entity, known, work) for entity in _ENTITIES]
    finally:
        con.close()


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


def as_json(result: CompanyEvaluation) -> dict[str, Any]:
    """Plain JSON values of one entity."""
    from orchestration.evaluation.evaluating import scores_json

    return {
        **scores_json(result.scores),
        "records_without_truth": result.n_unknown,
        "by_evidence": result.by_evidence,
        "edges": result.decisions,
    }
