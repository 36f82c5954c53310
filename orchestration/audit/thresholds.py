"""Thresholds proposed from data, each with its interval, and whether it moves what is in force (rows DE1 to DE4, DE19).

Least touches: the smallest number that a share of the conversions had at most before them. Most touches: the last one
before the first whose yield lies below the floor, its upper bound included; the knot of a plateau stands beside it.
Time to first contact: the longest after which conversion is not worse than in the best bucket by more than a margin.
Mails a day: as many as complaints are shown to stay under the bar. Intervals are percentiles of resampled leads (Efron
1979), drawn from a seed that the counts give. A threshold is only moved when its interval leaves out the value in
force, so that rules do not flap.
Not here: which rows are in force (`expectations.thresholds`), who approves, sentences.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import inf

import numpy as np
from scipy.special import betaincinv

from orchestration.audit.complaints import Z_ONE_SIDED
from orchestration.audit.points import Points
from orchestration.audit.shape import DECISIONS, MARGIN, plateau_knots, shape
from orchestration.audit.traffic_light import METHOD_BARS, Bars
from orchestration.audit.yields import LAST_TOUCH, Paths, wilson

RESAMPLES = 1000
#: Hours up to which the time to first contact is told apart.
TTF_EDGES = (Decimal("0.5"), *(Decimal(h) for h in (1, 2, 4, 8, 24, 48, 72, 168)))
FIRST, CHANGE, KEEP, NONE = "first", "change", "keep", "none"


@dataclass(frozen=True)
class Proposal:
    """What the data say about one rule.

    Attributes:
        value: None with `reason`.
        low, high: 95 % interval; None is open on that side.
        n_units, n_events: what it rests on.
        method: code of the estimate.
    """

    value: Decimal | None
    low: Decimal | None
    high: Decimal | None
    n_units: int
    n_events: int
    method: str
    reason: str | None = None


def decision(proposal: Proposal, in_force: Decimal | None) -> str:
    """first, change, keep or none: a value in force is only moved when the interval leaves it out."""
    if in_force is None:
        return NONE if proposal.value is None else FIRST
    if proposal.value is None:
        return KEEP
    is_inside = (proposal.low is None or proposal.low <= in_force) and (
        proposal.high is None or in_force <= proposal.high
    )
    return KEEP if is_inside else CHANGE


def least_touches(paths: Paths, coverage: Fraction, bars: Bars = METHOD_BARS) -> Proposal:
    """The smallest number of touches in the window that `coverage` of the conversions had at most before them."""
    method = "coverage"
    counts = _by_touches(paths)
    n, events = paths.n_leads, int(counts.sum())
    if reason := _too_few(n, events, bars):
        return Proposal(None, None, None, n, events, method, reason)
    value = int(_first_covered(counts[None, :], coverage)[0])
    drawn = _generator(counts, "least").multinomial(events, counts / events, RESAMPLES)
    low, high = _percentiles(_first_covered(drawn, coverage))
    return Proposal(Decimal(value), Decimal(int(low)), Decimal(int(high)), n, events, method)


def _by_touches(paths: Paths) -> np.ndarray:
    """Conversions by touches in the window before them, from 0 up."""
    most = max((p.n_in_window for p in paths.paths), default=0)
    counts = np.zeros(most + 1, dtype=np.int64)
    for p in paths.paths:
        counts[p.n_in_window] += p.n_leads if p.is_converted else 0
    return counts


def _first_covered(counts: np.ndarray, coverage: Fraction) -> np.ndarray:
    """Per row the first column up to which `coverage` of the row's sum lies, in whole numbers."""
    summed = np.cumsum(counts, axis=1)
    return np.argmax(summed * coverage.denominator >= summed[:, -1:] * coverage.numerator, axis=1)


