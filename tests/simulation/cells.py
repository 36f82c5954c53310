"""Worlds given as leads by touches and outcome: no effect, forms, composition, outliers, too few.

Each goes through the project's functions from the points to the light. Where a defence is looked at alone, the light
is also told of an experiment that seems to have succeeded: only that defence then stands between the world and green.
What does NOT belong here: worlds that unfold in time (`lives.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import numpy as np

from orchestration.audit.composition import composition, heterogeneous
from orchestration.audit.points import Points
from orchestration.audit.regression import Line, line
from orchestration.audit.sensitivity import without_top
from orchestration.audit.shape import DECISIONS, shape
from orchestration.audit.traffic_light import Evidence, Light, light
from tests.simulation.outcomes import OPEN, RIGHT, WRONG, Outcome, of_colour

PER_FAMILY = 24
Arrays = tuple[np.ndarray, np.ndarray]


def cell_worlds() -> list[Outcome]:
    """Every world of this module, judged."""
    makers: Mapping[str, Callable[[str, int, np.random.Generator], Outcome]] = {
        "no effect": _no_effect,
        "real effect": _real_effect,
        "plateau": _formed("plateau", lambda x, c, a: a[0] + a[1] * np.minimum(x, c)),
        "S curve": _formed("s_curve", lambda x, c, a: a[0] + 5 * a[1] / (1 + np.exp(-2.0 * (x - c)))),
        "U": _formed("u_shape", lambda x, c, a: a[0] + 0.45 * a[1] * (x - c) ** 2),
        "Simpson": _simpson,
        "outliers": _outliers,
        "tiny n": _tiny,
    }
    return [
        make(family, seed, np.random.default_rng([seed, place]))
        for place, (family, make) in enumerate(makers.items())
        for seed in range(PER_FAMILY)
    ]


def points_of(x: np.ndarray, y: np.ndarray) -> Points:
    """Points of touches and outcomes (0 or 1), one array element a lead."""
    n = np.bincount(x)
    k = np.bincount(x, weights=y)
    return Points.of_outcomes(
        (touches, int(units), int(conversions))
        for touches, (units, conversions) in enumerate(zip(n, k, strict=True))
        if units
    )


def touches_of(rng: np.random.Generator, units: int, mean: float) -> np.ndarray:
    """Touches that spread wider than Poisson's, as those of sellers do."""
    return rng.poisson(rng.gamma(6.0, mean / 6.0, units))


