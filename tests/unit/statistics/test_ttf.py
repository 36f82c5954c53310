"""Time to first contact of planted leads: who waits, who was in time, and who tells nothing about the contact."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from planted_audit import add_audit_lead, row
from planted_candidate import SETTINGS
from planted_warehouse_of_deals import add, open_warehouse

from orchestration.statistics import audit_units, ttf

JUNE, MAY = datetime(2026, 6, 2, 9), datetime(2026, 5, 4, 9)
HOUR = 1 / 24


@pytest.fixture
def con(tmp_path: Path):
    con = open_warehouse(tmp_path / "warehouse.duckdb")
    yield con
    con.close()


def tables(con):
    audit_units.prepare(con, SETTINGS)
    return ttf.figures(con, SETTINGS)


@pytest.mark.audit("QU3", "DA1", "DE4")
def test_a_lead_nobody_reached_waits_still_and_counts_in_the_share_within_target(con):
    add_audit_lead(con, "one", JUNE, ((1 * HOUR, "voice", True),))
    add_audit_lead(con, "two", JUNE, ((0.5 * HOUR, "voice", False), (2 * HOUR, "email", True)))
    add_audit_lead(con, "five", JUNE, ((1 * HOUR, "voice", False), (5 * HOUR, "voice", True)))
    add_audit_lead(con, "none", JUNE, ((3 * HOUR, "voice", False),))
    found = row(tables(con)["ttf"])
    assert (found["n_leads"], found["n_contacted"], found["n_never_contacted"]) == (4, 3, 1)
    assert found["ttf_hours_median"] == 2, "of four leads the second, not the second of the three contacted"
    assert found["ttf_business_hours_median"] == 1
    assert found["attempt_hours_median"] == 1, "an unanswered call is an attempt"
    assert found["n_never_attempted"] == 0
    # two hours are the target of an inbound lead of a small company; reached at the second hour is in time
    assert (found["target_hours_min"], found["target_hours_max"]) == (2, 2)
    assert (found["n_target_due"], found["n_target_met"]) == (4, 2)
    assert found["target_met_rate"] == Decimal("0.5")


@pytest.mark.audit("QU13", "QU12")
def test_each_cut_has_its_own_times_and_targets(con):
    for i in range(3):
        add_audit_lead(con, f"in{i}", JUNE, (((i + 1) * HOUR, "voice", True),))
        add_audit_lead(
            con,
            f"out{i}",
            JUNE,
            (((i + 1) * 10 * HOUR, "voice", True),),
            channel_code="outbound",
            rep_id="r2",
        )
    found = tables(con)["ttf"]
    inbound = row(found, segment_kind_code="channel", segment_code="inbound")
    outbound = row(found, segment_kind_code="channel", segment_code="outbound")
    assert (inbound["ttf_hours_median"], inbound["n_target_met"]) == (2, 2)
    assert (outbound["ttf_hours_median"], outbound["n_target_met"]) == (20, 2), "an outbound lead has a day"
    whole = row(found)
    assert (whole["target_hours_min"], whole["target_hours_max"], whole["n_target_met"]) == (2, 24, 4)
    assert {r["segment_kind_code"] for r in found.to_pylist()} == {
        "all",
        "channel",
        "size_band",
        "team",
        "rep",
    }
    assert row(found, segment_kind_code="rep", segment_code="r2")["n_leads"] == 3


@pytest.mark.audit("PB12")
def test_a_team_that_calls_fast_and_reaches_nobody_in_time_is_warned_of(con):
    """What a bonus on the time to first contact would invite, beside the figures of each team."""
    for i in range(4):
        early = (0.5 * HOUR, "voice", False)
        add_audit_lead(con, f"game{i}", JUNE, (early, (30 * HOUR, "voice", True)), rep_id="gamer")
        add_audit_lead(con, f"fair{i}", JUNE, (early, (1 * HOUR, "voice", True)), rep_id="fair")
        add_audit_lead(con, f"late{i}", JUNE, ((30 * HOUR, "voice", True),), rep_id="late")
    for name in ("gamer", "fair", "late"):
        add(con, "master.dim_reps", rep_id=name, team_name=f"team {name}")
    found = tables(con)["ttf"]
    told = {
        n: row(found, segment_kind_code="team", segment_code=f"team {n}") for n in ("gamer", "fair", "late")
    }
    assert {n: r["warning_code"] for n, r in told.items()} == {
        "gamer": "attempts_without_contact", "fair": None, "late": None,
    }  # fmt: skip
    assert (told["gamer"]["attempt_hours_median"], told["gamer"]["ttf_hours_median"]) == (Decimal("0.5"), 30)


def test_a_median_that_most_have_not_reached_is_not_told(con):
    add_audit_lead(con, "reached", JUNE, ((1 * HOUR, "voice", True),))
    add_audit_lead(con, "tried", JUNE, ((1 * HOUR, "voice", False),))
    add_audit_lead(con, "forgotten", JUNE)
    found = row(tables(con)["ttf"])
    assert (found["ttf_hours_median"], found["ttf_hours_reason_code"]) == (None, "under_half_contacted")
    assert (found["attempt_hours_median"], found["n_never_attempted"]) == (1, 1)


def test_a_lead_younger_than_its_target_is_not_due_and_a_contact_before_creation_has_no_time(con):
    add_audit_lead(con, "young", datetime(2026, 6, 30, 23))
    add_audit_lead(
        con, "before", JUNE, ttf_status_code="negative_ttf", ttf_observed_hours=None, ttf_hours=None,
        ttf_business_hours=None, ttf_business_observed_hours=None,
    )  # fmt: skip
    found = row(tables(con)["ttf"])
    assert (found["n_target_due"], found["target_met_rate"], found["target_reason_code"]) == (
        0,
        None,
        "no_lead_due",
    )
    assert (found["n_negative"], found["n_timed"]) == (1, 1)


@pytest.mark.audit("DA4")
def test_leads_of_all_classes_are_the_matured_leads_and_early_converters_have_none(con):
    add_audit_lead(con, "hour", MAY, ((1 * HOUR, "voice", True),), 10)
    add_audit_lead(con, "two", MAY, ((2 * HOUR, "voice", True),))
    add_audit_lead(con, "day", MAY, ((24 * HOUR, "voice", True),))
    add_audit_lead(con, "week", MAY, ((7, "voice", True),), 20)
    add_audit_lead(con, "never", MAY, ((1, "voice", False),))
    add_audit_lead(con, "bought", MAY, ((5, "voice", True),), 2)
    add_audit_lead(con, "after_window", MAY, ((31, "voice", True),))
    add_audit_lead(con, "day_only", MAY, ttf_status_code="day_only")
    add_audit_lead(con, "immature", JUNE, ((1 * HOUR, "voice", True),))
    found = tables(con)["ttf_buckets"]
    classes = {
        r["bucket_code"]: (r["n_leads"], r["n_converted"])
        for r in found.to_pylist()
        if (r["period_code"], r["segment_kind_code"]) == ("month", "all")
    }
    assert classes == {
        "within_1h": (1, 1), "within_2h": (1, 0), "within_4h": (0, 0), "within_8h": (0, 0), "within_24h": (1, 0),
        "within_72h": (0, 0), "later": (1, 1), "never_in_window": (2, 0), "converted_first": (1, 1),
        "not_timed": (1, 0),
    }  # fmt: skip
    bought = row(found, bucket_code="converted_first")
    assert (bought["conversion_rate"], bought["conversion_reason_code"]) == (None, "converted_before_contact")
    empty = row(found, bucket_code="within_4h")
    assert (empty["conversion_rate"], empty["conversion_reason_code"]) == (None, "no_leads")
    assert row(found, bucket_code="within_1h")["period_start"] == date(2026, 5, 1)


def test_a_company_without_leads_has_no_rows_and_no_error(con):
    assert {name: table.num_rows for name, table in tables(con).items()} == {"ttf": 0, "ttf_buckets": 0}


@pytest.mark.audit("DE4", "QU3")
def test_a_lead_is_due_by_what_is_in_force_for_its_segment_on_its_day(con):
    """The company's own rows before the method's two hours, each on its days; without any a lead has a day."""
    for hours, channel, size, since, until in (
        (4, "inbound", "smb", date(2026, 6, 10), date(2026, 6, 20)),
        (8, "inbound", "all", date(2026, 6, 20), None),
        (48, "outbound", "mid", None, date(2026, 6, 15)),
    ):
        add(
            con, "metrics.fct_thresholds", threshold_key=f"{hours}", rule_code="ttf_max_hours", channel_code=channel,
            size_band_code=size, threshold_value=hours, origin_code="human", threshold_version="1", is_own=True,
            valid_from=since, valid_to=until,
        )  # fmt: skip
    due = {}
    for day, channel, size in (
        (9, "inbound", "smb"), (10, "inbound", "smb"), (19, "inbound", "smb"), (20, "inbound", "smb"),
        (19, "inbound", "mid"), (20, "inbound", "mid"), (14, "outbound", "mid"), (15, "outbound", "mid"),
    ):  # fmt: skip
        con.execute("delete from metrics.fct_lead_cadences")
        con.execute("delete from master.fct_leads")
        add_audit_lead(con, "a", datetime(2026, 6, day, 9), channel_code=channel, size_band_code=size)
        found = row(tables(con)["ttf"])
        assert found["target_hours_min"] == found["target_hours_max"]
        due[day, channel, size] = found["target_hours_min"]
    assert list(due.values()) == [2, 4, 4, 8, 24, 8, 48, 24]
