"""Customer success of the planted company: who is in it, whom it touched, deals and opportunities at the edges.

Most deals that it takes over are won in other modules. Not here: what must come out (`oracle_handoffs.py`, the worked
examples), hand-overs of leads (`planted_leads.py`).
"""

from datetime import date

from tests.golden.planted_company import ACCOUNTS, at, day_of, money

# who, hired, left, active
REPS = [
    ("rep_c1", "2025-09-21", None, True),
    ("rep_c2", None, None, False),  # no dates: there from the first touch to the last one
    ("rep_c3", "2025-01-06", "2025-01-31", False),  # who left long before the next one came
]

# who, account, at (Paris), meeting
TOUCHES = [
    ("rep_c2", "acc_n3", "2025-09-20 00:30", False),  # on the day on which its deal is won, before the time of closing
    ("rep_c1", "acc_n2", "2025-10-17 23:30", False),  # the seventh day of one deal, the seventeenth of another
    ("rep_c1", "acc_n3", "2025-11-18 00:30", False),  # the eighth day
    ("rep_c1", "acc_1", "2026-04-08 10:00", True),
    ("rep_c1", "acc_1", "2026-04-09 10:00", False),  # no first one
    ("rep_c1", "acc_4", "2026-04-28 09:00", False),  # the eighth day
    ("rep_c1", "acc_5", "2026-04-20 23:30", False),  # on the day before
    ("rep_1", "acc_5", "2026-04-22 09:00", False),  # of a seller
    ("rep_c1", "acc_5", "2026-07-01 00:00", False),  # at as_of: not seen
]  # fmt: skip

# deal, account, type, won on
DEALS = [
    ("opp_h1", "acc_2", "new", "2026-06-24"),  # its seven days end with the cycle
    ("opp_h2", "acc_3", "new", "2026-06-23"),
    ("opp_h3", "acc_3", "renewal", "2026-05-28"),  # handed to nobody
    ("opp_h4", "unknown", "expansion", "2026-05-29"),
]

# opportunity, lead, opened on: 45 days after the acceptance, and 46
OPENED = [("opp_h5", "lea_22", "2026-05-15"), ("opp_h6", "lea_33", "2026-01-18")]


def tables() -> dict[str, list[dict]]:
    """Relation of the master layer -> rows."""
    bands = {account: band for account, _, band in ACCOUNTS}
    groups = {account: group for account, group, _ in ACCOUNTS}
    won = [
        {"opportunity_id": deal, "account_id": account, "group_id": groups[account], "lead_id": "unknown",
         "rep_id": "rep_1", "opportunity_type_code": kind, "status_code": "won", "currency": "EUR",
         "amount": money(20), "amount_reporting": money(20), "opened_on": date(2026, 5, 20),
         "closed_at": at(f"{day} 12:00"), "closed_on": date.fromisoformat(day),
         "sales_cycle_days": money((date.fromisoformat(day) - date(2026, 5, 20)).days),
         "is_open": False, "is_won": True, "is_lost": False, "size_band_code": bands[account]}
        for deal, account, kind, day in DEALS
    ]  # fmt: skip
    still_open = [
        {"opportunity_id": deal, "account_id": "acc_2", "group_id": groups["acc_2"], "lead_id": lead,
         "rep_id": "rep_1", "opportunity_type_code": "new", "status_code": "open", "currency": "EUR",
         "amount": money(30), "amount_reporting": money(30), "opened_on": date.fromisoformat(day),
         "is_open": True, "is_won": False, "is_lost": False, "size_band_code": bands["acc_2"]}
        for deal, lead, day in OPENED
    ]  # fmt: skip
    for deal in still_open:
        deal |= {"closed_at": None, "closed_on": None, "sales_cycle_days": None}
    return {
        "dim_reps": [
            {"rep_id": rep, "full_name": rep, "team_name": "Care", "role_code": "customer_success", "is_active": active,
             "hired_on": date.fromisoformat(hired) if hired else None,
             "left_on": date.fromisoformat(left) if left else None}
            for rep, hired, left, active in REPS
        ],
        "fct_opportunities": won + still_open,
        "fct_touches": [
            {"touch_key": f"th{n}", "lead_id": "unknown", "person_id": "unknown", "account_id": account, "rep_id": rep,
             "source_stream_code": "call", "source_key": f"th{n}", "channel_code": "meeting" if meeting else "voice",
             "is_effective": True, "is_day_only": False, "duration_s": None, "occurred_at": at(moment),
             "occurred_on": day_of(at(moment))}
            for n, (rep, account, moment, meeting) in enumerate(TOUCHES)
        ],
    }  # fmt: skip
