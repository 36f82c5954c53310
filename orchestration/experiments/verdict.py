"""What an experiment says (rows EX10, DE20, DE21): bar, proof, guard rails, ratio, balance, power, colour and reasons.

Red before amber before green. Green is a gain at the bar in a valid experiment; what is not proved keeps the colour and
says so. Not here: the figures (effects, guards, srm), the light of a segment (audit.traffic_light).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from orchestration.experiments import guards
from orchestration.experiments.kept import FINISHED

GREEN, AMBER, RED = "green", "amber", "red"


@dataclass(frozen=True)
class Findings:
    """What a read-out found. delta, low, high: shares, 0.02 is two points; bar in points.

    Attributes:
        status: FINISHED, or why nothing is read.
        n_test, n_control: matured leads by arm.
        complaints: status of the guard rail on complaints; guard_rail: of all of them.
        is_balanced: None where no covariate was recorded.
    """

    status: str
    n_test: int = 0
    n_control: int = 0
    delta: Fraction | None = None
    low: float | None = None
    high: float | None = None
    bar_points: Decimal = Decimal(2)
    complaints: str = guards.NO_DATA
    guard_rail: str = guards.NO_DATA
    is_mismatch: bool = False
    is_balanced: bool | None = None
    is_heterogeneous: bool = False
    is_contaminated: bool = False
    power: float | None = None
    least_per_arm: int = 200


@dataclass(frozen=True)
class Verdict:
    """The verdict. colour: None without one. reasons: what fixed the colour; flags: what does not change it.

    is_valid: true when a light may lean on it. bar_met, is_proved: None without a verdict.
    """

    is_valid: bool
    bar_met: bool | None
    is_proved: bool | None
    guard_rail: str | None
    is_mismatch: bool | None
    is_balanced: bool | None
    power: float | None
    is_heterogeneous: bool | None
    colour: str | None
    reasons: tuple[str, ...]
    flags: tuple[str, ...] = ()


def verdict(found: Findings) -> Verdict:
    """The verdict of one experiment."""
    if found.status != FINISHED:
        return Verdict(False, None, None, None, None, None, None, None, None, (found.status,))
    told = (found.guard_rail, found.is_mismatch, found.is_balanced, found.power, found.is_heterogeneous)
    harm = _harm(found)
    if found.is_mismatch:  # arms that are not what was drawn say nothing of the gain
        colour = RED if harm else AMBER
        return Verdict(False, None, None, *told, colour, (*harm, "sample_ratio_mismatch"))
    if found.delta is None:
        return Verdict(False, None, None, *told, RED if harm else AMBER, (*harm, "no_units"))
    bar_met = found.delta * 100 >= Fraction(found.bar_points)
    is_proved = (found.low or 0.0) > 0
    lost = found.high is not None and found.high < 0
    rules = [
        ("arms_too_small", min(found.n_test, found.n_control) < found.least_per_arm),
        ("gain_below_bar", not bar_met),
        ("loss_proved", lost),
        ("heterogeneous_strata", found.is_heterogeneous),
    ]
    amber = tuple(code for code, holds in rules if holds)
    is_valid = min(found.n_test, found.n_control) >= found.least_per_arm
    flags = tuple(
        code
        for code, holds in (
            ("bar_met_not_proved", bar_met and not is_proved),
            ("power_under_80", found.power is None or found.power < 0.8),
            ("complaints_not_proved", found.complaints != guards.PROVED),
            ("unbalanced", found.is_balanced is False),
            ("contaminated", found.is_contaminated),
        )
        if holds
    )
    colour = RED if harm else AMBER if amber else GREEN
    reasons = (*harm, *amber) or ("bar_met",)
    return Verdict(is_valid, bar_met, is_proved, *told, colour, reasons, flags)


def _harm(found: Findings) -> tuple[str, ...]:
    """Complaints above their ceiling or up, else another guard rail: red whatever else."""
    if found.complaints == guards.BREACH:
        return ("complaints_breach",)
    if found.complaints == guards.WORSE:
        return ("complaints_up",)
    return ("guard_rail_worse",) if found.guard_rail in (guards.BREACH, guards.WORSE) else ()
