"""Opportunities planted for the metrics of the pipeline: what was known of them on the first day of each month.

Their months end in March 2026, before those of the worked examples of `planted_company.py`; one stays open to the end.
All are of size band mid, which other domains leave alone in these months.
Not here: the figures that must come out (`oracle_pipeline.py`, worked_example of the metric YAML).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
RANKS = ["lost", "prospecting", "qualification", "meeting", "needs_defined", "proposal", "negotiation", "won"]
TEAMS = {
    "rep_n": "North",
    "rep_s": "South",
    "rep_w": "West",
    "rep_e": "East",
    "rep_f": "Far",
    "rep_b": "Blind",
}
# scope, seller, team, kind, first day, last day, target
QUOTAS = [
    ("team", "unknown", "East", "month", "2025-11-01", "2025-11-30", "300"),
    ("team", "unknown", "East", "month", "2025-12-01", "2025-12-31", "200"),
    ("rep", "rep_e", "East", "month", "2025-12-01", "2025-12-31", "7000"),  # the team's own target stands
    ("rep", "rep_f", "Far", "quarter", "2025-10-01", "2025-12-31", "100"),
    ("rep", "rep_f", "Far", "month", "2025-12-01", "2025-12-31", "9000"),  # the quarter is told
    (
        "rep",
        "rep_w",
        "West",
        "year",
        "2025-01-01",
        "2025-12-31",
        "730",
    ),  # 92 days of 365 in the last quarter: 184
    (
        "rep",
        "unknown",
        "West",
        "year",
        "2025-01-01",
        "2025-12-31",
        "365",
    ),  # two sellers whom the CRM does not know:
    (
        "rep",
        "unknown",
        "West",
        "year",
        "2025-01-01",
        "2025-12-31",
        "365",
    ),  # 92 each, not one target given twice
    (
        "rep",
        "rep_s",
        "South",
        "other",
        "2025-12-22",
        "2026-01-10",
        "200",
    ),  # ten of twenty days in each quarter
]
ACCOUNTS = ["acc_p0", "acc_p1", "acc_p2", "acc_p3"]
# The yen has no rate; the dollar has one of each year: a past month keeps its own.
RATES = [("EUR", "1900-01-01", "9999-12-01", "1"), ("USD", "2025-01-01", "2026-01-01", "0.5"),
         ("USD", "2026-01-01", "9999-12-01", "0.4")]  # fmt: skip


@dataclass(frozen=True)
class Deal:
    """One opportunity. changes: day and hour, stage, amount, planned day, category; empty for a CRM without history."""

    name: str
    opened: str
    closed: str | None
    status: str
    amount: str | None
    changes: tuple[tuple[str, str | None, str | None, str | None, str | None], ...] = ()
    rep: str = "rep_n"
    account: str = "acc_p0"
    currency: str = "EUR"


def ordinary(
    name: str, opened: str, closed: str, *later: tuple, amount: str = "10000", status: str = "lost"
) -> Deal:
    """A deal that enters the funnel when it is opened, without a forecast category."""
    first = (f"{opened} 09:00", "prospecting", amount, "2026-03-15", None)
    return Deal(name, opened, closed, status, amount, (first, *later))


DEALS = [
    # --- closed in the 90 days before November: one of four won, after 60 days
    Deal("p1", "2025-06-20", "2025-08-19", "won", "12000", (
        ("2025-06-20 09:00", "prospecting", "12000", "2025-08-01", "pipeline"),
        ("2025-07-10 09:00", "proposal", None, None, None),  # skips three stages: they count as reached
        ("2025-08-19 15:00", "won", None, None, "closed"),
    ), account="acc_p1"),
    Deal("p2", "2025-06-25", "2025-08-20", "lost", "7000", (
        ("2025-06-25 09:00", "prospecting", "7000", "2025-09-01", "pipeline"),
        ("2025-07-15 09:00", "proposal", "7000", "2025-09-01", "best_case"),
        ("2025-08-20 15:00", "lost", "7000", "2025-08-20", "omitted"),
        ("2025-08-29 15:00", "negotiation", "7000", "2025-08-20", "omitted"),  # after its closing: unknown by then
    ), account="acc_p2"),
    Deal("p3", "2025-07-01", "2025-08-03", "lost", "7000", (
        ("2025-07-01 09:00", "prospecting", "7000", "2025-09-01", "pipeline"),  # 90 days before 1 November
    ), account="acc_p3"),
    ordinary("p4", "2025-07-02", "2025-09-30"),
    # 91 days before, in no rate of October; no stage is known of it, so it is in no chance either
    Deal("p5", "2025-06-10", "2025-08-02", "lost", "5"),
    # --- open at the end of October: forty
    ordinary("c1", "2025-08-05", "2025-11-20", ("2025-11-20 10:00", "won", None, None, None), status="won"),
    ordinary("c2", "2025-08-06", "2026-01-12"),
    ordinary("c3", "2025-08-31", "2026-01-13"),
    ordinary("s1", "2025-09-01", "2026-01-14", ("2025-09-02 09:00", "meeting", None, None, None),
             ("2025-09-06 09:00", "prospecting", None, None, None)),
    ordinary("s2", "2025-09-01", "2026-01-14", ("2025-09-02 09:00", "meeting", None, None, None),
             ("2025-09-06 09:00", "prospecting", None, None, None),
             ("2025-09-10 09:00", "meeting", None, None, None),
             ("2025-09-12 09:00", "meeting", "10000", None, None),  # an edit, not a second stay
             ("2025-09-15 09:00", "prospecting", None, None, None)),
    ordinary("s3", "2025-09-01", "2026-01-14", ("2025-09-02 09:00", "meeting", None, None, None),
             ("2025-09-22 09:00", "prospecting", None, None, None)),
    *[ordinary(f"o{n}", "2025-10-02", "2026-01-15") for n in range(32)],
    ordinary("o40", "2025-10-03", "2026-01-16", ("2025-10-20 09:00", "proposal", None, None, None), amount="40000"),
    Deal("o41", "2025-10-04", "2026-01-16", "lost", "130000", (
        ("2025-10-04 09:00", "prospecting", "90000", "2026-01-10", None),
        ("2025-10-15 09:00", None, "100000", None, None),  # a row a field: it says nothing of the stage
        ("2025-10-31 23:30", "negotiation", None, None, None),  # still October in Paris, November in UTC is later
        ("2025-11-01 00:30", None, "130000", None, None),  # November in Paris, October in UTC
    )),
    ordinary("r1", "2025-09-20", "2026-01-17", ("2025-10-20 09:00", "lost", None, None, None),
             ("2025-11-05 09:00", "negotiation", None, None, None)),  # reopened
    # --- forecast on 1 January: 160, 90 and 100 committed; 100, 120 and 100 won
    Deal("f1", "2025-12-03", "2026-01-10", "won", "100", (
        ("2025-12-03 09:00", "negotiation", "160", "2026-01-31", "commit"),
        ("2026-01-05 09:00", "negotiation", "100", "2026-01-10", "commit"),  # too late to be a better forecast
    )),
    Deal("f2", "2025-12-03", "2026-01-11", "won", "120", (
        ("2025-12-03 09:00", "negotiation", "90", "2026-01-01", "commit"),
        ("2026-01-01 00:00", "negotiation", "120", "2026-01-11", "commit"),  # on the first instant: not yet known
    ), rep="rep_s"),
    Deal("f3", "2025-12-03", "2026-01-12", "won", "100", (
        ("2025-12-03 09:00", "negotiation", "100", "2026-01-12", "commit"),
    ), rep="rep_w"),
    Deal("f4", "2025-12-04", "2026-01-20", "lost", "500", (
        ("2025-12-04 09:00", "proposal", "500", "2026-01-20", "best_case"),
    )),
    Deal("f5", "2025-12-04", "2026-01-21", "lost", "70", (
        ("2025-12-04 09:00", "proposal", "70", "2026-01-21", None),  # no category: in the total expected
    )),
    Deal("b1", "2025-12-05", "2026-01-15", "won", "300", (
        ("2025-12-05 09:00", "negotiation", "300", "2026-01-15", None),  # a team that gives no category at all
    ), rep="rep_b"),
    # --- forecast on 1 February: 110 against 100 is within 10 %, a hair more is not
    Deal("g1", "2026-01-02", "2026-02-20", "won", "100", (
        ("2026-01-02 09:00", "negotiation", "110", "2026-02-28", "commit"),
    )),
    Deal("g2", "2026-01-02", "2026-02-20", "won", "100", (
        ("2026-01-02 09:00", "negotiation", "110.0001", "2026-02-01", "commit"),
    ), rep="rep_s"),
    Deal("g3", "2026-01-02", "2026-02-20", "lost", "50", (
        ("2026-01-02 09:00", "negotiation", "50", "2026-02-05", "commit"),
    ), rep="rep_w"),
    Deal("g4", "2026-01-02", "2026-02-20", "lost", "30", (
        ("2026-01-02 09:00", "negotiation", "30", "2026-03-01", "commit"),  # planned for March
    ), rep="unknown"),
    Deal("g5", "2026-01-02", "2026-02-03", "won", "200", (
        ("2026-01-02 09:00", "negotiation", "200", "2026-02-01", "commit"),  # 80 EUR at the rate of February
    ), rep="unknown", currency="USD"),
    # --- targets of the last quarter: 500 of the team East, 300 won by December, 550 to close in December
    Deal("k1", "2025-11-05", "2025-12-28", "lost", "550", (
        ("2025-11-05 09:00", "meeting", "550", "2025-12-31", "pipeline"),
    ), rep="rep_e"),
    Deal("k2", "2025-11-05", "2025-12-28", "lost", "999", (
        ("2025-11-05 09:00", "meeting", "999", "2026-01-01", "pipeline"),  # the next quarter
    ), rep="rep_e"),
    Deal("k3", "2025-11-05", "2025-11-25", "won", "300", (
        ("2025-11-05 09:00", "meeting", "300", "2025-11-25", "pipeline"),
    ), rep="rep_e"),
    Deal("k4", "2025-11-05", "2025-11-26", "won", "250", (
        ("2025-11-05 09:00", "meeting", "250", "2025-11-25", "pipeline"),  # more than the target of its team
    ), rep="rep_f"),
    # --- a currency without a rate, and a CRM without history
    Deal("x1", "2025-12-10", "2026-02-10", "lost", "900", (
        ("2025-12-10 09:00", "meeting", "900", "2025-12-20", "pipeline"),
    ), currency="JPY"),
    Deal("x2", "2026-01-10", "2026-03-05", "lost", "900", (
        ("2026-01-10 09:00", "meeting", "900", "2026-03-10", "pipeline"),
    ), currency="JPY"),
    Deal("n1", "2025-12-15", "2026-02-20", "lost", "60"),
    Deal("n4", "2025-12-17", None, "lost", "62", (
        ("2025-12-17 09:00", "needs_defined", "62", "2026-07-10", None),  # lost there, nobody knows when: no stay
    )),
    Deal("n5", "2025-12-17", "2026-01-06", "lost", "63", (
        ("2025-12-17 09:00", "needs_defined", "63", "2026-07-10", None),  # the only stay of that stage and month
    )),
    Deal("n2", "2025-12-15", None, "lost", "61"),  # lost, nobody knows when: in no snapshot, in its cohort
    Deal("n3", "2025-12-16", "2026-02-20", "lost", None),  # no amount at all
    # --- opened in February: five of which four are closed, exactly 80 %
    *[ordinary(f"e{n}", "2026-02-02", "2026-02-25") for n in range(4)],
    Deal("z1", "2026-02-02", None, "open", "1000", (
        ("2026-02-02 09:00", "prospecting", "1000", "2026-05-01", "pipeline"),
        ("2026-02-20 09:00", "proposal", "1000", "2026-06-01", "best_case"),
    )),
]  # fmt: skip

# deal -> field of MEDDIC that its CRM gives -> filled; the other deals are of a CRM that gives none
EVIDENCES = {
    # July: both reach the proposal, p1 by a skip and without an economic buyer
    "p1": {"identified_pain": True, "metrics": True, "economic_buyer": False, "decision_criteria": True,
           "decision_process": True, "champion": True},
    "p2": {"identified_pain": True, "metrics": True, "economic_buyer": True, "decision_criteria": True,
           "decision_process": False, "champion": False},
    "o40": {"metrics": True, "champion": False},  # one of the three fields of the proposal
    "o41": {"metrics": False, "decision_process": True},
    "p3": {"identified_pain": False},  # never past a gate
}  # fmt: skip

# account, person, channel, at, effective, seconds
TOUCHES = [
    *[("acc_p1", f"per_p{n}", "meeting", "2025-07-10 10:00", True, 60) for n in range(8)],  # 8 minutes
    ("acc_p1", "per_p8", "voice", "2025-06-20 08:00", True, 360),  # on the day of opening, before the hour
    ("acc_p1", "per_p9", "voice", "2025-08-19 18:00", True, 300),  # on the day of closing, after the hour
    ("acc_p1", "per_p9", "voice", "2025-08-01 18:00", True, 300),  # the same person again
    ("acc_p1", "per_p11", "voice", "2025-08-02 18:00", False, 0),  # no answer
    ("acc_p1", "per_p12", "email", "2025-08-02 18:00", True, None),  # delivered, not answered
    ("acc_p1", "per_p13", "voice", "2025-08-20 00:00", True, 999),  # the day after the closing
    ("acc_p1", "per_p14", "voice", "2025-06-19 23:59", True, 999),  # the day before the opening
    ("acc_p2", "unknown", "meeting", "2025-07-10 10:00", True, 1200),
    ("acc_p3", "unknown", "voice", "2025-07-10 10:00", True, 960),
]  # fmt: skip

# person of acc_p1, answered at, automated
REPLIES = [("per_p10", "2025-07-20 10:00", False), ("per_p15", "2025-07-20 10:00", True)]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC).replace(tzinfo=None)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _money(text: str | None) -> Decimal | None:
    return Decimal(text) if text is not None else None


def _rate(currency: str, month: date) -> Decimal | None:
    for code, begin, end, rate in RATES:
        if code == currency and _day(begin) <= month < _day(end):
            return Decimal(rate)
    return None


def _opportunity(deal: Deal) -> dict:
    closed = _day(deal.closed)
    opened = _day(deal.opened)
    rate = _rate(deal.currency, (closed or opened).replace(day=1))
    amount = _money(deal.amount)
    last = deal.changes[-1][1] if deal.changes else None
    return {
        "opportunity_id": f"opp_{deal.name}", "account_id": deal.account, "group_id": "unknown",
        "lead_id": "unknown", "rep_id": deal.rep, "opportunity_type_code": "new",
        "stage_code": last or "unknown", "status_code": deal.status, "currency": deal.currency,
        "amount": amount, "expected_close_on": None, "forecast_category_code": None,
        "amount_reporting": None if amount is None or rate is None else amount * rate, "exchange_rate": rate,
        "opened_at": _at(f"{deal.opened} 00:00"), "opened_on": opened,
        "closed_at": _at(f"{deal.closed} 00:00") if closed else None, "closed_on": closed,
        "sales_cycle_days": Decimal((closed - opened).days) if closed else None,
        "is_open": deal.status == "open", "is_won": deal.status == "won", "is_lost": deal.status == "lost",
        "size_band_code": "mid",
    }  # fmt: skip


def _stages(deal: Deal) -> list[dict]:
    first: dict[str, datetime] = {}
    for moment, stage, *_ in deal.changes:
        if stage:
            first.setdefault(stage, _at(moment))
    return [
        {"opportunity_stage_key": f"opp_{deal.name}/{stage}", "opportunity_id": f"opp_{deal.name}",
         "stage_code": stage, "stage_rank": RANKS.index(stage), "first_entered_at": entered, "n_entries": 1,
         "n_source_rows": 1}
        for stage, entered in first.items()
    ]  # fmt: skip


def tables() -> dict[str, list[dict]]:
    """Relation of the master layer -> planted rows."""
    return {
        "dim_accounts": [
            {"account_id": a, "group_id": "unknown", "size_band_code": "mid"}
            for a in ACCOUNTS
        ],
        "dim_reps": [{"rep_id": rep, "team_name": team, "is_active": True} for rep, team in TEAMS.items()],
        "int_month_rates": [
            {"currency": c, "valid_from_month": _day(begin), "valid_to_month": _day(end), "exchange_rate": Decimal(r)}
            for c, begin, end, r in RATES
        ],
        "fct_quotas": [
            {"quota_key": f"pipeline{n}", "scope_code": scope, "rep_id": rep, "team_name": team,
             "period_kind_code": kind, "period_start": _day(first), "period_end": _day(last),
             "metric_code": "revenue", "basis_code": "value", "target": _money(amount), "currency": "EUR",
             "target_reporting": _money(amount)}
            for n, (scope, rep, team, kind, first, last, amount) in enumerate(QUOTAS)
        ],
        "fct_opportunities": [_opportunity(deal) for deal in DEALS],
        "fct_opportunity_changes": [
            {"opportunity_change_key": f"opp_{deal.name}/{n}", "opportunity_id": f"opp_{deal.name}",
             "field_code": "stage" if stage else "amount", "changed_at": _at(moment), "stage_code": stage,
             "amount": _money(amount), "expected_close_on": _day(planned), "forecast_category_code": category}
            for deal in DEALS
            for n, (moment, stage, amount, planned, category) in enumerate(deal.changes)
        ],
        "fct_opportunity_stages": [row for deal in DEALS for row in _stages(deal)],
        "fct_opportunity_evidences": [
            {"opportunity_evidence_key": f"opp_{deal}/{code}", "opportunity_id": f"opp_{deal}", "evidence_code": code,
             "is_present": is_present}
            for deal, fields in EVIDENCES.items()
            for code, is_present in fields.items()
        ],
        "fct_touches": [
            {"touch_key": f"pipeline{n}", "source_key": f"pipeline{n}",
             "lead_id": "unknown", "source_stream_code": "call", "account_id": account,
             "person_id": person, "channel_code": channel, "is_effective": effective, "is_day_only": False,
             "occurred_at": _at(moment), "occurred_on": datetime.fromisoformat(moment).date(),
             "duration_s": seconds, "rep_id": "rep_n", "direction_code": "outbound"}
            for n, (account, person, channel, moment, effective, seconds) in enumerate(TOUCHES)
        ],
        "fct_email_sends": [
            {"send_key": f"pipeline{n}", "account_id": "acc_p1", "person_id": person, "lead_id": "unknown",
             "rep_id": "rep_n", "sent_at": _at("2025-07-19 10:00"), "is_sent": True, "is_delivered": True,
             "is_bounced_hard": False, "is_opened": True, "is_clicked": False, "is_replied": True,
             "replied_at": _at(moment), "is_complained": False, "complained_at": None, "is_unsubscribed": False,
             "unsubscribed_at": None, "is_automated": automated, "n_source_rows": 1}
            for n, (person, moment, automated) in enumerate(REPLIES)
        ],
    }  # fmt: skip
