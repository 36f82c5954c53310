"""Each cause alone, and all of them together: the effect that was planted comes out, and nothing remains."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from orchestration.bridge.causes import STEPS
from tests.unit.bridge.planted_bridge import (
    METRICS,
    MONTH,
    Lead,
    Line,
    World,
    base,
    bridged,
    following,
    planted_definitions,
)

LINE = "erp/erp_invoice_line/"


def new_data(world: World) -> None:
    """A lead known before converts in May: its record comes again with a date of May."""
    world.lead_record("000000000005", "d2", converted_at=datetime(2026, 5, 6, 10), is_converted=True)
    world.leads["000000000005"].is_converted = True


def late_data(world: World) -> None:
    """A lead of April comes only with the deliveries of May, and so does an invoice line."""
    world.lead_record("000000000011", "d2", created_at=datetime(2026, 4, 28, 9))
    world.leads["000000000011"] = Lead(ttf=9)
    world.line_record("4", "d2", 40)
    world.lines[f"{LINE}4"] = Line(40)


def correction(world: World) -> None:
    """The ERP corrects the amount of a line."""
    world.line_record("2", "d2", 150)
    world.lines[f"{LINE}2"].amount = 150


def cleaning_decision(world: World) -> None:
    """A rule leaves a lead out that counted before; its record is the same."""
    world.left_out.append(("crm_lead", "crm/crm_lead/000000000006", "test_record"))
    del world.leads["000000000006"]


def merge(world: World) -> None:
    """Two golden persons are one."""
    world.holders["crm/crm_lead/000000000007"] = "000000000008"
    del world.leads["000000000007"]


def currency(world: World) -> None:
    """The rate of April is another one."""
    world.rates["USD"] = "0.80"


def elapsed_time(world: World) -> None:
    """A lead is old enough to count."""
    world.leads["000000000009"].is_matured = True


CHANGES = (new_data, late_data, correction, cleaning_decision, merge, currency, elapsed_time)
ALONE: dict[str, dict[tuple[str, str], tuple[str, int]]] = {
    # (metric, cause) -> effect, units
    "new_data": {("cr", "new_data"): ("1/9", 1)},
    "late_data": {
        ("leads_new", "late_data"): ("1", 1),
        ("cr", "late_data"): ("-1/30", 1),
        ("ttf_hours", "late_data"): ("1/2", 1),
        ("revenue_total", "late_data"): ("40", 1),
    },
    "correction": {("revenue_total", "correction"): ("-50", 1)},
    "cleaning_decision": {
        ("leads_new", "cleaning_decision"): ("-1", 1),
        ("cr", "cleaning_decision"): ("1/24", 1),
    },
    "merge": {("leads_new", "merge"): ("-1", 1), ("cr", "merge"): ("1/24", 1)},
    "currency": {("revenue_total", "currency"): ("-10", 1)},
    "elapsed_time": {("cr", "elapsed_time"): ("-1/30", 1)},
}


def planted() -> World:
    """The base, with one lead that is too young: 3 of 9 converted."""
    world = base()
    world.leads["000000000009"].is_matured = False
    return world


def effects(rows: list[dict]) -> dict[tuple[str, str], tuple[Decimal, int]]:
    return {(row["metric_name"], row["cause_code"]): (row["effect"], row["n_units"]) for row in rows}


def assert_nothing_remains(rows: list[dict], before: World, after: World) -> None:
    """Every figure that moved is walked from what was published to what is published, in the order of the causes."""
    old, new = before.figures(), after.figures()
    moved = {key for key in old.keys() & new.keys() if old[key] != new[key]}
    assert {(row["metric_name"], row["period_month"]) for row in rows} == moved
    for name, month in moved:
        told = [row for row in rows if (row["metric_name"], row["period_month"]) == (name, month)]
        steps = [row["step_order"] for row in told]
        assert steps == sorted(set(steps)) == [STEPS[row["cause_code"]] for row in told]
        left, right = old[name, month], new[name, month]
        assert (told[0]["value_before"], told[-1]["value_after"]) == (exact(left), exact(right))
        if left is None or right is None:
            assert {row["effect"] for row in told} == {None}
            continue
        assert sum(row["effect"] for row in told) == exact(right) - exact(left)
        for row, following_row in pairwise(told):
            assert row["value_after"] == following_row["value_before"]


def exact(value: Fraction | None) -> Decimal | None:
    return (
        None
        if value is None
        else (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal("1e-10"))
    )


@pytest.mark.parametrize("change", CHANGES, ids=lambda each: each.__name__)
def test_a_cause_alone_has_its_whole_effect(tmp_path: Path, change: Callable[[World], None]) -> None:
    before = planted()
    after = following(before)
    change(after)
    rows = bridged(tmp_path, before, after)
    found = effects(rows)
    expected = ALONE[change.__name__]
    assert found.keys() == expected.keys()
    for key, (effect, n_units) in expected.items():
        assert abs(Fraction(found[key][0]) - Fraction(effect)) <= Fraction(1, 10**9), key
        assert found[key][1] == n_units, key
    assert_nothing_remains(rows, before, after)


def test_all_causes_together_are_told_apart_and_nothing_remains(tmp_path: Path) -> None:
    before = planted()
    after = following(before)
    for change in CHANGES:
        change(after)
    rows = bridged(tmp_path, before, after)
    found = effects(rows)
    assert {key: told for key, told in found.items() if key[0] in ("leads_new", "revenue_total")} == {
        ("leads_new", "cleaning_decision"): (-1, 1),
        ("leads_new", "merge"): (-1, 1),
        ("leads_new", "late_data"): (1, 1),
        ("revenue_total", "currency"): (-10, 1),
        ("revenue_total", "correction"): (-50, 1),
        ("revenue_total", "late_data"): (40, 1),
    }
    assert {cause for name, cause in found if name == "cr"} == {
        "new_data", "late_data", "cleaning_decision", "merge", "elapsed_time"
    }  # fmt: skip
    assert_nothing_remains(rows, before, after)


def test_a_longer_window_is_a_change_of_definition(tmp_path: Path) -> None:
    before = planted()
    after = following(before)
    after.settings["conversion_window_days"] = "60"
    after.leads["000000000005"].is_converted = True
    rows = bridged(tmp_path, before, after)
    assert effects(rows).keys() == {("cr", "definition_change")}
    assert_nothing_remains(rows, before, after)


def test_another_formula_on_the_same_rows_is_a_change_of_definition(tmp_path: Path) -> None:
    before = planted()
    after = following(before)
    correction(after)
    former = planted_definitions(leads_new={"value": "count(*) filter (where is_matured)"})
    before.figures = lambda: World.figures(before) | {("leads_new", MONTH): Fraction(9)}  # type: ignore[method-assign]
    rows = bridged(tmp_path, before, after, former=former)
    found = effects(rows)
    assert found["leads_new", "definition_change"] == (Decimal(1), 0)
    assert found["revenue_total", "correction"] == (Decimal(-50), 1)
    assert_nothing_remains(rows, before, after)


def test_a_new_version_without_the_rows_it_reads_takes_the_whole_difference(tmp_path: Path) -> None:
    before = planted()
    after = following(before)
    late_data(after)
    former = planted_definitions(ttf_hours={"value": "median(cast(n_touches as double))"})
    before.figures = lambda: World.figures(before) | {("ttf_hours", MONTH): Fraction(0)}  # type: ignore[method-assign]
    rows = bridged(tmp_path, before, after, former={"ttf_hours": former["ttf_hours"]})
    (row,) = (each for each in rows if each["metric_name"] == "ttf_hours")
    assert (row["cause_code"], row["effect"], row["n_units"]) == ("definition_change", Decimal(3), None)


def test_a_figure_that_appears_has_its_units_and_no_effect(tmp_path: Path) -> None:
    before = planted()
    for lead in before.leads.values():
        lead.is_matured = False
    after = following(before)
    for number, lead in after.leads.items():
        lead.is_matured = number != "000000000010"
    rows = bridged(tmp_path, before, after)
    (row,) = rows
    assert (row["cause_code"], row["n_units"]) == ("elapsed_time", 9)
    assert (row["value_before"], row["effect"]) == (None, None) and row["value_after"] is not None


def test_a_line_that_moves_to_another_month_is_in_the_bridge_of_both(tmp_path: Path) -> None:
    before = planted()
    before.lines[f"{LINE}5"] = Line(70, month=date(2026, 3, 1))
    before.line_record("5", "d1", 70)
    after = following(before)
    after.lines[f"{LINE}2"].month = date(2026, 3, 1)
    after.line_record("2", "d2", 201)
    rows = bridged(tmp_path, before, after)
    assert [(row["period_month"], row["cause_code"], row["effect"], row["n_units"]) for row in rows] == [
        (date(2026, 3, 1), "correction", Decimal(200), 1),
        (date(2026, 4, 1), "correction", Decimal(-200), 1),
    ]


def test_the_same_content_delivered_again_is_no_correction(tmp_path: Path) -> None:
    before = planted()
    after = following(before)
    elapsed_time(after)
    for number in list(after.leads):
        after.lead_record(number, "d2")
    assert effects(bridged(tmp_path, before, after)).keys() == {("cr", "elapsed_time")}


@pytest.mark.parametrize("seed", range(12))
def test_whatever_changes_nothing_remains(tmp_path: Path, seed: int) -> None:
    """Leads and lines of three months change at random, with records of any kind or none."""
    chance = random.Random(seed)
    before = planted()
    for number in range(20, 60):
        month = chance.choice((2, 3, 4))
        key = f"{number:012d}"
        hours = chance.choice((None, 1, 2, 5, 40))
        before.leads[key] = Lead(date(2026, month, 3), chance.random() < 0.8, chance.random() < 0.3, hours)
        before.lead_record(key, "d1")
    after = following(before)
    for key in list(after.leads):
        kind = chance.choice(("none", "none", "gone", "converted", "moved", "delivered", "matured"))
        lead = after.leads[key]
        if kind == "gone":
            del after.leads[key]
        elif kind == "converted":
            lead.is_converted = not lead.is_converted
        elif kind == "moved":
            lead.created, lead.ttf = date(2026, chance.choice((2, 3, 4)), 5), chance.choice((None, 3, 7))
        elif kind == "matured":
            lead.is_matured = True
        if kind == "delivered" or chance.random() < 0.2:
            after.lead_record(key, "d2", score=Decimal(chance.randrange(100)))
    for change in chance.sample((late_data, correction, currency), 2):
        change(after)
    rows = bridged(tmp_path, before, after)
    assert {row["metric_name"] for row in rows} <= set(METRICS)
    assert "not_separable" not in {row["cause_code"] for row in rows}
    assert_nothing_remains(rows, before, after)


def test_rows_to_which_no_record_leads_do_not_blame_the_clock(tmp_path: Path) -> None:
    before = planted()
    after = following(before)
    after.leads["000000000001"].ttf = 30
    untraced = planted_definitions(ttf_hours={"of_record": {}, "key": "cast(created_on as varchar)"})
    rows = bridged(tmp_path, before, after, former=untraced, now=untraced)
    assert effects(rows).keys() == {("ttf_hours", "not_separable")}
    assert_nothing_remains(rows, before, after)
