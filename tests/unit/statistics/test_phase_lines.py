"""Touches against the event of each phase: a meeting after the hand-over, a deal after the opening."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from planted_audit import add_audit_lead
from planted_candidate import SETTINGS
from planted_warehouse_of_deals import AS_OF, add, open_warehouse

from orchestration.statistics import audit_units, phase_lines

MAY = datetime(2026, 5, 4, 9)


@pytest.fixture
def con(tmp_path: Path):
    con = open_warehouse(tmp_path / "warehouse.duckdb")
    yield con
    con.close()


def phases(con) -> dict[str, dict]:
    audit_units.prepare(con, SETTINGS)
    return {r["phase_code"]: r for r in phase_lines.figures(con, SETTINGS)["phase_lines"].to_pylist()}


def add_deal_of(
    con, name: str, touches: list[float], closed_after: float | None = None, won: bool = True
) -> None:
    """A deal opened a hundred days before the end, whose account is touched so many days after the opening."""
    opened = AS_OF - timedelta(days=100)
    add(
        con, "master.fct_opportunities", opportunity_id=name, account_id=f"a_{name}", opened_at=opened,
        closed_at=None if closed_after is None else opened + timedelta(days=closed_after),
        is_won=closed_after is not None and won, is_lost=closed_after is not None and not won,
    )  # fmt: skip
    for days in touches:
        add(con, "master.fct_touches", account_id=f"a_{name}", occurred_at=opened + timedelta(days=days),
            is_effective=True)  # fmt: skip


@pytest.mark.audit("QU14")
def test_who_was_handed_over_is_to_be_met_after_the_landmark(con):
    call, meet = "voice", "meeting"
    add_audit_lead(
        con, "a", MAY, ((1, call, True), (2, call, True), (7, call, True), (9, meet, True)), mql_at=MAY
    )
    add_audit_lead(
        con, "b", MAY, ((1, call, False), (31, meet, True)), mql_at=MAY
    )  # tried; met after the window
    add_audit_lead(con, "c", MAY, ((0.5, call, True), (3, meet, True)), mql_at=MAY)  # met before the landmark
    late = MAY + timedelta(days=2)
    add_audit_lead(
        con, "d", MAY, ((1, call, True), (3, call, True)), mql_at=late
    )  # the first call came before
    add_audit_lead(con, "young", datetime(2026, 6, 20), mql_at=datetime(2026, 6, 20))
    add_audit_lead(con, "never", MAY, ((1, call, True),))
    found = phases(con)["mql"]
    assert (found["n_units"], found["n_events"], found["n_event_before"], found["n_immature"]) == (3, 1, 1, 1)
    assert found["touches_mean"] == 1, "two, none and one"
    assert (found["event_code"], found["landmark_days"], found["window_days"]) == ("meeting", 5, 30)


@pytest.mark.audit("QU14")
def test_what_was_opened_is_to_be_won_by_touches_of_its_account(con):
    add_deal_of(con, "won", [1, 5, 20], 60)
    add_deal_of(con, "open", [3])
    add_deal_of(con, "lost", [2], 50, won=False)
    add_deal_of(con, "won_late", [4], 95)  # after the 90 days
    add_deal_of(con, "won_at_once", [1], 10)
    add_deal_of(con, "lost_at_once", [1], 10, won=False)
    found = phases(con)["opportunity"]
    assert (found["n_units"], found["n_events"], found["n_event_before"], found["n_closed_before"]) == (
        4,
        1,
        1,
        1,
    )
    assert (found["touches_mean"], found["event_rate"]) == (Decimal("1.25"), Decimal("0.25"))
    assert (found["r"], found["q1_share_rate"]) == (1, Decimal("0.25"))
    assert not found["is_enough"]


@pytest.mark.audit("QU14", "DE14")
def test_who_refused_or_stood_on_a_list_before_the_landmark_is_in_no_phase(con):
    """Spec 2.7.1: at the landmark of each phase, 5 days after the hand-over and 14 after the opening."""
    handed = MAY + timedelta(days=2)
    for name in ("stays", "refused", "back", "late", "listed", "met", "undated"):
        met = ((4, "meeting", True),) if name == "met" else ()
        add_audit_lead(
            con, f"lea_{name}", MAY, ((3, "voice", True), *met), mql_at=handed, account_id=f"a_{name}"
        )
    opened = AS_OF - timedelta(days=100)
    for name in ("open", "no", "no_lead", "vip", "undated"):
        add_deal_of(con, name, [1])
        lead = "unknown" if name == "no_lead" else f"lea_of_{name}"
        con.execute(f"update master.fct_opportunities set lead_id = '{lead}' where opportunity_id = '{name}'")
    for person, begun, ended in (
        ("per_refused", handed + timedelta(days=4.9), None),
        ("per_back", handed - timedelta(days=9), handed + timedelta(days=5)),  # ends at the landmark
        ("per_late", handed + timedelta(days=5), None),
        ("per_met", handed, None),  # met before the landmark: counted there
        ("per_of_no", opened + timedelta(days=13), None),
        ("unknown", opened, None),
    ):
        add(con, "conforming.int_contact_refusals", person_id=person, channel_code="voice", refused_at=begun,
            ends_at=ended)  # fmt: skip
    for subject, begun in (
        ({"account_id": "a_listed"}, handed - timedelta(days=40)),
        ({"person_id": "per_late"}, handed + timedelta(days=5)),
        ({"account_id": "a_vip"}, opened + timedelta(days=13)),
        ({"person_id": "per_of_vip"}, opened),
        ({"account_id": "a_open"}, opened + timedelta(days=14)),
    ):
        add(con, "conforming.int_contact_exclusions", starts_at=begun, **subject)
    for person in ("per_undated", "per_of_undated", "unknown"):
        add(
            con,
            "conforming.int_undated_refusals",
            person_id=person,
            is_mail_undated=False,
            is_call_undated=True,
        )
    found = phases(con)
    names = ("n_units", "n_event_before", "n_refused_before", "n_excluded")
    assert tuple(found["mql"][name] for name in names) == (3, 1, 2, 1)
    assert tuple(found["opportunity"][name] for name in names) == (2, 0, 2, 1)


def test_a_company_without_leads_or_deals_says_why_both_phases_have_no_line(con):
    found = phases(con)
    assert {code: (r["n_units"], r["r"], r["line_reason_code"]) for code, r in found.items()} == {
        "mql": (0, None, "n_lt_3"), "opportunity": (0, None, "n_lt_3"),
    }  # fmt: skip
