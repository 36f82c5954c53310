"""What the next touch goes with: a discrete-time hazard per touch (audit 2.7.2), the base of the thresholds.

A lead stands once behind each effective touch that came before its conversion. It is at risk behind touch k when its
horizon after that touch could be observed, and has the event when it converts within the horizon and before touch
k + 1. Leads are counted by path, so that half a million leads cost what a few hundred paths cost. Rates say with what
a further touch is associated; leads that are touched once more differ from those that are not.
Not here: which touches count and who is counted (the statistics step), what to do about a yield (`thresholds.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np

#: Two-sided 95 % quantile of the normal distribution.
Z_95 = 1.959963984540054
#: Touches from here on are one cell: a hazard per touch all the same.
LAST_TOUCH = 15


class Path(NamedTuple):
    """Leads that went one way.

    n_touches: effective touches before the conversion, or in the window without one.
    n_followed: of them, those whose horizon is over at as_of.
    n_in_window: of them, those in the days that the threshold speaks about.
    has_event: converted within the horizon after the last touch, which is followed.
    is_converted: converted in the conversion window.
    n_leads: how many.
    """

    n_touches: int
    n_followed: int
    n_in_window: int
    has_event: bool
    is_converted: bool
    n_leads: int


@dataclass(frozen=True)
class Yield:
    """The hazard behind touch `touch`; touch 0 is the time before the first one, LAST_TOUCH all from there on.

    n_at_risk, n_events: person-touches and conversions before the next touch and within the horizon.
    rate: n_events / n_at_risk, exact; low and high: Wilson's 95 % interval. None without any at risk.
    n_conversions: conversions of the window with exactly so many touches before them.
    cumulative_share: of all conversions, those with at most so many touches; None without conversions.
    """

    touch: int
    n_at_risk: int
    n_events: int
    rate: Fraction | None
    low: float | None
    high: float | None
    n_conversions: int
    cumulative_share: Fraction | None

    @property
    def is_pooled(self) -> bool:
        """Whether it holds all touches from LAST_TOUCH on."""
        return self.touch == LAST_TOUCH


def wilson(events: np.ndarray, units: np.ndarray, z: float = Z_95) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of Wilson's score interval (1927), cell by cell; 0 and 1 where nobody is at risk."""
    some = np.maximum(units, 1)
    share = events / some
    middle = (share + z * z / (2 * some)) / (1 + z * z / some)
    half = z * np.sqrt(share * (1 - share) / some + z * z / (4.0 * some * some)) / (1 + z * z / some)
    low = np.where((units > 0) & (events > 0), middle - half, 0.0)
    high = np.where((units > 0) & (events < units), middle + half, 1.0)
    return low, high


@dataclass(frozen=True)
class Paths:
    """The paths of one segment, each place once, in ascending order."""

    paths: tuple[Path, ...]

    @staticmethod
    def of(rows: Sequence[Path]) -> Paths:
        """Paths in any order; rows of one way are added, rows of no leads left out.

        Raises:
            ValueError: negative counts, more touches followed or in the window than there are, or an event behind a
                touch that is not followed.
        """
        counted: dict[tuple, int] = {}
        for row in rows:
            if row.n_leads < 0 or not (0 <= row.n_followed <= row.n_touches >= row.n_in_window >= 0):
                raise ValueError(f"no path: {row}")
            if row.has_event and row.n_followed < row.n_touches:
                raise ValueError(f"an event behind a touch that is not followed: {row}")
            counted[row[:5]] = counted.get(row[:5], 0) + row.n_leads
        return Paths(tuple(Path(*way, n) for way, n in sorted(counted.items()) if n))

    @cached_property
    def n_leads(self) -> int:
        return sum(p.n_leads for p in self.paths)

    @cached_property
    def n_conversions(self) -> int:
        return sum(p.n_leads for p in self.paths if p.is_converted)

    def whole(self) -> Paths:
        """The same leads with every touch in the window."""
        return Paths.of([p._replace(n_in_window=p.n_touches) for p in self.paths])

    def counts(self) -> np.ndarray:
        """Leads by path."""
        return np.array([p.n_leads for p in self.paths], dtype=np.int64)

    def weights(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(at risk, events, conversions) that one lead of each path brings to each touch: paths x (LAST_TOUCH + 1).

        Only touches in the window count; who converts after later ones had no event behind those in it.
        """
        touches = np.arange(LAST_TOUCH + 1)
        limit = np.array([min(p.n_followed, p.n_in_window) for p in self.paths], dtype=np.int64)
        last = np.array(
            [p.n_in_window if p.has_event and p.n_in_window == p.n_touches else -1 for p in self.paths],
            dtype=np.int64,
        )
        before = np.array([p.n_in_window if p.is_converted else -1 for p in self.paths], dtype=np.int64)
        at_risk = (limit[:, None] >= touches).astype(np.int64)
        at_risk[:, LAST_TOUCH] = np.maximum(limit - (LAST_TOUCH - 1), 0)
        # touch 0 has a horizon too: it begins with the lead, and all leads here are older than their window
        events = (np.minimum(last, LAST_TOUCH)[:, None] == touches).astype(np.int64)
        conversions = (np.minimum(before, LAST_TOUCH)[:, None] == touches).astype(np.int64)
        return at_risk, events, conversions


def yields(paths: Paths) -> list[Yield]:
    """The hazard behind each touch up to the last one that somebody had; empty without leads."""
    if not paths.paths:
        return []
    counts = paths.counts()
    at_risk, events, conversions = ((counts @ each) for each in paths.weights())
    low, high = wilson(events, at_risk)
    longest = min(max(p.n_in_window for p in paths.paths), LAST_TOUCH)
    total, so_far, found = int(conversions.sum()), 0, []
    for k in range(longest + 1):
        n, x = int(at_risk[k]), int(events[k])
        so_far += int(conversions[k])
        found.append(
            Yield(
                touch=k,
                n_at_risk=n,
                n_events=x,
                rate=Fraction(x, n) if n else None,
                low=float(low[k]) if n else None,
                high=float(high[k]) if n else None,
                n_conversions=int(conversions[k]),
                cumulative_share=Fraction(so_far, total) if total else None,
            )
        )
    return found
