"""Units counted by where they stand in the scatter: distinct (x, y) pairs with the number of units on each.

Half a million leads stand on a few dozen points, so every sum is an exact fraction and no shuffle of the rows
changes a digit. A lead has the outcome 0 or 1; an account the share of its leads that converted.
Not here: what is fitted through the points (`regression.py`), who is counted (the statistics step).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

#: A number without rounding: whole ones stay whole, because fractions of them cost ten times as much.
Exact = int | Fraction


class Point(NamedTuple):
    """x, y and the units that stand there (a whole number, at least 1)."""

    x: Exact
    y: Exact
    units: int


@dataclass(frozen=True)
class Points:
    """Distinct points ascending by x, then y."""

    points: tuple[Point, ...]

    @staticmethod
    def of(rows: Iterable[tuple[int | Fraction, int | Fraction, int]]) -> Points:
        """Points of (x, y, units) rows in any order; rows of one place are added, rows of no units left out.

        Raises:
            ValueError: a negative number of units.
        """
        counted: dict[tuple[Exact, Exact], int] = {}
        for x, y, units in rows:
            if units < 0:
                raise ValueError(f"{units} units at ({x}, {y})")
            place = (_exact(x), _exact(y))
            counted[place] = counted.get(place, 0) + units
        return Points(tuple(Point(x, y, n) for (x, y), n in sorted(counted.items()) if n))

    @staticmethod
    def of_outcomes(rows: Iterable[tuple[int, int, int]]) -> Points:
        """Points of (touches, units, conversions) rows: a unit converted or not.

        Raises:
            ValueError: conversions that are negative or exceed the units.
        """
        halves = []
        for x, units, conversions in rows:
            if not 0 <= conversions <= units:
                raise ValueError(f"{conversions} conversions of {units} units with {x} touches")
            halves += [(x, 0, units - conversions), (x, 1, conversions)]
        return Points.of(halves)

    def __iter__(self):
        return iter(self.points)

    @property
    def n(self) -> int:
        """Units."""
        return sum(p.units for p in self.points)

    @property
    def n_events(self) -> int:
        """Units with an outcome above 0."""
        return sum(p.units for p in self.points if p.y > 0)

    def mean_x(self) -> Fraction | None:
        """Exact mean of x over the units; None without units."""
        return Fraction(sum(p.x * p.units for p in self.points)) / self.n if self.points else None

    def mean_y(self) -> Fraction | None:
        """Exact mean of y over the units; None without units."""
        return Fraction(sum(p.y * p.units for p in self.points)) / self.n if self.points else None

    def up_to(self, limit: Exact) -> Points:
        """The points whose x is not above `limit`."""
        return Points(tuple(p for p in self.points if p.x <= limit))

    def outcomes(self) -> list[tuple[Exact, int, Exact]]:
        """(x, units, sum of y) per distinct x, ascending."""
        cells: dict[Exact, list] = {}
        for p in self.points:
            cell = cells.setdefault(p.x, [0, 0])
            cell[0] += p.units
            cell[1] += p.y * p.units
        return [(x, n, k) for x, (n, k) in sorted(cells.items())]

    def quantile_x(self, share: Fraction) -> Exact | None:
        """Quantile of x by linear interpolation between order statistics (Hyndman and Fan 1996, type 7).

        quantile_cont of DuckDB and numpy's default are the same one. None without units.
        """
        if not self.points:
            return None
        place = share * (self.n - 1)
        low = self._ordered_x(int(place))
        return low + (place - int(place)) * (self._ordered_x(min(int(place) + 1, self.n - 1)) - low)

    def _ordered_x(self, place: int) -> Exact:
        """x of the unit at `place` of the ascending order, 0 the smallest."""
        for p in self.points:
            if place < p.units:
                return p.x
            place -= p.units
        raise IndexError(place)


def _exact(value: int | Fraction) -> Exact:
    if isinstance(value, int):
        return value
    value = Fraction(value)
    return value.numerator if value.denominator == 1 else value
