"""What the project says of a planted world, held against what was planted.

A family asks one question of its worlds. The answer is right, or undetermined (the project says that it cannot tell,
or asks for an experiment first), or wrong. A green light on a world that does not deserve one is a false green.
What does NOT belong here: how a world is made (`cells.py`, `lives.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

RIGHT, OPEN, WRONG = "right", "undetermined", "wrong"


@dataclass(frozen=True)
class Outcome:
    """One world: its family and seed, the answer, and what was said in a few words."""

    family: str
    seed: int
    answer: str
    is_false_green: bool
    told: str


@dataclass(frozen=True)
class Tally:
    """Worlds of one family, or of all, by answer."""

    family: str
    n: int
    n_right: int
    n_open: int
    n_wrong: int
    n_false_green: int


def tally(family: str, outcomes: Iterable[Outcome]) -> Tally:
    """Counts of the outcomes given."""
    listed = list(outcomes)
    answers = [o.answer for o in listed]
    return Tally(
        family,
        len(listed),
        answers.count(RIGHT),
        answers.count(OPEN),
        answers.count(WRONG),
        sum(o.is_false_green for o in listed),
    )


def by_family(outcomes: Iterable[Outcome]) -> list[Tally]:
    """One tally a family, in the order of their first world."""
    listed = list(outcomes)
    return [tally(f, [o for o in listed if o.family == f]) for f in dict.fromkeys(o.family for o in listed)]


def of_colour(family: str, seed: int, colour: str, *, deserves_green: bool, told: str) -> Outcome:
    """A world judged by its light: green is right where it is deserved, red where it is not, the rest is open."""
    right, wrong = ("green", "red") if deserves_green else ("red", "green")
    answer = RIGHT if colour == right else WRONG if colour == wrong else OPEN
    return Outcome(family, seed, answer, colour == "green" and not deserves_green, told)
