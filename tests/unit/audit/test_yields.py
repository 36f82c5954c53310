"""Hazards behind touches: planted rates come back, and every count is that of a recount lead by lead."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from orchestration.audit.yields import LAST_TOUCH, Path, Paths, wilson, yields


def world(hazards: list[float], units: int, seed: int, leave: float = 0.3) -> list[Path]:
    """Leads touched until they convert (a hazard behind each touch) or nobody goes on; all are followed."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(units):
        for k, hazard in enumerate(hazards):
            converts = rng.random() < hazard
            if converts or rng.random() < leave or k == len(hazards) - 1:
                found.append(Path(k, k, k, converts, converts, 1))
                break
    return found


def recount(rows: list[Path], k: int) -> tuple[int, int, int]:
    """(at risk, events, conversions) behind touch k, lead by lead."""
    at_risk = events = conversions = 0
    for row in rows:
        for touch in range(min(row.n_followed, row.n_in_window) + 1):
            if touch == k or (k == LAST_TOUCH and touch > k):
                at_risk += row.n_leads
                is_last = touch == row.n_touches
                events += row.n_leads if is_last and row.has_event else 0
        if row.is_converted and min(row.n_in_window, LAST_TOUCH) == k:
            conversions += row.n_leads
    return at_risk, events, conversions


def test_planted_hazards_lie_in_their_intervals_and_others_do_not() -> None:
    planted = [0.02, 0.12, 0.10, 0.06, 0.03, 0.01, 0.01]
    found = yields(Paths.of(world(planted, 40_000, seed=7)))
    assert [each.touch for each in found] == list(range(7))
    inside = [each.low <= hazard <= each.high for each, hazard in zip(found, planted, strict=True)]
    assert sum(inside) >= 6
    assert found[1].low > planted[3] and found[4].high < planted[2]


@pytest.mark.parametrize("seed", range(5))
def test_counts_are_those_of_a_recount_lead_by_lead(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(400):
        touches = int(rng.integers(0, 22))
        followed = int(rng.integers(0, touches + 1)) if rng.random() < 0.4 else touches
        event = followed == touches and rng.random() < 0.3
        rows.append(
            Path(touches, followed, int(rng.integers(0, touches + 1)), event, event and rng.random() < 0.9, 1)
        )
    for each in yields(Paths.of(rows)):
        assert (each.n_at_risk, each.n_events, each.n_conversions) == recount(rows, each.touch)
        assert each.rate == (Fraction(each.n_events, each.n_at_risk) if each.n_at_risk else None)


def test_bounds_are_those_of_statsmodels() -> None:
    units = np.array([1, 1, 7, 30, 412, 9_999, 500_000])
    events = np.array([0, 1, 3, 30, 2, 17, 1])
    low, high = wilson(events, units)
    asked_low, asked_high = proportion_confint(events, units, method="wilson")
    assert np.allclose(low, asked_low, atol=1e-9, rtol=0) and np.allclose(high, asked_high, atol=1e-9, rtol=0)
    nobody = wilson(np.array([0]), np.array([0]))
    assert (nobody[0][0], nobody[1][0]) == (0.0, 1.0)


def test_who_converts_beyond_the_window_of_the_threshold_is_no_event_in_it() -> None:
    """Three touches, two in the window: the conversion came behind the third."""
    found = yields(Paths.of([Path(3, 3, 2, True, True, 10)]))
    assert [(y.n_at_risk, y.n_events, y.n_conversions) for y in found] == [
        (10, 0, 0),
        (10, 0, 0),
        (10, 0, 10),
    ]
    whole = yields(Paths.of([Path(3, 3, 2, True, True, 10)]).whole())
    assert (whole[3].n_events, whole[3].cumulative_share) == (10, 1)


def test_a_touch_whose_horizon_is_open_has_nobody_at_risk() -> None:
    found = yields(Paths.of([Path(2, 1, 2, False, False, 4)]))
    assert [(y.n_at_risk, y.rate, y.low) for y in found[2:]] == [(0, None, None)]
    assert found[1].rate == 0 and found[0].cumulative_share is None


def test_nobody_and_no_path() -> None:
    assert yields(Paths.of([])) == [] and yields(Paths.of([Path(0, 0, 0, False, False, 0)])) == []
    for wrong in (
        Path(1, 2, 1, False, False, 1), Path(1, 1, 2, False, False, 1), Path(1, 1, 1, False, False, -1),
        Path(2, 1, 2, True, True, 1),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"path|event"):
            Paths.of([wrong])


def test_a_shuffle_of_the_leads_changes_nothing() -> None:
    rows = world([0.05, 0.1, 0.05], 500, seed=3)
    assert yields(Paths.of(rows)) == yields(Paths.of(rows[::-1])) and Paths.of(rows) == Paths.of(rows[::-1])
