"""How big a demo company is and which months it covers.

What does NOT belong here: what the company looks like (companies.py, people.py ...) or how files are written.
"""

from __future__ import annotations

import datetime as dt
import zlib
from dataclasses import dataclass

import numpy as np

CYCLE = "2026-06"
WINDOW_DAYS = 30
CONVERSATION_MIN_S = 10
OWN_DOMAIN = "etalon-demo.example"


def epoch(text: str) -> int:
    """UTC epoch seconds of an ISO date or date-time."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp())


AS_OF = epoch("2026-07-01")
LOCAL_AS_OF = epoch("2026-06-30T22:00:00")  # 1 July in Paris, where the company counts its months
DAY = 86_400


@dataclass(frozen=True)
class Size:
    """Volumes of one demo size and the months it covers.

    `first_delivery` is the folder that also holds all earlier history; events and leads begin in `first_event_month`.
    """

    name: str
    leads: int
    calls_per_lead: float
    mail_events_per_lead: float
    sellers: int
    first_delivery: str
    lists_structural_rows: bool
    first_event_month: str = "2025-01"

    @property
    def first_event_s(self) -> int:
        """UTC epoch of the first instant at which a lead may come in."""
        return month_start(self.first_event_month)

    @property
    def event_months(self) -> list[str]:
        """Months yyyy-mm with leads, calls and mails, up to the cycle."""
        return months_between(self.first_event_month, CYCLE)

    @property
    def first_revenue_month(self) -> str:
        """The first month with invoices: half a year before the first event."""
        return months_before(self.first_event_month, 6)

    @property
    def revenue_months(self) -> list[str]:
        """Months yyyy-mm with invoices, up to the cycle."""
        return months_between(self.first_revenue_month, CYCLE)

    @property
    def subscription_months(self) -> list[str]:
        """Months yyyy-mm in which a subscription may start: two years more than those with invoices."""
        return months_between(months_before(self.first_revenue_month, 24), CYCLE)

    @property
    def accounts(self) -> int:
        """True companies."""
        return max(120, int(self.leads * 0.35))

    @property
    def has_sheets(self) -> bool:
        """True when campaigns and sheets are written: benchmarks measure the streams that are large."""
        return self.leads <= 10_000

    @property
    def first_success_manager(self) -> int:
        """Number of the first user of customer success: behind the sellers and the one who left."""
        return self.sellers + self.has_sheets

    @property
    def traps_per_kind(self) -> int:
        """Planted traps of each kind; none in benchmarks, whose figures are about volume."""
        return 0 if not self.has_sheets else 36 if self.leads >= 3000 else 4

    def every(self, n: int) -> int:
        """One record in `n` is flawed; more often in a small company, so that no class is empty."""
        return n if self.leads >= 3000 else max(3, n // 16)

    @property
    def delivery_months(self) -> list[str]:
        """Folders yyyy-mm from the first delivery to the cycle."""
        return months_between(self.first_delivery, CYCLE)


SIZES = {
    size.name: size
    for size in (
        Size("tiny", 300, 5.0, 10.0, 6, "2026-03", True),
        Size("demo", 6_000, 5.0, 10.0, 9, "2025-01", True),
        Size("bench-100k", 100_000, 10.0, 30.0, 40, "2025-07", False),
        Size("bench-300k", 300_000, 10.0, 30.0, 60, "2025-07", False),
        # As bench-300k, the same leads and events over twice the months.
        Size("bench-36m", 300_000, 10.0, 30.0, 60, "2025-07", False, first_event_month="2023-07"),
        Size("bench-1m", 1_000_000, 10.0, 30.0, 80, "2025-07", False),
    )
}


def months_between(first: str, last: str) -> list[str]:
    """Months yyyy-mm from `first` to `last`, both included."""
    year, month = (int(p) for p in first.split("-"))
    result = []
    while f"{year:04d}-{month:02d}" <= last:
        result.append(f"{year:04d}-{month:02d}")
        year, month = year + month // 12, month % 12 + 1
    return result


def months_before(month: str, n: int) -> str:
    """The month yyyy-mm that lies `n` months before `month`."""
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 - n, 12)
    return f"{year:04d}-{number + 1:02d}"


def month_start(month: str) -> int:
    """UTC epoch of the first instant of yyyy-mm."""
    return epoch(f"{month}-01")


def month_end(month: str) -> int:
    """UTC epoch of the first instant of the month after yyyy-mm."""
    year, number = (int(p) for p in month.split("-"))
    return month_start(f"{year + number // 12:04d}-{number % 12 + 1:02d}")


def stream(seed: int, label: str) -> np.random.Generator:
    """An independent random stream for one part of the world: adding a part leaves the others unchanged."""
    return np.random.default_rng([seed, zlib.crc32(label.encode())])
