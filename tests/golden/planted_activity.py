"""Calls, meetings, mails and touches planted for the figures of activity: bounds of talk time and windows, call-backs,
hours of another zone, mails of a platform that reports no openings.

Not here: touches that follow up leads (`planted_leads.py`), what must come out (the metric YAML, `oracle_activity.py`).
"""

from datetime import timedelta

from tests.golden.planted_company import at, day_of

# person, lead, seller, direction, started_at (Paris), outcome, seconds of talk
CALLS = [
    ("per_g1", "unknown", "rep_g", "outbound", "2025-12-01 10:00", "answered", 60),
    ("per_g2", "unknown", "rep_g", "outbound", "2025-12-02 10:00", "answered", 60),
    ("per_1", "lea_1", "rep_1", "outbound", "05-04 09:10", "answered", 120),
    ("per_2", "lea_2", "rep_1", "outbound", "05-04 09:40", "no_answer", 0),
    ("per_2", "lea_2", "rep_1", "inbound", "05-04 15:00", "answered", 90),  # calls back
    ("per_1", "lea_1", "rep_2", "outbound", "05-05 10:00", "answered", 29),  # too short
    ("per_3", "lea_3", "rep_2", "outbound", "05-05 10:30", "answered", 30),  # just long enough
    ("per_2", "lea_2", "rep_1", "outbound", "05-06 16:00", "failed", 0),
    ("per_26", "lea_26", "rep_2", "outbound", "05-07 15:00", "answered", 45),  # nine in New York
    ("per_2", "lea_2", "rep_1", "inbound", "05-13 16:00", "answered", 10),  # seven days later to the second
    ("per_2", "lea_2", "rep_1", "inbound", "05-13 16:01", "answered", 10),  # a minute more
    ("per_2", "lea_2", "rep_1", "internal", "05-14 10:00", "answered", 300),
    ("unknown", "unknown", "unknown", "outbound", "05-15 10:00", "voicemail", 20),  # no person, no clock
    ("per_1", "lea_1", "rep_1", "outbound", "06-20 09:00", "answered", 60),  # its 30 days are open
    ("per_1", "lea_1", "rep_1", "outbound", "07-01 09:00", "answered", 60),  # after as_of
]

# person, lead, seller, starts_at (Paris), held; guests of one meeting share seller and start
MEETINGS = [
    ("per_1", "lea_1", "rep_1", "05-11 10:00", True),  # due to the call of 4 May
    ("per_3", "lea_3", "rep_2", "06-04 10:30", True),  # 30 days after the call
    (
        "per_26",
        "lea_26",
        "rep_2",
        "06-06 15:01",
        True,
    ),  # a minute after 30 days; the lead came from social media
    ("per_1", "lea_1", "rep_1", "05-12 10:00", False),
    ("unknown", "unknown", "rep_1", "05-12 11:00", True),
    ("per_22", "lea_22", "rep_1", "04-07 11:00", True),  # from social media, no call before
    ("per_1", "unknown", "rep_1", "02-05 10:00", True),  # the touch k1
    ("per_g1", "unknown", "rep_g", "2025-12-10 10:00", True),  # two guests, both called before: one meeting
    ("per_g2", "unknown", "rep_g", "2025-12-10 10:00", True),
]

GUESTS = ("per_g1", "per_g2")  # of one account, whose open deals of December took one hour and not two

# stream, key, channel, seller, person, at (Paris), effective
TOUCHES = [
    ("call", "c1", "voice", "rep_2", "per_1", "02-03 10:00", True),
    ("call", "c2", "voice", "rep_2", "per_2", "02-03 11:00", False),
    ("email", "m1", "email", "rep_2", "per_1", "02-04 10:00", True),
    (
        "email",
        "m2",
        "email",
        "rep_2",
        "unknown",
        "02-04 11:00",
        True,
    ),  # nobody knows whose: the CRM cannot hold it
    ("meeting", "k1", "meeting", "rep_1", "per_1", "02-05 10:00", True),
    ("activity", "a1", "social", "rep_1", "per_1", "02-06 10:00", False),
    ("activity", "a2", "meeting", "rep_1", "per_1", "02-28 23:59", True),
    ("call", "c3", "voice", "rep_1", "per_1", "02-09 10:00", True),
    ("meeting", "g1", "meeting", "rep_g", "per_g1", "2025-12-10 10:00", True),
    ("meeting", "g2", "meeting", "rep_g", "per_g2", "2025-12-10 10:00", True),
]

# CRM activity, why it is no touch, stream and key of the event it copies
FATES = [
    ("x1", "double_logged", "call", "c1"), ("x2", "double_logged", "call", "c1"),
    ("x3", "double_logged", "email", "m1"),
    ("x4", "deleted_in_source", "call", "c3"), ("a1", None, None, None), ("a2", None, None, None),
]  # fmt: skip

