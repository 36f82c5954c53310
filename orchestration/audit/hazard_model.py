"""How the chance to convert before the next touch goes with the touches so far, all else alike (audit 2.7.2).

A binomial regression with the complementary log-log link on person-touches: what it gives for one more touch is the
ratio of the hazards of the time that the touches cut into pieces (Prentice and Gloeckler 1978). Days since creation
and segments have levels of their own. It is fitted on counts by place, so that a million person-touches cost what a
few thousand cells cost; the error lets the person-touches of an account go together. A level without any event, or
with nothing else, says nothing about touches and is left out, as its own parameter would explain it wholly.
What does NOT belong here: who is at risk when (statistics.line_checks), the hazard touch by touch (`yields.py`).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import statsmodels.api as sm
from scipy import stats
from statsmodels.tools.sm_exceptions import PerfectSeparationError

from orchestration.audit.adjusted import numbered
from orchestration.audit.regression import CONFIDENCE
from orchestration.audit.traffic_light import METHOD_BARS

#: Events for each parameter, fewer have intervals that do not keep their word (Vittinghoff and McCulloch 2007).
EVENTS_PER_PARAMETER = 5
#: First days of the classes of days since creation.
DAY_EDGES = (1, 3, 7, 14, 30)
#: Coefficients beyond these run away to no maximum: a class, and a touch more or its error.
_LARGEST, _LARGEST_OF_TOUCHES = 20.0, 5.0


@dataclass(frozen=True)
class PersonTouches:
    """One array element a person-touch at risk.

    touches: so far, 0 before the first. event: converted before the next touch and within the horizon. day: whole
    days since creation. group: 0 to the number of groups - 1. levels: codes of further covariates, 0 and up.
    """

    touches: np.ndarray
    event: np.ndarray
    day: np.ndarray
    group: np.ndarray
    levels: Sequence[np.ndarray] = ()

    @cached_property
    def places(self) -> tuple[np.ndarray, list[np.ndarray]]:
        """(cell of each row, the columns of the cells): touches, class of days, levels."""
        columns = [self.touches, np.searchsorted(DAY_EDGES, self.day, side="right"), *self.levels]
        packed = np.zeros(len(self.touches), dtype=np.int64)
        sizes = [int(column.max(initial=0)) + 1 for column in columns]
        for column, size in zip(columns, sizes, strict=True):
            packed = packed * size + column
        distinct = np.flatnonzero(np.bincount(packed))
        found = []
        for size in reversed(sizes):
            distinct, code = np.divmod(distinct, size)
            found.append(code)
        return numbered(packed), found[::-1]


@dataclass(frozen=True)
class Hazard:
    """Ratio of the hazards with one more touch and its 95 % interval; None with `reason`.

    n, n_events: person-touches at risk and their events, those of classes left out included. coefficient, se: log
    ratio and its error. reason: nobody_at_risk, too_few_events, under_two_groups, zero_variance_x or not_estimable.
    """

    n: int
    n_events: int
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    coefficient: float | None = None
    se: float | None = None
    reason: str | None = None


def hazard(
    rows: PersonTouches,
    kept: np.ndarray | None = None,
    minimum_events: int = METHOD_BARS.minimum_events,
) -> Hazard:
    """The ratio of the hazards with one more touch, days and levels alike; kept: mask of the rows that count."""
    place, (touches, *classes) = rows.places
    event, group = rows.event, rows.group
    if kept is not None:
        place, event, group = place[kept], event[kept], group[kept]
    n, n_events = len(event), int(event.sum())
    if not n:
        return Hazard(0, 0, reason="nobody_at_risk")
    at_risk = np.bincount(place, minlength=len(touches)).astype(float)
    events = np.bincount(place, weights=event, minlength=len(touches))
    telling = _telling(classes, at_risk, events)
    if not telling.any():
        return Hazard(n, n_events, reason="too_few_events")
    groups = np.bincount(group, weights=telling[place]) > 0
    n_groups, n_told = int(groups.sum()), int(at_risk[telling].sum())
    if n_groups < 2:
        return Hazard(n, n_events, reason="under_two_groups")
    if np.ptp(touches[telling]) == 0:
        return Hazard(n, n_events, reason="zero_variance_x")
    design = _design(touches[telling], [code[telling] for code in classes])
    if events[telling].sum() < max(minimum_events, EVENTS_PER_PARAMETER * design.shape[1]):
        return Hazard(n, n_events, reason="too_few_events")
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return Hazard(n, n_events, reason="not_estimable")
    found = _fitted(design, events[telling], at_risk[telling])
    if found is None:
        return Hazard(n, n_events, reason="not_estimable")
    beta, rate = found
    # with the rate r = exp(predictor) a person-touch has the log likelihood log(1 - exp(-r)) with an event, else -r
    above = np.expm1(rate)
    of_event, bend = rate / above, (rate * rate * (above + 1) - rate * above) / (above * above)
    weight = events[telling] * bend + (at_risk - events)[telling] * rate
    # only the row of the sandwich that belongs to touches is wanted
    along = design @ np.linalg.inv((design * weight[:, None]).T @ design)[1]
    parts = np.zeros((2, len(touches)))
    parts[:, telling] = -rate * along, of_event * along
    score = np.bincount(group, weights=parts[event, place])
    factor = n_groups / (n_groups - 1) * (n_told - 1) / (n_told - design.shape[1])
    coefficient, se = float(beta[1]), float(np.sqrt(factor * np.einsum("i,i->", score, score)))
    if max(abs(coefficient), se) > _LARGEST_OF_TOUCHES:
        return Hazard(n, n_events, reason="not_estimable")
    half = float(stats.norm.ppf(0.5 + CONFIDENCE / 2)) * se
    return Hazard(
        n=n,
        n_events=n_events,
        ratio=float(np.exp(coefficient)),
        low=float(np.exp(coefficient - half)),
        high=float(np.exp(coefficient + half)),
        p=float(2 * stats.norm.sf(abs(coefficient) / se)) if se else 0.0,
        coefficient=coefficient,
        se=se,
    )


def _telling(classes: Sequence[np.ndarray], at_risk: np.ndarray, events: np.ndarray) -> np.ndarray:
    """Mask of the cells all of whose classes have events and rows without one; leaving some out may empty others."""
    kept = at_risk > 0
    while True:
        before = int(kept.sum())
        for code in classes:
            n = np.bincount(code, weights=at_risk * kept)
            with_event = np.bincount(code, weights=events * kept)
            kept &= ((with_event > 0) & (with_event < n))[code]
        if int(kept.sum()) == before:
            return kept


def _design(touches: np.ndarray, classes: Sequence[np.ndarray]) -> np.ndarray:
    """One, touches, and a dummy for every class that occurs but the first of each covariate."""
    columns = [np.ones(len(touches)), touches.astype(float)]
    for code in classes:
        columns += [(code == level).astype(float) for level in np.unique(code)[1:]]
    return np.column_stack(columns)


def _fitted(
    design: np.ndarray, events: np.ndarray, at_risk: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """(coefficients, exp of the linear predictor by place); None without a maximum."""
    family = sm.families.Binomial(link=sm.families.links.CLogLog())
    model = sm.GLM(np.column_stack([events, at_risk - events]), design, family=family)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no maximum is told by a reason, not on the terminal
        try:
            found = model.fit(maxiter=50, tol=1e-12)
        except (np.linalg.LinAlgError, ValueError, PerfectSeparationError):
            return None
    beta = np.asarray(found.params)
    if not np.isfinite(beta).all() or np.abs(beta).max() > _LARGEST:
        return None
    return beta, np.exp(np.clip(design @ beta, -30.0, 5.0))
