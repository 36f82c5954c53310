"""What the contact policy says of complaints at the end of the cycle: the bar of a rate, the margin of a rise.

The one source is the profile guard_rails of the contact policy, which metrics.fct_email_send_days holds for each day
of sending. What does NOT belong here: judging a week (mart_revops_guard_rails_week), the policy's file
(expectations.contact_policies).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import duckdb

from orchestration.settings import RunSettings

# Every row of a day has the same bar: that of the Monday of its week, which the weeks are judged by too.
_LAST_DAY = """
select complaint_max_rate, worse_margin_rate from metrics.fct_email_send_days
where sent_on < $cycle_end order by sent_on desc, size_band_code, sending_code limit 1
"""


@dataclass(frozen=True)
class ComplaintPolicy:
    """Rates as exact fractions, 0 to 1; None where no row of the policy holds, or nothing was ever sent.

    max_rate: complaints above it, strictly, are a breach. margin_rate: a rise up to it does not matter.
    """

    max_rate: Fraction | None = None
    margin_rate: Fraction | None = None


def complaint_policy(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> ComplaintPolicy:
    """What holds on the last day of the cycle, or before it, that has mails. Raises duckdb.Error without the table."""
    found = con.execute(_LAST_DAY, {"cycle_end": settings.cycle_end}).fetchone()
    if found is None:
        return ComplaintPolicy()
    return ComplaintPolicy(*(None if rate is None else Fraction(rate) for rate in found))
