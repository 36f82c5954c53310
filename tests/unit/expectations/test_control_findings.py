"""Controls of deliveries in the verdict: error holds, warn warns, a waiver covers them until its date."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_gate import BALANCED, CYCLE_END, PASSED, POLICY

from expectations.control_findings import judged, read_controls
from expectations.gate import MOST_NAMED, decide
from expectations.policy import Policy, Waiver
from ingest.controls_result import CONTROL_SCHEMA, ControlResult
from orchestration.publication.trust import trust_of

CLOCK = ControlResult(
    source_instance="pbx",
    control="zone",
    kind="clock",
    level="error",
    status="fail",
    code="clock_zone",
    delivery_id="abc",
    file_path="pbx/2026-06/Master.csv",
    contract="telephony_call_leg",
    column_name="started_at",
    n_evaluated=40,
    n_failed=40,
    params={
        "n": 40, "failed": 40, "column": "started_at", "offset": "-1 h", "declared": "Europe/Paris",
        "zones": "Europe/London",
    },
)  # fmt: skip


def control(**values) -> ControlResult:
    return dataclasses.replace(CLOCK, **values)


def verdict(*controls: ControlResult, policy: Policy = POLICY):
    return decide(
        [PASSED], BALANCED, [], policy, cycle="2026-06", cycle_end=CYCLE_END, controls=list(controls)
    )


def waived_until(day: date) -> Policy:
    waiver = Waiver(
        rule_id="pbx/zone",
        author="A. Person",
        reason="the PBX is moved in July",
        decided_on=date(2026, 6, 1),
        expires_on=day,
    )
    return dataclasses.replace(POLICY, waivers=(waiver,))


def test_an_error_beyond_its_threshold_holds_and_says_what_where_why_and_next() -> None:
    found = verdict(CLOCK)
    assert (found.verdict, found.reasons, found.rule_ids) == ("hold", ("control_failed",), ("pbx/zone",))
    assert found.sentences[0].en == (
        "pbx/zone: pbx/2026-06/Master.csv: 40 of 40 times of started_at differ from the clock inside the record, "
        "usually by -1 h: they are read as Europe/Paris, and as Europe/London they would agree. "
        "Publication is held. Next: etalon controls --source pbx --failed"
    )
    assert "Publication retenue" in found.sentences[0].fr and "s'écartent" in found.sentences[0].fr


@pytest.mark.parametrize(
    ("level", "status", "expected"),
    [
        ("error", "pass", "publish"),
        ("warn", "warn", "publish_with_warnings"),
        ("info", "warn", "publish"),
        ("error", "not_assessed", "publish_with_warnings"),
        ("warn", "not_assessed", "publish"),
    ],
)
def test_the_policy_says_what_each_level_does(level: str, status: str, expected: str) -> None:
    assert verdict(control(level=level, status=status)).verdict == expected


def test_an_error_check_that_cannot_be_computed_holds_and_says_so() -> None:
    broken = control(code="broken", params={"detail": "ConversionException"})
    found = verdict(broken)
    assert (found.verdict, found.reasons) == ("hold", ("control_failed",))
    assert "could not be computed" in found.sentences[0].en and "Publication is held" in found.sentences[0].en


def test_many_warnings_are_named_up_to_a_number_and_the_others_counted() -> None:
    many = [control(control=f"zone_{i:02}", level="warn", status="warn") for i in range(MOST_NAMED + 5)]
    found = verdict(*many)
    assert [each.code for each in found.sentences] == ["control_warned"] * MOST_NAMED + ["controls_more"]
    assert ": 5." in found.sentences[-1].en
    assert len(found.rule_ids) == MOST_NAMED + 5
    holding = [control(control=f"zone_{i:02}") for i in range(MOST_NAMED + 5)]
    assert len(verdict(*holding).sentences) == MOST_NAMED + 5  # what holds is never summed up


def test_a_waiver_names_a_control_and_dies_at_its_date() -> None:
    alive = verdict(CLOCK, policy=waived_until(date(2026, 7, 2)))
    assert (alive.verdict, alive.reasons) == ("publish_with_warnings", ("control_waived",))
    assert "Waived until 2026-07-02" in alive.sentences[0].en
    dead = verdict(CLOCK, policy=waived_until(CYCLE_END))
    assert (dead.verdict, set(dead.reasons)) == ("hold", {"control_failed", "waiver_expired"})
    other = dataclasses.replace(CLOCK, source_instance="pbx_2")
    assert verdict(other, policy=waived_until(date(2026, 7, 2))).verdict == "hold"


def test_a_control_beyond_its_threshold_makes_a_figure_doubtful() -> None:
    policy = waived_until(date(2026, 7, 2))
    behind = frozenset({"telephony_call_leg", "stg_telephony__call_legs"})
    assert trust_of(behind, judged([CLOCK], policy, CYCLE_END)) == ("caution", ("pbx/zone",))
    assert trust_of(behind, judged([CLOCK], POLICY, CYCLE_END)) == ("unreliable", ("pbx/zone",))
    assert trust_of(frozenset({"crm_lead"}), judged([CLOCK], POLICY, CYCLE_END))[0] == "not_assessed"


def test_controls_are_read_as_they_were_written_and_file_kinds_are_left_to_their_own_policy(
    tmp_path: Path,
) -> None:
    assert read_controls(tmp_path) == []
    late = control(kind="delivered_for_cycle", control="delivered_for_cycle")
    path = tmp_path / "collect" / "control_results.parquet"
    path.parent.mkdir()
    pq.write_table(pa.Table.from_pylist([CLOCK.row(), late.row()], schema=CONTROL_SCHEMA), path)
    assert read_controls(tmp_path) == [CLOCK]
