"""Worlds of deals with a known truth: in one a feature decides, in the other only the stage does.

What does NOT belong here: what the score must say about them (test_deal_score.py).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from orchestration.statistics.deal_features import FEATURES, Passages

DAY = 86_400.0
STAGES = ("meeting", "proposal", "negotiation")


def world(seed: int, *, n: int = 700, effect: float = 0.0) -> Passages:
    """Deals over two years that enter two or three stages and are won by stage alone, or by a feature as well.

    effect: log odds of winning for one standard deviation of the second feature, known at the first stage. Of the last
    deals some are open. The other features are noise; one is constant and one unknown throughout.
    """
    rng = np.random.default_rng(seed)
    opened = np.sort(rng.uniform(0, 730, n)) * DAY
    length = rng.gamma(4, 10, n) * DAY
    features = rng.normal(size=(n, len(FEATURES)))
    features[:, 3], features[:, 6] = 1.0, np.nan
    depth = rng.integers(2, 4, n)
    won = rng.random(n) < 1 / (1 + np.exp(-(-0.9 + 0.7 * (depth - 2) + effect * features[:, 1])))
    closed = np.where(opened + length < 730 * DAY, opened + length, np.nan)
    rows = [(i, j) for i in range(n) for j in range(depth[i])]
    deal, stage = np.array(rows).T
    entered = opened[deal] + stage / 4 * length[deal]
    known = entered < 730 * DAY
    deal, stage, entered = deal[known], stage[known], entered[known]
    last = np.append(deal[1:] != deal[:-1], True)
    months = np.datetime64("2024-01-01") + np.nan_to_num(closed[deal] / DAY).astype(int).astype(
        "timedelta64[D]"
    )
    return Passages(
        opportunity_ids=np.array([f"o{i:05}" for i in deal]),
        stages=np.array(STAGES)[stage],
        entered_at=entered,
        closed_at=closed[deal],
        closed_months=pa.chunked_array(
            [pa.array(months.astype("datetime64[M]").astype("datetime64[D]"), mask=np.isnan(closed[deal]))]
        ),
        is_won=won[deal] & ~np.isnan(closed[deal]),
        is_present=last & np.isnan(closed[deal]),
        features=features[deal],
    )
