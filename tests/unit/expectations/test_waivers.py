"""waivers.csv, and what the verdict says of every waiver until it dies."""

from __future__ import annotations

import csv
import dataclasses
from datetime import date, timedelta
from pathlib import Path

import pytest
from test_gate import CYCLE_END, FAILED, PASSED, POLICY, verdict

from expectations.catalogue import CatalogueError
from expectations.policy import Policy, apply_waivers
from expectations.waivers import WAIVER_COLUMNS, Waiver, read_waivers, write_waivers

PAYLOADS = (
    "=cmd|' /C calc'!A0", "+33 1 23 45 67 89", "-5 % of the lines, as told", "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1 with a tab before", "'=1 already with an apostrophe", "a comma, a \"quote\" and\na line break",
)  # fmt: skip


def waiver(**values) -> Waiver:
    given = {"rule_id": "R-CRM-001", "author": "cfo", "reason": "known gap of the June migration"}
    given |= {"decided_on": date(2026, 6, 1), "expires_on": date(2026, 8, 1)}
    return Waiver(**{**given, **values})


def policy(*waivers: Waiver) -> Policy:
    return dataclasses.replace(POLICY, waivers=waivers)


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_what_is_written_is_read_back_and_no_cell_is_a_formula(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "waivers.csv"
    made = [
        waiver(author=f"{text[:6]} author", reason=text) for text in PAYLOADS if not text.startswith("\t")
    ]
    made.append(waiver(rule_id="pbx/zone", table_name=None))
    made.append(waiver(table_name="staging.stg_crm__leads"))
    write_waivers(made, path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    if delimiter == ";":  # as a spreadsheet saves it
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file, delimiter=";").writerows(rows)
    assert list(read_waivers(path, 184)) == made
    assert [each.name for each in tmp_path.iterdir()] == ["waivers.csv"]


def test_a_waiver_lasts_at_most_as_long_as_the_policy_allows(tmp_path: Path) -> None:
    path = tmp_path / "waivers.csv"
    write_waivers([waiver(expires_on=date(2026, 6, 11))], path)
    assert len(read_waivers(path, 10)) == 1
    with pytest.raises(CatalogueError, match=r"waivers\.csv line 2: granted for 10 days, at most 9"):
        read_waivers(path, 9)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"rule_id,author\n", "columns rule_id"),
        ((",".join(WAIVER_COLUMNS) + "\nR-CRM-001,,\xe9t\xe9,x").encode("latin-1"), "not UTF-8"),
        ((",".join(WAIVER_COLUMNS) + '\n"R-CRM-001,,cfo\n').encode(), "line"),
        ((",".join(WAIVER_COLUMNS) + "\nR-CRM-001,,cfo\n").encode(), "line 2"),
    ],
    ids=["columns", "bytes", "quote", "cells"],
)
def test_a_file_that_is_not_understood_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "waivers.csv").write_bytes(content)
    with pytest.raises(CatalogueError, match="E-EXP-001 waivers") as caught:
        read_waivers(tmp_path / "waivers.csv", 184)
    assert said in str(caught.value)


def codes(results, given: Policy) -> list[tuple[str, str]]:
    return [
        (each.effect, each.code)
        for each in verdict(apply_waivers(results, given, CYCLE_END), policy=given).sentences
    ]


def test_every_waiver_is_said_in_every_verdict_until_it_is_dead_and_once_more_as_dead() -> None:
    assert codes([PASSED, FAILED], policy(waiver())) == [("warn", "rule_waived")]
    assert codes([PASSED], policy(waiver())) == [("note", "waiver_unused")]
    ended = waiver(expires_on=CYCLE_END)
    assert codes([PASSED, FAILED], policy(ended)) == [
        ("hold", "critical_rule_failed"),
        ("warn", "waiver_expired"),
    ]
    assert codes([PASSED], policy(ended)) == [("note", "waiver_ended")]
    long_dead = waiver(decided_on=date(2026, 4, 1), expires_on=date(2026, 6, 1))
    assert codes([PASSED], policy(long_dead)) == []
    assert codes([PASSED, FAILED], policy(long_dead, waiver())) == [("warn", "rule_waived")]


def test_a_waiver_of_a_mart_rule_warns_at_the_gate_and_one_of_no_rule_is_unused() -> None:
    assert codes([PASSED], policy(waiver(rule_id="R-MRT-001"))) == [("warn", "waiver_of_marts")]
    assert codes([PASSED], policy(waiver(rule_id="R-CRM-999"))) == [("note", "waiver_unused")]
    assert codes([PASSED], policy(waiver(rule_id="gone/zone"))) == [("note", "waiver_unused")]


def test_a_waived_rule_never_counts_as_passed() -> None:
    given = policy(waiver())
    found = verdict(apply_waivers([PASSED, FAILED], given, CYCLE_END), policy=given)
    assert found.verdict == "publish_with_warnings" and "Checks passed: 1;" in found.headline.en


def test_a_waiver_dated_in_the_future_is_never_in_force_before_its_time() -> None:
    """From its decision to its end it lasts less than the limit; from the day judged it would last nine years."""
    future = waiver(decided_on=date(2035, 1, 1), expires_on=date(2035, 6, 1))
    given = policy(future)
    assert apply_waivers([FAILED], given, CYCLE_END)[0].status == "fail"
    assert codes([PASSED, FAILED], given) == [("hold", "critical_rule_failed"), ("warn", "waiver_too_far")]
    assert codes([PASSED], given) == [("warn", "waiver_too_far")]
    most = given.document.waiver_max_days
    last = waiver(decided_on=date(2026, 7, 15), expires_on=CYCLE_END + timedelta(days=most))
    assert codes([PASSED, FAILED], policy(last)) == [("warn", "rule_waived")], "decided while June is judged"
    beyond = waiver(decided_on=date(2026, 7, 15), expires_on=CYCLE_END + timedelta(days=most + 1))
    assert codes([PASSED, FAILED], policy(beyond))[0] == ("hold", "critical_rule_failed")
