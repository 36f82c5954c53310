"""The two mini-cases of the method as leads with touches, hours to first contact and outcome.

M1, small companies that ask: conversion rises up to 6 touches and stays; who is reached within 2 hours is called more
often, and 45 % of them stand among "many touches and converted"; the longer sequence brings 2.8 points in a test.
M2, large companies: an S curve around 8 touches, strategic accounts that convert after few, and beyond 8 touches an
introduction that goes with three times the conversion. What does NOT belong here: what the project says of them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from tests.simulation.lives import Lives


@dataclass(frozen=True)
class Case:
    """One lead an element. ttf_hours: to the first touch, inf without one; is_vip, has_intro: of M2 only."""

    touches: np.ndarray
    converted: np.ndarray
    ttf_hours: np.ndarray
    is_vip: np.ndarray
    has_intro: np.ndarray

    def __len__(self) -> int:
        return len(self.touches)

    def part(self, chosen: np.ndarray) -> Case:
        """The leads for which `chosen` holds."""
        return Case(*(getattr(self, f.name)[chosen] for f in fields(self)))

    def lives(self, rng: np.random.Generator) -> Lives:
        """The same leads in time: every touch before day 5, conversions after it."""
        n = len(self)
        lead = np.repeat(np.arange(n), self.touches)
        first = np.minimum(self.ttf_hours, 100.0)[lead] / 24
        day = first + rng.random(len(lead)) * (4.95 - first)
        is_first = np.diff(lead, prepend=-1) > 0
        day = np.where(is_first, first, day)
        return Lives(np.where(self.converted, rng.uniform(6, 29, n), np.inf), lead, day)


def m1(units: int, seed: int) -> Case:
    """M1 with so many leads."""
    rng = np.random.default_rng([41, seed])
    fast = rng.random(units) < 0.42
    often = np.clip(np.round(rng.normal(6.4, 2.2, units)), 1, 12)
    touches = np.where(fast, often, rng.poisson(3.0, units)).astype(int)
    soon = rng.uniform(2.2, 4.0, units)
    slow = np.where(rng.random(units) < 0.3, soon, rng.uniform(4.0, 72.0, units))
    hours = np.where(fast, rng.uniform(0.1, 1.9, units), slow)
    converted = rng.random(units) < 0.04 + 0.53 * np.minimum(touches, 6) / 6
    nobody = np.zeros(units, dtype=bool)
    return Case(touches, converted, np.where(touches > 0, hours, np.inf), nobody, nobody)


def m2(units: int, seed: int) -> Case:
    """M2 with so many leads."""
    rng = np.random.default_rng([42, seed])
    vip = rng.random(units) < 0.08
    touches = np.where(vip, rng.integers(2, 5, units), np.clip(rng.poisson(7.6, units), 0, 18)).astype(int)
    intro = ~vip & (touches > 8) & (rng.random(units) < 0.6)
    s_curve = 1 / (1 + np.exp(-(touches - 8) / 0.7))
    chance = np.where(touches > 8, np.where(intro, 0.6, 0.2), 0.44) * s_curve + 0.02
    converted = rng.random(units) < np.where(vip, 0.75, chance)
    hours = np.where(touches > 0, rng.uniform(1, 72, units), np.inf)
    return Case(touches, converted, hours, vip, intro)
