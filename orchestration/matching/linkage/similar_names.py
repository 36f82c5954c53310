"""Pairs of similar names: cosine of character 2- to 4-grams weighted by rarity, sparse and bounded.

For organisations of which only the name is known. N-grams are counted by SQL; the product is made in strips, and
n-grams that stand in too many names find no pair (they still count in the cosine).
What does NOT belong here: the decision; company vocabulary (see standardise.companies).
"""

from __future__ import annotations

import duckdb
import numpy as np
from scipy.sparse import csr_array

#: An n-gram in more names than this finds no candidates.
MAX_NAMES_PER_GRAM = 400
#: Neighbours kept per name.
TOP = 30
_STRIP = 500


def name_vectors(con: duckdb.DuckDBPyConnection, table: str) -> csr_array:
    """Unit tf-idf vectors of column `name` of `table` (node, name), one row per node; rows of no name are zero."""
    n = con.execute(f"SELECT coalesce(max(node), -1) + 1 FROM {table}").fetchall()[0][0]
    rows = con.execute(
        f"""
        WITH padded AS (
            SELECT node, ' ' || name || ' ' AS text FROM {table} WHERE name IS NOT NULL
        ),
        grams AS (
            SELECT node, unnest(list_transform(range(1, length(text) - g.size + 2),
                                               lambda i: substr(text, i, g.size))) AS gram
            FROM padded CROSS JOIN (VALUES (2), (3), (4)) AS g(size) WHERE length(text) >= g.size
        ),
        counted AS (SELECT node, gram, count(*) AS n FROM grams GROUP BY ALL),
        numbered AS (
            SELECT gram, row_number() OVER (ORDER BY gram) - 1 AS column_, count(*) AS n_names
            FROM counted GROUP BY gram
        )
        SELECT node, column_, n, n_names FROM counted JOIN numbered USING (gram) ORDER BY node, column_
        """
    ).fetchnumpy()
    node, column = np.asarray(rows["node"], np.int64), np.asarray(rows["column_"], np.int64)
    names = np.asarray(rows["n_names"], np.float64)
    value = (1 + np.log(np.asarray(rows["n"], np.float64))) * (np.log((1 + n) / (1 + names)) + 1)
    length = np.sqrt(np.bincount(node, weights=value**2, minlength=n))
    width = int(column.max()) + 1 if len(column) else 1
    return csr_array((value / length[node], (node, column)), shape=(n, width))


def similar_pairs(vectors: csr_array, floor: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs whose cosine is at least `floor`, at most TOP per name. Returns (left, right, cosine), left < right."""
    n_names = np.bincount(vectors.indices, minlength=vectors.shape[1])
    finding = csr_array(vectors[:, np.flatnonzero((n_names > 1) & (n_names <= MAX_NAMES_PER_GRAM))])
    turned = csr_array(finding.T)
    lefts, rights = [], []
    for begin in range(0, vectors.shape[0], _STRIP):
        product = csr_array(finding[begin : begin + _STRIP] @ turned)
        row = np.repeat(np.arange(product.shape[0]), np.diff(product.indptr)) + begin
        column, value = product.indices, product.data
        kept = (row != column) & (value >= floor / 4)
        row, column, value = row[kept], column[kept], value[kept]
        order = np.lexsort((column, -value, row))
        row, column = row[order], column[order]
        starts = np.flatnonzero(np.r_[True, np.diff(row) > 0]) if len(row) else np.empty(0, np.int64)
        rank = np.arange(len(row)) - np.repeat(starts, np.diff(np.r_[starts, len(row)]))
        lefts.append(row[rank < TOP])
        rights.append(column[rank < TOP])
    left, right = np.concatenate(lefts), np.concatenate(rights)
    pairs = np.unique(np.stack([np.minimum(left, right), np.maximum(left, right)]), axis=1)
    cosine = cosines(vectors, pairs[0], pairs[1])
    kept = cosine >= floor
    return pairs[0][kept].astype(np.int64), pairs[1][kept].astype(np.int64), cosine[kept]


def cosines(vectors: csr_array, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cosine of each pair of rows, rounded to six digits; in strips."""
    found = np.empty(len(left))
    for begin in range(0, len(left), 200_000):
        part = slice(begin, begin + 200_000)
        found[part] = np.asarray(vectors[left[part]].multiply(vectors[right[part]]).sum(axis=1)).ravel()
    return np.round(found, 6)
