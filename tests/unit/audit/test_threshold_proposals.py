"""Thresholds from data: planted truths are found, too little data give a reason, and rules do not flap."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import beta
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
from test_yields import world

from orchestration.audit import thresholds
from orchestration.audit.thresholds import (
    TTF_EDGES,
    Proposal,
    decision,
    least_touches,
    mails_a_day,
    most_touches,
    plateau_touches,
    touches_a_day,
    ttf_target,
)
from orchestration.audit.traffic_light import Bars
from orchestration.audit.yields import Path, Paths

COVERAGE = Fraction(9, 10)
FLOOR = Fraction(1, 200)
BAR = Fraction(2, 1000)


def converted(by_touches: list[int], others: int = 100) -> Paths:
    """Leads that converted after 0, 1, ... touches, and as many that did not."""
    rows = [Path(k, k, k, True, True, n) for k, n in enumerate(by_touches)]
    return Paths.of([*rows, Path(3, 3, 3, False, False, others)])


@pytest.mark.audit("DE2")
def test_the_least_number_covers_nine_in_ten_at_the_bar_itself() -> None:
    at_the_bar = least_touches(converted([0, 30, 30, 20, 10, 10]), COVERAGE)  # 90 of 100 with at most 4
    assert at_the_bar.value == 4 and at_the_bar.low <= 4 <= at_the_bar.high
    assert (at_the_bar.n_units, at_the_bar.n_events, at_the_bar.reason) == (200, 100, None)
    below = least_touches(converted([0, 30, 30, 20, 9, 11]), COVERAGE)
    assert below.value == 5
    assert least_touches(converted([0, 30, 30, 20, 10, 10]), Fraction(1)).value == 5


@pytest.mark.audit("DE2")
def test_more_leads_narrow_the_interval_and_equal_data_give_an_equal_one() -> None:
    few = least_touches(converted([2, 6, 6, 4, 2, 2, 1]), COVERAGE)
    many = least_touches(converted([200, 600, 600, 400, 200, 200, 100]), COVERAGE)
    assert many.high - many.low < few.high - few.low
    assert few == least_touches(converted([2, 6, 6, 4, 2, 2, 1]), COVERAGE)


def plain_stop(rows: list[Path], floor: float) -> int | None:
    """The first touch whose upper bound is below the floor, by hand and statsmodels."""
    for k in range(1, 15):
        at_risk = sum(r.n_leads for r in rows if min(r.n_followed, r.n_in_window) >= k)
        events = sum(r.n_leads for r in rows if r.n_touches == k == r.n_in_window and r.has_event)
        if at_risk and proportion_confint(events, at_risk, method="wilson")[1] < floor:
            return k
    return None


@pytest.mark.audit("DE2", "DE3")
def test_a_plateau_ends_the_touches_where_the_yield_falls_under_the_floor() -> None:
    """Touches up to the sixth bring one lead in ten, later ones nothing."""
    rows = world([0.01] + [0.1] * 6 + [0.0] * 6, 60_000, seed=11, leave=0.1)
    found = most_touches(Paths.of(rows), FLOOR)
    assert found.value == 6 == plain_stop(rows, 0.005) - 1
    assert found.low <= 6 <= found.high
    one_touch_more = world([0.01] + [0.1] * 7 + [0.0] * 5, 60_000, seed=11, leave=0.1)
    assert most_touches(Paths.of(one_touch_more), FLOOR).value == 7


def plateau_world(units: int, seed: int, knot: int | None = 6) -> Paths:
    """Conversion rises by three points a touch up to the knot; touches do not stop at conversion."""
    rng = np.random.default_rng(seed)
    touches = rng.integers(0, 13, units)
    share = 0.05 + 0.03 * np.minimum(touches, touches.max() if knot is None else knot)
    outcome = rng.random(units) < share
    return Paths.of(
        [Path(int(t), int(t), int(t), False, bool(y), 1) for t, y in zip(touches, outcome, strict=True)]
    )


@pytest.mark.audit("DE2", "VI5")
def test_the_knot_of_a_planted_plateau_is_a_third_opinion() -> None:
    found = plateau_touches(plateau_world(20_000, 5))
    assert found.value == 6 and found.low <= 6 <= found.high and found.high - found.low <= 3
    assert plateau_touches(plateau_world(20_000, 5, knot=None)).reason == "no_plateau"
    assert plateau_touches(plateau_world(20, 5)).reason == "too_few_units"
    inside = [plateau_touches(plateau_world(20_000, seed)) for seed in range(12)]
    sure = [each for each in inside if each.value is not None]
    assert len(sure) >= 3 and sum(each.low <= 6 <= each.high for each in sure) >= len(sure) - 1


@pytest.mark.audit("DE2")
def test_yields_that_never_fall_have_no_last_touch() -> None:
    found = most_touches(Paths.of(world([0.05] * 8, 5_000, seed=2)), FLOOR)
    assert (found.value, found.reason) == (None, "yield_above_floor")


def buckets(shares: list[float], n: int) -> list[tuple[int, int]]:
    return [(n, round(share * n)) for share in shares]


def plain_target(cells: list[tuple[int, int]], margin: float) -> Decimal | None:
    """The longest edge not worse than the best bucket, with statsmodels' Newcombe interval at one-sided 95 %."""
    best = max((c for c in cells if c[0] >= 30), key=lambda c: c[1] / c[0])
    found = None
    for place, edge in enumerate(TTF_EDGES):
        n = sum(c[0] for c in cells[: place + 1])
        k = sum(c[1] for c in cells[: place + 1])
        if n < 30:
            continue
        low, _ = confint_proportions_2indep(k, n, best[1], best[0], method="newcomb", alpha=0.10)
        found = edge if low > -margin else found
    return found


