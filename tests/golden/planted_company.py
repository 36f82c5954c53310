"""A small company planted at the border of the master layer, row by row, for the golden KPI tests.

Each row is there for one edge: the boundary of a window, a negative TTF, a skipped stage, a group that comes
back after 12 months. The figures that must come out stand in the metric YAML (worked_example) and come from
`kpi_oracle.py`; none is here.
A domain with many rows of its own plants them in a module `planted_<domain>.py` with a function
`tables() -> dict[relation, rows]`, named in DOMAINS; its rows lie in other months than the worked examples here.
Not here: how a warehouse is built from these rows (`planted_warehouse.py`).
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
AS_OF = datetime(2026, 6, 30, 22)  # 1 July in Paris
WINDOW_DAYS = 45
SETTINGS = {
    "company": "planted", "cycle": "2026-06", "as_of": AS_OF, "cycle_start": date(2026, 6, 1),
    "cycle_end": date(2026, 7, 1), "reporting_currency": "EUR", "timezone": "Europe/Paris",
    "conversion_window_days": WINDOW_DAYS, "conversation_min_s": 10, "own_domains": "planted.example",
    "code_version": "test", "policy_version": "test", "run_id": "planted",
}  # fmt: skip


def at(text: str) -> datetime:
    """UTC instant of a time in Paris: '05-01 10:00' of 2026, or a full ISO text."""
    wall = datetime.fromisoformat(text if text[:2] == "20" else f"2026-{text}")
    return wall.replace(tzinfo=PARIS).astimezone(UTC).replace(tzinfo=None)


def day_of(moment: datetime | None) -> date | None:
    """Calendar day in Paris of a UTC instant."""
    return moment and moment.replace(tzinfo=UTC).astimezone(PARIS).date()


def money(value: str | int | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))


ACCOUNTS = [  # account, group, size band
    ("acc_1", "grp_1", "smb"), ("acc_2", "grp_1", "mid"), ("acc_3", "grp_3", "enterprise"),
    ("acc_4", "grp_4", "smb"), ("acc_5", "grp_5", "unknown"), ("unknown", "unknown", "unknown"),
]  # fmt: skip

PRODUCTS = [("prd_1", "Software"), ("prd_2", "Services"), ("unknown", None)]

# lead, account, channel, created_at, is_converted, converted_at, declared touches
LEADS = [
    ("lea_1", "acc_1", "inbound", "05-01 10:00", True, "05-20 09:00", None),
    ("lea_2", "acc_2", "outbound", "05-02 09:00", True, "06-21 09:00", None),  # 50 days: too late
    ("lea_3", "acc_2", "outbound", "05-03 09:00", False, None, None),
    ("lea_4", "acc_3", "inbound", "05-04 09:00", False, None, None),  # contacted before creation
    ("lea_5", "acc_3", "partner", "05-17 00:00", False, None, None),  # its window ends exactly at as_of
    ("lea_6", "acc_1", "inbound", "05-25 09:00", True, "06-01 09:00", None),  # converted but immature
    ("lea_7", "unknown", None, "05-30 09:00", False, None, None),
    ("lea_8", "acc_4", "inbound", "04-10 09:00", True, None, None),  # converted, nobody knows when
    ("lea_9", "acc_4", "inbound", "04-12 15:00", True, "04-12 00:00", None),  # the CRM keeps the day only
    ("lea_10", "acc_4", "outbound", "04-15 09:00", True, "05-30 09:00", None),  # exactly at the end: outside
    ("lea_11", "acc_5", "outbound", "04-20 09:00", False, None, None),
    ("lea_12", "acc_5", "inbound", "06-30 12:00", False, None, None),  # younger than 24 h
    ("lea_13", "acc_5", "inbound", "06-16 00:00", True, "07-03 09:00", None),  # converts after as_of
    ("lea_14", "acc_1", "inbound", "07-02 09:00", False, None, None),  # created after as_of
    ("lea_15", "acc_1", "inbound", None, True, None, 12),  # the CRM exports no dates
]

CONVERTED_BY_DAY = {"lea_9"}

# lead, hours after creation, effective?
TOUCHES = [
    ("lea_1", 1, False), ("lea_1", 2, True), ("lea_1", 50, True), ("lea_1", 240, True), ("lea_1", 1200, True),
    ("lea_2", 3, True), ("lea_2", 4, True), ("lea_2", 5, True),
    ("lea_3", 1, False), ("lea_3", 30, True),
    ("lea_4", -1, True), ("lea_4", 5, True), ("lea_4", 6, False),
    ("lea_6", 2, False),
    ("lea_8", 24, True), ("lea_10", 25, True),  # 24 h is within 24 h
    ("lea_11", 0, True), ("lea_11", 45 * 24, True),  # at creation counts, at the end of the window does not
    ("lea_12", 1, True),
    ("lea_13", 24 * 16, True), ("lea_13", 24 * 14, False),  # the first one is after as_of
    ("lea_14", 1, True), (None, 0, True), ("lea_15", 0, True),
]  # fmt: skip

# opportunity, account, lead, opened_on, closed_at, status, amount, currency, amount_reporting, cycle days
OPPORTUNITIES = [
    ("opp_1", "acc_1", "lea_9", "2026-03-01", "04-06 00:00", "won", 14, "EUR", 14, "36"),
    ("opp_2", "acc_2", None, "2026-03-05", None, "open", 70, "EUR", 70, None),
    ("opp_3", "acc_3", None, "2026-02-20", "04-10 00:00", "lost", 5, "EUR", 5, "49"),
    ("opp_4", "acc_4", None, "2026-03-31", "04-20 00:00", "won", 10, "EUR", 10, "20"),
    ("opp_5", "acc_5", "lea_8", "2026-03-02", "04-21 00:00", "won", 12, "EUR", 12, "50"),
    ("opp_6", "acc_5", None, "2026-06-10", None, "open", 9, "EUR", 9, None),
    ("opp_7", "acc_1", None, "2026-04-01", "04-30 00:00", "lost", 8, "EUR", 8, "29"),
    ("opp_8", "acc_1", None, "2026-05-01", "07-02 00:00", "won", 99, "EUR", 99, "62"),  # after as_of
    ("opp_9", "acc_1", None, "2026-05-01", None, "won", 98, "EUR", 98, None),  # no closing date
    ("opp_10", "acc_2", None, "2026-02-10", "02-07 00:00", "won", 97, "EUR", 97, "-3"),  # negative cycle
    ("opp_11", "acc_2", None, "2026-06-01", "06-15 00:00", "lost", 96, "USD", None, "14"),  # no rate
]

FUNNEL = ["prospecting", "qualification", "meeting", "needs_defined", "proposal", "negotiation", "won"]

# opportunity, stage, first entry
STAGES = [
    ("opp_1", "prospecting", "03-01 09:00"), ("opp_1", "proposal", "03-10 09:00"),
    ("opp_1", "won", "04-06 00:00"),
    ("opp_2", "qualification", "03-05 09:00"), ("opp_2", "negotiation", "03-20 09:00"),  # skips the proposal
    ("opp_3", "proposal", "03-15 09:00"), ("opp_3", "lost", "04-10 00:00"),
    ("opp_6", "prospecting", "06-10 09:00"),
    ("opp_7", "meeting", "05-17 00:00"), ("opp_7", "negotiation", "07-04 00:00"),  # the later move is unseen
]  # fmt: skip

# account, product, invoiced_on, net amount, currency, net amount in EUR, intercompany, recurring
INVOICE_LINES = [
    ("acc_3", "prd_1", "2025-04-30", "10", "EUR", "10", False, True),  # 13 months before: new again
    ("acc_1", "prd_1", "2025-05-01", "10", "EUR", "10", False, True),  # 12 months before: not new
    ("unknown", "unknown", "2025-06-10", "7", "EUR", "7", False, False),
    ("unknown", "unknown", "2026-06-12", "5", "EUR", "5", False, False),  # the unknown group is never new
    ("acc_5", "prd_2", "2026-02-03", "50", "EUR", "50", False, False),
    ("acc_5", "prd_2", "2026-02-20", "-50", "EUR", "-50", False, False),  # nothing left of February
    (
        "acc_5",
        "prd_2",
        "2026-03-10",
        "12",
        "CHF",
        None,
        False,
        False,
    ),  # no rate, yet a purchase: June is not new
    ("acc_1", "prd_1", "2026-05-04", "120", "EUR", "120", False, True),
    ("acc_2", "prd_2", "2026-05-05", "60", "EUR", "60", False, False),
    ("acc_2", "prd_2", "2026-05-31", "-60", "EUR", "-60", False, False),
    ("acc_3", "prd_2", "2026-05-20", "100", "USD", "80", False, False),
    ("acc_4", "prd_1", "2026-05-21", "999", "EUR", "999", True, False),
    ("acc_5", "prd_1", "2026-06-03", "40", "EUR", "40", False, True),
    ("acc_4", "prd_1", "2026-06-04", "30", "EUR", "30", False, True),
    ("acc_4", "prd_1", "2026-06-05", "31", "CHF", None, False, True),  # no rate
    ("acc_1", "prd_1", "2026-07-01", "500", "EUR", "500", False, True),  # after the cycle
]

# number of the line: cost in its currency, cost in EUR; of the other lines nobody knows it
COSTS = {
    5: ("-20", "-20"),  # of a credit note
    4: ("20", "20"),
    7: ("48", "48"),
    8: ("66", "66"),  # costs more than it brings; of its credit note nobody knows
    11: ("1", "1"),  # within the own group
    12: ("50", "50"),
    14: ("20", None),  # no rate
    15: ("1", "1"),  # after the cycle
}

# account, band, month, opening, new, reactivation, expansion, contraction, churn
MRR = [
    ("acc_4", "smb", "2026-03-01", 0, 150, 0, 0, 0, 0),
    ("acc_4", "smb", "2026-04-01", 150, 0, 0, 0, 0, -150),
    ("acc_1", "smb", "2026-04-01", 0, 1000, 0, 0, 0, 0),
    ("acc_2", "mid", "2026-04-01", 0, 1600, 0, 0, 0, 0),
    ("acc_3", "enterprise", "2026-04-01", 0, 400, 0, 0, 0, 0),
    ("acc_1", "smb", "2026-05-01", 1000, 0, 0, 200, 0, 0),
    ("acc_2", "mid", "2026-05-01", 1600, 0, 0, 0, -100, 0),
    ("acc_3", "enterprise", "2026-05-01", 400, 0, 0, 0, 0, -400),
    ("acc_5", "unknown", "2026-05-01", 0, 500, 0, 0, 0, 0),
    ("acc_4", "smb", "2026-05-01", 0, 0, 200, 0, 0, 0),
    ("acc_1", "smb", "2026-06-01", 1200, 0, 0, 0, 0, 0),
    ("acc_2", "mid", "2026-06-01", 1500, 0, 0, 0, 0, 0),
    ("acc_5", "unknown", "2026-06-01", 500, 0, 0, 0, 0, 0),
    ("acc_4", "smb", "2026-06-01", 200, 0, 0, 0, 0, 0),
]

# how many, account, sent_at, delivered, hard bounce, complained_at, automated
SENDS = [
    (997, "acc_1", "05-04 08:00", True, False, None, True),
    (3, "acc_2", "05-10 23:59", True, False, "05-12 08:00", True),  # Sunday; the complaint comes later
    (998, "acc_1", "05-11 00:00", True, False, None, False),
    (2, "acc_1", "05-12 08:00", True, False, "06-02 08:00", True),
    (4, "acc_3", "05-18 08:00", False, True, None, True),  # a week where nothing arrived
    (2, "acc_3", "06-29 08:00", True, False, None, True),
    (1, "acc_3", "06-29 08:00", True, False, "07-02 08:00", True),  # complains after as_of
    (1, "acc_3", "07-01 00:00", True, False, None, True),  # sent at as_of
]


# the modules of tests/golden whose tables() are planted beside the rows of this one
DOMAINS: tuple[str, ...] = (
    "planted_reps",
    "planted_leads",
    "planted_handoffs",
    "planted_activity",
    "planted_pipeline",
    "planted_customers",
    "planted_subscriptions",
    "planted_key_accounts",
    "planted_revenue",
    "planted_orders",
    "planted_quality",
)


def master_tables() -> dict[str, list[dict]]:
    """Relation of the master layer -> rows with the columns that metrics and marts read, of all domains."""
    tables = own_tables()
    for domain in DOMAINS:
        for relation, rows in import_module(f"tests.golden.{domain}").tables().items():
            tables[relation] = tables.get(relation, []) + rows
    return tables


def own_tables() -> dict[str, list[dict]]:
    """The rows of this module."""
    leads, created = [], {}
    bands = {a: b for a, _, b in ACCOUNTS}
    groups = {a: g for a, g, _ in ACCOUNTS}
    for lead, account, channel, created_at, converted, converted_at, declared in LEADS:
        created[lead] = at(created_at) if created_at else None
        leads.append({
            "lead_id": lead, "person_id": "per_" + lead[4:], "account_id": account, "rep_id": "rep_1",
            "channel_code": channel, "size_band_code": bands[account], "country_code": "FR",
            "created_at": created[lead], "created_on": day_of(created[lead]), "is_created_day_only": False,
            "is_converted": converted, "converted_at": at(converted_at) if converted_at else None,
            "converted_on": day_of(at(converted_at)) if converted_at else None,
            "is_converted_day_only": lead in CONVERTED_BY_DAY,
            "n_touches_declared": declared, "n_source_rows": 1,
        })  # fmt: skip
    touches = [
        {"touch_key": f"t{n}", "lead_id": lead or "unknown", "source_stream_code": "call",
         "source_key": f"t{n}", "person_id": "unknown", "rep_id": "rep_1",
         "channel_code": "voice", "is_effective": effective, "is_day_only": False,
         "occurred_at": (created.get(lead) or at("05-02 08:00")) + timedelta(hours=hours),
         "occurred_on": day_of((created.get(lead) or at("05-02 08:00")) + timedelta(hours=hours))}
        for n, (lead, hours, effective) in enumerate(TOUCHES)
    ]  # fmt: skip
    opportunities = [
        {"opportunity_id": o, "account_id": a, "group_id": groups[a], "lead_id": lead, "rep_id": "rep_1",
         "opportunity_type_code": "new", "status_code": status, "currency": currency, "amount": money(amount),
         "amount_reporting": money(reporting), "opened_on": date.fromisoformat(opened),
         "closed_at": at(closed) if closed else None, "closed_on": day_of(at(closed)) if closed else None,
         "sales_cycle_days": money(days), "is_open": status == "open", "is_won": status == "won",
         "is_lost": status == "lost", "size_band_code": bands[a]}
        for o, a, lead, opened, closed, status, amount, currency, reporting, days in OPPORTUNITIES
    ]  # fmt: skip
    stages = [
        {"opportunity_stage_key": f"{o}/{s}", "opportunity_id": o, "stage_code": s,
         "stage_rank": 0 if s == "lost" else FUNNEL.index(s) + 1, "first_entered_at": at(t), "n_entries": 1,
         "n_source_rows": 1}
        for o, s, t in STAGES
    ]  # fmt: skip
    lines = [
        {"invoice_line_id": f"line_{n}", "invoice_id": f"inv_{n}", "account_id": a, "group_id": groups[a],
         "product_id": p, "invoiced_on": date.fromisoformat(d), "currency": c, "net_amount": money(v),
         "net_amount_reporting": money(r), "is_intercompany": inter, "is_recurring": recurring,
         "cost_amount": money(COSTS.get(n, (None, None))[0]),
         "cost_amount_reporting": money(COSTS.get(n, (None, None))[1])}
        for n, (a, p, d, v, c, r, inter, recurring) in enumerate(INVOICE_LINES)
    ]  # fmt: skip
    moves = [
        {"account_month_key": f"{a}/{m}", "account_id": a, "size_band_code": band,
         "period_month": date.fromisoformat(m), "opening_mrr": money(o), "new_mrr": money(n),
         "reactivation_mrr": money(r), "expansion_mrr": money(e),
         "contraction_mrr": money(c), "churn_mrr": money(x), "closing_mrr": money(o + n + r + e + c + x)}
        for a, band, m, o, n, r, e, c, x in MRR
    ]  # fmt: skip
    sends = [
        {"send_key": f"s{k}_{i}", "account_id": a, "sent_at": at(t), "is_sent": True,
         "is_delivered": delivered, "is_bounced_hard": bounced, "is_complained": complained is not None,
         "complained_at": at(complained) if complained else None, "is_unsubscribed": False,
         "unsubscribed_at": None,
         "is_replied": False, "replied_at": None, "is_automated": automated, "n_source_rows": 2}
        for k, (many, a, t, delivered, bounced, complained, automated) in enumerate(SENDS)
        for i in range(many)
    ]  # fmt: skip
    return {
        "dim_accounts": [{"account_id": a, "group_id": g, "size_band_code": b} for a, g, b in ACCOUNTS],
        "bridge_account_groups": [
            {"account_id": a, "group_id": g, "kind_code": "legal", "valid_from": date(1900, 1, 1),
             "link_source": "own", "is_as_is": True, "is_pro_forma": True}
            for a, g, _ in ACCOUNTS
        ],
        "dim_products": [{"product_id": p, "product_family": f} for p, f in PRODUCTS],
        "fct_leads": leads, "fct_touches": touches, "fct_opportunities": opportunities,
        "fct_opportunity_stages": stages, "fct_invoice_lines": lines, "fct_mrr_movements": moves,
        "fct_email_sends": sends,
    }  # fmt: skip
