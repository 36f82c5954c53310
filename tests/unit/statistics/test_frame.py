"""The framing note decides the landmarks, the least numbers and the bars of the light, and the capacity of teams."""

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from planted_warehouse_of_deals import open_warehouse
from test_touch_lines import SETTINGS, add_lead, row

from ingest.demo.framing import write_notes
from orchestration.cycles.note import Framing, read_note
from orchestration.statistics.frame import METHOD, Frame, frame_of
from orchestration.statistics.touch_lines import compute

CYCLE = SimpleNamespace(cycle="2026-06")


@pytest.fixture
def con(tmp_path: Path):
    con = open_warehouse(tmp_path / "warehouse.duckdb")
    yield con
    con.close()


def keep(con, tmp_path: Path, **values) -> None:
    """The note of the cycle with these values, as collecting keeps it."""
    write_notes(tmp_path, ["2026-06"])
    content = read_note(tmp_path, "2026-06").framing.model_dump(mode="json") | values
    note = Framing.model_validate(content).model_dump_json()
    con.execute("create schema if not exists run")
    con.execute("create or replace table run.framing (cycle varchar, standing_code varchar, note varchar)")
    con.execute("insert into run.framing values ('2026-06', 'approved', ?)", [note])


def test_without_a_note_the_defaults_of_the_method_stand(con):
    assert frame_of(con, CYCLE) == METHOD
    assert (METHOD.judged_day, METHOD.judged_design) == (5, "landmark_5")


@pytest.mark.audit("FR1", "DE20", "DE19")
def test_the_note_of_the_cycle_decides_landmarks_bars_and_capacity(con, tmp_path):
    bars = {"r_green": "0.3", "r_amber": "0.2", "delta_points": "3"}
    keep(
        con,
        tmp_path,
        landmarks_days=[2, 7],
        minimum_n=4,
        minimum_events=2,
        bars=bars,
        team_capacity={"Paris": 40},
    )
    found = frame_of(con, CYCLE)
    assert (found.landmarks, found.judged_design) == ((2, 7), "landmark_7")
    assert (found.bars.r_green, found.bars.r_amber, found.bars.delta_points) == (
        Decimal("0.3"),
        Decimal("0.2"),
        Decimal(3),
    )
    assert found.bars.is_enough(4, 2) and not found.bars.is_enough(3, 2) and not found.bars.is_enough(4, 1)
    assert found.capacity == {"Paris": 40}


@pytest.mark.audit("DE20")
def test_the_light_is_judged_at_the_landmark_and_the_least_numbers_of_the_frame(con):
    for n in range(6):
        add_lead(con, f"lea_{n}", [1.0] * (n // 2), 12 if n > 2 else None)
    plain = compute(con, SETTINGS)
    assert row(plain, "landmark_5")["colour_reason_codes"] == "too_few_units"
    loose = Frame((2, 7), bars=METHOD.bars.__class__(minimum_units=4, minimum_events=2))
    found = compute(con, SETTINGS, frame=loose)
    assert {r["design_code"] for r in found["touch_lines"].to_pylist()} == {
        "naive",
        "landmark_2",
        "landmark_7",
    }
    assert row(found, "landmark_2")["colour_code"] is None
    assert row(found, "landmark_7")["colour_code"] == "amber"