def most_touches(paths: Paths, floor: Fraction, bars: Bars = METHOD_BARS) -> Proposal:
    """The last touch before the first one whose upper bound of the yield lies below `floor`."""
    method = "yield_floor"
    if not paths.paths:
        return Proposal(None, None, None, 0, 0, method, "too_few_units")
    at_risk, events, _ = paths.weights()
    counts = paths.counts()
    n, x = paths.n_leads, int((counts @ events)[1:].sum())
    if reason := _too_few(n, x, bars):
        return Proposal(None, None, None, n, x, method, reason)
    first = _first_below(counts[None, :], at_risk, events, floor)[0]
    if first > LAST_TOUCH:
        return Proposal(None, None, None, n, x, method, "yield_above_floor")
    drawn = _generator(counts, "most").multinomial(n, counts / n, RESAMPLES)
    low, high = _percentiles(_first_below(drawn, at_risk, events, floor))
    return Proposal(
        Decimal(int(first) - 1),
        Decimal(int(low) - 1),
        None if high > LAST_TOUCH else Decimal(int(high) - 1),
        n,
        x,
        method,
    )


def _first_below(counts: np.ndarray, at_risk: np.ndarray, events: np.ndarray, floor: Fraction) -> np.ndarray:
    """Per row of counts the first touch from 1 on whose upper bound is below the floor; LAST_TOUCH + 1 without one."""
    _, high = wilson(counts @ events, counts @ at_risk)
    below = high[:, 1:] < float(floor)
    return np.where(below.any(axis=1), 1 + np.argmax(below, axis=1), LAST_TOUCH + 1)


def plateau_touches(paths: Paths, bars: Bars = METHOD_BARS) -> Proposal:
    """Touches in the window from which on more of them go with no more conversions: a third opinion.

    The line through touches and conversion that stops to rise, where it is sure among the forms (`shape`); its knots
    that the data do not leave out are the interval. Conversion cuts touches short, so that the knot is no cause.
    """
    method = "plateau_knot"
    counted: dict[int, list[int]] = {}
    for p in paths.paths:
        cell = counted.setdefault(p.n_in_window, [0, 0])
        cell[0] += p.n_leads
        cell[1] += p.n_leads if p.is_converted else 0
    n, events = paths.n_leads, paths.n_conversions
    if reason := _too_few(n, events, bars):
        return Proposal(None, None, None, n, events, method, reason)
    points = Points.of_outcomes((x, units, converted) for x, (units, converted) in counted.items())
    found, knots = shape(points), plateau_knots(points)
    # two slopes whose second is flat are a plateau too: it must not be beaten, and what wins must say to stop
    is_sure = (
        DECISIONS.get(found.form or "") == "stop"
        and found.best is not None
        and found.aicc.get("plateau", inf) - found.aicc[found.best] < MARGIN
    )
    if not is_sure or knots is None:
        return Proposal(None, None, None, n, events, method, "no_plateau")
    value, low, high = (Decimal(round(each)) for each in knots)
    return Proposal(value, low, high, n, events, method)


def ttf_target(buckets: Sequence[tuple[int, int]], margin: Fraction, bars: Bars = METHOD_BARS) -> Proposal:
    """The longest of TTF_EDGES up to which conversion is not below the best bucket by more than `margin`.

    buckets: (leads, conversions) by time to first contact, one for each edge (up to it) and one beyond the last.
    Not worse: the lower 95 % bound of the difference (Newcombe 1998, which takes the two shares for independent and so
    is cautious here, where the best bucket can be a part of the others) lies above -margin.
    """
    method = "non_inferiority"
    cells = np.array([(n - k, k) for n, k in buckets], dtype=np.int64)
    if cells.shape != (len(TTF_EDGES) + 1, 2) or (cells < 0).any():
        raise ValueError(f"{len(TTF_EDGES) + 1} buckets of leads and conversions expected: {list(buckets)}")
    n, events = int(cells.sum()), int(cells[:, 1].sum())
    if reason := _too_few(n, events, bars):
        return Proposal(None, None, None, n, events, method, reason)
    flat = cells.ravel()
    value = int(_longest(cells[None], margin, bars.minimum_units, is_proved=True)[0])
    if value < 0:
        return Proposal(None, None, None, n, events, method, "no_bucket_proved")
    if value == len(TTF_EDGES) - 1:
        return Proposal(None, None, None, n, events, method, "no_fall_seen")
    drawn = _generator(flat, "ttf").multinomial(n, flat / n, RESAMPLES).reshape(RESAMPLES, -1, 2)
    low, high = _percentiles(_longest(drawn, margin, bars.minimum_units, is_proved=False))
    low, high = min(low, value), max(high, value)
    return Proposal(
        TTF_EDGES[value],
        TTF_EDGES[low] if low >= 0 else None,
        TTF_EDGES[high] if high < len(TTF_EDGES) - 1 else None,
        n,
        events,
        method,
    )


