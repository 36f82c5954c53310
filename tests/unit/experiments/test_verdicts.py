"""Guard rails, weekly looks and the verdict: exact bounds, peeking without effect, and every row of the table."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import product
from math import log, sqrt

import numpy as np
import pytest
from scipy import stats

from orchestration.audit.traffic_light import Bars, Evidence, light
from orchestration.experiments import guards, sequential
from orchestration.experiments.effects import Share, difference
from orchestration.experiments.kept import FINISHED
from orchestration.experiments.readout import adjust
from orchestration.experiments.verdict import Findings, verdict

MARGIN = Decimal("0.002")


@pytest.mark.audit("DE21", "EX5")
@pytest.mark.parametrize(
    ("test", "control", "status"),
    [
        (Share(0, 20_000), Share(0, 20_000), "proved"),
        (Share(20, 20_000), Share(20, 20_000), "proved"),
        (Share(1, 800), Share(0, 800), "not_proved"),
        (Share(18, 20_000), Share(2, 20_000), "worse"),
        (Share(3, 1000), Share(3, 1000), "breach"),
        (Share(2, 1000), Share(2, 1000), "not_proved"),
        (Share(0, 0), Share(0, 50), "no_data"),
    ],
)
def test_a_guard_rail_is_proved_not_proved_worse_or_breached(test, control, status):
    """0.2 % itself is no breach, three of a thousand are."""
    assert guards.guard(test, control, MARGIN, ceiling=MARGIN).status == status


@pytest.mark.audit("DE21")
def test_no_worse_is_proved_as_seldom_wrongly_as_five_in_a_hundred():
    """A world in which the test arm is worse by exactly the margin must not be called proved more often."""
    rng = np.random.default_rng(8)
    worlds, n = 2000, 20_000
    wrong = sum(
        guards.guard(Share(int(x), n), Share(int(y), n), MARGIN).status == "proved"
        for x, y in zip(rng.binomial(n, 0.004, worlds), rng.binomial(n, 0.002, worlds), strict=True)
    )
    assert stats.binom.sf(wrong - 1, worlds, 0.05) > 0.001


@pytest.mark.audit("DE21", "DE15")
def test_the_exact_upper_bound_is_clopper_and_pearsons():
    found = guards.guard(Share(2, 1000), Share(1, 1000), MARGIN)
    assert float(found.upper_rate) == pytest.approx(stats.beta.ppf(0.95, 3, 998), rel=1e-6)
    assert guards.gravest(["proved", "worse", "not_proved"]) == "worse" and guards.gravest([]) == "no_data"


@pytest.mark.audit("EX5")
def test_the_confidence_sequence_is_equation_9_of_its_paper():
    """Waudby-Smith et al., arXiv 2103.06476, in the parametrisation of the spec and in that of its appendix."""
    n, expected, alpha, variance = 700.0, 1000.0, 0.05, 0.09
    rho2 = (-2 * log(alpha) + log(-2 * log(alpha) + 1)) / expected
    margin = sqrt(2 * (n * rho2 + 1) * log(sqrt(n * rho2 + 1) / alpha) / (n**2 * rho2))
    assert sequential.half_width(variance, n, expected) == pytest.approx(sqrt(variance) * margin, rel=1e-12)
    widths = [sequential.half_width(variance, n, expected) for n in (200, 500, 1000, 4000)]
    assert widths == sorted(widths, reverse=True)
    fixed = stats.norm.ppf(0.975) * sqrt(variance / n)
    assert 1.3 < sequential.half_width(variance, n, expected) / fixed < 2  # the price of looking every week


@pytest.mark.audit("EX5", "EX10")
def test_looking_after_every_ten_leads_never_stops_ninety_five_of_a_hundred_experiments_without_effect():
    rng = np.random.default_rng(9)
    worlds, n, step = 600, 1000, 10
    drawn = rng.random((worlds, 2, n)) < 0.10
    reached = drawn.cumsum(axis=2)[:, :, step - 1 :: step]
    crossed = peeked = 0
    for world in range(worlds):
        looks = [
            sequential.look(Share(int(x), (k + 1) * step), Share(int(y), (k + 1) * step), 2 * n)
            for k, (x, y) in enumerate(reached[world].T)
        ]
        crossed += any(seen.low is not None and (seen.low > 0 or seen.high < 0) for seen in looks)
        x, y = reached[world]
        units = np.arange(step, n + 1, step)
        p = (x + y) / (2 * units)
        with np.errstate(invalid="ignore", divide="ignore"):
            z = (x - y) / units / np.sqrt(2 * p * (1 - p) / units)
        peeked += bool((np.abs(np.nan_to_num(z)) > 1.96).any())
    assert crossed / worlds <= 0.05
    assert peeked / worlds > 0.25  # what looking with the interval of one look would do


@pytest.mark.audit("EX5")
def test_a_complaint_storm_stops_the_experiment_though_the_control_has_none():
    seen = sequential.look(Share(60, 3000), Share(0, 3000), 4000)
    assert seen.low > 0
    assert sequential.look(Share(3, 40), Share(0, 40), 4000).reason == "too_few_events"
    assert sequential.look(Share(0, 0), Share(0, 40), 4000).reason == "no_units"


GOOD = Findings(
    status=FINISHED, n_test=4000, n_control=4000, delta=Fraction(2, 100), low=0.005, high=0.035,
    complaints="proved", guard_rail="proved", is_balanced=True, power=0.8,
)  # fmt: skip


@pytest.mark.audit("EX10", "DE20", "DE21", "EX3")
@pytest.mark.parametrize(
    ("change", "colour", "reasons", "flags", "is_valid"),
    [
        ({}, "green", ("bar_met",), (), True),
        ({"delta": Fraction(12, 100) - Fraction(10, 100)}, "green", ("bar_met",), (), True),
        ({"delta": Fraction(199, 10_000)}, "amber", ("gain_below_bar",), (), True),
        ({"low": -0.01}, "green", ("bar_met",), ("bar_met_not_proved",), True),
        ({"n_test": 200, "n_control": 200, "low": -0.03, "power": 0.1}, "green", ("bar_met",),
         ("bar_met_not_proved", "power_under_80"), True),
        ({"n_control": 199}, "amber", ("arms_too_small",), (), False),
        ({"delta": Fraction(-3, 100), "low": -0.05, "high": -0.01}, "amber", ("gain_below_bar", "loss_proved"), (),
         True),
        ({"is_heterogeneous": True}, "amber", ("heterogeneous_strata",), (), True),
        ({"is_mismatch": True}, "amber", ("sample_ratio_mismatch",), (), False),
        ({"delta": None, "low": None, "high": None}, "amber", ("no_units",), (), False),
        ({"complaints": "worse", "guard_rail": "worse"}, "red", ("complaints_up",), ("complaints_not_proved",), True),
        ({"complaints": "breach", "guard_rail": "breach"}, "red", ("complaints_breach",), ("complaints_not_proved",),
         True),
        ({"guard_rail": "worse"}, "red", ("guard_rail_worse",), (), True),
        ({"is_mismatch": True, "complaints": "worse"}, "red", ("complaints_up", "sample_ratio_mismatch"), (), False),
        ({"complaints": "not_proved"}, "green", ("bar_met",), ("complaints_not_proved",), True),
        ({"complaints": "no_data"}, "green", ("bar_met",), ("complaints_not_proved",), True),
        ({"is_balanced": False}, "green", ("bar_met",), ("unbalanced",), True),
        ({"is_contaminated": True}, "green", ("bar_met",), ("contaminated",), True),
        ({"power": None}, "green", ("bar_met",), ("power_under_80",), True),
    ],
)  # fmt: skip
def test_each_finding_has_its_colour_and_reason(change, colour, reasons, flags, is_valid):
    found = verdict(replace(GOOD, **change))
    assert (found.colour, found.reasons, found.flags, found.is_valid) == (colour, reasons, flags, is_valid)


@pytest.mark.audit("EX10")
@pytest.mark.parametrize(
    "status",
    [
        "planned",
        "running",
        "windows_open",
        "not_registered",
        "protocol_changed",
        "registered_late",
        "not_assigned",
    ],
)
def test_an_experiment_that_is_not_finished_has_no_verdict_whatever_its_figures(status):
    found = verdict(replace(GOOD, status=status, complaints="breach"))
    assert (found.colour, found.bar_met, found.is_proved, found.reasons) == (None, None, None, (status,))
    assert not found.is_valid


@pytest.mark.audit("EX10", "DE20")
def test_over_all_findings_red_outranks_amber_and_green_needs_all_of_it():
    """The whole table: 1,728 findings, each held against the precedence written down a second time."""
    rails = ("proved", "not_proved", "worse", "breach", "no_data")
    deltas = (None, Fraction(1, 100), Fraction(2, 100))
    for complaints, other, delta, mismatch, uneven, small, low in product(
        rails, ("proved", "worse"), deltas, (False, True), (False, True), (False, True), (-0.01, 0.001)
    ):
        found = verdict(replace(
            GOOD, complaints=complaints, guard_rail=guards.gravest([complaints, other]), delta=delta,
            is_mismatch=mismatch, is_heterogeneous=uneven, n_test=150 if small else 4000, low=low,
        ))  # fmt: skip
        harm = complaints in ("worse", "breach") or other == "worse"
        good = delta == Fraction(2, 100) and not (mismatch or uneven or small)
        assert found.colour == ("red" if harm else "green" if good else "amber")
        assert found.is_valid == (delta is not None and not mismatch and not small)
        assert (found.bar_met is None) == (mismatch or delta is None)


@pytest.mark.audit("EX10", "R1")
def test_a_thousand_experiments_without_effect_are_green_in_one_of_a_hundred_at_most():
    """A/A worlds of 4,000 leads by arm at 10 %; and those of 200 by arm that are green all say: not proved."""
    rng = np.random.default_rng(10)
    for n, worlds, most in ((4000, 1000, 0.01), (200, 300, 1.0)):
        greens, unmarked = 0, 0
        for x, y in zip(rng.binomial(n, 0.1, worlds), rng.binomial(n, 0.1, worlds), strict=True):
            gap = difference(Share(int(x), n), Share(int(y), n))
            found = verdict(replace(GOOD, n_test=n, n_control=n, delta=gap.delta, low=gap.low, high=gap.high))
            greens += found.colour == "green"
            unmarked += found.colour == "green" and "bar_met_not_proved" not in found.flags
        assert greens <= most * worlds and unmarked <= 0.05 * worlds


BEST = Evidence(
    n=500, n_events=80, r=Decimal("0.25"), complaints="proved_stable", experiment="valid",
    delta_points=Decimal("0.12") * 100 - Decimal("0.10") * 100, is_gain_proved=True, power=Decimal("0.8"),
)  # fmt: skip


@pytest.mark.audit("DE20", "DE21", "EX10")
@pytest.mark.parametrize(
    ("change", "colour", "reason"),
    [
        ({}, "green", "all_bars_met"),
        ({"r": Decimal("0.2499999999")}, "amber", "r_below_green_bar"),
        ({"r": Decimal("0.10")}, "amber", "r_below_green_bar"),
        ({"r": Decimal("0.0999999999")}, "red", "r_below_amber_bar"),
        ({"r": Decimal("-0.4")}, "red", "r_below_amber_bar"),
        ({"r": None}, "amber", "r_not_estimable"),
        ({"complaints": "up"}, "red", "complaints_up"),
        ({"complaints": "breach", "n": 5}, "red", "complaints_breach"),
        ({"has_complaint_breach": True, "n": 5}, "red", "complaints_breach"),
        ({"experiment": None}, "amber", "no_experiment"),
        ({"experiment": "mismatch"}, "amber", "sample_ratio_mismatch"),
        ({"delta_points": Decimal("1.9999999999")}, "amber", "gain_below_bar"),
        ({"delta_points": None}, "amber", "gain_below_bar"),
        ({"is_fragile": True}, "amber", "fragile_without_top"),
        ({"is_reversed": True}, "amber", "reversed_in_segments"),
        ({"is_heterogeneous": True}, "amber", "heterogeneous_segments"),
        ({"n": 29}, "grey", "too_few_units"),
        ({"n_events": 9}, "grey", "too_few_events"),
    ],
)
def test_green_comes_back_with_a_valid_experiment_and_with_nothing_less(change, colour, reason):
    found = light(replace(BEST, **change))
    assert (found.colour, found.reasons[0]) == (colour, reason)


@pytest.mark.audit("DE20")
def test_a_green_that_is_not_proved_keeps_its_colour_and_says_so():
    found = light(replace(BEST, power=Decimal("0.5"), complaints="not_proved", is_gain_proved=False))
    assert (found.colour, found.flags) == (
        "green", ("bar_met_not_proved", "power_under_80", "complaints_not_proved")
    )  # fmt: skip
    assert light(BEST).flags == ()


@pytest.mark.audit("EX10")
def test_without_an_experiment_no_correlation_is_green():
    for r in range(-100, 101):
        assert light(replace(BEST, r=Decimal(r) / 100, experiment=None), Bars()).colour in ("amber", "red")


@pytest.mark.audit("EX6")
def test_p_values_of_several_experiments_are_adjusted_together():
    rows = [{"p_value": Decimal(p)} for p in ("0.01", "0.04", "0.03")] + [{"p_value": None}, {}]
    adjust(rows)
    expected = stats.false_discovery_control([0.01, 0.04, 0.03])
    assert [float(row["p_value_adjusted"]) for row in rows[:3]] == pytest.approx(expected, abs=1e-9)
    assert "p_value_adjusted" not in rows[3] and rows[4] == {}
