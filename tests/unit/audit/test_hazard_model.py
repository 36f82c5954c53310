"""The hazard of a conversion before the next touch against statsmodels fitted row by row."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from orchestration.audit.hazard_model import DAY_EDGES, PersonTouches, hazard


def drawn(n: int, seed: int, ratio: float = 1.2) -> PersonTouches:
    """Person-touches of accounts of about six, whose hazard rises by `ratio` with each touch."""
    rng = np.random.default_rng(seed)
    touches, day = rng.integers(0, 8, n), rng.integers(0, 30, n)
    channel = rng.integers(0, 3, n)
    share = -np.expm1(-np.exp(-2.6 + np.log(ratio) * touches + 0.3 * channel - 0.02 * day))
    event = (rng.random(n) < share).astype(int)
    return PersonTouches(
        touches, event, day, np.unique(rng.integers(0, n // 6, n), return_inverse=True)[1], [channel]
    )


def of_statsmodels(rows: PersonTouches):
    bucket = np.searchsorted(DAY_EDGES, rows.day, side="right")
    columns = [np.ones(len(rows.day)), rows.touches]
    for codes in (bucket, *rows.levels):
        columns += [(codes == level).astype(float) for level in np.unique(codes)[1:]]
    model = sm.GLM(
        rows.event,
        np.column_stack(columns),
        family=sm.families.Binomial(link=sm.families.links.CLogLog()),
    )
    return model.fit(tol=1e-12, maxiter=100, cov_type="cluster", cov_kwds={"groups": rows.group})


@pytest.mark.parametrize("seed", [1, 2])
def test_ratio_and_error_are_those_of_the_row_by_row_fit(seed):
    rows = drawn(3000, seed)
    found, wanted = hazard(rows), of_statsmodels(rows)
    assert found.coefficient == pytest.approx(wanted.params[1], abs=1e-9)
    assert found.se == pytest.approx(wanted.bse[1], rel=1e-6)
    low, high = wanted.conf_int()[1]
    assert (found.ratio, found.low, found.high) == pytest.approx(
        (np.exp(wanted.params[1]), np.exp(low), np.exp(high)), rel=1e-6
    )
    assert (found.n, found.n_events) == (3000, int(rows.event.sum()))


@pytest.mark.parametrize("ratio", [0.85, 1.0, 1.25])
def test_a_planted_ratio_lies_in_its_interval(ratio):
    held = [hazard(drawn(4000, seed, ratio)) for seed in range(20)]
    inside = sum(each.low <= ratio <= each.high for each in held)
    assert inside >= 17


def test_a_class_without_any_event_is_left_out_and_changes_nothing():
    rows = drawn(3000, 3)
    silent = np.arange(3000) < 200
    events = np.where(silent, 0, rows.event)
    channel = np.where(silent, 3, rows.levels[0])
    with_silent = PersonTouches(rows.touches, events, rows.day, rows.group, [channel])
    found, wanted = hazard(with_silent), hazard(with_silent, ~silent)
    assert (found.n, wanted.n) == (3000, 2800)
    assert (found.coefficient, found.se) == (wanted.coefficient, wanted.se)


@pytest.mark.parametrize(
    ("n", "events", "reason"),
    [
        (0, 0, "nobody_at_risk"),
        (1, 1, "too_few_events"),
        (400, 0, "too_few_events"),
        (400, 9, "too_few_events"),
    ],
)
def test_few_conversions_have_a_reason(n, events, reason):
    """Without an event, or with nothing else, no row says anything of touches."""
    rng = np.random.default_rng(4)
    event = np.zeros(n, dtype=int)
    event[:events] = 1
    rows = PersonTouches(rng.integers(0, 5, n), event, np.zeros(n, dtype=int), np.arange(n))
    found = hazard(rows)
    assert (found.ratio, found.low, found.reason) == (None, None, reason)


def test_touches_that_part_the_converted_are_not_estimable():
    touches = np.repeat([0, 1, 2, 3], 100)
    rows = PersonTouches(touches, (touches >= 2).astype(int), np.zeros(400, dtype=int), np.arange(400))
    assert hazard(rows).reason == "not_estimable"


def test_the_same_number_of_touches_everywhere_says_nothing():
    event = (np.arange(100) < 40).astype(int)
    rows = PersonTouches(np.full(100, 3), event, np.zeros(100, dtype=int), np.arange(100))
    assert hazard(rows).reason == "zero_variance_x"
    one = PersonTouches(np.arange(100) % 5, event, np.zeros(100, dtype=int), np.zeros(100, dtype=int))
    assert hazard(one).reason == "under_two_groups"
