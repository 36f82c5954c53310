"""Connected components over integer node numbers.

What does NOT belong here: SQL, record keys, evidence, constraints (see joining).
Labels are always the smallest node number of the component, so they do not depend on edge order.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def component_labels(n_nodes: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Label every node with the smallest node of its component. Shapes: (e,), (e,) -> (n_nodes,)."""
    if n_nodes == 0:
        return np.empty(0, dtype=np.int64)
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(n_nodes, n_nodes))
    _, component = connected_components(graph.tocsr(), directed=False)
    smallest = np.full(component.max() + 1, n_nodes, dtype=np.int64)
    np.minimum.at(smallest, component, np.arange(n_nodes))
    return smallest[component]