# how many, platform, sent_at (Paris), delivered, hard, soft, opened, replied_at, unsubscribed_at, automated
SENDS = [
    (40, "one", "02-10 09:00", True, False, False, False, None, None, False),
    (8, "one", "02-10 09:00", True, False, False, True, None, None, False),
    (1, "one", "02-10 09:00", True, False, False, True, "02-11 09:00", None, False),
    (1, "one", "02-10 09:00", True, False, False, False, "07-02 09:00", None, False),  # replies after as_of
    (3, "one", "02-10 09:00", False, True, False, False, None, None, True),
    (2, "one", "02-10 09:00", False, False, True, False, None, None, True),
    (44, "two", "02-11 09:00", True, False, False, False, None, None, True),  # reports no openings and no replies
    (1, "two", "02-11 09:00", True, False, False, False, None, "02-12 09:00", True),
]  # fmt: skip


# account, type, logged at (Paris), objection, by software, deleted; a last word names another CRM
LOGGED = [
    ("acc_1", "call", "04-30 23:59", "price", False, False),
    ("acc_1", "call", "04-02 10:00", None, False, False),
    ("acc_2", "meeting", "04-03 10:00", "timing", False, False),
    ("unknown", "note", "04-01 00:00", None, False, False),
    ("acc_2", "email", "04-04 10:00", "price", False, False),
    ("acc_2", "task", "04-05 10:00", "price", True, False),
    ("acc_2", "task", "04-05 10:00", "price", False, True),
    ("acc_1", "task", "05-01 00:00", "price", False, False),
    ("acc_1", "call", "07-01 00:00", "price", False, False),  # at as_of
    ("acc_1", "call", "03-31 23:59", None, False, False),  # before the month of the first objection
    ("acc_1", "call", "04-06 10:00", None, False, False, "crm_south"),  # notes none
]


def _logged() -> list[dict]:
    return [
        {"record_key": f"log_{n}", "lead_id": "unknown", "account_id": account, "activity_type": kind,
         "occurred_at": at(moment), "is_warm_intro": False, "objection_code": objection,
         "is_automated": software, "is_deleted": deleted, "source_instance": crm[0] if crm else "crm"}
        for n, (account, kind, moment, objection, software, deleted, *crm) in enumerate(LOGGED)
    ]  # fmt: skip


def tables() -> dict[str, list[dict]]:
    """Relation of the master layer -> rows."""
    return {
        "int_activities": _logged(),
        "fct_calls": _calls(), "fct_meetings": _meetings(), "fct_touches": _touches(),
        "int_activity_fates": _fates(), "fct_email_sends": _sends(),
    }  # fmt: skip


def _calls() -> list[dict]:
    return [
        {"call_key": f"call_{n}", "source_instance": "pbx", "person_id": person, "lead_id": lead,
         "account_id": "unknown", "rep_id": rep, "direction_code": direction, "started_at": at(moment),
         "outcome_code": outcome, "talk_s": talk, "duration_s": talk,
         "is_conversation": outcome == "answered" and talk >= 10, "n_source_rows": 1}
        for n, (person, lead, rep, direction, moment, outcome, talk) in enumerate(CALLS)
    ]  # fmt: skip


def _meetings() -> list[dict]:
    return [
        {"meeting_key": f"meeting_{n}", "person_id": person, "lead_id": lead, "rep_id": rep,
         "account_id": "acc_p0" if person in GUESTS else "unknown",
         "starts_at": at(moment), "starts_on": day_of(at(moment)), "ends_at": at(moment) + timedelta(hours=1),
         "occurrence_key": f"{rep}/{moment}", "duration_s": 3600, "is_held": held, "n_source_rows": 1}
        for n, (person, lead, rep, moment, held) in enumerate(MEETINGS)
    ]  # fmt: skip


def _touches() -> list[dict]:
    return [
        {"touch_key": f"{stream}:{key}", "source_stream_code": stream, "source_key": key, "lead_id": "unknown",
         "person_id": person, "account_id": "acc_p0" if person in GUESTS else "unknown", "rep_id": rep,
         "channel_code": channel, "duration_s": 3600 if stream == "meeting" else None, "direction_code": "outbound",
         "occurred_at": at(moment), "occurred_on": day_of(at(moment)), "is_day_only": False, "is_effective": effective}
        for stream, key, channel, rep, person, moment, effective in TOUCHES
    ]  # fmt: skip


def _fates() -> list[dict]:
    return [
        {"record_key": record, "reason_code": reason, "event_stream_code": stream, "event_key": key}
        for record, reason, stream, key in FATES
    ]


def _sends() -> list[dict]:
    return [
        {"send_key": f"e{k}_{i}", "source_instance": platform, "account_id": "acc_2", "person_id": "unknown",
         "sent_at": at(moment), "is_sent": True, "is_delivered": delivered, "is_bounced_hard": hard,
         "is_bounced_soft": soft, "is_opened": opened, "is_replied": replied is not None,
         "replied_at": at(replied) if replied else None, "is_complained": False, "complained_at": None,
         "is_unsubscribed": gone is not None, "unsubscribed_at": at(gone) if gone else None,
         "is_automated": automated, "n_source_rows": 1}
        for k, (many, platform, moment, delivered, hard, soft, opened, replied, gone, automated) in enumerate(SENDS)
        for i in range(many)
    ]  # fmt: skip
