"""The thresholds of a company: dated rows that are never changed, or an error that says where."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from expectations.catalogue import CatalogueError
from expectations.thresholds import (
    FILE,
    RULES,
    Threshold,
    append_threshold,
    in_force,
    keep_thresholds,
    kept_thresholds,
    read_thresholds,
    told_thresholds,
)
from tests.shipped_thresholds import shipped_thresholds

ROW = {
    "rule_code": "min_touches", "channel_code": "inbound", "size_band_code": "smb", "value": 5, "window_days": 10,
    "origin_code": "human", "version": "2026-06-1", "approved_by": "Ann Lee", "reason": "committee of 3 July",
    "valid_from": "2026-07-01",
}  # fmt: skip


def _written(tmp_path: Path, *rows: dict) -> Path:
    path = tmp_path / FILE
    path.write_text(yaml.safe_dump({"thresholds": list(rows)}), encoding="utf-8")
    return path


def _held(rows, rule: str, channel: str, size: str, day: str) -> str | None:
    found = in_force(rows, shipped_thresholds(), rule, channel, size, date.fromisoformat(day))
    return found and f"{found.threshold.value.normalize():f}"


@pytest.mark.audit("DE5", "DE6", "DE7", "DE8", "DE10")
def test_the_method_ships_its_defaults_by_segment() -> None:
    shipped = shipped_thresholds()
    assert {row.origin_code for row in shipped} == {"method_default"}
    day = "2026-06-30"
    assert [_held((), rule, "inbound", "smb", day) for rule in ("min_touches", "ttf_max_hours", "max_mails_a_day")] == [
        "4", "2", "2",
    ]  # fmt: skip
    mid = [_held((), rule, "outbound", "mid", day) for rule in ("min_touches", "max_touches", "min_channels")]
    assert mid == ["6", "8", "3"]
    (mix,) = [row for row in shipped if row.rule_code == "min_channels" and row.size_band_code == "mid"]
    assert (mix.channels, mix.window_days) == (["voice", "email", "social"], 14)
    for channel in ("inbound", "outbound", "partner"):
        rules = ("min_touches", "max_touches", "min_channels", "min_contacts", "warm_intro_after")
        assert [_held((), rule, channel, "enterprise", day) for rule in rules] == ["8", "12", "2", "2", "8"]
    assert _held((), "min_touches", "inbound", "mid", day) is None  # the method says nothing of it
    assert _held((), "hot_min_touches", "partner", "smb", day) == "4"
    windows = {(row.rule_code, row.size_band_code): row.window_days for row in shipped}
    assert (windows["min_touches", "smb"], windows["min_touches", "mid"], windows["min_touches", "enterprise"]) == (
        10, 14, 21,
    )  # fmt: skip


@pytest.mark.audit("DE1")
def test_a_later_row_ends_an_earlier_one_and_the_past_stays(tmp_path: Path) -> None:
    later = {**ROW, "value": 6, "version": "2026-07-1", "valid_from": "2026-08-01"}
    rows = read_thresholds(_written(tmp_path, later, ROW))
    assert [(row.version, row.valid_to) for row in rows] == [
        ("2026-06-1", date(2026, 8, 1)),
        ("2026-07-1", None),
    ]
    days = ("2026-06-30", "2026-07-01", "2026-07-31", "2026-08-01")
    assert [_held(rows, "min_touches", "inbound", "smb", day) for day in days] == ["4", "5", "5", "6"]
    ended = read_thresholds(_written(tmp_path, {**ROW, "valid_to": "2026-07-15"}, later))
    # between the end of a row and the next one the default of the method holds
    assert [_held(ended, "min_touches", "inbound", "smb", d) for d in ("2026-07-14", "2026-07-15", "2026-08-01")] == [
        "5", "4", "6",
    ]  # fmt: skip


@pytest.mark.audit("DE1")
def test_a_row_of_the_company_stands_before_the_method_and_the_narrower_before_the_wider(
    tmp_path: Path,
) -> None:
    wide = {**ROW, "channel_code": "all", "size_band_code": "all", "value": 3}
    rows = read_thresholds(_written(tmp_path, wide))
    assert _held(rows, "min_touches", "outbound", "enterprise", "2026-07-01") == "3"
    by_size = {**ROW, "channel_code": "all", "size_band_code": "smb", "value": 7}
    by_channel = {**ROW, "channel_code": "inbound", "size_band_code": "all", "value": 9}
    rows = read_thresholds(_written(tmp_path, wide, by_size, by_channel))
    asked = [("inbound", "smb"), ("outbound", "smb"), ("inbound", "mid"), ("outbound", "mid"), ("all", "all")]
    assert [_held(rows, "min_touches", *segment, "2026-07-01") for segment in asked] == [
        "7",
        "7",
        "9",
        "3",
        "3",
    ]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"rule_code": "most_touches"}, "one of min_touches"),
        ({"value": 5.5}, "whole number"),
        ({"value": -1}, "a value from 0"),
        ({"value": 1.23456}, "decimal places"),
        ({"window_days": None}, "needs window_days"),
        ({"window_days": 0}, "window_days"),
        ({"rule_code": "ttf_max_hours"}, "has no window_days"),
        ({"channels": ["voice"]}, "has no channels"),
        ({"rule_code": "min_channels", "value": 2, "channels": ["voice"]}, "more than the channels"),
        ({"rule_code": "min_channels", "value": 1, "channels": ["fax"]}, "channels"),
        ({"rule_code": "hot_cool_down_days", "value": 55}, "more than 60 days"),
        ({"size_band_code": "tiny"}, "size_band_code"),
        ({"origin_code": "guess"}, "origin_code"),
        ({"approved_by": ""}, "approved_by"),
        ({"valid_to": "2026-07-01"}, "valid_to must come after"),
        ({"note": "x"}, "note"),
    ],
)
def test_a_row_that_is_not_understood_is_refused(tmp_path: Path, changed: dict, told: str) -> None:
    row = {name: value for name, value in {**ROW, **changed}.items() if value is not None}
    with pytest.raises(CatalogueError, match=rf"E-EXP-001 {FILE}.*{told}"):
        read_thresholds(_written(tmp_path, row))


@pytest.mark.parametrize(
    "other",
    [
        {"version": "b"},
        {"version": "b", "valid_from": "2026-06-01", "valid_to": "2026-07-02"},
    ],
)
def test_rows_that_overlap_are_refused(tmp_path: Path, other: dict) -> None:
    with pytest.raises(CatalogueError, match="overlap"):
        read_thresholds(_written(tmp_path, ROW, {**ROW, **other}))


@pytest.mark.parametrize(
    "text", ["[]", "rows: []", "thresholds: x", "thresholds: []\nmore: 1", "thresholds: [1]"]
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(CatalogueError, match="E-EXP-001"):
        read_thresholds(tmp_path / FILE)


@pytest.mark.audit("DE1")
def test_what_is_approved_is_added_and_no_line_before_it_changes(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text(
        "# committee of July\nthresholds:\n    - " + yaml.safe_dump(ROW, default_flow_style=True, width=9999)
    )
    before = path.read_text().rstrip()
    made = Threshold.model_validate(
        {
            **ROW,
            "value": Decimal("6"),
            "version": "2026-07-1",
            "valid_from": "2026-08-01",
            "reason": "été : 6 « touches »",
        }
    )
    append_threshold(path, made)
    assert path.read_text().startswith(before) and made.as_row()["value"] == "6"
    assert [row.version for row in read_thresholds(path)] == ["2026-06-1", "2026-07-1"]
    assert read_thresholds(path)[1].reason == "été : 6 « touches »"
    written = yaml.safe_load(path.read_text())["thresholds"][1]
    assert (written["value"], written["valid_from"]) == (6, date(2026, 8, 1)), "days and numbers, no texts"
    with pytest.raises(CatalogueError, match="overlap"):
        append_threshold(path, made)
    # a list in brackets cannot grow line by line: the rows stay, the layout does not
    path.write_text(yaml.safe_dump({"thresholds": [ROW]}, default_flow_style=True, width=9999))
    append_threshold(path, made)
    assert [row.version for row in read_thresholds(path)] == ["2026-06-1", "2026-07-1"]
    path.unlink()
    append_threshold(path, made)
    assert [row.version for row in read_thresholds(path)] == ["2026-07-1"]


def test_a_run_keeps_the_rows_and_tells_dbt_nobody_s_name(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    keep_thresholds(tmp_path, tmp_path, date(2026, 8, 1))
    assert kept_thresholds(tmp_path) is None and told_thresholds(tmp_path) is None
    _written(tmp_path, ROW)
    keep_thresholds(tmp_path, tmp_path, date(2026, 8, 1))
    (told,) = told_thresholds(tmp_path)
    assert kept_thresholds(tmp_path)[0]["approved_by"] == "Ann Lee"
    assert told["value"] == "5" and not {"approved_by", "reason"} & set(told)
    (tmp_path / FILE).unlink()
    keep_thresholds(tmp_path, tmp_path, date(2026, 8, 1))
    assert kept_thresholds(tmp_path) is None


@pytest.mark.audit("DE1", "EX11")
def test_a_cycle_run_again_reads_no_row_that_began_after_it(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    later = {**ROW, "version": "2026-08-1", "valid_from": "2026-08-01"}
    ends = {}
    for rows in ([ROW], [ROW, later], [ROW, {**later, "valid_from": "2026-07-31"}]):
        (tmp_path / FILE).write_text(yaml.safe_dump({"thresholds": rows}))
        keep_thresholds(tmp_path, tmp_path, date(2026, 8, 1))
        ends[len(ends)] = [row.get("valid_to") for row in kept_thresholds(tmp_path)]
    assert ends == {0: [None], 1: [None], 2: ["2026-07-31", None]}
    keep_thresholds(tmp_path, tmp_path, date(2026, 7, 1))
    assert kept_thresholds(tmp_path) is None, "nothing of the company held yet"


def test_every_rule_can_be_written(tmp_path: Path) -> None:
    for name, rule in RULES.items():
        row = {**ROW, "rule_code": name, "value": str(max(rule.low, min(Decimal(1), rule.high)))}
        if not rule.is_windowed:
            row.pop("window_days")
        assert read_thresholds(_written(tmp_path, row))[0].rule_code == name
