"""Calls, mails and activity of sellers in plain Python: fractions, no SQL, no code of the project.

Written from the metric dictionary. Not here: the planted rows (`planted_activity.py`), complaints (`kpi_oracle.py`).
"""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from tests.golden.kpi_oracle import Kpis, day_in, month_of
from tests.golden.oracle_leads import ONE_CLOCK, clock_of, cuts_of

CONNECTED_S = 30
MEETING_WINDOW = timedelta(days=30)
CALLBACK_WINDOW = timedelta(days=7)
UNKNOWN = "unknown"


def is_connected(call: dict) -> bool:
    return call["outcome_code"] == "answered" and call["talk_s"] >= CONNECTED_S


def calls(kpis: Kpis, tables: dict, as_of: datetime, zone: str) -> None:
    clocks = {}
    for lead in tables["fct_leads"]:
        clocks[lead["lead_id"]] = clock_of(lead, "")
    places = {a["account_id"]: ONE_CLOCK.get(a.get("country_code") or "") for a in tables["dim_accounts"]}

    def cuts(call: dict) -> dict[str, str]:
        clock = clocks.get(call["lead_id"]) or places.get(call["account_id"])
        hour = call["started_at"].replace(tzinfo=UTC).astimezone(ZoneInfo(clock)).hour if clock else None
        return {"rep": call["rep_id"], "local_hour": UNKNOWN if hour is None else f"{hour:02d}"}

    reached, missed = defaultdict(list), defaultdict(list)
    for call in tables["fct_calls"]:
        if call["direction_code"] == "internal" or call["started_at"] >= as_of:
            continue
        if call["direction_code"] == "outbound":
            month = month_of(day_in(zone, call["started_at"]))
            kpis.part("connect_rate", month, cuts(call), is_connected(call), 1)
            if is_connected(call):
                matured = call["started_at"] + MEETING_WINDOW <= as_of
                kpis.part("meeting_rate_calls", month, cuts(call), 0, matured)
                reached[call["person_id"]].append(call)
            else:
                missed[call["person_id"]].append(call["started_at"])
    for call in tables["fct_calls"]:
        if call["direction_code"] != "inbound" or call["started_at"] >= as_of or call["person_id"] == UNKNOWN:
            continue
        before = [t for t in missed[call["person_id"]] if t < call["started_at"]]
        if before and call["started_at"] - max(before) <= CALLBACK_WINDOW:
            kpis.add("callbacks", month_of(day_in(zone, call["started_at"])), cuts(call), 1)
    for guests in occurrences(tables).values():
        start = guests[0]["starts_at"]
        led = [
            call
            for person in {guest["person_id"] for guest in guests} - {UNKNOWN}
            for call in reached[person]
            if start - MEETING_WINDOW <= call["started_at"] < start
        ]
        if led:
            call = min(led, key=lambda c: (start - c["started_at"], c["rep_id"]))
            if call["started_at"] + MEETING_WINDOW <= as_of:
                kpis.part("meeting_rate_calls", month_of(day_in(zone, call["started_at"])), cuts(call), 1, 0)


def occurrences(tables: dict) -> dict[str, list[dict]]:
    """Held meetings with the rows of their guests."""
    found = defaultdict(list)
    for guest in tables["fct_meetings"]:
        if guest["is_held"]:
            found[guest["occurrence_key"]].append(guest)
    return found


def activity(kpis: Kpis, tables: dict, as_of: datetime, zone: str) -> None:
    logged = {
        (fate["event_stream_code"], fate["event_key"])
        for fate in tables["int_activity_fates"]
        if fate["event_key"] is not None and fate["reason_code"] == "double_logged"
    }
    for touch in tables["fct_touches"]:
        if touch["occurred_at"] >= as_of:
            continue
        month = month_of(day_in(zone, touch["occurred_at"]))
        cuts = {"rep": touch["rep_id"], "touch_channel": touch["channel_code"], "handling": "human"}
        kpis.add("activity_count", month, cuts, 1)
        is_meeting = touch["channel_code"] == "meeting"
        is_logged_meeting = is_meeting and touch["source_stream_code"] != "meeting"
        kpis.part("meetings_per_touch", month, cuts, is_logged_meeting, not is_meeting)
        known = (touch.get("person_id") or UNKNOWN) != UNKNOWN
        is_system = known and touch["source_stream_code"] != "activity"
        is_logged = known and (touch["source_stream_code"], touch["source_key"]) in logged
        kpis.part("crm_logging_rate", month, cuts, is_logged, is_system)
    for send in tables["fct_email_sends"]:
        if send["is_automated"] and send["is_sent"] and send["sent_at"] < as_of:
            cuts = {"rep": UNKNOWN, "touch_channel": "email", "handling": "automated"}
            month = month_of(day_in(zone, send["sent_at"]))
            kpis.add("activity_count", month, cuts, 1)
            kpis.part("meetings_per_touch", month, cuts, 0, 0)
            kpis.part("crm_logging_rate", month, cuts, 0, 0)
    social = {lead["lead_id"] for lead in tables["fct_leads"] if cuts_of(lead)["source"] == "social"}
    known_leads = {
        lead["lead_id"]
        for lead in tables["fct_leads"]
        if not lead["created_at"] or lead["created_at"] < as_of
    }
    for guests in occurrences(tables).values():
        rep, month = guests[0]["rep_id"], month_of(day_in(zone, guests[0]["starts_at"]))
        cuts = {"rep": rep, "touch_channel": "meeting", "handling": "human"}
        kpis.part("meetings_per_touch", month, cuts, 1, 0)
        kpis.add("activity_count", month, cuts, 0)
        kpis.part("crm_logging_rate", month, cuts, 0, 0)
        if any(guest["lead_id"] in social & known_leads for guest in guests):
            kpis.add("meetings_social", month, {"rep": rep}, 1)


