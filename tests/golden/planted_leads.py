"""Leads planted for follow-up and hand-over: worked hours, a holiday, a change of the clocks, late and missing touches.

Not here: leads of the conversion figures (`planted_company.py`), what must come out (the metric YAML and
`oracle_leads.py`).
"""

from datetime import datetime

from tests.golden.planted_company import ACCOUNTS, at, day_of

# lead, account, source, country, zone, created_at (Paris), MQL, SQL
LEADS = [
    ("lea_21", "acc_1", "Web", "FR", None, "03-06 16:30", "03-06 17:00", None),  # Friday, half an hour before the end
    ("lea_22", "acc_2", "LinkedIn", None, None, "03-28 12:00", "03-29 12:00", "03-31 09:00"),  # the clocks change
    ("lea_23", "acc_3", "Webinar", "FR", "Europe/Paris", "03-10 18:00", "03-10 18:00", "04-02 09:00"),  # after hours
    ("lea_24", "acc_4", None, "FR", "Mars/Olympus", "03-12 10:00", "03-12 11:00", None),  # attempts only
    ("lea_25", "acc_5", "Zeppelin", "FR", None, "03-13 10:00", None, None),  # nobody ever
    ("lea_26", "acc_1", "LinkedIn", "US", "America/New_York", "02-16 21:00", None, None),  # 15:00 in New York
    ("lea_27", "acc_2", "Web", "DE", None, "02-13 16:57", "06-30 12:00", None),  # hand-over not yet due
    ("lea_31", "acc_1", "Web", "FR", None, "01-05 10:00", None, None),  # four touches, the last on the tenth day
    ("lea_32", "acc_4", "Web", "FR", None, "01-06 10:00", None, None),  # three, and a fourth on the eleventh
    ("lea_28", "acc_2", "Web", "FR", None, "02-13 17:00", None, None),  # at the end of the day: next worked day
    ("lea_33", "acc_2", "Web", "FR", None, "2025-12-03 09:00", "2025-12-03 00:00", "2025-12-03 00:00"),  # by day
    ("lea_34", "acc_2", "Web", "FR", None, "2025-12-10 09:00", "05-17 00:00", None),  # ends at as_of
    ("lea_35", "acc_2", "Web", "FR", None, "2025-12-11 09:00", "06-30 00:00", None),  # not over
]  # fmt: skip

BY_DAY = {"lea_33", "lea_34", "lea_35"}  # the CRM keeps days of hand-over and acceptance

# lead -> when it was given to its seller (Paris), whether the CRM knows the day only, later changes of owner
ASSIGNED = {
    "lea_21": ("03-06 18:30", False, 0),  # two hours to the second
    "lea_22": ("03-28 14:01", False, 2),  # and a minute
    "lea_23": ("03-10 17:00", False, 0),  # before the lead was created
    "lea_24": ("03-12 10:20", False, 1),
    "lea_26": ("02-17 00:00", True, None),  # the day after
    "lea_27": ("02-13 00:00", True, None),  # on the day
    "lea_33": ("2025-12-03 10:30", False, 0),
    "lea_34": ("2025-12-10 11:00", False, 0),
    "lea_35": ("07-01 00:00", False, 0),  # at as_of: not seen
}

# converted into the opportunity that another lead was converted into before
SECOND_OF = {"lea_23": "opp_h5"}
UNTOLD = {"lea_25"}  # of a CRM that tells no assignment

# person, begin and end (Paris): of four leads with a sequence of ten days, two keep it
REFUSALS = [
    ("per_25", "03-17 09:00", None),  # on the fourth day
    ("per_28", "2025-11-03 09:00", "02-13 17:00"),  # over in the instant in which the lead is created
    ("per_32", "01-17 00:30", None),  # on the eleventh day
]  # fmt: skip
UNDATED = ("per_24",)  # refuses mail since nobody knows when

# lead, at (Paris), effective?
TOUCHES = [
    ("lea_21", "03-09 09:30", True),  # 65 h, of which 1.0 worked
    ("lea_22", "03-30 10:00", True),  # 45 h, where the clocks on the wall say 46; 1.0 worked
    ("lea_23", "03-11 08:30", True),  # before hours: 0 worked, and on the next worked day
    ("lea_24", "03-12 11:00", False),  # in the instant of the hand-over
    ("lea_26", "02-16 23:30", True),  # 17:30 in New York: two worked hours
    ("lea_31", "01-05 11:00", True), ("lea_31", "01-08 11:00", False), ("lea_31", "01-12 11:00", False),
    ("lea_31", "01-15 23:30", False),
    ("lea_32", "01-06 11:00", True), ("lea_32", "01-07 11:00", False), ("lea_32", "01-16 11:00", False),
    ("lea_32", "01-17 00:30", False),
    ("lea_27", "02-16 12:00", True), ("lea_28", "02-16 12:00", True),
    ("lea_33", "2025-12-04 23:00", True),  # 47 hours after midnight, and on the day after the day
]  # fmt: skip


def tables() -> dict[str, list[dict]]:
    """Relation of the master layer -> rows."""
    return {
        "fct_leads": _leads(),
        "fct_touches": [
            _touch(f"f{n}", lead, at(moment), effective) for n, (lead, moment, effective) in enumerate(TOUCHES)
        ],
        "int_contact_refusals": [
            {"person_id": person, "channel_code": "email", "refused_at": at(begun),
             "ends_at": at(ended) if ended else None, "is_dispute": False, "is_of_flag": False}
            for person, begun, ended in REFUSALS
        ],
        "int_person_attributes": [
            {"person_id": person, "record_key": person, "is_email_undated": True, "is_call_undated": False}
            for person in UNDATED
        ],
        "dim_persons": [
            {"person_id": person, "account_id": "unknown", "lead_id": "lea_" + person[4:], "is_email_opted_out": True,
             "is_call_opted_out": False}
            for person in UNDATED
        ],
    }  # fmt: skip


def _leads() -> list[dict]:
    bands = {account: band for account, _, band in ACCOUNTS}
    return [
        {"lead_id": lead, "person_id": "per_" + lead[4:], "account_id": account,
         "rep_id": "rep_2" if account == "acc_1" else "rep_1", "channel_code": "inbound",
         "size_band_code": bands[account], "lead_source": source, "country_code": country, "timezone": zone,
         "created_at": at(created), "created_on": day_of(at(created)), "is_created_day_only": False,
         "is_converted": False, "converted_at": None, "is_converted_day_only": False, "n_source_rows": 1,
         "mql_at": at(mql) if mql else None, "sql_at": at(sql) if sql else None,
         "opportunity_id": SECOND_OF.get(lead), "is_mql_day_only": lead in BY_DAY,
         "is_sql_day_only": lead in BY_DAY, **_assigned(lead)}
        for lead, account, source, country, zone, created, mql, sql in LEADS
    ]  # fmt: skip


def _assigned(lead: str) -> dict:
    moment, by_day, changes = ASSIGNED.get(lead, (None, False, None))
    return {
        "assigned_at": at(moment) if moment else None, "is_assigned_day_only": by_day, "n_owner_changes": changes,
        "source_instance": "crm_south" if lead in UNTOLD else None,
    }  # fmt: skip


def _touch(key: str, lead: str, moment: datetime, effective: bool) -> dict:
    return {
        "touch_key": key, "lead_id": lead, "person_id": "unknown", "rep_id": "rep_1", "source_stream_code": "call",
        "source_key": key, "channel_code": "voice", "is_effective": effective, "is_day_only": False,
        "occurred_at": moment, "occurred_on": day_of(moment),
    }  # fmt: skip
