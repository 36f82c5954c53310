"""Files of an evaluation: evaluation.json, thresholds.svg, clusters.csv, review.csv.

What does NOT belong here: computing the figures (see evaluating); terminal output (see orchestration.commands).
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from orchestration.evaluation.evaluating import Evaluation
from orchestration.matching.linkage.explanation import explain

#: Pairs of the review file: those nearest to a decision first; a person reads no more.
REVIEW_ROWS = 1000
_TEXTS = {
    "en": (
        "Precision and recall by threshold",
        "match weight from which pairs are the same",
        "precision",
        "recall",
        ("for review from here", "accepted from here"),
    ),
    "fr": (
        "Précision et rappel selon le seuil",
        "poids à partir duquel une paire est identique",
        "précision",
        "rappel",
        ("à vérifier à partir d'ici", "acceptée à partir d'ici"),
    ),
}


def write_files(result: Evaluation, folder: Path, language: str) -> list[Path]:
    """Write all files into `folder` (made when absent) and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / name for name in ("evaluation.json", "clusters.csv", "review.csv")]
    written[0].write_text(json.dumps(result.as_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    pcsv.write_csv(_clusters(result), written[1])
    pcsv.write_csv(review_table(result, language), written[2])
    if result.curve:
        written.append(folder / "thresholds.svg")
        model = result.linked.model
        limits = (model.thresholds.review, model.thresholds.accept) if model else None
        written[-1].write_text(thresholds_svg(result.curve, language, limits), encoding="utf-8")
    return written


def _clusters(result: Evaluation) -> pa.Table:
    """row (1 is the first after the header, two files counted through) and cluster: its first row."""
    rows = result.rows + 1
    cluster = np.unique(
        result.linked.clusters["cluster_key"].to_numpy(zero_copy_only=False), return_inverse=True
    )[1]
    first = np.full(int(cluster.max(initial=0)) + 1, len(rows) + 1)
    np.minimum.at(first, cluster, rows)
    return pa.table({"row": rows, "cluster": first[cluster]}).sort_by("row")


def review_table(result: Evaluation, language: str) -> pa.Table:
    """The pairs for review, best score first: rows of the file, score, reason and the explanation in words."""
    linked = result.linked
    waiting = linked.edges.filter(pc.equal(linked.edges["decision"], "review"))
    waiting = waiting.sort_by(
        [("weight", "descending"), ("left_node", "ascending"), ("right_node", "ascending")]
    )
    edges = waiting.slice(0, REVIEW_ROWS).to_pylist()
    model = linked.model if linked.report.method == "scores" else None
    told = [
        " | ".join(explain(model, edge).sentences(language))
        if model and edge["weight"] is not None
        else edge["reason"]
        for edge in edges
    ]
    return pa.table(
        {
            "left_row": pa.array([int(result.rows[edge["left_node"]]) + 1 for edge in edges], pa.int64()),
            "right_row": pa.array([int(result.rows[edge["right_node"]]) + 1 for edge in edges], pa.int64()),
            "score": pa.array([edge["weight"] for edge in edges], pa.float64()),
            "evidence_code": pa.array([edge["evidence_code"] for edge in edges], pa.string()),
            "reason": pa.array([edge["reason"] for edge in edges], pa.string()),
            "explanation": pa.array(told, pa.string()),
        }
    )


def thresholds_svg(
    curve: list[dict[str, float]], language: str, limits: tuple[float, float] | None = None
) -> str:
    """Precision and recall of all scored pairs over the weight, as SVG text; the bytes depend on the figures only.

    limits: weights from which a pair goes to review and is accepted, drawn when given.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    title, axis, precision, recall, marks = _TEXTS[language]
    weights = [point["weight"] for point in curve]
    with matplotlib.rc_context(
        {**matplotlib.rcParamsDefault, "svg.fonttype": "none", "svg.hashsalt": "etalon"}
    ):
        figure = Figure(figsize=(7.5, 3.8))
        canvas = FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        axes.plot(weights, [point["precision"] for point in curve], label=precision, color="#1f5f8b")
        axes.plot(
            weights, [point["recall"] for point in curve], label=recall, color="#b8562e", linestyle="--"
        )
        axes.set(title=title, xlabel=axis, ylim=(0, 1.02))
        for limit, mark, style in zip(limits or (), marks, (":", "-."), strict=False):
            axes.axvline(limit, label=mark, color="#555555", linestyle=style, linewidth=1)
        axes.grid(alpha=0.3)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
        figure.tight_layout()
        buffer = io.BytesIO()
        canvas.print_svg(buffer, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return buffer.getvalue().decode()