def drawn(rng: np.random.Generator, x: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Outcomes with the chance `share` of each lead."""
    return (rng.random(len(x)) < np.clip(share, 0.0, 1.0)).astype(int)


def judged(
    points: Points, cuts: Mapping[str, Mapping[str, Points]] | None = None, *, is_lucky: bool = False
) -> Light:
    """The light of a segment as the statistics step comes to it; is_lucky: an experiment seems to have succeeded."""
    fitted = line(points)
    found = {cut: composition(fitted, segments) for cut, segments in (cuts or {}).items()}
    return light(
        Evidence(
            n=fitted.n,
            n_events=fitted.n_events,
            r=decimal_r(fitted),
            is_fragile=without_top(points, fitted).is_fragile,
            is_reversed=any(c.is_reversal for c in found.values()),
            is_heterogeneous=any(heterogeneous(found).values()),
            **(LUCKY if is_lucky else {}),
        )
    )


LUCKY: dict[str, object] = {
    "experiment": "valid",
    "delta_points": Decimal(3),
    "is_gain_proved": True,
    "power": Decimal("0.9"),
    "complaints": "proved_stable",
}


def decimal_r(fitted: Line) -> Decimal | None:
    """r as the product publishes it."""
    return None if fitted.r is None else Decimal(repr(fitted.r)).quantize(Decimal("1e-10"))


def _no_effect(family: str, seed: int, rng: np.random.Generator) -> Outcome:
    units = int(rng.choice([300, 1000, 3000]))
    x = touches_of(rng, units, rng.uniform(2, 7))
    points = points_of(x, drawn(rng, x, np.full(units, rng.uniform(0.08, 0.3))))
    found, form = judged(points, is_lucky=True), shape(points).form
    told = of_colour(family, seed, found.colour, deserves_green=False, told=f"{found.colour}, {form}")
    if form not in ("none", "undetermined"):
        return Outcome(family, seed, WRONG, told.is_false_green, told.told)
    return told


def _real_effect(family: str, seed: int, rng: np.random.Generator) -> Outcome:
    units = int(rng.choice([300, 1000, 3000]))
    x = touches_of(rng, units, 5.0)
    points = points_of(x, drawn(rng, x, 0.04 + rng.uniform(0.055, 0.075) * x))
    found, form = judged(points, is_lucky=True), shape(points)
    told = of_colour(family, seed, found.colour, deserves_green=True, told=f"{found.colour}, {form.form}")
    if form.decision not in ("more", "persist", "nothing", None):
        return Outcome(family, seed, WRONG, False, told.told)
    return told


def _formed(
    truth: str, share: Callable[[np.ndarray, float, tuple[float, float]], np.ndarray]
) -> Callable[[str, int, np.random.Generator], Outcome]:
    def make(family: str, seed: int, rng: np.random.Generator) -> Outcome:
        units = int(rng.choice([500, 3000, 12000]))
        x = touches_of(rng, units, 6.0)
        level = (rng.uniform(0.02, 0.08), rng.uniform(0.02, 0.04))
        found = shape(points_of(x, drawn(rng, x, share(x, float(rng.integers(5, 8)), level))))
        if found.form in (None, "none", "undetermined") or (truth, found.form) == ("s_curve", "linear"):
            answer = OPEN  # an S rises from end to end: a line says so and no more
        else:
            answer = RIGHT if found.decision == DECISIONS[truth] else WRONG
        return Outcome(family, seed, answer, False, f"{found.form} with {units}")

    return make


def _simpson(family: str, seed: int, rng: np.random.Generator) -> Outcome:
    """In each segment touches go with fewer conversions or with none more; over all of them the line rises."""
    within = -rng.uniform(0.0, 0.02)
    segments: dict[str, Arrays] = {}
    for place in range(int(rng.integers(2, 4))):
        units = int(rng.integers(800, 2500))
        mean = 2.0 + 6.0 * place
        x = touches_of(rng, units, mean)
        segments[f"segment_{place}"] = (x, drawn(rng, x, 0.12 + 0.28 * place + within * (x - mean)))
    parts = {name: points_of(*arrays) for name, arrays in segments.items()}
    whole = points_of(*(np.concatenate(column) for column in zip(*segments.values(), strict=True)))
    found = judged(whole, {"size_band": parts}, is_lucky=True)
    seen = composition(line(whole), parts)
    if found.colour == "green":
        answer = WRONG
    else:
        told = seen.is_reversal or seen.is_attenuated or heterogeneous({"size_band": seen})["size_band"]
        answer = RIGHT if told else OPEN
    return Outcome(family, seed, answer, found.colour == "green", ",".join(found.reasons))


def _outliers(family: str, seed: int, rng: np.random.Generator) -> Outcome:
    """No relation but for at most one lead in a hundred, called very often and converted."""
    units = int(rng.choice([400, 1000, 3000]))
    x = touches_of(rng, units, 3.0)
    y = drawn(rng, x, np.full(units, 0.1))
    extreme = rng.permutation(units)[: max(2, int(units * rng.uniform(0.005, 0.0099)))]
    x[extreme] = rng.integers(35, 60, len(extreme))
    y[extreme] = 1
    found = judged(points_of(x, y), is_lucky=True)
    if found.colour == "green":
        answer = WRONG
    else:
        answer = RIGHT if {"r_below_amber_bar", "fragile_without_top"} & set(found.reasons) else OPEN
    return Outcome(family, seed, answer, found.colour == "green", ",".join(found.reasons))


def _tiny(family: str, seed: int, rng: np.random.Generator) -> Outcome:
    """Too few leads or conversions, down to none: grey, and no figure where none can be."""
    units = [0, 1, 2, 3, 5, 12, 29, 200][seed % 8]
    x = touches_of(rng, units, 4.0)
    y = np.minimum(np.cumsum(drawn(rng, x, 0.1 + 0.15 * x)), 9)
    y = np.diff(y, prepend=0)
    points = points_of(x, y) if units else Points.of([])
    fitted, found = line(points), judged(points, is_lucky=True)
    has_reason = (fitted.r is None) == (fitted.reason is not None)
    answer = RIGHT if found.colour == "grey" and has_reason else WRONG
    return Outcome(family, seed, answer, found.colour == "green", f"{found.reasons[0]}, {fitted.reason}")
