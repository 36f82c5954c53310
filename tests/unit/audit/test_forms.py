"""Forms and compositions of planted worlds, and the colours they may and may not have."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from orchestration.audit.composition import composition, heterogeneous
from orchestration.audit.points import Points
from orchestration.audit.regression import line
from orchestration.audit.shape import shape
from orchestration.audit.traffic_light import Bars, Evidence, light

WORLDS = {
    "none": lambda x: 0.1 + 0 * x,
    "linear": lambda x: 0.02 + 0.02 * x,
    "plateau": lambda x: 0.05 + 0.03 * np.minimum(x, 6),
    "s_curve": lambda x: 0.04 + 0.2 / (1 + np.exp(-2.0 * (x - 6))),
    "u_shape": lambda x: np.clip(0.05 + 0.01 * (x - 5) ** 2, 0.01, 0.9),
    "optimum": lambda x: np.clip(0.25 - 0.01 * (x - 5) ** 2, 0.01, 1),
}
# what a form may be called without misleading: the true one, or that it is not sure; two slopes count by what they
# would have the team do
HONEST = {
    "none": {"none", "undetermined"},
    "linear": {"linear", "none", "undetermined"},
    "plateau": {"plateau", "stop", "undetermined", "linear", "none"},
    "s_curve": {"s_curve", "persist", "undetermined", "linear", "none"},
    "u_shape": {"u_shape", "undetermined", "none"},
    "optimum": {"quadratic", "stop", "plateau", "undetermined", "none"},
}


@pytest.mark.audit("VI5")
@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("units", [300, 3000])
def test_a_form_is_named_rightly_or_left_open(draw, count, world, units):
    shapes = [shape(count(*draw(WORLDS[world], units, seed))) for seed in range(20)]
    found = [each.decision if each.form == "segmented" else each.form for each in shapes]
    assert sum(form in HONEST[world] for form in found) >= 19, found


@pytest.mark.audit("VI5")
@pytest.mark.parametrize(("world", "least"), [("none", 18), ("linear", 16), ("s_curve", 18), ("u_shape", 16)])
def test_with_ten_thousand_leads_the_form_is_found(draw, count, world, least):
    found = [shape(count(*draw(WORLDS[world], 10_000, seed))).form for seed in range(20)]
    assert found.count(world) >= least, found


def test_the_knot_of_a_plateau_is_near_its_place(draw, count):
    found = shape(count(*draw(WORLDS["plateau"], 30_000, 1)))
    assert found.best in ("plateau", "segmented") and abs(found.knot - 6) <= 1


def test_no_form_fits_worse_than_none():
    """Shares that reach 0 and 1 once threw a line so far that it fitted worse than the common share."""
    x = np.repeat(np.arange(25), 40)
    share = np.clip(0.1 + 0.01 * (x - 5.0) ** 2, 0, 1)
    y = np.random.default_rng(3).random(len(x)) < share
    found = shape(Points.of((int(a), int(b), 1) for a, b in zip(x, y, strict=True)))
    assert all(aicc <= found.aicc["none"] + 7 for aicc in found.aicc.values()), found.aicc


@pytest.mark.parametrize(
    ("share", "decision"),
    [
        (lambda x: 0.05 + 0.05 * np.minimum(x, 4), "stop"),
        (lambda x: 0.05 + 0.05 * np.maximum(x - 6, 0), "persist"),
        (lambda x: 0.4 - 0.06 * np.minimum(x, 5) + 0.06 * np.maximum(x - 5, 0), "ends"),
        (lambda x: 0.5 - 0.06 * np.minimum(x, 5), "less"),
        (lambda x: 0.6 - 0.04 * x, "less"),
        (lambda x: 0.05 + 0.04 * x, "more"),
        (lambda x: 0.2 + 0.0 * x, "nothing"),
    ],
)
def test_a_form_is_read_by_the_signs_of_its_slopes(count, share, decision):
    x = np.random.default_rng(2).integers(0, 12, 20_000)
    y = (np.random.default_rng(5).random(len(x)) < np.clip(share(x), 0, 1)).astype(int)
    assert shape(count(x, y)).decision == decision


def test_too_few_counts_or_no_conversion_have_no_form():
    assert shape(Points.of_outcomes([(1, 10, 1), (2, 10, 1), (3, 10, 2)])).reason == "fewer_than_4_counts"
    assert shape(Points.of_outcomes([(x, 10, 0) for x in range(6)])).reason == "no_events"
    assert shape(Points.of([])).reason == "fewer_than_4_counts"


def mixed(*segments: tuple[float, float, float], seed: int = 1, units: int = 4000) -> dict[str, Points]:
    """Segments of (mean touches, level, slope)."""
    rng = np.random.default_rng(seed)
    found = {}
    for i, (mean, level, slope) in enumerate(segments):
        x = rng.poisson(mean, units)
        y = rng.random(units) < np.clip(level + slope * (x - mean), 0, 1)
        found[f"segment_{i}"] = Points.of((int(a), int(b), 1) for a, b in zip(x, y, strict=True))
    return found


def whole(segments: dict[str, Points]) -> Points:
    return Points.of((p.x, p.y, p.units) for points in segments.values() for p in points)


@pytest.mark.audit("R2", "QU17")
def test_a_rise_that_no_segment_shows_is_a_reversal():
    """Simpson: in each segment more touches go with fewer conversions, over both the line rises."""
    segments = mixed((3, 0.2, -0.02), (10, 0.5, -0.02))
    found = composition(line(whole(segments)), segments)
    assert line(whole(segments)).slope > 0 and found.is_reversal and found.is_attenuated
    assert found.within_slope == pytest.approx(-0.02, abs=0.006)


@pytest.mark.audit("R2")
def test_a_rise_of_the_whole_without_any_in_its_parts_is_not_found_inside():
    """The signs of parts without a slope are chance: in one of two worlds not both are the opposite."""
    for seed in range(20):
        segments = mixed((3, 0.15, 0.0), (10, 0.5, 0.0), seed=seed)
        found = composition(line(whole(segments)), segments)
        assert found.is_reversal and found.is_attenuated, seed


def test_segments_alike_are_neither_reversed_nor_different():
    found = [
        composition(line(whole(s)), s)
        for s in (mixed((5, 0.3, 0.02), (5, 0.3, 0.02), seed=n) for n in range(20))
    ]
    assert not any(c.is_reversal or c.is_attenuated for c in found)
    assert sum(heterogeneous({"cut": c}, spread=1.0)["cut"] for c in found) <= 3


@pytest.mark.audit("QU17")
def test_slopes_of_different_populations_are_told_apart():
    segments = mixed((5, 0.3, 0.05), (5, 0.3, 0.0))
    found = composition(line(whole(segments)), segments)
    assert heterogeneous({"cut": found}) == {"cut": True} and found.heterogeneity_p < 1e-6


def test_a_cut_with_one_segment_of_weight_says_nothing_of_mixtures():
    segments = mixed((5, 0.3, 0.02)) | {"tiny": Points.of_outcomes([(1, 5, 1)])}
    found = composition(line(whole(segments)), segments)
    assert (found.n_eligible, found.heterogeneity_p, found.is_reversal) == (1, None, False)


@pytest.mark.audit("QU12", "FR1")
def test_the_least_numbers_of_the_note_say_which_segments_count_in_a_cut():
    segments = mixed((5, 0.3, 0.02), units=400) | {
        "small": next(iter(mixed((5, 0.4, 0.02), units=25).values()))
    }
    of_all = line(whole(segments))
    assert composition(of_all, segments).n_eligible == 1
    assert composition(of_all, segments, bars=Bars(minimum_units=25, minimum_events=5)).n_eligible == 2
    assert composition(of_all, segments, bars=Bars(minimum_units=500, minimum_events=5)).n_eligible == 0


BEST = Evidence(n=500, n_events=80, r=Decimal("0.25"))


@pytest.mark.audit("DE20")
@pytest.mark.parametrize(
    ("change", "colour", "reason"),
    [
        ({}, "amber", "no_experiment"),
        ({"r": Decimal("0.2499999999")}, "amber", "r_below_green_bar"),
        ({"r": Decimal("0.10")}, "amber", "r_below_green_bar"),
        ({"r": Decimal("0.0999999999")}, "red", "r_below_amber_bar"),
        ({"r": Decimal("-0.4")}, "red", "r_below_amber_bar"),
        ({"r": None}, "amber", "r_not_estimable"),
        ({"has_complaint_breach": True, "n": 5}, "red", "complaints_breach"),
        ({"are_complaints_up": True, "n": 5}, "red", "complaints_up"),
        ({"are_complaints_up": True, "complaints": "proved_stable"}, "red", "complaints_up"),
        ({"is_fragile": True}, "amber", "fragile_without_top"),
        ({"is_reversed": True}, "amber", "reversed_in_segments"),
        ({"is_heterogeneous": True}, "amber", "heterogeneous_segments"),
        ({"n": 29}, "grey", "too_few_units"),
        ({"n_events": 9}, "grey", "too_few_events"),
    ],
)
def test_each_gap_has_its_colour_by_inclusive_bars_on_exact_decimals(change, colour, reason):
    found = light(replace(BEST, **change))
    assert (found.colour, found.reasons[0]) == (colour, reason)


@pytest.mark.audit("EX10")
def test_no_correlation_is_green():
    for r in range(-100, 101):
        assert light(replace(BEST, r=Decimal(r) / 100), Bars()).colour in ("amber", "red")
