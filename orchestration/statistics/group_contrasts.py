"""Columns of touch_cuts on leads with many touches against those with few, the segments of the cut held equal (2.6).

What does NOT belong here: the estimates (orchestration.audit.two_groups), which leads count.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import pyarrow as pa

from orchestration.audit.points import Points
from orchestration.audit.traffic_light import Bars
from orchestration.audit.two_groups import TwoGroups, strata_of, two_groups
from orchestration.statistics.figures import RATE, decimal, exact

COLUMNS = (
    ("many_few_change", RATE),
    ("n_leads_compared", pa.int64()),
    *((f"standardised_change{end}", RATE) for end in ("", "_low", "_high")),
    ("standardised_reason_code", pa.string()),
    *((f"odds_ratio{end}", RATE) for end in ("", "_low", "_high")),
    *((f"risk_ratio{end}", RATE) for end in ("", "_low", "_high")),
    ("null_odds_p", RATE),
    ("equal_odds_p", RATE),
    ("e_value", RATE),
    ("e_value_bound", RATE),
    ("contrast_reason_code", pa.string()),
)


def of_cut(segments: Mapping[str, Points], mean_x: Fraction | None, bars: Bars) -> dict[str, object]:
    """The COLUMNS of one cut; mean_x: mean touches of the whole, None without leads; bars: leads that must be compared.

    Segments whose leads are all on one side compare nothing: only many_few_change counts them.
    """
    if mean_x is None:
        found = TwoGroups(reason="no_two_groups")
    else:
        found = two_groups(strata_of(segments, mean_x))
    if found.reason is None and not bars.is_enough(found.n_compared, found.k_compared):
        found = TwoGroups(found.difference, found.n_compared, found.k_compared, reason="insufficient")
    reason = found.reason
    if reason is None and (found.odds_ratio is None or found.risk_ratio is None):
        reason = "no_pooled_ratio"
    return {
        "many_few_change": exact(found.difference),
        "n_leads_compared": found.n_compared,
        "standardised_change": exact(found.standardised),
        "standardised_change_low": decimal(found.standardised_low),
        "standardised_change_high": decimal(found.standardised_high),
        "standardised_reason_code": found.reason or ("sparse_segments" if found.is_sparse else None),
        "odds_ratio": decimal(found.odds_ratio),
        "odds_ratio_low": decimal(found.odds_ratio_low),
        "odds_ratio_high": decimal(found.odds_ratio_high),
        "risk_ratio": decimal(found.risk_ratio),
        "risk_ratio_low": decimal(found.risk_ratio_low),
        "risk_ratio_high": decimal(found.risk_ratio_high),
        "null_odds_p": decimal(found.null_p),
        "equal_odds_p": decimal(found.equal_p),
        "e_value": decimal(found.e_value),
        "e_value_bound": decimal(found.e_value_of_bound),
        "contrast_reason_code": reason,
    }