@pytest.mark.audit("DE4")
def test_the_target_is_the_longest_time_that_is_not_worse_than_the_best() -> None:
    cells = buckets([0.30, 0.30, 0.30, 0.12, 0.08, 0.05, 0.05, 0.05, 0.05, 0.05], 6_000)
    found = ttf_target(cells, Fraction(2, 100))
    assert found.value == 2 == plain_target(cells, 0.02)
    assert found.low <= 2 <= found.high and found.n_units == 60_000
    few = buckets([0.30, 0.30, 0.30, 0.12, 0.08, 0.05, 0.05, 0.05, 0.05, 0.05], 100)
    assert (ttf_target(few, Fraction(2, 100)).value, plain_target(few, 0.02)) == (None, None)
    assert ttf_target(few, Fraction(2, 100)).reason == "no_bucket_proved"


@pytest.mark.audit("DE4")
def test_time_that_does_not_matter_gives_no_target() -> None:
    found = ttf_target(buckets([0.2] * 10, 20_000), Fraction(2, 100))
    assert (found.value, found.reason) == (None, "no_fall_seen")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.audit("DE4")
def test_targets_are_those_of_a_plain_recomputation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cells = [
        (n, int(rng.binomial(n, p)))
        for n, p in zip(rng.integers(20, 4_000, 10).tolist(), rng.uniform(0.02, 0.3, 10), strict=True)
    ]
    found = ttf_target(cells, Fraction(5, 100))
    wanted = plain_target(cells, 0.05)
    assert found.value == (None if wanted == TTF_EDGES[-1] else wanted)


@pytest.mark.audit("DE3", "DE15")
def test_the_cap_on_mails_is_the_last_dose_shown_to_be_safe() -> None:
    doses = {1: (200_000, 100), 2: (50_000, 60), 3: (4_000, 3), 4: (9_000, 60)}
    found = mails_a_day(doses, BAR)
    # dose 3: 0.075 %, but its bound of 0.19 % still lies under the bar; dose 4 is shown to lie above it
    assert beta.ppf(0.95, 4, 3_997) < 0.002 < beta.ppf(0.05, 60, 8_941)
    assert (found.value, found.low, found.high) == (3, 3, 3)
    unsure = mails_a_day({1: (200_000, 100), 2: (300, 0), 3: (4_000, 3)}, BAR)
    assert (unsure.value, unsure.high) == (1, None)  # nothing is shown of two, so three is not reached
    assert mails_a_day({1: (100, 0)}, BAR).reason == "not_shown_safe"
    assert mails_a_day({}, BAR).reason == mails_a_day({}, None).reason == "too_few_units"
    unjudged = mails_a_day(doses, None)
    assert (unjudged.value, unjudged.high, unjudged.n_units, unjudged.reason) == (
        None,
        None,
        263_000,
        "no_bar",
    )
    harmful = mails_a_day({1: (300, 0), 2: (300, 1), 3: (4_000, 60)}, BAR)
    assert (harmful.value, harmful.reason) == (None, "not_shown_safe"), "no dose is shown to be safe"
    assert (harmful.low, harmful.high) == (0, 2) and decision(harmful, None) == "none"
    assert mails_a_day({1: (4_000, 60)}, BAR).value is None, "the first mail itself is shown to be unsafe"


