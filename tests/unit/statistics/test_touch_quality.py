"""Answers and meetings of planted touches, by segment and channel."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from planted_audit import add_audit_lead, row
from planted_candidate import SETTINGS
from planted_warehouse_of_deals import AS_OF, add, open_warehouse
from statsmodels.stats.proportion import proportion_confint

from orchestration.statistics import audit_units, touch_quality

MAY = datetime(2026, 5, 4, 9)


@pytest.fixture
def con(tmp_path: Path):
    con = open_warehouse(tmp_path / "warehouse.duckdb")
    yield con
    con.close()


def quality(con):
    audit_units.prepare(con, SETTINGS)
    return touch_quality.figures(con, SETTINGS)["touch_quality"]


@pytest.mark.audit("QU16", "DE23")
def test_answers_and_meetings_stand_beside_the_number_of_touches(con):
    add_audit_lead(
        con, "a", MAY,
        ((0, "voice", False), (1, "voice", True), (2, "email", True), (3, "email", True), (4, "meeting", True),
         (5, "email", False), (31, "voice", True)),
    )  # fmt: skip
    add_audit_lead(
        con,
        "b",
        MAY,
        ((0, "social", False), (1, "voice", True), (2, "meeting", True), (2.5, "meeting", True)),
    )
    add_audit_lead(con, "untouched", MAY)
    add(con, "master.fct_email_sends", send_key="a/2", is_replied=True)
    add(con, "master.fct_email_sends", send_key="a/3", is_replied=False)
    found = quality(con)
    whole = row(found, touch_channel_code="all")
    # 3 calls in the window, 3 mails, 1 message; the undelivered mail and the message could not be answered
    assert (whole["n_leads"], whole["n_touches"], whole["n_answerable"], whole["n_answered"]) == (3, 7, 5, 3)
    assert whole["answer_rate"] == Decimal("0.6") and whole["touches_per_lead"] == Decimal("2.3333333333")
    low, high = proportion_confint(3, 5, method="wilson")
    assert float(whole["answer_low"]) == pytest.approx(low, abs=1e-9)
    assert float(whole["answer_high"]) == pytest.approx(high, abs=1e-9)
    assert (whole["n_meetings"], whole["n_met_touches"]) == (3, 2), "one call led to two meetings"
    assert whole["meetings_per_touch"] == Decimal("0.4285714286")
    voice, mail = row(found, touch_channel_code="voice"), row(found, touch_channel_code="email")
    assert (voice["n_leads"], voice["n_touches"], voice["n_answered"], voice["n_meetings"]) == (2, 3, 2, 2)
    assert (mail["n_leads"], mail["n_touches"], mail["n_answerable"], mail["n_answered"]) == (1, 3, 2, 1)
    assert (mail["n_meetings"], mail["n_met_touches"]) == (1, 1)
    social = row(found, touch_channel_code="social")
    assert (social["answer_rate"], social["answer_reason_code"]) == (None, "answers_not_recorded")
    assert (social["met_touch_rate"], social["met_touch_reason_code"]) == (0, None)


def test_a_reply_that_comes_after_the_cycle_is_none_of_it(con):
    add_audit_lead(con, "a", MAY, tuple((day, "email", True) for day in range(3)))
    for place, replied_at in enumerate((AS_OF, AS_OF - timedelta(seconds=1), None)):
        add(con, "master.fct_email_sends", send_key=f"a/{place}", is_replied=True, replied_at=replied_at)
    assert row(quality(con), touch_channel_code="all")["n_answered"] == 2


def test_a_meeting_that_no_touch_came_before_belongs_to_no_channel(con):
    add_audit_lead(con, "a", MAY, ((1, "meeting", True), (2, "voice", True)))
    found = quality(con)
    assert row(found, touch_channel_code="all")["n_meetings"] == 1
    assert row(found, touch_channel_code="voice")["n_meetings"] == 0


def test_leads_without_touches_have_no_rate_and_a_reason(con):
    add_audit_lead(con, "a", MAY)
    found = row(quality(con), touch_channel_code="all")
    assert (found["n_leads"], found["n_touches"], found["touches_per_lead"]) == (1, 0, 0)
    assert (found["answer_rate"], found["answer_reason_code"]) == (None, "no_touches")
    assert (found["meetings_per_touch"], found["met_touch_reason_code"]) == (None, "no_touches")