def mails(kpis: Kpis, tables: dict, as_of: datetime, zone: str) -> None:
    bands = {a["account_id"]: a["size_band_code"] for a in tables["dim_accounts"]}
    sends = [s for s in tables["fct_email_sends"] if s["sent_at"] < as_of]

    def before(send: dict, flag: str, moment: str) -> bool:
        return bool(send[flag]) and (send[moment] is None or send[moment] < as_of)

    with_replies = {s.get("source_instance") for s in sends if before(s, "is_replied", "replied_at")}
    with_openings = {s.get("source_instance") for s in sends if s["is_delivered"] and s.get("is_opened")}
    for send in sends:
        month, platform = month_of(day_in(zone, send["sent_at"])), send.get("source_instance")
        cuts = {
            "size_band": bands.get(send["account_id"], "unknown"),
            "sending": "automated" if send["is_automated"] else "one_to_one",
        }
        arrived = bool(send["is_delivered"])
        replied = before(send, "is_replied", "replied_at")
        kpis.part("reply_rate", month, cuts, replied, arrived and platform in with_replies)
        kpis.part(
            "open_rate",
            month,
            cuts,
            arrived and bool(send.get("is_opened")),
            arrived and platform in with_openings,
        )
        gone = before(send, "is_unsubscribed", "unsubscribed_at")
        kpis.part("unsubscribe_rate", month, cuts, gone, arrived)
        kpis.part("bounce_rate", month, cuts, send["is_bounced_hard"], send["is_sent"])
        kpis.part("soft_bounce_rate", month, cuts, bool(send.get("is_bounced_soft")), send["is_sent"])


def objections(kpis: Kpis, tables: dict, as_of: datetime, zone: str) -> None:
    """Of what people logged of a talk: how much names an objection, once its CRM notes any."""
    first: dict = {}
    for row in tables["int_activities"]:
        if row["objection_code"] is not None and row["occurred_at"] < as_of:
            month = month_of(day_in(zone, row["occurred_at"]))
            first[row["source_instance"]] = min(month, first.get(row["source_instance"], month))
    bands = {account["account_id"]: account["size_band_code"] for account in tables["dim_accounts"]}
    for row in tables["int_activities"]:
        talk = row["activity_type"] in ("call", "meeting", "task", "note")
        if talk and not row["is_deleted"] and not row["is_automated"] and row["occurred_at"] < as_of:
            cuts = {"size_band": bands[row["account_id"]]}
            month = month_of(day_in(zone, row["occurred_at"]))
            if row["source_instance"] in first and month >= first[row["source_instance"]]:
                kpis.part("objection_noted_rate", month, cuts, row["objection_code"] is not None, 1)


def add(kpis: Kpis, tables: dict, as_of: datetime, window_days: int, zone: str) -> None:
    """The KPIs of calls, activity and mailings, of every month and cut; the conversion window does not enter."""
    calls(kpis, tables, as_of, zone)
    activity(kpis, tables, as_of, zone)
    mails(kpis, tables, as_of, zone)
    objections(kpis, tables, as_of, zone)


def wilson(k: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    z, p = 1.959963984540054, Fraction(k, n)
    middle = float(p) + z * z / (2 * n)
    half = z * (float(p * (1 - p)) / n + z * z / (4 * n * n)) ** 0.5
    return max((middle - half) / (1 + z * z / n), 0.0), min((middle + half) / (1 + z * z / n), 1.0)
