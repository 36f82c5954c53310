"""A small company of its own: targets of means and of results, buying roles, trigger events, figures of networks.

Each row is there for one edge. The figures that must come out stand in `test_planted_market.py`, computed there by
hand or by statsmodels. Not here: how a warehouse is built from these rows (`planted_warehouse.py`).
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.golden.planted_company import at

Row = dict[str, Any]

# scope, team, measure, stage, basis, first day, last day, kind, target
QUOTAS = [
    ("team", "Ouest", "meetings", None, "growth", "2026-06-01", "2026-06-30", "month", "0.3"),
    ("team", None, "meetings", None, "growth", "2026-01-01", "2026-12-31", "year", "0.1"),
    ("team", None, "sql", None, "value", "2026-06-01", "2026-06-30", "month", "4"),
    ("team", None, "sql", None, "value", "2026-01-01", "2026-12-31", "year", "48"),
    ("team", "Ouest", "stage_entries", "proposal", "value", "2026-06-01", "2026-06-30", "month", "2"),
    ("team", "Ouest", "stage_entries", "won", "value", "2026-06-01", "2026-06-30", "month", "2"),
    (
        "team",
        "Ouest",
        "stage_entries",
        None,
        "value",
        "2026-06-01",
        "2026-06-30",
        "month",
        "2",
    ),  # of no stage
    ("team", "Ouest", "stage_activities", "negotiation", "value", "2026-06-01", "2026-06-30", "month", "4"),
    ("team", "Neuf", "meetings", None, "growth", "2026-06-01", "2026-06-30", "month", "0.3"),  # nobody before
    (
        "team",
        "Ouest",
        "new_customers",
        None,
        "growth",
        "2026-06-01",
        "2026-06-30",
        "month",
        "0.5",
    ),  # none before
]

# A sheet of twelve columns: ten percent more work in every month of a year; March has a number too, which counts.
SHEET = [
    (
        "team",
        "Ouest",
        "activities",
        None,
        "growth",
        f"2026-{month:02}-01",
        f"2026-{month:02}-{last}",
        "month",
        "0.1",
    )
    for month, last in enumerate((31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), start=1)
] + [
    ("team", "Ouest", "activities", None, "value", "2026-03-01", "2026-03-31", "month", "9"),
    ("team", None, "activities", None, "growth", "2026-04-01", "2026-06-30", "quarter", "0.2"),
]

# seller, team, hired
REPS = [("r1", "Ouest", "2025-01-01"), ("r2", "Ouest", "2025-01-01"), ("r3", "Neuf", "2026-05-10")]

#: Meetings of r1 a month; 10 from June 2025 to May 2026, 15 in June, and 4 a month before.
MEETINGS = dict.fromkeys(range(1, 6), 4) | dict.fromkeys(range(6, 18), 10) | {18: 15}

# deal, account, seller, opened, closed, status, entries (stage, when)
DEALS = [
    ("d1", "acc_w", "r1", "2026-05-01", None, "open", [("proposal", "06-03 10:00")]),
    (
        "d2",
        "acc_w",
        "r1",
        "2026-05-01",
        None,
        "open",
        [("negotiation", "06-10 10:00")],
    ),  # proposal was skipped
    (
        "d3",
        "acc_v",
        "r2",
        "2026-05-02",
        "2026-06-20",
        "won",
        [("meeting", "05-05 10:00")],
    ),  # reaches them all
    ("d4", "acc_v", "r2", "2026-05-02", None, "open", [("proposal", "05-20 10:00")]),  # in May
    ("d5", "acc_u", "r3", "2026-05-12", None, "open", [("proposal", "06-05 10:00")]),  # another team's
    (
        "d6",
        "acc_w",
        "r1",
        "2026-05-01",
        None,
        "open",
        [("negotiation", "06-12 10:00")],
    ),  # at the same time as d2
]

# account, seller, when: calls while deals of acc_w negotiate, from 10 June 10:00
CALLS = [
    ("acc_w", "r1", "06-10 09:59"),  # before
    ("acc_w", "r1", "06-10 10:00"),
    ("acc_w", "r2", "06-15 10:00"),  # two deals negotiate, one call
    ("acc_v", "r1", "06-15 11:00"),  # no deal of it negotiates
]

# lead, accepted by sales
LEADS = [
    ("l1", "06-02 10:00"),
    ("l2", "06-29 10:00"),
    ("l3", "06-30 23:00"),
    ("l4", "07-01 08:00"),
    ("l5", None),
]

# deal, person, role, noted
ROLES = [
    ("d1", "p1", "decision_maker", "05-02 10:00"),
    ("d1", "p2", "decision_maker", None),  # two of them: the role is filled once
    ("d1", "p3", "champion", "05-02 10:00"),
    ("d1", "p3", "influencer", "05-02 10:00"),  # not one of the three
    ("d2", "p1", "decision_maker", "07-01 10:00"),  # noted after the cycle
    ("d3", "p4", "economic_buyer", "05-02 10:00"),  # its deal is won
    ("d4", "p4", "decision_maker", None), ("d4", "p6", "economic_buyer", None), ("d4", "p5", "champion", None),
    ("unknown", "p5", "champion", None),
    ("d5", "unknown", "champion", None),  # of a contact that nobody can find
]  # fmt: skip

# seller or page, metric, day, period, value
FIGURES = [
    ("r1", "connections_accepted", "2026-05-04", "day", "3"), ("r1", "connections_accepted", "2026-05-11", "day", "4"),
    ("r1", "invitations_sent", "2026-05-04", "day", "20"),
    ("r1", "connections_accepted", "2026-06-01", "day", "9"),
    ("r1", "connections_accepted", "2026-06-30", "month", "11"),  # the month's own figure stands before its days
    ("r1", "invitations_sent", "2026-06-03", "day", "-5"),  # a slip of the keyboard
    ("r1", "invitations_sent", "2026-06-04", "day", "30"),
    ("r2", "connections_accepted", "2026-06-02", "day", "2"),
    ("r2", "invitations_sent", "2026-06-02", "day", "0"),
    ("r1", "ssi", "2026-05-31", "month", "35"), ("r1", "ssi", "2026-06-08", "day", "60"),
    ("r1", "ssi", "2026-06-22", "day", "68"),  # the last of the month
    ("r2", "ssi", "2026-06-30", "month", "40"),
    ("unknown", "ssi", "2026-06-30", "month", "99"),  # of nobody known
    ("Page", "impressions", "2026-06-30", "month", "4000"), ("Page", "engagements", "2026-06-30", "month", "120"),
    ("Page", "followers", "2026-06-30", "month", "800"), ("Other page", "followers", "2026-06-30", "month", "50"),
    ("Page", "impressions", "2026-07-01", "day", "7"),  # after the cycle
]  # fmt: skip

#: Closed deals of companies with an event in the 90 days before, and of others: how many, how many won.
WITH, WITHOUT = (38, 23), (43, 12)
#: Companies with a second deal that ended as the first: the odd ones of those with an event, below this number.
TWICE = 24
OPENED = date(2025, 6, 2)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _deal(name: str, account: str, rep: str | None, opened: date, closed: date | None, status: str) -> Row:
    return {
        "opportunity_id": name, "account_id": account, "group_id": f"grp_{account}", "lead_id": "unknown",
        "rep_id": rep,
        "opportunity_type_code": "new", "status_code": status, "currency": "EUR", "amount": Decimal(100),
        "amount_reporting": Decimal(100), "opened_on": opened,
        "closed_at": datetime(closed.year, closed.month, closed.day, 10) if closed else None, "closed_on": closed,
        "sales_cycle_days": Decimal((closed - opened).days) if closed else None, "is_open": status == "open",
        "is_won": status == "won", "is_lost": status == "lost", "size_band_code": "smb",
    }  # fmt: skip


def _market() -> tuple[list[Row], list[Row], list[str]]:
    """Deals of many companies, events and the accounts: those around the edge of 90 days are there twice."""
    deals, events, accounts = [], [], []

    def company(name: str, opened: date, won: bool, *days_before: int) -> None:
        accounts.append(name)
        deals.append(
            _deal(f"m_{name}", name, None, opened, opened + timedelta(days=60), "won" if won else "lost")
        )
        events.extend(
            {"account_event_key": f"{name}/{n}", "account_id": name, "occurred_on": opened - timedelta(days=days),
             "event_kind_code": "acquisition" if n else "funding", "source_name": "watch"}
            for n, days in enumerate(days_before)
        )  # fmt: skip

    for n in range(WITH[0]):
        company(f"with_{n}", OPENED, n < WITH[1], 1 + n, *([5] if n % 2 else []))
        if n % 2 and n < TWICE:
            deals.append({**deals[-1], "opportunity_id": f"m_with_{n}_again"})
    for n in range(WITHOUT[0]):
        company(f"without_{n}", OPENED, n < WITHOUT[1])
    company("edge_in", OPENED, True, 90)
    company("edge_out", OPENED, True, 91)
    company("same_day", OPENED, True, 0)
    company("after", OPENED, False, -1)
    company("first", date(2025, 1, 31), True, 30)  # 1 January 2025 is the first event known
    company("too_early", date(2025, 3, 31), True)  # 89 days after it: who knows
    company("just_in", date(2025, 4, 1), True)  # 90 days after it
    return deals, events, accounts


def tables() -> dict[str, list[Row]]:
    """Relation of the master layer -> rows."""
    deals, events, accounts = _market()
    own = [_deal(n, a, r, _day(o), _day(c), s) for n, a, r, o, c, s, _ in DEALS]
    first = date(2025, 1, 1)
    meetings = [
        (
            rep,
            datetime(first.year + (first.month - 2 + month) // 12, (month - 1) % 12 + 1, 3, 9)
            + timedelta(hours=n),
        )
        for month, count in MEETINGS.items()
        for n in range(count)
        for rep in ("r1",)
    ]
    touches = [
        {"touch_key": f"m{n}", "lead_id": "unknown", "account_id": "unknown", "rep_id": rep, "person_id": "unknown",
         "source_stream_code": "activity", "source_key": f"m{n}", "channel_code": "meeting", "is_effective": True,
         "is_day_only": False, "occurred_at": moment, "occurred_on": moment.date()}
        for n, (rep, moment) in enumerate(meetings)
    ] + [
        {"touch_key": f"c{n}", "lead_id": "unknown", "account_id": account, "rep_id": rep, "person_id": "unknown",
         "source_stream_code": "call", "source_key": f"c{n}", "channel_code": "voice", "is_effective": True,
         "is_day_only": False, "occurred_at": at(moment), "occurred_on": at(moment).date()}
        for n, (account, rep, moment) in enumerate(CALLS)
    ]  # fmt: skip
    ranks = ["prospecting", "qualification", "meeting", "needs_defined", "proposal", "negotiation"]
    stages = [(n, s, t) for n, *_, entries in DEALS for s, t in entries]
    names = ["acc_w", "acc_v", "acc_u", "unknown", *accounts]
    return {
        "dim_reps": [
            {"rep_id": rep, "full_name": rep, "team_name": team, "role_code": "ae", "hired_on": _day(hired),
             "left_on": None, "is_active": True}
            for rep, team, hired in REPS
        ],
        "dim_accounts": [
            {"account_id": name, "group_id": f"grp_{name}", "size_band_code": "smb", "owner_rep_id": None,
             "is_strategic": name == "acc_v"}
            for name in names
        ],
        "fct_quotas": [
            {"quota_key": f"k{n}", "scope_code": scope, "rep_id": "unknown", "team_name": team, "metric_code": metric,
             "stage_code": stage, "basis_code": basis, "period_start": _day(start), "period_end": _day(end),
             "period_kind_code": kind, "target": Decimal(target)}
            for n, (scope, team, metric, stage, basis, start, end, kind, target) in enumerate(QUOTAS + SHEET)
        ],
        "fct_opportunities": own + deals,
        "fct_opportunity_stages": [
            {"opportunity_stage_key": f"{deal}/{stage}", "opportunity_id": deal, "stage_code": stage,
             "stage_rank": ranks.index(stage) + 1, "first_entered_at": at(moment), "n_entries": 1, "n_source_rows": 1}
            for deal, stage, moment in stages
        ],
        "fct_opportunity_changes": [
            {"opportunity_change_key": f"{deal}/{stage}", "opportunity_id": deal, "field_code": "stage",
             "changed_at": at(moment), "stage_code": stage}
            for deal, stage, moment in stages
        ],
        "fct_touches": touches,
        "fct_leads": [
            {"lead_id": lead, "person_id": f"per_{lead}", "account_id": "unknown", "rep_id": "r1",
             "channel_code": "inbound", "size_band_code": "smb", "country_code": "FR", "created_at": at("05-01 10:00"),
             "created_on": date(2026, 5, 1), "is_created_day_only": False, "is_converted": False, "n_source_rows": 1,
             "sql_at": at(accepted) if accepted else None, "is_sql_day_only": False}
            for lead, accepted in LEADS
        ],
        "fct_opportunity_contact_roles": [
            {"contact_role_key": f"role{n}", "opportunity_id": deal, "person_id": person, "role_code": role,
             "is_primary": False, "noted_at": at(noted) if noted else None}
            for n, (deal, person, role, noted) in enumerate(ROLES)
        ],
        "fct_account_events": events,
        "fct_social_metrics": [
            {"social_metric_key": f"s{n:02}", "network_code": "linkedin",
             "holder_kind_code": "page" if "age" in holder else "rep", "rep_id": "none" if "age" in holder else holder,
             "page_name": holder if "age" in holder else "Profile" if period == "month" else None,
             "metric_code": metric, "period_code": period,
             "measured_on": _day(day), "period_month": _day(day).replace(day=1), "metric_value": Decimal(value)}
            for n, (holder, metric, day, period, value) in enumerate(FIGURES)
        ],
    }  # fmt: skip
