"""Are complaints stable (row DE21): the month against the month before, as a question of non-inferiority.

proved: the rate is shown not to have risen by the margin. worse: it is shown to have risen. not_proved: neither, which
is what few mails can say. Bounds of the difference are Newcombe's (1998, method 10) at one-sided 95 %.
Not here: the level of complaints and its weekly bar (mart_marketing_complaints_week).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import sqrt

import numpy as np

from orchestration.audit.yields import wilson

#: One-sided 95 % quantile of the normal distribution.
Z_ONE_SIDED = 1.6448536269514722
PROVED, NOT_PROVED, WORSE = "proved", "not_proved", "worse"


@dataclass(frozen=True)
class Trend:
    """Complaints now against before.

    Attributes:
        difference: rate now - rate before, exact; None without mails in either month.
        low, high: one-sided 95 % bounds of it.
        status: proved, not_proved or worse; None with `reason`.
        reason: no_mails, no_mails_before, or no_margin: no policy says which rise does not matter.
    """

    difference: Fraction | None
    low: float | None
    high: float | None
    status: str | None
    reason: str | None = None


def trend(now: tuple[int, int], before: tuple[int, int], margin: Fraction | None) -> Trend:
    """Trend of (complaints, mails delivered). A rise that is shown is worse, however small, and without a margin too.

    Raises:
        ValueError: more complaints than mails.
    """
    (k1, n1), (k0, n0) = now, before
    if not (0 <= k1 <= n1 and 0 <= k0 <= n0):
        raise ValueError(f"more complaints than mails: {now}, {before}")
    if not n1 or not n0:
        return Trend(None, None, None, None, "no_mails_before" if n1 else "no_mails")
    low, high = wilson(np.array([k1, k0]), np.array([n1, n0]), Z_ONE_SIDED)
    p1, p0 = k1 / n1, k0 / n0
    down = p1 - p0 - sqrt((p1 - low[0]) ** 2 + (high[1] - p0) ** 2)
    up = p1 - p0 + sqrt((high[0] - p1) ** 2 + (p0 - low[1]) ** 2)
    difference = Fraction(k1, n1) - Fraction(k0, n0)
    if down <= 0 and margin is None:
        return Trend(difference, float(down), float(up), None, "no_margin")
    status = WORSE if down > 0 else PROVED if up < float(margin) else NOT_PROVED
    return Trend(difference, float(down), float(up), status)
