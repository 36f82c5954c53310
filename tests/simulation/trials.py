"""Worlds with an experiment: arms that differ by nothing or by a gain, arms that lost leads, eyes that look every week.

Units are drawn by the project's own assignment; sample ratio, read-out, guard rail and verdict are its functions, and
the verdict reaches the light as that of a segment whose landmark line is beyond the green bar for another reason.
What does NOT belong here: worlds without an experiment (`cells.py`, `lives.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from orchestration.audit.traffic_light import Evidence, Light, light
from orchestration.experiments import design, guards, sequential, srm
from orchestration.experiments.assignment import by_hash
from orchestration.experiments.effects import Difference, Share, difference
from orchestration.experiments.verdict import FINISHED, Findings, Verdict, verdict
from tests.simulation.outcomes import OPEN, RIGHT, WRONG, Outcome

PER_FAMILY = 24
HALVES = (Decimal(1), Decimal(1))
WEEKS = 8
#: Mails of a lead during an experiment, and the share of them that somebody complains about, in both arms.
MAILS, COMPLAINTS = 4, 0.0005


@dataclass(frozen=True)
class Trial:
    """One lead an element: is_test, converted, and the week in which it came."""

    is_test: np.ndarray
    converted: np.ndarray
    week: np.ndarray

    def arm(self, is_test: bool, up_to: int = WEEKS) -> Share:
        """Leads and conversions of an arm in the weeks before `up_to`."""
        chosen = (self.is_test == is_test) & (self.week < up_to)
        return Share(int(self.converted[chosen].sum()), int(chosen.sum()))


def drawn(rng: np.random.Generator, seed: int, units: int, base: float, gain: float) -> Trial:
    """A trial of `units` accounts with one lead each; gain: what the test arm adds to the chance to convert."""
    is_test = by_hash(f"world {seed}", [f"acc_{i}" for i in range(units)], HALVES) == 1
    converted = rng.random(units) < base + gain * is_test
    return Trial(is_test, converted, rng.integers(0, WEEKS, units))


def said_of(rng: np.random.Generator, trial: Trial) -> Verdict:
    """The verdict at the end."""
    test, control = trial.arm(True), trial.arm(False)
    found = difference(test, control)
    mails = [Share(int(rng.binomial(MAILS * arm.n, COMPLAINTS)), MAILS * arm.n) for arm in (test, control)]
    guard = guards.guard(mails[0], mails[1], Decimal("0.002"))
    return verdict(
        Findings(
            status=FINISHED,
            n_test=test.n,
            n_control=control.n,
            delta=found.delta,
            low=found.low,
            high=found.high,
            complaints=guard.status,
            guard_rail=guard.status,
            is_mismatch=srm.sample_ratio({"all": [control.n, test.n]}, HALVES).is_mismatch,
            power=design.power_at(test.n, control.n, float(control.rate or 0), 0.02),
        )
    )


def light_with(said: Verdict, trial: Trial) -> Light:
    """The light of a segment whose touches go with conversion, r 0.30, whatever the experiment found."""
    test, control = trial.arm(True), trial.arm(False)
    gain = (test.rate or 0) - (control.rate or 0)
    return light(
        Evidence(
            n=len(trial.converted),
            n_events=int(trial.converted.sum()),
            r=Decimal("0.30"),
            complaints={guards.BREACH: "breach", guards.WORSE: "up", guards.PROVED: "proved_stable"}.get(
                said.guard_rail or "", "not_proved"
            ),
            experiment="valid" if said.is_valid else "mismatch" if said.is_mismatch else None,
            delta_points=Decimal(gain.numerator) * 100 / Decimal(gain.denominator),
            is_gain_proved=bool(said.is_proved),
            power=None if said.power is None else Decimal(repr(said.power)),
        )
    )


def answered(found: Light, *, has_gain: bool) -> str:
    """Green with the flag "bar met, not proved" says that more leads are needed: no claim, in either world."""
    if found.colour == "green":
        return OPEN if "bar_met_not_proved" in found.flags else RIGHT if has_gain else WRONG
    if found.colour == "red":
        return WRONG if has_gain else OPEN
    return OPEN if has_gain or "gain_below_bar" not in found.reasons else RIGHT


def claims_a_difference(found: Difference) -> bool:
    """True when the interval leaves out zero."""
    return found.low is not None and found.high is not None and not found.low <= 0 <= found.high


def _nothing(family: str, seed: int, rng: np.random.Generator) -> Outcome:
    trial = drawn(rng, seed, int(rng.choice([800, 3000, 8000])), rng.uniform(0.05, 0.2), 0.0)
    found = light_with(said_of(rng, trial), trial)
    answer = answered(found, has_gain=False)
    return Outcome(family, seed, answer, answer == WRONG, f"{found.colour} {found.reasons} {found.flags}")


def _gain(family: str, seed: int, rng: np.random.Generator) -> Outcome:
    trial = drawn(
        rng, seed, int(rng.choice([800, 3000, 8000])), rng.uniform(0.05, 0.2), rng.uniform(0.03, 0.06)
    )
    found = light_with(said_of(rng, trial), trial)
    return Outcome(family, seed, answered(found, has_gain=True), False, f"{found.colour} {found.reasons}")


def _mismatch(family: str, seed: int, rng: np.random.Generator) -> Outcome:
    """Leads of the test arm that did not convert are lost on the way, which looks like a gain of points."""
    trial = drawn(rng, seed, int(rng.choice([5000, 8000])), rng.uniform(0.1, 0.2), 0.0)
    lost = trial.is_test & ~trial.converted & (rng.random(len(trial.week)) < rng.uniform(0.15, 0.3))
    kept = Trial(trial.is_test[~lost], trial.converted[~lost], trial.week[~lost])
    said = said_of(rng, kept)
    found = light_with(said, kept)
    is_false = found.colour == "green" and "bar_met_not_proved" not in found.flags
    answer = WRONG if is_false else RIGHT if said.is_mismatch and not said.is_valid else OPEN
    return Outcome(family, seed, answer, is_false, f"{found.colour} {found.reasons}")


def _peeking(family: str, seed: int, rng: np.random.Generator) -> Outcome:
    """Eight looks at arms that differ by nothing: wrong as soon as one of them claims a difference."""
    units = int(rng.choice([1600, 4000, 8000]))
    trial = drawn(rng, seed, units, rng.uniform(0.05, 0.2), 0.0)
    looks = [sequential.look(trial.arm(True, w), trial.arm(False, w), units) for w in range(1, WEEKS + 1)]
    running = verdict(Findings("running"))
    crossed = any(claims_a_difference(each) for each in looks)
    is_false = running.colour is not None
    return Outcome(family, seed, WRONG if crossed or is_false else RIGHT, is_false, f"crossed: {crossed}")


FAMILIES: Mapping[str, Callable[[str, int, np.random.Generator], Outcome]] = {
    "experiment without gain": _nothing,
    "experiment with a gain": _gain,
    "sample-ratio mismatch": _mismatch,
    "peeking": _peeking,
}


def trial_worlds() -> list[Outcome]:
    """Every world of this module, judged."""
    return [
        make(family, seed, np.random.default_rng([2000 + place, seed]))
        for place, (family, make) in enumerate(FAMILIES.items())
        for seed in range(PER_FAMILY)
    ]


def naive_peeks(worlds: int = 200) -> int:
    """Of so many worlds without a gain, those in which an interval made for one look claims one at some look."""
    found = 0
    for seed in range(worlds):
        trial = drawn(np.random.default_rng([3000, seed]), seed, 4000, 0.1, 0.0)
        found += any(
            claims_a_difference(difference(trial.arm(True, w), trial.arm(False, w)))
            for w in range(1, WEEKS + 1)
        )
    return found
