"""The bridge by segment: what was planted comes out in its segment, both legs of a migration have the unit's cause, and
the segments of a kind add up to the whole.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.bridge.cuts import parts_of
from orchestration.bridge.evidence import Evidence
from orchestration.explaining.definitions import definitions
from tests.unit.bridge.planted_bridge import (
    MONTH,
    Cell,
    Lead,
    Line,
    World,
    as_decimal,
    base,
    bridged_by_segment,
    following,
    planted_definitions,
)

LINE = "erp/erp_invoice_line/"
KEY = ("metric_name", "period_month", "segment_kind_code", "segment_code", "part_code")
CHANNELS, SIZES, PRODUCTS = ("web", "phone", None), ("small", "mid", "large"), ("core", "care")


def cell_of(row: dict[str, Any]) -> Cell:
    return tuple(row[name] for name in KEY)  # type: ignore[return-value]


def told(rows: list[dict[str, Any]], kind: str, **wanted: Any) -> set[tuple[Any, ...]]:
    """(metric, part, segment, cause, movement, effect, units) of a kind."""
    return {
        (each["metric_name"], each["part_code"], each["segment_code"], each["cause_code"], each["movement_code"],
         each["effect"], each["n_units"])
        for each in rows
        if each["segment_kind_code"] == kind and all(each[name] == value for name, value in wanted.items())
    }  # fmt: skip


def published_parts(world: World, other: World) -> dict[Cell, Decimal]:
    """Parts of the months that both worlds give."""
    months = {cell[:2] for cell in other.parts() if cell[2] == "all"}
    return {cell: as_decimal(value) for cell, value in world.parts().items() if cell[:2] in months}


def assert_segments_reach(rows: list[dict[str, Any]], before: World, after: World) -> None:
    """Every part that moved is walked from what was published to what is published, and segments give the whole."""
    old, new = published_parts(before, after), published_parts(after, before)
    moved = {cell for cell in old.keys() | new.keys() if old.get(cell, 0) != new.get(cell, 0)}
    bridge: dict[Cell, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        bridge[cell_of(row)].append(row)
    assert moved <= bridge.keys()
    for cell, steps in bridge.items():
        assert (steps[0]["value_before"], steps[-1]["value_after"]) == (old.get(cell, 0), new.get(cell, 0)), (
            cell
        )
        assert sum(row["effect"] for row in steps) == new.get(cell, 0) - old.get(cell, 0), cell
        order = [(row["step_order"], row["movement_code"]) for row in steps]
        assert order == sorted(set(order)), cell
        for row, next_row in pairwise(steps):
            assert row["value_after"] == next_row["value_before"], cell
    whole: dict[tuple, Decimal] = defaultdict(Decimal)
    by_kind: dict[tuple, Decimal] = defaultdict(Decimal)
    migrated: dict[tuple, Decimal] = defaultdict(Decimal)
    for row in rows:
        figure = (row["metric_name"], row["part_code"], row["period_month"])
        if row["segment_kind_code"] == "all":
            assert row["movement_code"] == "within"
            whole[*figure, row["cause_code"]] += row["effect"]
            continue
        by_kind[*figure, row["cause_code"], row["segment_kind_code"]] += row["effect"]
        if row["movement_code"] != "within":
            migrated[*figure, row["cause_code"], row["segment_kind_code"]] += row["effect"]
            assert (row["effect"] < 0) == (row["movement_code"] == "migration_out")
    assert set(migrated.values()) <= {0}
    for (*key, _), effect in by_kind.items():
        assert effect == whole.get(tuple(key), 0), key
    for key, effect in whole.items():
        kinds = definitions()[key[0]].segments.keys() - {"source"}
        assert effect == 0 or {(*key, kind) for kind in kinds} <= by_kind.keys(), key


def test_a_corrected_channel_leaves_one_segment_and_enters_the_other(tmp_path: Path) -> None:
    before = base()
    after = following(before)
    after.leads["000000000001"].channel = "phone"
    after.lead_record("000000000001", "d2", score=Decimal(7))
    whole, rows = bridged_by_segment(tmp_path, before, after)
    assert whole == [] and {row["segment_kind_code"] for row in rows} == {"channel"}
    assert told(rows, "channel") == {
        (metric, part, segment, "correction", movement, effect, 1)
        for metric, part in (
            ("leads_new", "value"), ("cr", "numerator"), ("cr", "denominator"), ("ttf_hours", "denominator")
        )
        for segment, movement, effect in (("web", "migration_out", -1), ("phone", "migration_in", 1))
    }  # fmt: skip
    assert_segments_reach(rows, before, after)


def test_a_merged_account_takes_its_lead_to_another_size_band(tmp_path: Path) -> None:
    before = base()
    after = following(before)
    after.leads["000000000009"].account, after.leads["000000000009"].size = "acc_000000000002", "large"
    whole, rows = bridged_by_segment(tmp_path, before, after)
    assert whole == []
    assert told(rows, "size_band", metric_name="leads_new") == {
        ("leads_new", "value", "small", "merge", "migration_out", -1, 1),
        ("leads_new", "value", "large", "merge", "migration_in", 1, 1),
    }
    assert_segments_reach(rows, before, after)


def test_what_a_migrated_line_is_worth_less_is_told_in_its_new_segment(tmp_path: Path) -> None:
    before = base()
    after = following(before)
    after.line_record("2", "d2", 150)
    after.lines[f"{LINE}2"].amount, after.lines[f"{LINE}2"].size = 150, "large"
    whole, rows = bridged_by_segment(tmp_path, before, after)
    assert [row["effect"] for row in whole] == [-50]
    assert told(rows, "size_band") == {
        ("revenue_total", "value", "small", "correction", "migration_out", -200, 1),
        ("revenue_total", "value", "large", "correction", "migration_in", 200, 1),
        ("revenue_total", "value", "large", "correction", "within", -50, 1),
    }
    assert told(rows, "product_family") == {
        ("revenue_total", "value", "core", "correction", "within", -50, 1)
    }
    assert told(rows, "all") == {("revenue_total", "value", "all", "correction", "within", -50, 1)}
    assert_segments_reach(rows, before, after)


def test_a_lead_that_grew_old_enough_and_was_corrected_has_both_causes(tmp_path: Path) -> None:
    before = base()
    before.leads["000000000009"].is_matured = False
    after = following(before)
    after.leads["000000000009"].is_matured, after.leads["000000000009"].channel = True, "phone"
    after.lead_record("000000000009", "d2", score=Decimal(7))
    _, rows = bridged_by_segment(tmp_path, before, after)
    assert told(rows, "channel", part_code="denominator", metric_name="cr") == {
        ("cr", "denominator", "phone", "elapsed_time", "within", 1, 1)
    }
    assert told(rows, "channel", metric_name="leads_new") == {
        ("leads_new", "value", "web", "correction", "migration_out", -1, 1),
        ("leads_new", "value", "phone", "correction", "migration_in", 1, 1),
    }
    assert_segments_reach(rows, before, after)


def test_a_new_rate_does_not_move_a_line_to_another_segment(tmp_path: Path) -> None:
    before = base()
    after = following(before)
    after.rates["USD"] = "0.80"
    after.settings |= {"code_version": "d", "as_of": before.settings["as_of"]}
    after.lines[f"{LINE}3"].size = "mid"
    _, rows = bridged_by_segment(tmp_path, before, after)
    assert told(rows, "size_band") == {
        ("revenue_total", "value", "small", "definition_change", "migration_out", -90, 1),
        ("revenue_total", "value", "mid", "definition_change", "migration_in", 90, 1),
        ("revenue_total", "value", "mid", "currency", "within", -10, 1),
    }
    assert_segments_reach(rows, before, after)


def test_a_line_of_another_month_and_segment_leaves_one_and_enters_the_other_without_migrating(
    tmp_path: Path,
) -> None:
    march = date(2026, 3, 1)
    before = base()
    before.lines[f"{LINE}5"] = Line(70, month=march, size="mid")
    before.line_record("5", "d1", 70)
    after = following(before)
    after.lines[f"{LINE}2"].month, after.lines[f"{LINE}2"].size = march, "large"
    after.line_record("2", "d2", 201)
    _, rows = bridged_by_segment(tmp_path, before, after)
    assert told(rows, "size_band", period_month=MONTH) == {
        ("revenue_total", "value", "small", "correction", "within", -200, 1)
    }
    assert told(rows, "size_band", period_month=march) == {
        ("revenue_total", "value", "large", "correction", "within", 200, 1)
    }
    assert_segments_reach(rows, before, after)


def test_other_borders_of_segments_are_a_change_of_definition(tmp_path: Path) -> None:
    before = base()
    after = following(before)
    after.settings |= {"code_version": "d", "as_of": before.settings["as_of"]}
    for number in ("1", "3"):
        after.lines[f"{LINE}{number}"].size = "mid"
    _, rows = bridged_by_segment(tmp_path, before, after)
    assert told(rows, "size_band") == {
        ("revenue_total", "value", "small", "definition_change", "migration_out", -190, 2),
        ("revenue_total", "value", "mid", "definition_change", "migration_in", 190, 2),
    }


def test_migrations_that_cancel_out_in_a_segment_are_told_all_the_same(tmp_path: Path) -> None:
    before = base()
    before.leads["000000000002"].channel = "phone"
    after = following(before)
    for number, channel in (("1", "phone"), ("2", "web")):
        after.leads[f"{number:0>12}"].channel = channel
        after.lead_record(f"{number:0>12}", "d2", score=Decimal(7))
    _, rows = bridged_by_segment(tmp_path, before, after)
    assert rows == []  # no figure moved, so there is nothing to say
    after.lead_record("000000000011", "d2", created_at=datetime(2026, 4, 28, 9))
    after.leads["000000000011"] = Lead(channel="mail")
    _, rows = bridged_by_segment(tmp_path / "late", before, after)
    assert told(rows, "channel", metric_name="leads_new", segment_code="phone") == {
        ("leads_new", "value", "phone", "correction", "migration_in", 1, 1),
        ("leads_new", "value", "phone", "correction", "migration_out", -1, 1),
    }
    assert told(rows, "channel", metric_name="leads_new", segment_code="mail") == {
        ("leads_new", "value", "mail", "late_data", "within", 1, 1)
    }
    assert_segments_reach(rows, before, after)


def test_another_formula_is_told_in_every_segment(tmp_path: Path) -> None:
    before = base()
    before.leads["000000000009"].is_matured = before.leads["000000000010"].is_matured = False
    before.leads["000000000009"].channel = "phone"
    after = following(before)
    former = planted_definitions(leads_new={"value": "count(*) filter (where is_matured)"})
    counted = before.parts()
    for segment, n in (("all", 2), ("web", 1), ("phone", 1)):
        counted["leads_new", MONTH, "all" if segment == "all" else "channel", segment, "value"] -= n
    before.parts = lambda: counted  # type: ignore[method-assign]
    _, rows = bridged_by_segment(tmp_path, before, after, former=former)
    wanted = {
        ("leads_new", "value", segment, "definition_change", "within", 1, 0) for segment in ("web", "phone")
    }
    assert told(rows, "channel", metric_name="leads_new") == wanted
    assert told(rows, "all", metric_name="leads_new") == {
        ("leads_new", "value", "all", "definition_change", "within", 2, 0)
    }


@pytest.mark.parametrize("is_new", [True, False])
def test_a_cut_that_only_one_version_makes_moves_nothing(tmp_path: Path, is_new: bool) -> None:
    before = base()
    after = following(before)
    after.leads["000000000011"] = Lead(channel="phone")
    after.lead_record("000000000011", "d2", created_at=datetime(2026, 4, 28, 9))
    lacking = before if is_new else after
    counted = {cell: value for cell, value in lacking.parts().items() if cell[2] != "channel"}
    lacking.parts = lambda: counted  # type: ignore[method-assign]
    _, rows = bridged_by_segment(tmp_path, before, after)
    assert told(rows, "channel") == set()
    assert told(rows, "all", metric_name="leads_new") == {
        ("leads_new", "value", "all", "late_data", "within", 1, 1)
    }
    assert told(rows, "size_band", metric_name="leads_new") == {
        ("leads_new", "value", "small", "late_data", "within", 1, 1)
    }


def without_segments(evidence: Evidence) -> Evidence:
    """As an earlier version kept it."""
    with duckdb.connect() as con:
        for path in evidence.folder.glob("*.parquet"):
            names = [row[0] for row in con.execute(f"describe select * from '{path}'").fetchall()]
            cuts = [name for name in names if name.startswith("cut_")]
            if cuts:
                con.execute(
                    f"create or replace table kept as select * exclude ({', '.join(cuts)}) from '{path}'"
                )
                con.execute(f"copy kept to '{path}' (format parquet)")
    return evidence


def test_evidence_without_segments_divides_the_whole_alone_and_says_why(tmp_path: Path) -> None:
    before = base()
    after = following(before)
    after.line_record("2", "d2", 150)
    after.lines[f"{LINE}2"].amount, after.lines[f"{LINE}2"].size = 150, "large"
    whole, rows = bridged_by_segment(tmp_path, before, after, as_left=without_segments)
    assert [(row["cause_code"], row["effect"]) for row in whole] == [("correction", -50)]
    assert told(rows, "all") == {("revenue_total", "value", "all", "correction", "within", -50, 1)}
    assert told(rows, "size_band", reason_code="segments_not_kept") == {
        ("revenue_total", "value", "small", "not_separable", "within", -200, None),
        ("revenue_total", "value", "large", "not_separable", "within", 150, None),
    }
    assert {row["reason_code"] for row in rows if row["segment_kind_code"] != "all"} == {"segments_not_kept"}


def test_without_evidence_each_segment_has_its_whole_difference(tmp_path: Path) -> None:
    before = base()
    after = following(before)
    after.lines[f"{LINE}2"].product = "care"
    _, rows = bridged_by_segment(tmp_path, before, after, as_left=lambda evidence: None)
    assert told(rows, "product_family", reason_code="evidence_not_kept") == {
        ("revenue_total", "value", "core", "not_separable", "within", -200, None),
        ("revenue_total", "value", "care", "not_separable", "within", 200, None),
    }


def test_a_segment_that_its_rows_do_not_give_is_not_divided(tmp_path: Path) -> None:
    before = base()
    after = following(before)
    after.line_record("2", "d2", 150)
    after.lines[f"{LINE}2"].amount = 150
    counted = before.parts()
    counted["revenue_total", MONTH, "size_band", "small", "value"] += 7
    before.parts = lambda: counted  # type: ignore[method-assign]
    _, rows = bridged_by_segment(tmp_path, before, after)
    assert told(rows, "size_band", reason_code="rows_give_another_figure") == {
        ("revenue_total", "value", "small", "not_separable", "within", -57, None)
    }
    assert told(rows, "product_family") == {
        ("revenue_total", "value", "core", "correction", "within", -50, 1)
    }


def gone(world: World, key: str, chance: random.Random) -> None:
    """A rule leaves the lead out."""
    world.left_out.append(("crm_lead", f"crm/crm_lead/{key}", "test_record"))
    del world.leads[key]


def merged(world: World, key: str, chance: random.Random) -> None:
    """Its person is another one's; the lead is no more."""
    world.holders[f"crm/crm_lead/{key}"] = "000000000001"
    del world.leads[key]


