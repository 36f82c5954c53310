"""What the weekly review of the pipeline shows, as frozen values (row FD5).

What does not belong here: reading (pipeline_inputs.py), wording (pipeline_page.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

#: Parts of the way from the opening to the closing pipeline, in the order of a reader; names of the mart's columns are
#: n_<part> and <part>_amount, but for those whose count is named otherwise.
PARTS = ("new", "reopened", "moved_in", "entered", "rate", "increase", "decrease", "won_exit", "lost_exit",
         "moved_out", "left")  # fmt: skip
_COUNTED_AS = {
    "increase": "n_increased",
    "decrease": "n_decreased",
    "won_exit": "n_won",
    "lost_exit": "n_lost",
}


@dataclass(frozen=True)
class Movement:
    """One row of mart_sales_pipeline_movements_cycle; counts and amounts by the names of its columns."""

    window: str  # week, month
    scope: str  # open, quarter
    kind: str  # all, stage, team, forecast_category
    segment: str
    start_on: date
    end_on: date
    counts: Mapping[str, int]
    amounts: Mapping[str, Decimal | None]
    reason: str | None = None

    def count(self, part: str) -> int | None:
        """Opportunities of a part, of `opening` or `closing`; None for what is not counted (the exchange rates)."""
        return self.counts.get(_COUNTED_AS.get(part, f"n_{part}"))

    def amount(self, part: str) -> Decimal | None:
        """Amount of a part, of `opening` or `closing`; what leaves is negative."""
        return self.amounts[f"{part}_amount"]

    @property
    def is_still(self) -> bool:
        """In this row nothing came, went, slipped or changed its amount, the exchange rates included."""
        return not (
            any(self.count(part) for part in PARTS) or self.counts["n_slipped"] or self.amount("rate")
        )


@dataclass(frozen=True)
class Deal:
    """One opportunity of a window: what it was, what it is; amounts in the reporting currency."""

    opportunity_id: str
    account_id: str
    movement: str
    stage_before: str | None
    stage_after: str | None
    category_before: str | None
    category_after: str | None
    close_before: date | None
    close_after: date | None
    opening: Decimal | None
    last: Decimal | None
    reason: str | None = None
    is_slipped: bool = False
    slip_days: int | None = None
    silent_days: int | None = None  # set while it is open: what speaks for giving it up
    n_pushes: int = 0
    is_silent: bool = False
    is_date_passed: bool = False
    is_often_pushed: bool = False
    is_slow: bool = False


@dataclass(frozen=True)
class PipelineReview:
    """window: the one whose deals are listed: the week, or the month where the week moved nothing."""

    window: str
    movements: tuple[Movement, ...]
    moved: tuple[Deal, ...] = ()
    n_moved: int = 0
    at_risk: tuple[Deal, ...] = ()
    n_at_risk: int = 0

    def of(self, window: str, scope: str = "open", kind: str = "all") -> tuple[Movement, ...]:
        """Rows of one cut."""
        wanted = (window, scope, kind)
        return tuple(each for each in self.movements if (each.window, each.scope, each.kind) == wanted)

    def is_still(self, window: str) -> bool:
        """Nothing moved in any cut: what changes its stage or its forecast category moves between segments alone."""
        return all(row.is_still for row in self.movements if row.window == window)

    def whole(self, window: str, scope: str = "open") -> Movement | None:
        """The row of the whole company; None where nothing was open."""
        return next(iter(self.of(window, scope)), None)
