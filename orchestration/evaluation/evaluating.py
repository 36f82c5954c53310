"""Evaluate linkage on a labelled table: link it without its labels, then compare.

What does NOT belong here: printing, charts (see report_files), the metrics themselves (see metrics).
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sql import ident, literal
from orchestration.evaluation.metrics import (
    Agreement,
    ClusterScores,
    calibration,
    score_clusters,
    threshold_curve,
)
from orchestration.matching.errors import MatchingError
from orchestration.matching.linkage import Linked, link
from orchestration.matching.standardise.roles import ROLES, Entity

#: Column of read_tables: the file a row comes from.
FILE_COLUMN = "etalon_file"


@dataclass(frozen=True)
class Evaluation:
    """scores: clusters against the truth (review pairs count as apart). accepted, review: pairs by decision.

    by_evidence: evidence_code -> precision of its accepted pairs. blocking_recall: share of true pairs that were
    candidates or certain. curve, calibration: rows of dictionaries (see metrics). seconds, peak_bytes: of the linkage,
    the latter of the whole process. rows (n,): row of the table of each node.
    """

    scores: ClusterScores
    by_evidence: dict[str, dict[str, float]]
    accepted_precision: float | None
    review_pairs: int
    review_true_pairs: int
    blocking_recall: float | None
    calibration: list[dict[str, float]]
    curve: list[dict[str, float]]
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    linked: Linked
    rows: np.ndarray

    def as_json(self) -> dict[str, Any]:
        """Everything but the records, as plain JSON values."""
        return {
            **scores_json(self.scores),
            "accepted_pair_precision": self.accepted_precision,
            "by_evidence": self.by_evidence,
            "review": {"pairs": self.review_pairs, "true_pairs": self.review_true_pairs},
            "blocking_recall": self.blocking_recall,
            "calibration": self.calibration,
            "threshold_curve": self.curve,
            "seconds": round(self.seconds, 2),
            "cpu_seconds": round(self.cpu_seconds, 2),
            "peak_megabytes": self.peak_bytes // 1_000_000,
            "linkage": asdict(self.linked.report),
        }


def scores_json(scores: ClusterScores) -> dict[str, Any]:
    """Scores as plain JSON values."""
    return {
        "n_records": scores.n_records,
        "n_clusters": int(scores.clusters.n_predicted),
        "largest_cluster": scores.largest_cluster,
        "pairs": _agreement_json(scores.pairs),
        "clusters": _agreement_json(scores.clusters),
        "merged_clusters": _agreement_json(scores.merged_clusters),
        "b_cubed": {
            "precision": scores.b_cubed.precision,
            "recall": scores.b_cubed.recall,
            "f1": scores.b_cubed.f1,
        },
    }


def _agreement_json(agreement: Agreement) -> dict[str, float | None]:
    """Precision, recall, F1 and the counts behind them."""
    return {
        "precision": agreement.precision,
        "recall": agreement.recall,
        "f1": agreement.f1,
        "true_positives": agreement.true_positives,
        "predicted": agreement.n_predicted,
        "true": agreement.n_true,
    }


def read_tables(files: list[Path]) -> pa.Table:
    """One or two CSV files as one table of texts, with the file of each row in the last column.

    Columns that only one file has are empty in the other. UTF-8, else Windows-1252. Raises MatchingError E-MAT-006.
    """
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as con:
        try:
            parts = []
            for number, file in enumerate(files):
                path = _as_utf8(file, Path(folder) / f"{number}.csv")
                con.execute(
                    f"CREATE TABLE file_{number} AS SELECT *, {literal(str(number))} AS {FILE_COLUMN} "
                    f"FROM read_csv({literal(str(path))}, header = true, all_varchar = true)"
                )
                parts.append(f"SELECT * FROM file_{number}")
            return con.sql(" UNION ALL BY NAME ".join(parts)).to_arrow_table()
        except duckdb.Error as error:
            raise MatchingError("E-MAT-006", file.name, detail=str(error).splitlines()[0]) from error


def _as_utf8(file: Path, copy: Path) -> Path:
    """The file itself, or a copy in UTF-8 when its bytes are not."""
    content = file.read_bytes()
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        copy.write_text(content.decode("cp1252", errors="replace"), encoding="utf-8", newline="")
        return copy
    return file


def first_filled(table: pa.Table, columns: list[str]) -> tuple[pa.Table, str]:
    """The table with one column more that holds the first filled of `columns`, and its name: two files may call one
    thing by two names. One column alone is returned as it is. Raises MatchingError E-MAT-001."""
    if len(columns) == 1:
        return table, columns[0]
    for column in columns:
        if column not in table.column_names:
            listed = ", ".join(name for name in table.column_names if name != FILE_COLUMN)
            raise MatchingError("E-MAT-001", column, is_usage=True, column=column, columns=listed)
    name = " or ".join(columns)
    return table.append_column(name, pc.coalesce(*(table[column] for column in columns))), name


def truth_codes(table: pa.Table, column: str) -> np.ndarray:
    """The truth of each row as integers. Raises MatchingError: no such column, empty cells, nothing to judge."""
    if column not in table.column_names:
        listed = ", ".join(name for name in table.column_names if name != FILE_COLUMN)
        raise MatchingError("E-MAT-001", column, is_usage=True, column=column, columns=listed)
    con = duckdb.connect()
    try:
        con.register("given", table)
        found = con.execute(
            f"SELECT count(*), count(nullif(trim({ident(column)}), '')), count(DISTINCT trim({ident(column)})) "
            "FROM given"
        ).fetchone()
        total, filled, distinct = found
        if filled < total:
            raise MatchingError("E-MAT-004", column, column=column, n=total - filled, total=total)
        if distinct in (0, 1, total):
            raise MatchingError("E-MAT-005", column, column=column)
    finally:
        con.close()
    return np.unique(np.asarray(table[column].to_pylist(), dtype=object).astype(str), return_inverse=True)[1]


def evaluate_table(
    table: pa.Table,
    truth_column: str,
    entity: Entity,
    roles: Mapping[str, str],
    *,
    two_files: bool = False,
    region: str | None = None,
    parameters: str = "estimated",
) -> Evaluation:
    """Link the rows of `table` without its truth column and compare the clusters with it.

    roles: role -> column. Rows are keyed by their content, so that two files may use the same record keys and a
    truth that hides in a key is without effect.
    """
    truth = truth_codes(table, truth_column)
    mapped = {role: column for role, column in roles.items() if role not in ("record_key", "source")}
    if truth_column in mapped.values():
        raise MatchingError("E-MAT-003", truth_column, is_usage=True, detail="the truth cannot be compared")
    _check_columns(mapped, table, entity)
    keyed = _keyed(table, list(dict.fromkeys(mapped.values())))
    mapped["record_key"] = "etalon_key"
    if two_files:
        mapped["source"] = FILE_COLUMN
    started, started_cpu = time.perf_counter(), time.process_time()
    linked = link(keyed, entity, mapped, region=region, parameters=parameters, between_sources=two_files)
    seconds, cpu = time.perf_counter() - started, time.process_time() - started_cpu
    rows = np.argsort(np.asarray(keyed["etalon_key"].to_pylist(), dtype=str), kind="stable")
    source = np.asarray(table[FILE_COLUMN].to_pylist())[rows] if two_files else None
    return judge(linked, truth[rows], source, rows, seconds, cpu)


def _check_columns(mapped: Mapping[str, str], table: pa.Table, entity: str) -> None:
    listed = [name for name in table.column_names if name != FILE_COLUMN]
    for role, column in mapped.items():
        if role not in ROLES[entity]:
            raise MatchingError(
                "E-MAT-002", role, is_usage=True, role=role, entity=entity, roles=", ".join(ROLES[entity])
            )
        if column not in listed:
            raise MatchingError("E-MAT-001", role, is_usage=True, column=column, columns=", ".join(listed))
    if not mapped:
        raise MatchingError("E-MAT-003", entity, is_usage=True, detail="no column has a role")


def _keyed(table: pa.Table, columns: list[str]) -> pa.Table:
    """The compared columns, the file and a key by content: the order of the rows decides nothing."""
    con = duckdb.connect()
    try:
        con.register("given", table.append_column("etalon_row", pa.array(np.arange(table.num_rows))))
        listed = ", ".join(ident(column) for column in columns)
        content = ", ".join(f"coalesce({ident(column)}, chr(0))" for column in columns)
        return con.sql(
            f"SELECT {listed}, {FILE_COLUMN}, content || '-' || lpad(CAST(row_number() OVER (PARTITION BY content "
            "ORDER BY etalon_row) AS VARCHAR), 9, '0') AS etalon_key "
            f"FROM (SELECT *, md5(concat_ws(chr(31), {FILE_COLUMN}, {content})) AS content FROM given) "
            "ORDER BY etalon_row"
        ).to_arrow_table()
    finally:
        con.close()


def judge(
    linked: Linked,
    truth: np.ndarray,
    source: np.ndarray | None,
    rows: np.ndarray,
    seconds: float,
    cpu_seconds: float,
) -> Evaluation:
    """Compare linked records with the truth and the file of each node (n,); rows (n,): its row in the table."""
    keys = np.asarray(linked.clusters["cluster_key"].to_pylist(), dtype=str)
    scores = score_clusters(keys, truth, source)
    edges = linked.edges
    left, right = edges["left_node"].to_numpy(), edges["right_node"].to_numpy()
    is_true = truth[left] == truth[right]
    decision = np.asarray(edges["decision"].to_pylist(), dtype=object)
    evidence = np.asarray(edges["evidence_code"].to_pylist(), dtype=object)
    accepted, review = decision == "accepted", decision == "review"
    by_evidence = {}
    for code in sorted(set(evidence[accepted])):
        chosen = accepted & (evidence == code)
        by_evidence[code] = {"pairs": int(chosen.sum()), "precision": float(is_true[chosen].mean())}
    n_true = scores.pairs.n_true
    candidates = linked.candidates
    n = len(truth)
    seen = candidates["left_node"].to_numpy().astype(np.int64) * n + candidates["right_node"].to_numpy()
    certain = accepted & (np.asarray(edges["reason"].to_pylist(), dtype=object) == "certain")
    seen = np.union1d(seen, left[certain].astype(np.int64) * n + right[certain])
    found = truth[seen // n] == truth[seen % n]
    if source is not None:
        found &= source[seen // n] != source[seen % n]
    weight = edges["weight"].to_numpy(zero_copy_only=False).astype(np.float64)
    scored = ~np.isnan(weight)
    if linked.report.method == "scores":
        probability = 1 / (1 + np.exp2(-np.clip(weight[scored], -60, 60)))
        calibrated = calibration(probability, is_true[scored])
    else:
        calibrated = []  # a cosine claims no probability
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Evaluation(
        scores=scores,
        by_evidence=by_evidence,
        accepted_precision=float(is_true[accepted].mean()) if accepted.any() else None,
        review_pairs=int(review.sum()),
        review_true_pairs=int((review & is_true).sum()),
        blocking_recall=float(found.sum() / n_true) if n_true else None,
        calibration=calibrated,
        curve=threshold_curve(weight[scored], is_true[scored], n_true),
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        peak_bytes=peak if sys.platform == "darwin" else peak * 1024,
        linked=linked,
        rows=rows,
    )