def moved_account(world: World, key: str, chance: random.Random) -> None:
    """Its account is merged into one of another size."""
    world.leads[key].account, world.leads[key].size = "acc_000000000009", chance.choice(SIZES)


def corrected(world: World, key: str, chance: random.Random) -> None:
    """Its record comes again, with another channel, seller or month."""
    lead = world.leads[key]
    lead.channel, lead.rep = chance.choice(CHANNELS), chance.choice(("usr_1", "usr_2"))
    lead.created = date(2026, chance.choice((2, 3, 4)), 7)
    world.lead_record(key, "d2", score=Decimal(chance.randrange(1, 100)))


def converted(world: World, key: str, chance: random.Random) -> None:
    """It converts in May and comes again with that, by another seller."""
    lead = world.leads[key]
    lead.is_converted, lead.rep = True, "usr_3"
    world.lead_record(key, "d2", converted_at=datetime(2026, 5, 6, 10), is_converted=True)


def aged(world: World, key: str, chance: random.Random) -> None:
    """It is old enough to count."""
    world.leads[key].is_matured = True


def untold(world: World, key: str, chance: random.Random) -> None:
    """Anything differs, and nothing was delivered."""
    lead = world.leads[key]
    lead.channel, lead.size, lead.ttf = (
        chance.choice(CHANNELS),
        chance.choice(SIZES),
        chance.choice((None, 3)),
    )


