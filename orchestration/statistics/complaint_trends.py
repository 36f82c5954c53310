"""Complaints of the cycle against the month before, by cut (row DE21): stable, risen, or neither shown.

The margin is the one of the contact policy at the end of the cycle. A rise that is shown for the whole company turns
every light red, so the table is made before the lights.
What does NOT belong here: the statistics (orchestration.audit.complaints), the weekly bar.
"""

from __future__ import annotations

from fractions import Fraction

import duckdb
import pyarrow as pa

from expectations.thresholds import ALL
from orchestration.audit.complaints import WORSE, trend
from orchestration.settings import RunSettings
from orchestration.statistics.complaint_policy import complaint_policy
from orchestration.statistics.touch_yields import RATE, exact, ten_digits

SCHEMA = pa.schema(
    [
        ("segment_kind_code", pa.string()),
        ("segment_code", pa.string()),
        ("n_delivered", pa.int64()),
        ("n_complained", pa.int64()),
        ("n_delivered_before", pa.int64()),
        ("n_complained_before", pa.int64()),
        ("complaint_rate", RATE),
        ("complaint_before_rate", RATE),
        ("difference_rate", RATE),
        ("difference_low_rate", RATE),
        ("difference_high_rate", RATE),
        ("margin_rate", RATE),
        ("status_code", pa.string()),
        ("reason_code", pa.string()),
    ]
)
DESCRIPTION = "Complaints of the month against the month before: stable, risen, or neither shown."

_MONTHS = """
with counted as (
  select size_band_code, sending_code, sent_on >= $cycle_start as is_now, sum(n_delivered) as n, sum(n_complained) as k
  from metrics.fct_email_send_days
  where sent_on >= cast($cycle_start - interval 1 month as date) and sent_on < $cycle_end group by all),
cut as (
  select 'all' as kind, 'all' as segment, is_now, n, k from counted
  union all select 'size_band', size_band_code, is_now, n, k from counted
  union all select 'sending', sending_code, is_now, n, k from counted
  union all select 'all', 'all', true, 0, 0)
select kind, segment, cast(coalesce(sum(n) filter (where is_now), 0) as bigint),
  cast(coalesce(sum(least(k, n)) filter (where is_now), 0) as bigint),
  cast(coalesce(sum(n) filter (where not is_now), 0) as bigint),
  cast(coalesce(sum(least(k, n)) filter (where not is_now), 0) as bigint)
from cut group by all order by all
"""


def compute(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> pa.Table:
    """The table of the cycle. Raises duckdb.Error when metrics lack a table."""
    margin = complaint_policy(con, settings).margin_rate
    found = []
    for kind, code, n, k, n_before, k_before in con.execute(
        _MONTHS, {"cycle_start": settings.cycle_start, "cycle_end": settings.cycle_end}
    ).fetchall():
        told = trend((k, n), (k_before, n_before), margin)
        found.append(
            {
                "segment_kind_code": kind,
                "segment_code": code,
                "n_delivered": n,
                "n_complained": k,
                "n_delivered_before": n_before,
                "n_complained_before": k_before,
                "complaint_rate": exact(Fraction(k, n)) if n else None,
                "complaint_before_rate": exact(Fraction(k_before, n_before)) if n_before else None,
                "difference_rate": exact(told.difference),
                "difference_low_rate": ten_digits(told.low),
                "difference_high_rate": ten_digits(told.high),
                "margin_rate": exact(margin),
                "status_code": told.status,
                "reason_code": told.reason,
            }
        )
    return pa.Table.from_pylist(found, schema=SCHEMA)


def is_up(trends: pa.Table) -> bool:
    """True where complaints of the whole company are shown to have risen; trends: the table of compute()."""
    return any(row["status_code"] == WORSE for row in trends.to_pylist() if row["segment_kind_code"] == ALL)
