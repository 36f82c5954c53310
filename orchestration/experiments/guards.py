"""Did a guard rail hold (rows DE21, EX5): no worse than the control by more than a margin.

One-sided 95 % bounds of Newcombe's interval. Not here: which mails count, the weekly look (sequential).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from orchestration.experiments.effects import Share, interval
from orchestration.reporting.bounds import exact_upper_95

PROVED, NOT_PROVED, WORSE, BREACH, NO_DATA = "proved", "not_proved", "worse", "breach", "no_data"
#: The gravest first.
ORDER = (BREACH, WORSE, NO_DATA, NOT_PROVED, PROVED)


@dataclass(frozen=True)
class Guard:
    """How the test arm did against the control on something unwanted.

    delta: test - control. low, high: one-sided 95 % bounds. upper_rate: exact upper bound of the test arm's own rate.
    """

    status: str
    delta: Fraction | None
    low: float | None
    high: float | None
    upper_rate: Decimal | None


def guard(test: Share, control: Share, margin: Decimal, ceiling: Decimal | None = None) -> Guard:
    """proved: the upper bound lies below the margin; worse: the lower one above zero; breach: rate above the ceiling.

    margin, ceiling: 0 to 1; the ceiling is strict and compares exactly. A breach outranks all, worse outranks proved.
    """
    upper = exact_upper_95(test.x, test.n)
    if test.rate is None or control.rate is None:
        return Guard(NO_DATA, None, None, None, upper)
    low, high = interval(test, control, alpha=0.10)
    delta = test.rate - control.rate
    if ceiling is not None and test.rate > Fraction(ceiling):
        status = BREACH
    elif low > 0:
        status = WORSE
    else:
        status = PROVED if high < float(margin) else NOT_PROVED
    return Guard(status, delta, low, high, upper)


def gravest(statuses: list[str]) -> str:
    """The status of several guard rails together: each can stop, so none is corrected for their number."""
    return min(statuses, key=ORDER.index, default=NO_DATA)
