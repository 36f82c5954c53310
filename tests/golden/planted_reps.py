"""Sellers, targets, deals and revenue of the team Nord, planted from April to December 2025.

Each row is there for one edge: a target given by month, quarter and year at once, given twice, of nobody, of zero, of
another currency; a seller who ramps up, leaves in the middle of a month, has no target, manages.
Not here: the figures that must come out (`oracle_reps.py`, the worked examples).
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

# seller, role, hired, left, active
REPS = [
    ("rep_n1", "ae", "2025-04-01", None, True),
    ("rep_n2", "ae", "2025-04-01", "2025-12-31", False),
    ("rep_n3", "ae", "2025-04-01", "2025-11-15", False),  # half of November
    ("rep_n4", "ae", "2025-04-01", "2025-12-31", False),
    ("rep_n5", "sdr", "2025-08-10", "2025-12-31", False),  # ramps up to October
    ("rep_n6", "ae", "2025-04-01", "2025-12-31", False),  # no target
    ("rep_n7", "manager", "2025-04-01", None, True),
    ("rep_n8", "ae", None, None, True),  # no dates: from the first sign of work
    ("rep_n9", "mdr", None, None, False),  # left after the last sign of work
    ("rep_n10", "ae", "2025-12-20", None, True),  # ramps up in February
]

# scope, seller, team, measure, first day, last day, kind, target, in the reporting currency
QUOTAS = [
    ("rep", "rep_n1", "Nord", "revenue", "2025-09-01", "2025-09-30", "month", 100, 100),
    ("rep", "rep_n1", "Nord", "revenue", "2025-01-01", "2025-12-31", "year", 1200, 1200),  # the month wins
    ("rep", "rep_n2", "Nord", "revenue", "2025-09-01", "2025-09-30", "month", 200, 200),  # exactly attained
    ("rep", "rep_n3", "Nord", "revenue", "2025-09-01", "2025-09-30", "month", 50, 50),
    ("rep", "rep_n4", "Nord", "revenue", "2025-07-01", "2025-09-30", "quarter", 460, 460),  # 150 in September
    ("rep", "unknown", "Nord", "revenue", "2025-09-01", "2025-09-30", "month", 999, 999),
    ("rep", "rep_n2", "Nord", "revenue", "2025-10-01", "2025-10-31", "month", 80, 80),
    ("rep", "rep_n2", "Nord", "revenue", "2025-10-01", "2025-10-31", "month", 80, 80),  # given twice
    ("rep", "rep_n4", "Nord", "revenue", "2025-10-01", "2025-10-31", "month", 0, 0),
    ("rep", "rep_n3", "Nord", "revenue", "2025-11-01", "2025-11-30", "month", 100, 100),
    ("rep", "rep_n3", "Nord", "revenue", "2025-12-01", "2025-12-31", "month", 100, 100),  # has left
    ("rep", "rep_n4", "Nord", "revenue", "2025-12-01", "2025-12-31", "month", 100, None),  # no rate
    ("rep", "rep_n5", "Nord", "activities", "2025-10-01", "2025-10-31", "month", 4, None),
    ("rep", "rep_n8", "Nord", "activities", "2025-10-06", "2025-10-12", "other", 2, None),  # two weeks
    ("rep", "rep_n8", "Nord", "activities", "2025-10-13", "2025-10-19", "other", 1, None),
    ("team", "unknown", "Nord", "new_customers", "2025-09-01", "2025-09-30", "month", 4, None),
    (
        "team",
        "unknown",
        "Sud",
        "new_customers",
        "2025-09-01",
        "2025-09-30",
        "month",
        2,
        None,
    ),  # nobody is in it
    ("team", "unknown", "Est", "new_customers", "2026-01-01", "2026-03-31", "quarter", 6, None),  # 1 + 2 + 3
    ("team", "unknown", "Est", "new_customers", "2026-01-01", "2026-01-31", "month", 1, None),
    ("team", "unknown", "Est", "new_customers", "2026-02-01", "2026-02-28", "month", 2, None),
    ("team", "unknown", "Est", "new_customers", "2026-03-01", "2026-03-31", "month", 3, None),
    ("team", "unknown", "Est", "new_customers", "2026-04-01", "2026-06-30", "quarter", 9, None),  # 1 + 2 + 3
    ("team", "unknown", "Est", "new_customers", "2026-04-01", "2026-04-30", "month", 1, None),
    ("team", "unknown", "Est", "new_customers", "2026-05-01", "2026-05-31", "month", 2, None),
    ("team", "unknown", "Est", "new_customers", "2026-06-01", "2026-06-30", "month", 3, None),
    (
        "team",
        "unknown",
        None,
        "new_customers",
        "2025-09-01",
        "2025-09-30",
        "month",
        7,
        None,
    ),  # teams are judged
    (
        "team",
        "unknown",
        None,
        "new_customers",
        "2025-11-01",
        "2025-11-30",
        "month",
        8,
        None,
    ),  # nobody else has one
    (
        "team",
        "unknown",
        "Nord",
        "activities",
        "2025-10-01",
        "2025-10-31",
        "month",
        90,
        None,
    ),  # its sellers are judged
    ("team", "unknown", "Nord", "meetings", "2025-10-01", "2025-10-31", "month", 4, None),
    ("team", "unknown", None, "sql", "2026-03-01", "2026-03-31", "month", 4, None),
    (
        "team",
        "unknown",
        "Nord",
        "activities",
        "2025-08-01",
        "2025-08-31",
        "month",
        4,
        None,
    ),  # none of them has one
    (
        "rep",
        "rep_n3",
        "Nord",
        "revenue",
        "2026-01-01",
        "2026-03-31",
        "quarter",
        300,
        300,
    ),  # has left: asked of nobody
    ("rep", "rep_n3", "Nord", "revenue", "2026-01-01", "2026-01-31", "month", 100, 100),
    ("rep", "rep_n3", "Nord", "revenue", "2026-02-01", "2026-02-28", "month", 100, 100),  # given twice
    ("rep", "rep_n3", "Nord", "revenue", "2026-02-01", "2026-02-28", "month", 100, 100),
    ("rep", "rep_n3", "Nord", "revenue", "2026-03-01", "2026-03-31", "month", 100, 100),
    # two sellers whom the CRM does not know: nobody says whose month is whose
    ("rep", "unknown", "Nord", "revenue", "2025-04-01", "2025-06-30", "quarter", 300, 300),
    ("rep", "unknown", "Nord", "revenue", "2025-04-01", "2025-04-30", "month", 100, 100),
    ("rep", "unknown", "Nord", "revenue", "2025-04-01", "2025-04-30", "month", 200, 200),
    ("rep", "unknown", "Nord", "revenue", "2025-05-01", "2025-05-31", "month", 100, 100),
]

# account, owner
ACCOUNTS = [
    ("acc_n1", "rep_n1"), ("acc_n2", "rep_n2"), ("acc_n3", "rep_n3"), ("acc_n5", "rep_n10"), ("acc_n7", "rep_n7"),
    ("acc_n8", None),
]  # fmt: skip

# seller, account, closed on, won, amount, in the reporting currency
DEALS = [
    ("rep_n1", "acc_n1", "2025-09-10", True, 150, 150),
    ("rep_n2", "acc_n2", "2025-09-30", True, 200, 200),
    ("rep_n3", "acc_n3", "2025-09-12", True, 30, 30),
    ("rep_n4", "acc_n3", "2025-09-20", True, 20, 20),  # no first win: the account was won on the 12th
    ("rep_n4", "acc_n3", "2025-09-21", False, 500, 500),
    ("rep_n3", "acc_n3", "2025-11-10", True, 50, 50),
    ("rep_n2", "acc_n2", "2025-10-10", True, 60, None),  # no rate
    (None, "acc_n8", "2025-10-11", True, 10, 10),
]

# seller, day, meeting
TOUCHES = [
    ("rep_n5", "2025-10-01", False), ("rep_n5", "2025-10-31", True), ("rep_n5", "2025-10-15", False),
    ("rep_n8", "2025-10-07", False), ("rep_n8", "2025-10-08", False), ("rep_n8", "2025-10-28", True),
    ("rep_n9", "2025-07-01", False), ("rep_n9", "2025-08-30", False), ("rep_n1", "2025-05-05", False),
]  # fmt: skip

# account, day, amount, in the reporting currency
LINES = [
    ("acc_n1", "2026-02-03", 300, 300), ("acc_n2", "2026-02-04", 100, 100), ("acc_n7", "2026-02-05", 100, 100),
    ("acc_n5", "2026-02-06", 1000, 1000),  # of a seller who ramps up
    ("acc_n8", "2026-02-07", 70, 70),  # nobody's
    ("acc_n2", "2026-03-04", 40, None), ("acc_n1", "2026-03-05", 20, 20),
]  # fmt: skip


# deal judged out of time, stage, month of closing, won, probability, base rate
SCORES = [
    ("opp_seller0", "proposal", "2025-09-01", True, "0.8", "0.4"),
    ("opp_seller4", "meeting", "2025-09-01", False, "0.3", "0.4"),
    ("opp_seller5", "meeting", "2025-11-01", True, "0.45", "0.4"),
]


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _money(value: int | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def tables() -> dict[str, list[Row]]:
    """Relation of the master layer -> rows."""
    deals = [
        {
            "opportunity_id": f"opp_seller{n}", "account_id": account, "group_id": f"grp_{account}",
            "lead_id": "unknown",
            "rep_id": rep, "opportunity_type_code": "new", "status_code": "won" if won else "lost",
            "currency": "EUR", "amount": _money(amount), "amount_reporting": _money(reporting),
            "opened_on": date(2025, 9, 1), "closed_at": datetime.fromisoformat(f"{closed}T10:00"),
            "closed_on": _day(closed),
            "sales_cycle_days": Decimal((date.fromisoformat(closed) - date(2025, 9, 1)).days),
            "is_open": False, "is_won": won, "is_lost": not won,
            "size_band_code": "smb",
        }
        for n, (rep, account, closed, won, amount, reporting) in enumerate(DEALS)
    ]  # fmt: skip
    return {
        "dim_reps": [
            {"rep_id": rep, "full_name": rep, "team_name": "Nord", "role_code": role, "hired_on": _day(hired),
             "left_on": _day(left), "is_active": active}
            for rep, role, hired, left, active in REPS
        ],
        "dim_accounts": [
            {"account_id": account, "group_id": f"grp_{account}", "size_band_code": "smb", "owner_rep_id": owner}
            for account, owner in ACCOUNTS
        ],
        "bridge_account_groups": [
            {"account_id": account, "group_id": f"grp_{account}", "kind_code": "legal", "valid_from": date(1900, 1, 1),
             "link_source": "own", "is_as_is": True, "is_pro_forma": True}
            for account, _ in ACCOUNTS
        ],
        "fct_quotas": [
            {"quota_key": f"q{n:02}", "scope_code": scope, "rep_id": rep, "team_name": team, "metric_code": metric,
             "basis_code": "value",
             "period_start": _day(first), "period_end": _day(last), "period_kind_code": kind,
             "target": _money(target), "target_reporting": _money(reporting),
             "currency": "EUR" if metric == "revenue" else None}
            for n, (scope, rep, team, metric, first, last, kind, target, reporting) in enumerate(QUOTAS)
        ],
        "fct_opportunities": deals,
        "statistics.deal_models": [{"model_code": "stage_entry", "is_published": True}],
        "statistics.deal_scores": [
            {"opportunity_id": deal, "stage_code": stage, "set_code": "held_out", "closed_month": _day(month),
             "is_won": won, "win_probability": Decimal(said), "base_probability": Decimal(base)}
            for deal, stage, month, won, said, base in SCORES
        ],
        "fct_touches": [
            {"touch_key": f"tn{n}", "lead_id": "unknown", "rep_id": rep, "source_stream_code": "call",
             "channel_code": "meeting" if meeting else "voice", "is_effective": True, "is_day_only": False,
             "occurred_at": datetime.fromisoformat(day) + timedelta(hours=9), "occurred_on": _day(day)}
            for n, (rep, day, meeting) in enumerate(TOUCHES)
        ],
        "fct_invoice_lines": [
            {"invoice_line_id": f"line_n{n}", "invoice_id": f"inv_n{n}", "account_id": account,
             "group_id": f"grp_{account}", "product_id": "prd_1", "invoiced_on": _day(day), "currency": "EUR",
             "net_amount": _money(amount), "net_amount_reporting": _money(reporting), "is_intercompany": False,
             "is_recurring": False}
            for n, (account, day, amount, reporting) in enumerate(LINES)
        ],
    }  # fmt: skip
