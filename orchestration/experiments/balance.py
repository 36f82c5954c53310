"""Were the arms alike before the experiment (row EX4): standardised mean differences.

Not here: what was measured before (population), whether arms are as large as meant (srm).
"""

from __future__ import annotations

import numpy as np

#: Arms whose covariate differs by less than this share of its standard deviation count as alike (Austin 2009).
BAR = 0.1


def standardised_difference(test: np.ndarray, control: np.ndarray) -> float | None:
    """(mean of test - mean of control) / sqrt(mean of the two variances); 0 where neither varies and both agree.

    None with fewer than two units in an arm, and where two constants differ.
    """
    if min(len(test), len(control)) < 2:
        return None
    gap = float(test.mean() - control.mean())
    spread = float(np.sqrt((test.var(ddof=1) + control.var(ddof=1)) / 2))
    if spread == 0:
        return 0.0 if gap == 0 else None
    return gap / spread


def worst_of_shares(test: np.ndarray, control: np.ndarray) -> float | None:
    """Greatest absolute standardised difference of the shares of a category between two arms of category names."""
    if min(len(test), len(control)) < 2:
        return None
    found = []
    for name in np.unique(np.concatenate([test, control])):
        p, q = float((test == name).mean()), float((control == name).mean())
        spread = np.sqrt((p * (1 - p) + q * (1 - q)) / 2)
        found.append(abs(p - q) / spread if spread else float(p != q))
    return max(found)
