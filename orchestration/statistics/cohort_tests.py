"""Whether customers of one start quarter stay longer or less long than those of all others: the log-rank test.

One test a cohort makes many: p-values are adjusted after Benjamini and Hochberg, so that of the cohorts said to differ
about one in twenty does not. What does NOT belong here: survival itself (mart_finance_cohorts_month), what a start is
(metrics.fct_customer_starts).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from scipy.stats import chi2, false_discovery_control

from orchestration.settings import RunSettings

DECIMAL = pa.decimal128(18, 10)
SCHEMA = pa.schema(
    [
        ("start_quarter_on", pa.date32()),
        ("n_starts", pa.int64()),
        ("n_lost", pa.int64()),
        ("n_lost_expected", DECIMAL),
        ("log_rank_statistic", DECIMAL),
        ("p_value", DECIMAL),
        ("p_value_adjusted", DECIMAL),
        ("reason_code", pa.string()),
    ]
)
#: Losses of all cohorts together under which no test is made: its chi-square is no approximation of anything.
MIN_LOST = 10

_QUERY = """
    select cast(start_quarter_on as date) as start_quarter_on, service_days, is_lost
    from metrics.fct_customer_starts order by start_quarter_on, service_days, is_lost
"""


@dataclass(frozen=True)
class LogRank:
    """Losses seen and expected in one group were it like the others; statistic and p_value NaN without variance."""

    observed: float
    expected: float
    statistic: float
    p_value: float


def log_rank(days: np.ndarray, lost: np.ndarray, member: np.ndarray) -> LogRank:
    """The group `member` (a mask) against the rest. days: followed; lost: false where still there at the end.

    Mantel 1966: at each day of a loss, the losses of the group against its share of those at risk.
    """
    times = np.unique(days[lost])

    def at_risk(sample: np.ndarray) -> np.ndarray:
        return len(sample) - np.searchsorted(np.sort(sample), times, side="left")

    def losses(sample: np.ndarray) -> np.ndarray:
        ordered = np.sort(sample)
        return np.searchsorted(ordered, times, side="right") - np.searchsorted(ordered, times, side="left")

    n, n_group = at_risk(days).astype(np.float64), at_risk(days[member]).astype(np.float64)
    d, d_group = losses(days[lost]).astype(np.float64), losses(days[lost & member]).astype(np.float64)
    share = n_group / n
    expected = d * share
    variance = float((d * share * (1 - share) * (n - d) / np.maximum(n - 1, 1)).sum())
    gap = float(d_group.sum() - expected.sum())
    statistic = gap * gap / variance if variance > 0 else np.nan
    return LogRank(
        float(d_group.sum()), float(expected.sum()), statistic, float(chi2.sf(statistic, 1))
    )  # the survival function of NaN is NaN


def compute(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> pa.Table:
    """One row per start quarter (SCHEMA)."""
    starts = con.sql(_QUERY).to_arrow_table()
    if not starts.num_rows:
        return SCHEMA.empty_table()
    quarters = starts["start_quarter_on"].to_numpy()
    days = starts["service_days"].to_numpy().astype(np.float64)
    lost = starts["is_lost"].to_numpy(zero_copy_only=False).astype(bool)
    names, counts = np.unique(quarters, return_counts=True)
    tests = [log_rank(days, lost, quarters == name) for name in names]
    reason = "one_cohort_only" if len(names) < 2 else "too_few_losses" if lost.sum() < MIN_LOST else None
    statistic = np.array([np.nan if reason else each.statistic for each in tests])
    p_value = np.array([np.nan if reason else each.p_value for each in tests])
    adjusted = np.full(len(names), np.nan)
    known = ~np.isnan(p_value)
    if known.any():
        adjusted[known] = false_discovery_control(p_value[known], method="bh")
    return pa.table(
        {
            "start_quarter_on": pa.array(names).cast(pa.date32()),
            "n_starts": pa.array(counts),
            "n_lost": pa.array([int(each.observed) for each in tests]),
            "n_lost_expected": _decimals(np.array([each.expected for each in tests])),
            "log_rank_statistic": _decimals(statistic),
            "p_value": _decimals(p_value),
            "p_value_adjusted": _decimals(adjusted),
            "reason_code": pa.array(
                [reason or (None if ok else "no_loss_to_judge") for ok in known], pa.string()
            ),
        }
    ).cast(SCHEMA)


def _decimals(values: np.ndarray) -> pa.Array:
    """Floats as DECIMAL(18,10); NaN is null."""
    return pa.array(np.round(values, 10), from_pandas=True).cast(DECIMAL, safe=False)
