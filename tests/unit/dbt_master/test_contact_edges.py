"""One person for each state of contactability and each edge, placed by hand at a Friday evening before a clock change.

What does NOT belong here: the rules on contacts drawn at random (test_contactability.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta

import duckdb
import pytest
from conftest import built
from planted import OWN, at, on

#: Saturday 2026-10-24 00:00 in Paris; the clocks of Europe change on the 25th, those of New York on 1 November.
AS_OF = at("2026-10-23 22:00:00")
SECOND = timedelta(seconds=1)
WEEK = timedelta(days=7)


def _phone(name: str) -> str:
    return "+336" + str(int(hashlib.sha256(name.encode()).hexdigest(), 16))[:8]


class Rows:
    """The planted company, person by person."""

    def __init__(self) -> None:
        self.leads: list[dict] = []
        self.calls: list[dict] = []
        self.mails: list[dict] = []
        self.consents: list[dict] = []
        self.activities: list[dict] = []
        self.lists: list[dict] = []

    def person(self, name: str, zone: str | None = "Europe/Paris", **other: object) -> None:
        lead = {
            "source_record_id": name, "last_name": name.title(), "email": f"{name}@{name}.fr", "mobile": _phone(name),
            "phone": _phone(name), "company_name": name.title(), "timezone": zone, "status": "new",
            "is_converted": False, "created_at": at("2026-01-05 10:00:00"), "channel_code": "outbound",
        }  # fmt: skip
        self.leads.append(lead | other)

    def call(self, name: str, *moments: datetime, answered: bool = False, inbound: bool = False) -> None:
        for moment in moments:
            number = len(self.calls)
            self.calls.append({
                "source_record_id": f"t{number}", "call_id": f"c{number}", "leg_number": 1, "agent_key": "201",
                "direction": "inbound" if inbound else "outbound", "external_phone": _phone(name),
                "started_at": moment, "duration_s": 60, "talk_s": 60 if answered else 0,
                "outcome": "answered" if answered else "no_answer",
            })  # fmt: skip

    def mail(self, name: str, *moments: datetime, event: str = "sent", message: str | None = None) -> None:
        """Events of so many messages, or of one that is named."""
        for moment in moments:
            number = len(self.mails)
            self.mails.append({
                "source_record_id": f"m{number}", "message_id": message or f"m{number}", "event_type": event,
                "recipient_email": f"{name}@{name}.fr", "occurred_at": moment, "sender_email": f"ana@{OWN}",
                "is_automated": True,
            })  # fmt: skip

    def consent(
        self, name: str, channel: str, status: str, since: datetime, until: datetime | None = None
    ) -> None:
        self.consents.append({
            "source_record_id": f"k{len(self.consents)}", "person_type": "lead", "person_id": name,
            "channel": channel, "status": status, "effective_at": since, "effective_at_precision": "second",
            "expires_at": until,
        })  # fmt: skip

    def listed(
        self, name: str, list_code: str, channel: str | None, first: str, last: str | None = None
    ) -> None:
        number = len(self.lists)
        self.lists.append({
            "decision_id": f"dec_{number}", "exclusion_id": f"exc_{number:012x}", "subject_key": f"crm/crm_lead/{name}",
            "list_code": list_code, "channel_code": channel, "valid_from": on(first),
            "valid_to": on(last) if last else None, "escalated_to": "legal", "reason_code": "litigation",
            "author": "Ann", "status": "active", "decided_at": at("2026-01-01 08:00:00"),
        })  # fmt: skip


#: person -> channel -> (reason, next slot); a channel left out is allowed at AS_OF
EXPECTED: dict[str, dict[str, tuple[str, datetime | None]]] = {}


def _company() -> Rows:
    rows = Rows()

    def five_before(last: datetime) -> list[datetime]:
        return [last - timedelta(days=12 - 3 * n) for n in range(5)]

    rows.person("free")
    # a clock of three quarters: 03:45 at AS_OF, and 09:00 there is 03:15 UTC
    rows.person("kath", "Asia/Kathmandu")
    dawn = ("outside_hours", at("2026-10-24 03:15:00"))
    EXPECTED["kath"] = {"voice": dawn, "email": dawn}
    # 18:00 in New York: the next day of work of the recipient, a Saturday, is not asked for
    rows.person("york", "America/New_York")
    morning = ("outside_hours", at("2026-10-24 13:00:00"))
    EXPECTED["york"] = {"voice": morning, "email": morning}
    # the refusal of calls ends in the night of the change: 09:00 is EST by then
    rows.person("cool", "America/New_York")
    rows.consent("cool", "call", "cooling_off", at("2026-10-01 08:00:00"), at("2026-11-01 05:30:00"))
    EXPECTED["cool"] = {"voice": ("opt_out", at("2026-11-01 14:00:00")), "email": morning}
    # five contacts: the pause ends exactly at AS_OF, or a second later
    rows.person("ended")
    rows.call("ended", *five_before(AS_OF - WEEK))
    rows.person("pause")
    rows.call("pause", *five_before(AS_OF - WEEK + SECOND))
    EXPECTED["pause"] = dict.fromkeys(("voice", "email", "social"), ("cool_down", AS_OF + SECOND))
    # four are no row; a reply and a conversation begin again, at the instant of the fifth too
    rows.person("four")
    rows.call("four", *five_before(AS_OF - timedelta(days=3))[:4])
    rows.person("reply")
    rows.call("reply", *five_before(AS_OF - timedelta(days=3)))
    rows.call("reply", AS_OF - timedelta(days=3), answered=True, inbound=True)
    rows.person("talk")
    rows.call("talk", *five_before(AS_OF - timedelta(days=3))[:4])
    rows.call("talk", AS_OF - timedelta(days=3), answered=True)
    # the end of a pause begins again: the sixth comes after it, so that one stands, not six
    rows.person("again")
    rows.call("again", *five_before(AS_OF - 2 * WEEK), AS_OF - timedelta(days=3))
    # the first of two contacts leaves the window exactly at AS_OF, or a second later
    rows.person("room")
    rows.call("room", AS_OF - timedelta(hours=48), AS_OF - timedelta(hours=5))
    rows.person("full")
    rows.call("full", AS_OF - timedelta(hours=48) + SECOND, AS_OF - timedelta(hours=5))
    EXPECTED["full"] = dict.fromkeys(("voice", "email", "social"), ("account_cap", AS_OF + SECOND))
    # mails of software are none of the account's, and two of them fill the day, which in New York is still Friday
    rows.person("paris")
    rows.mail("paris", AS_OF - timedelta(hours=3), AS_OF - timedelta(hours=2))
    rows.person("mails", "America/New_York")
    rows.mail("mails", at("2026-10-23 14:00:00"), at("2026-10-23 15:00:00"))
    EXPECTED["mails"] = {"voice": morning, "email": ("mail_cap", at("2026-10-24 13:00:00"))}
    # a contact of which the day alone is known may have been a moment ago
    rows.person("dayonly")
    rows.activities.append({
        "source_record_id": "x1", "activity_type": "call", "direction": "outbound", "person_type": "lead",
        "person_id": "dayonly", "owner_id": "u1", "occurred_at": at("2026-10-22"), "occurred_at_precision": "day",
    })  # fmt: skip
    rows.call("dayonly", AS_OF - timedelta(hours=5))
    EXPECTED["dayonly"] = dict.fromkeys(
        ("voice", "email", "social"), ("account_cap", at("2026-10-24 22:59:59.999999"))
    )
    # a consumer: consent given, no call on a weekend; Monday 10:00 is winter time
    consumer = {"company_name": None, "country_code": "FR"}
    rows.person("conso", **consumer)
    rows.consent("conso", "call", "opt_in", at("2026-09-01 08:00:00"))
    EXPECTED["conso"] = {
        "voice": ("consumer_hours", at("2026-10-26 09:00:00")),
        "email": ("no_legal_basis", None), "social": ("no_legal_basis", None),
    }  # fmt: skip
    rows.person("unasked", **consumer)
    EXPECTED["unasked"] = {
        "voice": ("consumer_hours", None), "email": ("no_legal_basis", None), "social": ("no_legal_basis", None),
    }  # fmt: skip
    # four calls in 30 days; the first leaves the window on Sunday 1 November, a holiday: Monday 10:00
    rows.person("often", **consumer)
    rows.consent("often", "all", "opt_in", at("2026-09-01 08:00:00"))
    rows.call("often", at("2026-10-02 09:00:00"), answered=True)
    rows.call("often", *(at(f"2026-10-{day} 09:00:00") for day in (12, 13, 14)), answered=True)
    EXPECTED["often"] = {"voice": ("consumer_cap", at("2026-11-02 09:00:00"))}
    # lists: one channel left open; a company's list is in the other test; ended on the day of AS_OF
    rows.person("vip")
    rows.listed("vip", "vip", "voice", "2026-10-01")
    EXPECTED["vip"] = dict.fromkeys(("email", "social"), ("vip_other_channel", None))
    rows.person("until")
    rows.listed("until", "manual", None, "2026-10-01", "2026-10-28")
    EXPECTED["until"] = dict.fromkeys(
        ("voice", "email", "social"), ("manual_list", at("2026-10-27 23:00:00"))
    )
    rows.person("over")
    rows.listed("over", "dispute", None, "2026-10-01", "2026-10-24")
    rows.person("begins")
    rows.listed("begins", "dispute", None, "2026-10-24")
    EXPECTED["begins"] = dict.fromkeys(("voice", "email", "social"), ("dispute", None))
    # of several reasons the first of the order, and no end as long as one of them has none
    rows.person("both")
    rows.consent("both", "email", "opt_out", at("2026-06-01 08:00:00"))
    rows.listed("both", "dispute", None, "2026-10-01")
    EXPECTED["both"] = {
        "voice": ("dispute", None), "email": ("opt_out", None), "social": ("dispute", None)
    }  # fmt: skip
    # who says no after AS_OF has said no
    rows.person("later")
    rows.consent("later", "email", "opt_out", AS_OF + timedelta(days=2))
    EXPECTED["later"] = {"email": ("opt_out", None)}
    # an opt-in ends the refusals before it and none after it; each mail that is left by its link says no again
    rows.person("resub")
    rows.mail("resub", at("2026-01-06 08:00:00"), event="unsubscribed")
    rows.consent("resub", "email", "opt_in", at("2026-03-01 08:00:00"))
    rows.mail("resub", at("2026-05-05 08:00:00"))
    rows.mail("resub", at("2026-09-01 08:00:00"), event="unsubscribed")
    rows.mail("resub", at("2026-09-02 08:00:00"))
    EXPECTED["resub"] = {"email": ("opt_out", None)}
    rows.person("grumble")
    rows.mail("grumble", at("2026-01-06 08:00:00"), event="unsubscribed")
    rows.consent("grumble", "all", "opt_in", at("2026-03-01 08:00:00"))
    rows.mail("grumble", at("2026-09-01 08:00:00"), event="complained")
    EXPECTED["grumble"] = {"email": ("opt_out", None)}
    rows.person("back")
    rows.mail("back", at("2026-01-06 08:00:00"), at("2026-01-09 08:00:00"), event="unsubscribed")
    rows.consent("back", "email", "opt_in", at("2026-03-01 08:00:00"))
    # the second refusal by the link of one old message counts as the first did
    rows.person("relapse")
    rows.mail("relapse", at("2026-01-06 08:00:00"), message="old")
    rows.mail(
        "relapse", at("2026-01-07 08:00:00"), at("2026-09-01 08:00:00"), event="unsubscribed", message="old"
    )
    rows.consent("relapse", "email", "opt_in", at("2026-03-01 08:00:00"))
    rows.mail("relapse", at("2026-08-31 08:00:00"), at("2026-09-02 08:00:00"))
    EXPECTED["relapse"] = {"email": ("opt_out", None)}
    rows.person("sour")
    rows.mail(
        "sour", at("2026-01-07 08:00:00"), at("2026-09-01 08:00:00"), event="complained", message="sour"
    )
    rows.consent("sour", "all", "opt_in", at("2026-03-01 08:00:00"))
    EXPECTED["sour"] = {"email": ("opt_out", None)}
    # refused before the lead came in and taken back before it did
    rows.person("early")
    rows.consent("early", "email", "opt_out", at("2025-11-01 08:00:00"))
    rows.consent("early", "email", "opt_in", at("2025-12-01 08:00:00"))
    # a flag without a date beside a dated refusal: the contact after the date is judged, the one before cannot be
    rows.person("half", email_opt_out=True)
    rows.consent("half", "email", "opt_out", at("2026-10-10 08:00:00"))
    rows.mail("half", at("2026-10-09 08:00:00"), at("2026-10-12 08:00:00"))
    # a flag without a date stays, whatever a dated refusal became
    refused = {"email": ("opt_out", None), "social": ("opt_out", None)}
    rows.person("flagged", email_opt_out=True)
    rows.consent("flagged", "email", "opt_out", at("2026-01-06 08:00:00"))
    rows.consent("flagged", "email", "opt_in", at("2026-03-01 08:00:00"))
    EXPECTED["flagged"] = EXPECTED["half"] = refused
    rows.person("flagleft", email_opt_out=True)
    rows.mail("flagleft", at("2026-01-06 08:00:00"), event="unsubscribed")
    rows.consent("flagleft", "email", "opt_in", at("2026-03-01 08:00:00"))
    EXPECTED["flagleft"] = refused
    # a consent that has expired allows no call
    rows.person("lapsed", **consumer)
    rows.consent("lapsed", "call", "opt_in", at("2026-03-01 08:00:00"), at("2026-09-01 08:00:00"))
    rows.consent("lapsed", "call", "opt_in", at("2026-09-16 08:00:00"), at("2026-09-20 08:00:00"))
    for day in ("08-20", "09-02", "09-17", "09-21"):
        rows.call("lapsed", at(f"2026-{day} 09:00:00"), answered=True)
    EXPECTED["lapsed"] = EXPECTED["unasked"]
    # what is not known is not allowed
    rows.person("nozone", None, country_code="US")
    EXPECTED["nozone"] = dict.fromkeys(("voice", "email"), ("zone_unknown", None))
    rows.person("nophone", phone=None, mobile=None)
    EXPECTED["nophone"] = {"voice": ("no_contact_point", None)}
    rows.person("alone", company_name=None, country_code="DE", timezone="Europe/Berlin")
    EXPECTED["alone"] = dict.fromkeys(("voice", "email", "social"), ("no_legal_basis", None))
    return rows


@pytest.fixture(scope="module")
def edges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    rows = _company()
    raw = {
        "crm_user": [{"source_record_id": "u1", "full_name": "Ana", "email": f"ana@{OWN}", "phone_extension": "201",
                      "timezone": "Europe/Paris"}],
        "crm_lead": rows.leads, "crm_consent": rows.consents, "telephony_call_leg": rows.calls,
        "email_event": rows.mails, "crm_activity": rows.activities,
    }  # fmt: skip
    con = built(
        tmp_path_factory.mktemp("edges") / "work", raw, "+dq_contactability", "+dq_contact_breaches",
        "+dq_compliance", "+fct_lead_sequences",
        timezone="Europe/Paris", as_of=str(AS_OF), same_account=[], same_person=[], exclusions=rows.lists,
    )  # fmt: skip
    yield con
    con.close()


@pytest.fixture(scope="module")
def asked(edges: duckdb.DuckDBPyConnection) -> dict[str, dict]:
    found = edges.execute(
        "select split_part(x.record_key, '/', 3) as name, found.* from quality_dbt.dq_contactability as found"
        " inner join master.xref_persons as x using (person_id) where x.contract = 'crm_lead'"
    )
    names = [column[0] for column in found.description]
    return {row[0]: dict(zip(names, row, strict=True)) for row in found.fetchall()}


@pytest.mark.audit("DE11")
def test_a_contact_after_a_second_refusal_or_an_expired_consent_is_a_breach(
    edges: duckdb.DuckDBPyConnection,
) -> None:
    found = edges.execute(
        "select split_part(x.record_key, '/', 3), check_code, occurred_at, proof_at"
        " from quality_dbt.dq_contact_breaches inner join master.xref_persons as x using (person_id)"
        " where x.contract = 'crm_lead' and check_code in ('after_opt_out', 'consumer_opt_in')"
        " and split_part(x.record_key, '/', 3) in ('resub', 'back', 'lapsed', 'relapse', 'half') order by all"
    ).fetchall()
    again = at("2026-09-01 08:00:00")
    assert found == [
        ("half", "after_opt_out", at("2026-10-12 08:00:00"), at("2026-10-10 08:00:00")),
        ("lapsed", "consumer_opt_in", at("2026-09-02 09:00:00"), None),
        ("lapsed", "consumer_opt_in", at("2026-09-21 09:00:00"), None),
        ("relapse", "after_opt_out", at("2026-09-02 08:00:00"), again),
        ("resub", "after_opt_out", again, again),  # sent_at of a mail of which the link alone is known
        ("resub", "after_opt_out", at("2026-09-02 08:00:00"), again),
    ]
    refusals = edges.execute(
        "select refused_at, ends_at from conforming.int_contact_refusals inner join master.xref_persons as x"
        " using (person_id) where x.record_key = 'crm/crm_lead/resub' order by all"
    ).fetchall()
    assert refusals == [(at("2026-01-06 08:00:00"), at("2026-03-01 08:00:00")), (again, None)]


@pytest.mark.audit("DE11", "CP1")
def test_a_contact_before_a_refusal_is_no_breach_and_without_a_date_it_cannot_be_judged(
    edges: duckdb.DuckDBPyConnection,
) -> None:
    """Mails since April after a refusal or at its instant: resub (two), grumble, relapse and half."""
    found = edges.execute(
        "select sum(n_assessed), sum(n_not_assessed), sum(n_breaches) from quality_dbt.dq_compliance"
        " where check_code = 'after_opt_out' and channel_code = 'email'"
    ).fetchall()
    mails = edges.execute(
        "select count(*) from master.fct_email_sends where sent_at >= timestamp '2026-03-31 22:00:00'"
    ).fetchall()[0][0]
    assert found == [(mails - 1, 1, 5)], "of half the mail before its date cannot be judged"


@pytest.mark.audit("PB2", "DE11")
def test_a_lead_has_a_sequence_unless_it_refused_in_its_days(edges: duckdb.DuckDBPyConnection) -> None:
    """The leads of 5 January 2026 with fourteen days; who refused before and took it back, or later, kept his."""
    judged = {
        row[0]
        for row in edges.execute(
            "select split_part(x.record_key, '/', 3) from metrics.fct_lead_sequences as s"
            " inner join master.fct_leads as l using (lead_id) inner join master.xref_persons as x"
            " on l.person_id = x.person_id where x.contract = 'crm_lead'"
        ).fetchall()
    }
    refusing = {"resub", "grumble", "back", "relapse", "sour", "flagged", "flagleft", "half"}
    assert not judged & refusing
    assert {"free", "early", "cool", "both", "later"} <= judged


@pytest.mark.audit("DE9", "DE11", "DE12", "DE13", "DE14", "DE18", "CP1", "CP2")
def test_each_edge_falls_on_the_right_side(asked: dict[str, dict]) -> None:
    told = {
        name: {
            channel: (row[f"{column}_reason_code"], row[f"{column}_next_slot_at"])
            for channel, column in (("voice", "voice"), ("email", "mail"), ("social", "social"))
        }
        for name, row in asked.items()
    }
    allowed = dict.fromkeys(("voice", "email", "social"), (None, AS_OF))
    assert told == {name: allowed | EXPECTED.get(name, {}) for name in told}
    assert set(EXPECTED) < set(told)


@pytest.mark.audit("CP2", "FR14")
def test_the_legal_basis_of_each_person_is_said(asked: dict[str, dict]) -> None:
    assert {asked[name]["legal_basis_code"] for name in ("free", "vip", "nozone")} == {"legitimate_interest"}
    assert {asked[name]["legal_basis_code"] for name in ("conso", "often")} == {"consent"}
    assert {asked[name]["legal_basis_code"] for name in ("alone", "unasked")} == {"none"}


def test_a_policy_without_consumers_asks_nothing_of_them(tmp_path) -> None:
    rows = Rows()
    rows.person("conso", company_name=None, country_code="FR")
    policies = [{
        "profile_code": "b2b_default", "version": "1", "author": "Ann", "basis": "charter", "send_from_hour": 9,
        "send_until_hour": 17, "account_max_touches": 2, "account_window_hours": 48, "mail_max_a_day": 2,
        "cool_down_touches": 5, "cool_down_days": 7,
    }, {"profile_code": "data", "version": "1", "author": "Ann", "basis": "law", "cooling_off_days": 60,
        "retention_months": 36}]  # fmt: skip
    con = built(
        tmp_path / "work", {"crm_lead": rows.leads}, "+dq_contactability", timezone="Europe/Paris",
        as_of=str(AS_OF), same_account=[], same_person=[], variables={"contact_policies": policies},
    )  # fmt: skip
    with con:
        found = con.execute(
            "select voice_reason_code, is_consumer from quality_dbt.dq_contactability"
        ).fetchall()
    assert isinstance(con, duckdb.DuckDBPyConnection) and found == [("no_legal_basis", False)]
