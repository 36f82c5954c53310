"""Colour of a segment with its reasons (rows DE20, DE21, EX10): a table of rules, red before amber before green.

The landmark r feeds the light; the naive one is shown beside it. Bars are inclusive and compared as decimals.
Green asks for a valid experiment that brought the gain, so that no correlation alone turns a segment green.
Not here: how the figures come about (lines, sensitivity, composition; the verdict of an experiment).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

GREY, RED, AMBER, GREEN = "grey", "red", "amber", "green"


@dataclass(frozen=True)
class Bars:
    """Bars of r and of the gain in conversion points, and the least that a segment must have to be judged."""

    r_green: Decimal = Decimal("0.25")
    r_amber: Decimal = Decimal("0.10")
    delta_points: Decimal = Decimal("2")
    minimum_units: int = 30
    minimum_events: int = 10

    def is_enough(self, n: int, n_events: int) -> bool:
        """True where a segment has units and conversions enough to be judged."""
        return n >= self.minimum_units and n_events >= self.minimum_events


METHOD_BARS = Bars()


@dataclass(frozen=True)
class Evidence:
    """What is known about one segment.

    Attributes:
        n, n_events: units and conversions of the landmark population.
        r: landmark correlation rounded to ten decimals; None where it cannot be estimated.
        is_fragile, is_reversed, is_heterogeneous: findings of sensitivity and composition.
        has_complaint_breach: a week of the cycle had more complaints than its bar.
        are_complaints_up: complaints of the company's mails are shown to have risen against the month before.
        complaints: of the experiment: proved_stable, not_proved, up or breach; None without mailings.
        experiment: valid, mismatch (sample ratio) or None without one that can be read.
        delta_points: conversion points of the experiment.
        is_gain_proved: its interval lies above zero.
        power: of the experiment at its end, 0 to 1.
    """

    n: int
    n_events: int
    r: Decimal | None
    is_fragile: bool = False
    is_reversed: bool = False
    is_heterogeneous: bool = False
    has_complaint_breach: bool = False
    are_complaints_up: bool = False
    complaints: str | None = None
    experiment: str | None = None
    delta_points: Decimal | None = None
    is_gain_proved: bool = False
    power: Decimal | None = None


@dataclass(frozen=True)
class Light:
    """Colour, the reasons that fixed it (codes, in the order of the rules) and flags that do not change it."""

    colour: str
    reasons: tuple[str, ...]
    flags: tuple[str, ...] = ()


def light(evidence: Evidence, bars: Bars = METHOD_BARS) -> Light:
    """The light of one segment."""
    if evidence.has_complaint_breach or evidence.complaints == "breach":
        return Light(RED, ("complaints_breach",))
    if evidence.are_complaints_up or evidence.complaints == "up":
        return Light(RED, ("complaints_up",))
    if not bars.is_enough(evidence.n, evidence.n_events):
        return Light(GREY, ("too_few_units" if evidence.n < bars.minimum_units else "too_few_events",))
    if evidence.r is not None and evidence.r < bars.r_amber:
        return Light(RED, ("r_below_amber_bar",))
    is_valid = evidence.experiment == "valid"
    rules = [
        ("r_not_estimable", evidence.r is None),
        ("r_below_green_bar", evidence.r is not None and evidence.r < bars.r_green),
        ("fragile_without_top", evidence.is_fragile),
        ("reversed_in_segments", evidence.is_reversed),
        ("heterogeneous_segments", evidence.is_heterogeneous),
        ("sample_ratio_mismatch", evidence.experiment == "mismatch"),
        ("no_experiment", not is_valid and evidence.experiment != "mismatch"),
        ("gain_below_bar", is_valid and not _gained(evidence, bars)),
    ]
    amber = tuple(code for code, holds in rules if holds)
    if amber:
        return Light(AMBER, amber)
    flags = (
        ("bar_met_not_proved", not evidence.is_gain_proved),
        ("power_under_80", evidence.power is None or evidence.power < Decimal("0.8")),
        ("complaints_not_proved", evidence.complaints != "proved_stable"),
    )
    return Light(GREEN, ("all_bars_met",), tuple(code for code, holds in flags if holds))


def _gained(evidence: Evidence, bars: Bars) -> bool:
    return evidence.delta_points is not None and evidence.delta_points >= bars.delta_points
