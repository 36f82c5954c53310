"""Complaints, unsubscriptions and bounces of each week: exact bounds, and the weeks before as reference.

A week is compared with the four ISO weeks before it, taken together; a week without mails among them adds nothing.
What does NOT belong here: the bars and the margin (contact policy, profile guard_rails), what is a breach
(mart_revops_guard_rails_week), the bounds (orchestration.audit.exact_bounds).
"""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.audit.exact_bounds import difference_bounds, exact_lower, exact_upper
from orchestration.settings import RunSettings
from orchestration.statistics.rep_baselines import RATE, decimals

SCHEMA = pa.schema(
    [
        ("iso_week_start_on", pa.date32()),
        ("rail_code", pa.string()),
        ("n_trials", pa.int64()),
        ("n_events", pa.int64()),
        ("rate_low", RATE),
        ("rate_high", RATE),
        ("rate_upper", RATE),
        ("n_reference_trials", pa.int64()),
        ("n_reference_events", pa.int64()),
        ("change_low", RATE),
        ("change_high", RATE),
    ]
)
#: Rail -> the columns of its trials and events. A bounce is counted among what was sent, as it was never delivered.
RAILS = {
    "complaint": ("n_delivered", "n_complained"),
    "unsubscribe": ("n_delivered", "n_unsubscribed"),
    "bounce": ("n_sent", "n_bounced_hard"),
}
REFERENCE_WEEKS = 4

_QUERY = """
    select
        cast(date_trunc('week', sent_on) as date) as iso_week_start_on,
        cast(sum(n_sent) as bigint) as n_sent,
        cast(sum(n_delivered) as bigint) as n_delivered,
        cast(sum(n_complained) as bigint) as n_complained,
        cast(sum(n_unsubscribed) as bigint) as n_unsubscribed,
        cast(sum(n_bounced_hard) as bigint) as n_bounced_hard
    from metrics.fct_email_send_days
    group by 1
    order by 1
"""


def compute(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> pa.Table:
    """One row per ISO week with mails and rail (SCHEMA)."""
    weeks = con.sql(_QUERY).to_arrow_table()
    if not weeks.num_rows:
        return SCHEMA.empty_table()
    starts = weeks["iso_week_start_on"].to_numpy().astype("datetime64[D]")
    # Rows of weeks in order: those of the reference lie between two positions.
    first = np.searchsorted(starts, starts - np.timedelta64(7 * REFERENCE_WEEKS, "D"))
    tables = []
    for rail, (of, what) in RAILS.items():
        trials, events = (weeks[name].to_numpy().astype(np.int64) for name in (of, what))
        of_before, before = (_sum_before(counts, first) for counts in (trials, events))
        change = difference_bounds(events, trials, before, of_before)
        tables.append(
            pa.table(
                {
                    "iso_week_start_on": weeks["iso_week_start_on"],
                    "rail_code": pa.array([rail] * len(starts)),
                    "n_trials": pa.array(trials),
                    "n_events": pa.array(events),
                    "rate_low": decimals(exact_lower(events, trials, 0.975)),
                    "rate_high": decimals(exact_upper(events, trials, 0.975)),
                    "rate_upper": decimals(exact_upper(events, trials)),
                    "n_reference_trials": pa.array(of_before),
                    "n_reference_events": pa.array(before),
                    "change_low": decimals(change.low),
                    "change_high": decimals(change.high),
                }
            ).cast(SCHEMA)
        )
    return pa.concat_tables(tables).combine_chunks()


def _sum_before(counts: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Of each position, the sum from `first` up to the position, itself left out."""
    upto = np.concatenate([[0], np.cumsum(counts)])
    return upto[:-1] - upto[first]
