"""The four weeks and the seven steps."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from orchestration.cycles.acts import Acts, find_acts
from orchestration.cycles.calendar import STEPS, calendar_of
from orchestration.cycles.steps import Evidence, steps_of

END = date(2026, 7, 1)  # a Wednesday
DONE = Evidence("approved", True, 0, 0, "publish", True, True, 1, 1, False)


def statuses(**values) -> dict[str, tuple[str, str | None]]:
    evidence = Evidence(**{**DONE.__dict__, **values})
    return {each.code: (each.status_code, each.reason_code) for each in steps_of(evidence, END)}


@pytest.mark.audit("PB9", "PB7")
def test_the_weeks_begin_on_the_first_monday_after_the_month() -> None:
    calendar = calendar_of(END)
    assert calendar.begins_on == date(2026, 7, 6)
    assert calendar.stand_ups == {"S2": date(2026, 7, 13), "S4": date(2026, 7, 27)}
    assert list(calendar.due.values()) == [
        date(2026, 7, 6), date(2026, 7, 8), date(2026, 7, 10), date(2026, 7, 13), date(2026, 7, 15),
        date(2026, 7, 24), date(2026, 7, 31),
    ]  # fmt: skip
    assert calendar_of(date(2026, 6, 1)).begins_on == date(2026, 6, 1), "a Monday is its own week's"


@pytest.mark.audit("PB9")
def test_every_month_has_its_weeks_after_it_in_order() -> None:
    for month in range(1, 13):
        for year in range(2024, 2030):
            end = date(year, month, 1)
            due = list(calendar_of(end).due.values())
            assert due == sorted(due) and end <= due[0] < end + timedelta(days=7)


@pytest.mark.audit("FR10")
def test_the_steps_follow_what_exists() -> None:
    assert tuple(statuses()) == STEPS
    assert set(statuses().values()) == {("done", None)}
    assert statuses(note="changed")["frame"] == ("open", "framing_changed")
    assert statuses(is_collected=False, n_refused=1)["collect"] == ("open", "not_collected")
    assert statuses(n_refused=1, n_late=1)["collect"] == ("open", "file_refused")
    assert statuses(n_late=1)["collect"] == ("open", "delivery_missing")
    assert statuses(verdict=None)["clean"] == ("open", "not_judged")
    assert statuses(verdict="hold")["clean"] == ("held", "gate_holds")
    assert statuses(has_pages=False)["visualise"] == ("open", "not_published")
    assert statuses(has_estimates=False)["quantify"] == ("open", "not_published")
    assert statuses(n_decisions=0)["decide"] == ("open", "nothing_decided")
    assert statuses(n_decisions=0, is_closed=True)["decide"] == ("done", None)
    assert statuses(n_experiments=0)["experiment"] == ("open", "nothing_registered")
    unasked = statuses(n_decisions=None, n_experiments=None)
    assert unasked["decide"] == unasked["experiment"] == ("open", "after_the_month")


def test_a_step_is_late_the_day_after_it_was_due_unless_it_is_done() -> None:
    (frame, *_) = steps_of(Evidence(), END)
    assert not frame.is_late(frame.due_on) and frame.is_late(frame.due_on + timedelta(days=1))
    assert not steps_of(DONE, END)[0].is_late(date(2027, 1, 1))


def test_thresholds_and_experiments_count_in_the_weeks_after_the_month(tmp_path: Path) -> None:
    assert find_acts(tmp_path, END) == Acts(0, 0)
    days = [date(2026, 6, 30), END, date(2026, 7, 31), date(2026, 8, 1), None]
    rows = [{"rule": "min_touches", "valid_from": day} for day in days]
    (tmp_path / "thresholds.yml").write_text(yaml.safe_dump({"thresholds": rows}))
    for name, start, end, is_registered in (
        ("during", date(2026, 7, 6), date(2026, 7, 27), True),
        ("drafted", date(2026, 7, 6), date(2026, 7, 27), False),
        ("over", date(2026, 5, 1), END, True),
        ("later", date(2026, 8, 1), date(2026, 8, 20), True),
    ):
        folder = tmp_path / "experiments" / name
        folder.mkdir(parents=True)
        (folder / "protocol.yml").write_text(yaml.safe_dump({"start_on": start, "end_on": end}))
        if is_registered:
            (folder / "registration.json").write_text("{}")
    assert find_acts(tmp_path, END) == Acts(n_decisions=2, n_experiments=1)
    (tmp_path / "thresholds.yml").write_text("thresholds: [broken")
    assert find_acts(tmp_path, END).n_decisions == 0
