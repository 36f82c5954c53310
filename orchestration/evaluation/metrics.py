"""Agreement of a clustering with the truth, from their contingency table; no pair is ever enumerated.

What does NOT belong here: reading files, printing, charts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Agreement:
    """Precision, recall and F1 of one kind of unit. A share without a denominator is None, never 1."""

    true_positives: float
    n_predicted: float
    n_true: float

    @property
    def precision(self) -> float | None:
        return self.true_positives / self.n_predicted if self.n_predicted else None

    @property
    def recall(self) -> float | None:
        return self.true_positives / self.n_true if self.n_true else None

    @property
    def f1(self) -> float | None:
        total = self.n_predicted + self.n_true
        return 2 * self.true_positives / total if total else None


@dataclass(frozen=True)
class BCubed:
    """B-cubed precision, recall (means over records) and their harmonic mean."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / (self.precision + self.recall)


@dataclass(frozen=True)
class ClusterScores:
    """pairs: pairs of records together; clusters: whole clusters, exactly equal (single records included);
    merged_clusters: the same over clusters of two records or more; b_cubed: record by record."""

    n_records: int
    pairs: Agreement
    clusters: Agreement
    merged_clusters: Agreement
    b_cubed: BCubed
    largest_cluster: int


def _codes(values: np.ndarray) -> np.ndarray:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _pairs(sizes: np.ndarray) -> float:
    sizes = sizes.astype(np.int64)
    return float((sizes * (sizes - 1) // 2).sum())


def score_clusters(labels: np.ndarray, truth: np.ndarray, source: np.ndarray | None = None) -> ClusterScores:
    """Compare two partitions of the same n records. Shapes (n,), any comparable type.

    source: (n,) file of each record when only pairs between files count (two-file linkage); the pairs inside a
    file are then subtracted on both sides.
    """
    if not len(labels) == len(truth):
        raise ValueError("labels and truth must have one value per record")
    cluster, true = _codes(labels), _codes(truth)
    n = len(cluster)
    cluster_sizes, true_sizes = np.bincount(cluster), np.bincount(true)
    width = len(true_sizes)
    cells, counts = np.unique(cluster * width + true, return_counts=True)
    row, column = cells // width, cells % width

    both, predicted, actual = _pairs(counts), _pairs(cluster_sizes), _pairs(true_sizes)
    if source is not None:
        file = _codes(source)
        within = file.max(initial=0) + 1
        both -= _pairs(np.unique((cluster * width + true) * within + file, return_counts=True)[1])
        predicted -= _pairs(np.unique(cluster * within + file, return_counts=True)[1])
        actual -= _pairs(np.unique(true * within + file, return_counts=True)[1])

    equal = (counts == cluster_sizes[row]) & (counts == true_sizes[column])
    weight = counts.astype(np.float64) ** 2
    return ClusterScores(
        n_records=n,
        pairs=Agreement(both, predicted, actual),
        clusters=Agreement(float(equal.sum()), len(cluster_sizes), len(true_sizes)),
        merged_clusters=Agreement(
            float((equal & (counts > 1)).sum()),
            float((cluster_sizes > 1).sum()),
            float((true_sizes > 1).sum()),
        ),
        b_cubed=BCubed(
            float((weight / cluster_sizes[row]).sum() / n), float((weight / true_sizes[column]).sum() / n)
        ),
        largest_cluster=int(cluster_sizes.max()),
    )


def calibration(probability: np.ndarray, is_true: np.ndarray, n_bins: int = 10) -> list[dict[str, float]]:
    """Claimed probability against truth over scored pairs: one row per bin that holds pairs.

    Row: probability_from, probability_to, n_pairs, mean_probability, true_share.
    """
    bins = np.minimum((probability * n_bins).astype(np.int64), n_bins - 1)
    n = np.bincount(bins, minlength=n_bins)
    claimed = np.bincount(bins, weights=probability, minlength=n_bins)
    true = np.bincount(bins, weights=is_true.astype(np.float64), minlength=n_bins)
    return [
        {
            "probability_from": each / n_bins,
            "probability_to": (each + 1) / n_bins,
            "n_pairs": int(n[each]),
            "mean_probability": float(claimed[each] / n[each]),
            "true_share": float(true[each] / n[each]),
        }
        for each in np.flatnonzero(n)
    ]


def threshold_curve(
    weight: np.ndarray, is_true: np.ndarray, n_true: float, n_points: int = 60
) -> list[dict[str, float]]:
    """Precision and recall of "every pair at or above a weight is the same", at up to n_points weights.

    n_true: all true pairs, including those that were never scored. Row: weight, precision, recall, n_pairs.
    """
    if not len(weight):
        return []
    order = np.argsort(-weight, kind="stable")
    hits = np.cumsum(is_true[order])
    levels = np.unique(np.linspace(0, len(weight) - 1, n_points).astype(np.int64))
    # A cut stands after the last pair of its weight: ties are in or out together.
    ends = np.unique(len(weight) - 1 - np.searchsorted(weight[order][::-1], weight[order][levels], "left"))
    return [
        {
            "weight": float(weight[order][end]),
            "n_pairs": int(end + 1),
            "precision": float(hits[end] / (end + 1)),
            "recall": float(hits[end] / n_true) if n_true else 0.0,
        }
        for end in ends
    ]