@pytest.mark.audit("DE1", "FR1")
def test_the_least_numbers_of_the_note_decide_whether_the_data_propose() -> None:
    paths = converted([1, 1, 2], others=10)
    few = Bars(minimum_units=10, minimum_events=2)
    buckets = [(0, 0)] * 3 + [(8, 3)] * 2 + [(0, 0)] * 5
    for propose in (
        lambda bars: least_touches(paths, COVERAGE, bars),
        lambda bars: most_touches(paths, FLOOR, bars),
        lambda bars: plateau_touches(paths, bars),
        lambda bars: ttf_target(buckets, Fraction(1, 20), bars),
    ):
        assert propose(Bars()).reason == "too_few_units"
        assert propose(few).reason not in ("too_few_units", "too_few_events")
        assert propose(Bars(minimum_units=10, minimum_events=11)).reason == "too_few_events"


@pytest.mark.audit("DE1", "DE21")
def test_a_value_in_force_moves_only_when_the_interval_leaves_it_out() -> None:
    proposal = Proposal(Decimal(6), Decimal(5), Decimal(8), 1000, 100, "coverage")
    kept = [decision(proposal, Decimal(value)) for value in (4, 5, 6, 8, 9)]
    assert kept == ["change", "keep", "keep", "keep", "change"]
    assert decision(proposal, None) == "first"
    silent = Proposal(None, None, None, 10, 1, "coverage", "too_few_units")
    assert (decision(silent, Decimal(4)), decision(silent, None)) == ("keep", "none")
    upwards = Proposal(Decimal(1), Decimal(1), None, 1000, 100, "clopper_pearson")
    assert [decision(upwards, Decimal(v)) for v in (0, 1, 50)] == ["change", "keep", "keep"]


@pytest.mark.audit("DE1")
def test_a_cycle_later_the_same_world_does_not_move_what_was_approved() -> None:
    """Two samples of one world: what the first proposed stands in the second, whatever its own value is."""
    values = []
    for seed in range(12):
        rows = world([0.02, 0.1, 0.1, 0.1, 0.05, 0.05, 0.02], 1_500, seed=seed)
        values.append(least_touches(Paths.of(rows), COVERAGE))
    assert len({each.value for each in values}) > 1, "the world must waver for the test to mean something"
    approved = values[0].value
    assert sum(decision(each, approved) == "change" for each in values[1:]) <= 1


@pytest.mark.parametrize("n", [0, 1, 2, 29])
@pytest.mark.audit("DE1")
def test_too_few_leads_or_conversions_give_a_reason(n: int) -> None:
    tiny = Paths.of([Path(2, 2, 2, True, True, n)])
    for found in (least_touches(tiny, COVERAGE), most_touches(tiny, FLOOR)):
        assert (found.value, found.low, found.reason) == (None, None, "too_few_units")
    assert ttf_target([(n, 0)] + [(0, 0)] * 9, Fraction(2, 100)).reason == "too_few_units"
    nobody = Paths.of([Path(2, 2, 2, False, False, 5_000)])
    assert least_touches(nobody, COVERAGE).reason == "too_few_events"
    assert most_touches(nobody, FLOOR).reason == "too_few_events"
    assert ttf_target([(500, 0)] * 10, Fraction(2, 100)).reason == "too_few_events"


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="complaints"):
        mails_a_day({1: (5, 6)}, BAR)
    with pytest.raises(ValueError, match="buckets"):
        ttf_target([(5, 6)] + [(0, 0)] * 9, BAR)
    with pytest.raises(ValueError, match="buckets"):
        ttf_target([(5, 1)], BAR)


@pytest.mark.audit("DE19")
def test_leads_times_the_least_number_by_working_day() -> None:
    assert touches_a_day(220, Decimal(4), 22) == 40
    assert touches_a_day(10, Decimal(4), 0) is None


def test_bounds_of_a_sample_are_drawn_without_a_loop_and_once_for_all() -> None:
    """The number of resamples is that of the intervals: a seed that moved would give other bounds."""
    counts = np.array([3, 10, 20, 5])
    first = thresholds._generator(counts, "least").multinomial(38, counts / 38, 3)
    again = thresholds._generator(counts, "least").multinomial(38, counts / 38, 3)
    other = thresholds._generator(counts + 1, "least").multinomial(38, counts / 38, 3)
    assert (first == again).all() and not (first == other).all()