FATES: tuple[Callable[[World, str, random.Random], None], ...] = (
    gone, merged, moved_account, corrected, converted, aged, untold
)  # fmt: skip


@pytest.mark.parametrize("seed", range(14))
def test_whatever_changes_nothing_remains_in_any_segment(tmp_path: Path, seed: int) -> None:
    """Leads and lines of three months, each in a segment of its own by chance, and every cause at once."""
    chance = random.Random(seed)
    before = base()
    for number in range(20, 70):
        key = f"{number:012d}"
        before.leads[key] = Lead(
            date(2026, chance.choice((2, 3, 4)), 3), chance.random() < 0.8, chance.random() < 0.3,
            chance.choice((None, 1, 2, 5)), "acc_000000000001", chance.choice(CHANNELS), chance.choice(SIZES),
            chance.choice(("usr_1", "usr_2")),
        )  # fmt: skip
        before.lead_record(key, "d1")
    for number in range(5, 30):
        key = str(number)
        before.lines[f"{LINE}{key}"] = Line(
            chance.randrange(1, 500), chance.choice(("EUR", "USD")), date(2026, chance.choice((2, 3, 4)), 1),
            "grp_1", chance.choice(SIZES), chance.choice(PRODUCTS),
        )  # fmt: skip
        before.line_record(key, "d1", before.lines[f"{LINE}{key}"].amount)
    after = following(before)
    after.rates["USD"] = "0.85"
    for key in [key for key in after.leads if int(key) >= 20]:
        if chance.random() < 0.6:
            chance.choice(FATES)(after, key, chance)
    for number in range(70, 76):
        key = f"{number:012d}"
        after.leads[key] = Lead(date(2026, 4, 28), channel=chance.choice(CHANNELS), size=chance.choice(SIZES))
        after.lead_record(key, "d2", created_at=datetime(2026, 4, 28, 9))
    for key, line in after.lines.items():
        if chance.random() < 0.3:
            line.amount, line.size = line.amount + chance.randrange(-50, 50), chance.choice(SIZES)
            line.product, line.currency = chance.choice(PRODUCTS), chance.choice(("EUR", "USD"))
            after.line_record(key.rpartition("/")[2], "d2", line.amount)
    whole, rows = bridged_by_segment(tmp_path, before, after)
    assert {row["reason_code"] for row in rows} == {None}
    assert {row["cause_code"] for row in rows} >= {
        "cleaning_decision",
        "merge",
        "correction",
        "late_data",
        "currency",
    }
    assert {row["movement_code"] for row in rows} == {"within", "migration_in", "migration_out"}
    assert_segments_reach(rows, before, after)
    for row in whole:  # of what adds up, the whole has the same causes in both bridges
        if row["metric_name"] in ("leads_new", "revenue_total"):
            (same,) = (
                each for each in rows
                if (*cell_of(each)[:3], each["step_order"]) == (
                    row["metric_name"], row["period_month"], "all", row["step_order"]
                )
            )  # fmt: skip
            assert (same["effect"], same["cause_code"]) == (row["effect"], row["cause_code"])


@pytest.mark.parametrize(
    ("formula", "adds_up"),
    [
        ("count(*)", True),
        ("12 * sum(closing_mrr)", True),
        ("-sum(churn_mrr) - sum(contraction_mrr)", True),
        ("coalesce(sum(a) filter (where b not in ('x', 'y')), 0)", True),
        ("max(company_amount)", False),
        ("count(distinct owner_rep_id)", False),
        ("median(cast(ttf_hours as double))", False),
        ("sum(a) / sum(b)", False),
        ("sum(a) * count(*)", False),
        ("case when count(*) > 3 then count(*) end", False),
    ],
)
def test_sums_and_counts_add_up_over_segments_and_nothing_else(formula: str, adds_up: bool) -> None:
    assert bool(parts_of({"value": formula})) is adds_up


def test_a_median_is_divided_by_what_it_counts_alone() -> None:
    assert parts_of(definitions()["ttf_hours"]).keys() == {"denominator"}
    assert parts_of(definitions()["cr"]).keys() == {"numerator", "denominator"}
    assert parts_of(definitions()["revenue_total"]).keys() == {"value"}
