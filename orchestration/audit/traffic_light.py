"""Colour of a segment with its reasons (rows DE20, EX10): a table of rules, red before amber.

The landmark r feeds the light; the naive one is shown beside it. Bars are inclusive and compared as decimals.
Green asks for an experiment that brought the gain; no experiment is collected, so no correlation turns a segment green.
Not here: how the figures come about.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

GREY, RED, AMBER = "grey", "red", "amber"


@dataclass(frozen=True)
class Bars:
    """Bars of r, and the least that a segment must have to be judged."""

    r_green: Decimal = Decimal("0.25")
    r_amber: Decimal = Decimal("0.10")
    minimum_units: int = 30
    minimum_events: int = 10


@dataclass(frozen=True)
class Evidence:
    """What is known about one segment.

    Attributes:
        n, n_events: units and conversions of the landmark population.
        r: landmark correlation rounded to ten decimals; None where it cannot be estimated.
        is_fragile, is_reversed, is_heterogeneous: findings of sensitivity and composition.
        has_complaint_breach: a week of the cycle had more complaints than its bar.
    """

    n: int
    n_events: int
    r: Decimal | None
    is_fragile: bool = False
    is_reversed: bool = False
    is_heterogeneous: bool = False
    has_complaint_breach: bool = False


@dataclass(frozen=True)
class Light:
    """Colour, and the reasons that fixed it: codes, in the order of the rules."""

    colour: str
    reasons: tuple[str, ...]


def light(evidence: Evidence, bars: Bars | None = None) -> Light:
    """The light of one segment."""
    bars = bars or Bars()
    if evidence.has_complaint_breach:
        return Light(RED, ("complaints_breach",))
    if evidence.n < bars.minimum_units or evidence.n_events < bars.minimum_events:
        return Light(GREY, ("too_few_units" if evidence.n < bars.minimum_units else "too_few_events",))
    if evidence.r is not None and evidence.r < bars.r_amber:
        return Light(RED, ("r_below_amber_bar",))
    rules = [
        ("r_not_estimable", evidence.r is None),
        ("r_below_green_bar", evidence.r is not None and evidence.r < bars.r_green),
        ("fragile_without_top", evidence.is_fragile),
        ("reversed_in_segments", evidence.is_reversed),
        ("heterogeneous_segments", evidence.is_heterogeneous),
    ]
    return Light(AMBER, (*(code for code, holds in rules if holds), "no_experiment"))
