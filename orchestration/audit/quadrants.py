"""Quadrants of the scatter by its exact means (rows QU8, QU9).

Q1 high x and high y, Q2 low x and high y, Q3 both low, Q4 high x and low y; a value equal to the mean is high.
Not here: who stands in a quadrant by name; the lists of accounts come from the marts.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from orchestration.audit.points import Exact, Points


@dataclass(frozen=True)
class Quadrants:
    """Units by quadrant.

    Attributes:
        q1, q2, q3, q4: units.
        on_line: units of which x or y equals its mean.
        q1_share: q1 among all, exact; None without units.
    """

    q1: int
    q2: int
    q3: int
    q4: int
    on_line: int

    @property
    def n(self) -> int:
        return self.q1 + self.q2 + self.q3 + self.q4

    @property
    def q1_share(self) -> Fraction | None:
        return Fraction(self.q1, self.n) if self.n else None


def quadrant_of(x: Exact, y: Exact, mean_x: Exact, mean_y: Exact) -> str:
    """q1, q2, q3 or q4 of one unit around the means."""
    if y >= mean_y:
        return "q1" if x >= mean_x else "q2"
    return "q4" if x >= mean_x else "q3"


def quadrants(points: Points) -> Quadrants:
    """Counts of the units of `points` around their own means."""
    n = points.n
    x, y = sum(p.x * p.units for p in points), sum(p.y * p.units for p in points)
    counts, on_line = dict.fromkeys(("q1", "q2", "q3", "q4"), 0), 0
    for p in points:
        # n times as large on both sides: whole numbers are compared, not fractions
        counts[quadrant_of(p.x * n, p.y * n, x, y)] += p.units
        on_line += p.units if p.x * n == x or p.y * n == y else 0
    return Quadrants(*counts.values(), on_line)