def _longest(cells: np.ndarray, margin: Fraction, least: int, *, is_proved: bool) -> np.ndarray:
    """Per sample (samples x buckets x [not converted, converted]) the place of the longest edge, -1 without one.

    least: units without which a bucket tells nothing. is_proved: the lower bound of the difference lies above -margin;
    else the difference itself does, whose spread over samples is the interval.
    """
    units, events = cells.sum(axis=2), cells[:, :, 1]
    shares = np.where(units >= least, events / np.maximum(units, 1), -1.0)
    best = np.argmax(shares, axis=1)[:, None]
    n_best, k_best = np.take_along_axis(units, best, 1), np.take_along_axis(events, best, 1)
    n, k = np.cumsum(units, axis=1)[:, :-1], np.cumsum(events, axis=1)[:, :-1]
    share, top = k / np.maximum(n, 1), k_best / np.maximum(n_best, 1)
    bound = share - top
    if is_proved:
        low, _ = wilson(k, n, Z_ONE_SIDED)
        _, high = wilson(k_best, n_best, Z_ONE_SIDED)
        bound = bound - np.sqrt((share - low) ** 2 + (high - top) ** 2)
    holds = (bound > -float(margin)) & (n >= least) & (shares.max(axis=1, keepdims=True) >= 0)
    return np.where(holds, np.arange(holds.shape[1]), -1).max(axis=1)


def mails_a_day(doses: Mapping[int, tuple[int, int]], bar: Fraction | None) -> Proposal:
    """As many mails a person and day as complaints are shown to stay under the bar.

    doses: mails of the day -> (delivered, complained). A dose is shown to be safe when the exact one-sided 95 % upper
    bound of its rate is at most `bar`, and unsafe when the lower one is above it; between them nothing is shown, which
    is why the interval reaches from the last dose shown to be safe to the last one before an unsafe one. Where no dose
    is shown to be safe none is proposed, whatever is shown to be unsafe; nor without a bar (None).
    """
    method = "clopper_pearson"
    n, events = (sum(each) for each in zip(*doses.values(), strict=True)) if doses else (0, 0)
    if any(not 0 <= k <= m for m, k in doses.values()):
        raise ValueError(f"more complaints than mails: {dict(doses)}")
    if not n or bar is None:
        return Proposal(None, None, None, n, events, method, "no_bar" if n else "too_few_units")
    safe, unsafe = 0, None
    for dose in range(1, max(doses, default=0) + 1):
        m, k = doses.get(dose, (0, 0))
        if _upper(k, m) <= float(bar) and safe == dose - 1 and unsafe is None:
            safe = dose
        if unsafe is None and _lower(k, m) > float(bar):
            unsafe = dose
    high = None if unsafe is None else Decimal(unsafe - 1)
    if not safe:
        low = None if high is None else Decimal(0)
        return Proposal(None, low, high, n, events, method, "not_shown_safe")
    return Proposal(Decimal(safe), Decimal(safe), high, n, events, method)


def _upper(events: int, units: int) -> float:
    return 1.0 if events >= units else float(betaincinv(events + 1, units - events, 0.95))


def _lower(events: int, units: int) -> float:
    return 0.0 if not events else float(betaincinv(events, units - events + 1, 0.05))


def touches_a_day(n_leads: int, least: Decimal, work_days: int) -> Fraction | None:
    """Touches a working day that a threshold asks of a month's leads (row DE19); None without a working day."""
    return Fraction(n_leads) * Fraction(least) / work_days if work_days else None


def _too_few(units: int, events: int, bars: Bars) -> str | None:
    if units < bars.minimum_units:
        return "too_few_units"
    return "too_few_events" if events < bars.minimum_events else None


def _generator(counts: np.ndarray, purpose: str) -> np.random.Generator:
    """A generator that the counts seed, so that equal data give equal intervals."""
    content = purpose.encode() + counts.astype("<i8").tobytes()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(content).digest()[:8], "big"))


def _percentiles(values: np.ndarray) -> tuple[int, int]:
    """The 2.5th and 97.5th percentile, both values that were drawn."""
    low, high = np.quantile(values, (0.025, 0.975), method="inverted_cdf")
    return int(low), int(high)
