"""A company whose contacts, deals, invoices and ledger are planted for the quality tables about them.

Contacts are drawn at random from a fixed seed, plus the edges by hand; `breaches()` is the policy written a second
time, contact by contact, from the rules of the method. What does NOT belong here: building (conftest.py), assertions.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from zoneinfo import ZoneInfo

from planted import OWN, at, on

COMPANY_ZONE = "Europe/Paris"
JUDGED_SINCE = at("2026-03-31 22:00:00")  # the month of the cycle, June, and the two before it
AS_OF = "2026-09-30 22:00:00"
HOLIDAYS = {"2026-05-14", "2026-05-25", "2026-07-14", "2026-08-15"}


@dataclass(frozen=True)
class Person:
    """One lead. zone: what its clock shows, None when nobody knows; company: None for a consumer."""

    name: str
    company: str | None
    zone: str | None
    stated_zone: str | None = None
    country: str | None = None

    @property
    def phone(self) -> str:
        return "+336" + str(int(hashlib.sha256(self.name.encode()).hexdigest(), 16))[:8]

    @property
    def email(self) -> str:
        return f"{self.name}@{self.name}.fr"


PERSONS = [
    Person("anne", "Alpha", "Europe/Paris", "Europe/Paris"),
    Person("bruno", "Alpha", "Europe/Paris", None, "FR"),  # the one zone of France
    Person("nina", "Nova", "America/New_York", "America/New_York"),
    Person("bert", "Brugge", "Europe/Brussels", "Europe/Brussels"),  # another zone, the same clock
    Person("mars", "Mars", None, "Mars/Base"),  # a zone that no clock knows
    Person("uri", "Unit", None, None, "US"),  # several zones
    Person("chloe", None, "Europe/Paris", "Europe/Paris", "FR"),  # no company: a consumer
    Person("dora", None, "Europe/Paris", None, "FR"),
    Person("refus", "Rho", "Europe/Paris", "Europe/Paris"),
    Person("drap", "Delta", "Europe/Paris", "Europe/Paris"),  # refuses by a flag alone
]
OF = {person.name: person for person in PERSONS}


@dataclass(frozen=True)
class Contact:
    """One call or mail. answer: the person spoke."""

    key: str
    person: Person
    channel: str
    moment: datetime
    is_automated: bool = False
    answered: bool = False


@dataclass(frozen=True)
class Refusal:
    """From when and until when a channel ('all' for each) is refused."""

    person: str
    channel: str
    since: datetime
    until: datetime | None = None


def _contacts() -> tuple[list[Contact], list[tuple[str, datetime]]]:
    """Contacts, and what came from persons: (name, instant)."""
    made: list[Contact] = []
    came: list[tuple[str, datetime]] = []

    def add(
        name: str, channel: str, moment: datetime, automated: bool = False, answered: bool = False
    ) -> None:
        n, person = len(made), OF[name]
        if channel == "voice":
            key = f"call:pbx/call{n}"
        else:
            key = "email:" + hashlib.md5(f"mail/m{n}/{person.email}".encode()).hexdigest()
        made.append(Contact(key, person, channel, moment, automated, answered))

    rng = random.Random(5)
    for person in PERSONS:
        moment = at("2026-05-03 06:00:00")
        while moment < at("2026-08-20"):
            moment += timedelta(minutes=rng.choice([7, 40, 180, 700, 1500, 3000, 9000]))
            kind = rng.random()
            if kind < 0.5:
                add(person.name, "voice", moment, answered=rng.random() < 0.12)
            else:
                add(person.name, "email", moment, automated=kind > 0.85)
            if rng.random() < 0.06:
                came.append((person.name, moment + timedelta(seconds=30)))
    # the trailing 48 hours are open at their begin: the third contact exactly 48 hours after the first is allowed
    for hours in (0, 24, 48):
        add("nina", "voice", at("2026-04-13 15:00:00") + timedelta(hours=hours))
    # five in a row that begin before the months judged, one a second before the end of the pause and one at its end
    start = at("2026-03-20 10:00:00")
    for days in range(5):
        add("bert", "voice", start + timedelta(days=3 * days))
    add("bert", "voice", start + timedelta(days=12 + 7, seconds=-1))
    add("bert", "voice", start + timedelta(days=12 + 7))
    # the window of hours is [09:00, 17:00) of New York; March was judged by an earlier cycle
    for text in ("2026-03-01 05:00:00", "2026-04-20 12:59:59", "2026-04-20 13:00:00", "2026-04-22 20:59:59",
                 "2026-04-22 21:00:00"):  # fmt: skip
        add("nina", "email", at(text))
    # a refusal at 10:00:00 binds the contact of the same instant
    for text in ("2026-04-10 09:59:59", "2026-04-10 10:00:00"):
        add("refus", "email", at(text))
    add("refus", "voice", at("2026-04-10 11:00:00"))
    return made, came


CONTACTS, CAME = _contacts()
JUDGED = {contact.key for contact in CONTACTS if contact.moment >= JUDGED_SINCE}

REFUSALS = [
    Refusal("refus", "email", at("2026-04-10 10:00:00"), at("2026-06-01 08:00:00")),  # until a new opt-in
    Refusal(
        "anne", "all", at("2026-07-01 22:00:00")
    ),  # a day without a time binds from the day after, in Paris
    Refusal("bruno", "voice", at("2026-06-10 09:00:00"), at("2026-06-10 09:00:00") + timedelta(days=60)),
]
CONSENTS = [
    {"source_record_id": "k1", "person_type": "lead", "person_id": "refus", "channel": "email", "status": "opt_out",
     "effective_at": at("2026-04-10 10:00:00"), "effective_at_precision": "second"},
    {"source_record_id": "k2", "person_type": "lead", "person_id": "refus", "channel": "email", "status": "opt_in",
     "effective_at": at("2026-06-01 08:00:00"), "effective_at_precision": "second"},
    {"source_record_id": "k3", "email": OF["anne"].email, "channel": "all", "status": "litigation",
     "effective_at": at("2026-07-01"), "effective_at_precision": "day"},
    {"source_record_id": "k4", "phone": OF["bruno"].phone, "channel": "call", "status": "cooling_off",
     "effective_at": at("2026-06-10 09:00:00"), "effective_at_precision": "second"},
    {"source_record_id": "k5", "person_type": "lead", "person_id": "dora", "channel": "call", "status": "opt_in",
     "effective_at": at("2026-08-14 10:00:00"), "effective_at_precision": "second"},
]  # fmt: skip
OPT_IN = {"dora": at("2026-08-14 10:00:00")}


def _clock(moment: datetime, zone: str) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))


@dataclass(frozen=True)
class Policy:
    """What holds from a day of the company on; the consumer's part from a day of the person on."""

    since: str = "0001-01-01"
    hours: tuple[int, int] = (9, 17)
    account: tuple[int, int] = (2, 48)
    mails: int = 2
    cool_down: tuple[int, int] = (5, 7)
    calls: tuple[int, int] = (4, 30)
    call_hours: tuple[tuple[int, int], ...] = ((10, 13), (14, 20))
    needs_opt_in: bool = False


#: What Etalon ships: consent before a call from a day on.
SHIPPED = (Policy(), Policy("2026-08-11", needs_opt_in=True))


def breaches(policies: tuple[Policy, ...] = SHIPPED) -> set[tuple[str, str]]:
    """(touch key, check) of every contact that the policy of its day does not allow."""
    found: set[tuple[str, str]] = set()

    def in_force(moment: datetime) -> Policy:
        return [each for each in policies if each.since <= moment.date().isoformat()][-1]

    for contact in CONTACTS:
        person, now = contact.person, contact.moment
        local = _clock(now, person.zone) if person.zone else None
        policy = in_force(_clock(now, COMPANY_ZONE))

        def before(other: Contact, span: timedelta, now: datetime = now) -> bool:
            return now - span < other.moment <= now

        if any(
            r.person == person.name and r.channel in ("all", contact.channel) and now >= r.since
            and (r.until is None or now < r.until)
            for r in REFUSALS
        ):  # fmt: skip
            found.add((contact.key, "after_opt_out"))
        is_elsewhere = local is not None and local.utcoffset() != _clock(now, COMPANY_ZONE).utcoffset()
        if person.company and is_elsewhere and not policy.hours[0] <= local.hour < policy.hours[1]:
            found.add((contact.key, "outside_hours"))
        if person.company and not contact.is_automated:
            same = [c for c in CONTACTS if c.person.company == person.company and not c.is_automated]
            if sum(before(c, timedelta(hours=policy.account[1])) for c in same) > policy.account[0]:
                found.add((contact.key, "account_cap"))
        if contact.channel == "email" and local:
            mails = [c for c in CONTACTS if c.person == person and c.channel == "email" and c.moment <= now]
            if sum(_clock(c.moment, person.zone).date() == local.date() for c in mails) > policy.mails:
                found.add((contact.key, "mail_cap"))
        if not person.company and contact.channel == "voice":
            of_the_day = in_force(local)
            allowed = any(since <= local.hour < until for since, until in of_the_day.call_hours)
            if local.weekday() > 4 or local.date().isoformat() in HOLIDAYS or not allowed:
                found.add((contact.key, "consumer_hours"))
            calls = [c for c in CONTACTS if c.person == person and c.channel == "voice"]
            if sum(before(c, timedelta(days=policy.calls[1])) for c in calls) > of_the_day.calls[0]:
                found.add((contact.key, "consumer_cap"))
            if of_the_day.needs_opt_in and not OPT_IN.get(person.name, datetime.max) <= now:
                found.add((contact.key, "consumer_opt_in"))
    for person in PERSONS:
        for policy in policies:
            days = {c.key: _clock(c.moment, COMPANY_ZONE) for c in CONTACTS if c.person == person}
            held = _in_cool_down(person, *policy.cool_down)
            found |= {(key, "cool_down") for key in held if in_force(days[key]) == policy}
    return {(key, check) for key, check in found if key in JUDGED}


def _in_cool_down(person: Person, n_in_a_row: int, n_days: int) -> set[str]:
    moments = [(c.moment, 0, c.key) for c in CONTACTS if c.person == person]
    moments += [(c.moment, 1, "") for c in CONTACTS if c.person == person and c.answered]
    moments += [(when, 1, "") for name, when in CAME if name == person.name]
    count, paused_until, found = 0, None, set()
    for moment, is_answer, key in sorted(moments):
        if is_answer:
            count, paused_until = 0, None
        elif paused_until is not None and moment < paused_until:
            found.add(key)
        else:
            count = 1 if paused_until is not None else count + 1
            paused_until = moment + timedelta(days=n_days) if count == n_in_a_row else None
    return found


def _lead(person: Person) -> dict:
    return {
        "source_record_id": person.name, "last_name": person.name.title(), "email": person.email,
        "mobile": person.phone, "company_name": person.company, "timezone": person.stated_zone,
        "country_code": person.country, "status": "new", "is_converted": False, "created_at": at("2026-01-05 10:00:00"),
        "channel_code": "outbound", "call_opt_out": person.name == "drap",
    }  # fmt: skip


def _prospect(name: str, created: str, channel: str) -> dict:
    return {
        "source_record_id": name, "last_name": name.title(), "email": f"{name}@{name}.fr", "status": "new",
        "is_converted": False, "created_at": at(created), "channel_code": channel,
    }  # fmt: skip


#: prospect -> what the retention clock says on 2026-07-01: (due code, day on which the data fall due)
DUE = {
    "old": ("overdue", on("2026-05-01")),
    "month": ("due_30", on("2026-07-15")),
    "two": ("due_60", on("2026-08-20")),
    "click": ("due_30", on("2026-07-20")),  # created long before: the click counts, the open does not
    "today": ("overdue", on("2026-07-01")),
}

#: What each deal and line is planted for: cause -> (deals, lines, amount of the deals, amount of the lines)
CAUSES = {
    "invoiced_equal": (2, 3, D(25_001_000), D(25_001_000)),
    "invoiced_other_month": (1, 1, D(2000), D(2000)),
    "invoiced_less": (1, 2, D(3000), D(1500)),
    "invoiced_more": (1, 1, D(1000), D(1050)),
    "recurring_first_days": (1, 2, D(1200), D(200)),
    "invoiced_beyond_tolerance": (2, 2, D(480), D(989)),
    "invoiced_outside_window": (1, 2, D(450), D(471)),
    "currency_differs": (1, 1, D(1000), D(1250)),
    "duplicate_opportunity": (1, 0, D(1000), D(0)),
    "won_without_amount": (1, 0, D(0), D(0)),
    "won_without_date": (1, 0, D(70), D(0)),
    "not_yet_invoiced": (1, 0, D(500), D(0)),
    "never_invoiced": (1, 0, D(600), D(0)),
    "customer_not_matched": (1, 1, D(800), D(90)),
    "recurring_after_deal": (0, 2, D(0), D(200)),
    "recurring_without_deal": (0, 1, D(0), D(110)),
    "one_off_without_deal": (0, 1, D(0), D(120)),
    "credit_note": (0, 1, D(0), D(-50)),
    "intercompany": (0, 1, D(0), D(5000)),
    "document_missing": (0, 1, D(0), D(3)),
}
COMPANIES = ("e", "o", "l", "m", "c", "n", "z", "b", "r", "v", "w")
SAME_ACCOUNT = [
    *({f"crm/crm_account/{name}", f"erp/erp_customer/{name}"} for name in COMPANIES),
    {"crm/crm_lead/anne", "crm/crm_lead/bruno"},
]


def _deal(name: str, account: str, amount: int, closed: str | None, currency: str = "EUR") -> dict:
    return {
        "source_record_id": name, "account_id": account, "stage": "Won", "stage_code": "won", "status": "won",
        "amount": D(amount), "currency": currency, "created_at": at("2025-06-01"),
        "closed_at": at(f"{closed} 12:00:00") if closed else None,
    }  # fmt: skip


_DEALS = [
    _deal("d1", "e", 1000, "2026-01-10"),
    _deal("d1twice", "e", 1000, "2026-01-12"),
    _deal("d2", "o", 2000, "2026-01-28"),
    _deal("d3", "l", 3000, "2026-02-01"),
    _deal("d4", "m", 1000, "2026-02-01"),
    _deal("d5", "c", 1000, "2026-02-01"),
    _deal("d6", "n", 0, "2026-02-01"),
    _deal("d7", "n", 500, "2026-06-20"),
    _deal("d8", "n", 600, "2025-09-01"),
    _deal("d9", "alone", 800, "2025-09-01"),
    _deal("d10", "n", 70, None),
    # a converted amount has room for millions
    _deal("d11", "b", 25_000_000, "2026-02-01", "USD"),
    _deal("d12", "r", 1200, "2026-02-01"),
    # 89 is more than a tenth over 80; the second was won lately, and is invoiced all the same
    _deal("d13", "v", 400, "2026-02-01"),
    _deal("d14", "v", 80, "2026-06-01"),
    # the first invoice since comes on the 90th day, which is outside the window
    _deal("d15", "w", 450, "2026-01-01"),
    _deal("later", "n", 9, "2026-08-01"),  # after the cycle: in no month of it
]
# invoice, customer, day, kind, currency, lines (amount, is it recurring)
_DOCUMENTS = [
    ("f1", "e", "2026-01-15", "invoice", "EUR", [(600, False), (400, False)]),
    ("f2", "o", "2026-02-03", "invoice", "EUR", [(2000, False)]),
    ("f3", "l", "2026-02-10", "invoice", "EUR", [(1000, False)]),
    ("f4", "l", "2026-03-10", "invoice", "EUR", [(500, False)]),
    ("f5", "m", "2026-02-10", "invoice", "EUR", [(1050, False)]),
    ("f6", "c", "2026-02-10", "invoice", "USD", [(1250, False)]),
    ("f7", "onlyerp", "2026-02-10", "invoice", "EUR", [(90, False)]),
    ("f8", "z", "2026-02-10", "invoice", "EUR", [(110, True)]),
    ("f9", "z", "2026-03-10", "invoice", "EUR", [(120, False)]),
    ("f10", "b", "2026-02-10", "invoice", "USD", [(25_000_000, False)]),
    # monthly: two fall in the first 90 days of the term, two later
    ("f11", "r", "2026-02-10", "invoice", "EUR", [(100, True)]),
    ("f12", "r", "2026-03-10", "invoice", "EUR", [(100, True)]),
    ("f13", "r", "2026-05-10", "invoice", "EUR", [(100, True)]),
    ("f14", "r", "2026-06-10", "invoice", "EUR", [(100, True)]),
    ("f15", "v", "2026-04-30", "invoice", "EUR", [(900, False)]),
    ("f16", "v", "2026-06-20", "invoice", "EUR", [(89, False)]),
    ("f17", "w", "2026-04-01", "invoice", "EUR", [(470, False)]),
    ("f18", "w", "2026-06-01", "invoice", "EUR", [(1, False)]),
    ("a1", "l", "2026-03-12", "credit_note", "EUR", [(-50, False)]),
    ("g1", "own", "2026-03-12", "invoice", "EUR", [(5000, False)]),
    ("later", "z", "2026-08-01", "invoice", "EUR", [(9, False)]),
]

#: cause -> (lines, ledger lines, amount of the lines, amount of the ledger lines)
LEDGER_CAUSES = {
    "equal": (2, 2, D(1000), D(1000)),
    "booked_other_month": (1, 1, D(2000), D(2000)),
    "amount_differs": (1, 1, D(1000), D(900)),
    "rounding": (1, 1, D(1050), D("1050.01")),
    "entry_without_invoice": (0, 1, D(0), D(640)),
    "rebate_entry": (0, 1, D(0), D(-20)),
    "opening_entry": (0, 1, D(0), D(999)),
    "document_missing": (1, 0, D(0), D(0)),
}
# entry number, day, class, document, amount, is it an opening entry
_ENTRIES = [
    ("1", "2026-01-15", "revenue", "f1", D(600), False),
    ("1", "2026-01-15", "revenue", " F1", D(400), False),
    ("2", "2026-03-01", "revenue", "F2", D(2000), False),
    ("3", "2026-02-10", "revenue", "F3", D(900), False),
    ("4", "2026-02-10", "revenue", "F5", D("1050.01"), False),
    ("5", "2026-02-11", "revenue", "REG", D(640), False),
    ("6", "2026-02-12", "rebate", None, D(-20), False),
    ("7", "2026-01-01", "revenue", "F1", D(999), True),
]

ROWS: dict[str, list[dict]] = {
    "crm_user": [{"source_record_id": "u1", "full_name": "Ana", "email": f"ana@{OWN}", "phone_extension": "201",
                  "timezone": COMPANY_ZONE}],
    "crm_account": [{"source_record_id": name, "name": f"Company {name}"} for name in (*COMPANIES, "alone")],
    "crm_lead": [
        *map(_lead, PERSONS),
        _prospect("old", "2023-05-01 10:00:00", "inbound"),
        _prospect("month", "2023-07-15 10:00:00", "inbound"),
        _prospect("two", "2023-08-20 10:00:00", "inbound"),
        _prospect("click", "2022-03-01 10:00:00", "outbound"),
        _prospect("today", "2023-07-01 10:00:00", "inbound"),
    ],
    "crm_consent": CONSENTS,
    # typed in cents, or with a thousand too much; the company's deals are worth 500
    "crm_opportunity": [*_DEALS, {**_deal("typo", "n", 300_000, "2026-02-01"), "status": "lost", "stage_code": "lost"}],
    "telephony_call_leg": [
        *({"source_record_id": f"t{n}", "call_id": contact.key.partition("/")[2], "leg_number": 1,
           "direction": "outbound", "external_phone": contact.person.phone, "agent_key": "201",
           "started_at": contact.moment, "duration_s": 60, "talk_s": 60 if contact.answered else 0,
           "outcome": "answered" if contact.answered else "no_answer"}
          for n, contact in enumerate(CONTACTS) if contact.channel == "voice"),
        *({"source_record_id": f"in{n}", "call_id": f"in{n}", "direction": "inbound", "agent_key": "201",
           "external_phone": OF[name].phone, "started_at": when, "talk_s": 30, "duration_s": 30, "outcome": "answered"}
          for n, (name, when) in enumerate(CAME)),
        # sixty calls in an hour are possible, the sixty-first is not; nobody bears these numbers
        *({"source_record_id": f"burst{n}", "call_id": f"burst{n}", "direction": "outbound", "agent_key": "201",
           "external_phone": f"+3314000{n:04}", "started_at": at("2026-01-06 10:00:00") + timedelta(seconds=59 * n),
           "duration_s": 1, "outcome": "no_answer"} for n in range(61)),
        {"source_record_id": "backwards", "call_id": "backwards", "direction": "internal", "agent_key": "201",
         "started_at": at("2026-01-06 12:00:00"), "duration_s": -20, "outcome": "answered"},
    ],
    "email_event": [
        *({"source_record_id": f"m{n}", "message_id": f"m{n}", "recipient_email": contact.person.email,
           "event_type": "sent", "occurred_at": contact.moment, "sender_email": f"ana@{OWN}",
           "is_automated": contact.is_automated}
          for n, contact in enumerate(CONTACTS) if contact.channel == "email"),
        *({"source_record_id": f"{kind}-{message}", "message_id": message, "recipient_email": "click@click.fr",
           "event_type": kind, "occurred_at": at(when), "sender_email": f"ana@{OWN}", "is_automated": True}
          for message, kind, when in [("c1", "sent", "2023-07-20 08:00:00"), ("c1", "clicked", "2023-07-20 09:00:00"),
                                      ("c2", "sent", "2026-05-20 08:00:00"), ("c2", "opened", "2026-05-20 09:00:00")]),
    ],
    "erp_customer": [
        *({"source_record_id": name, "code": name, "name": f"Company {name}"} for name in (*COMPANIES, "onlyerp")),
        {"source_record_id": "own", "code": "own", "name": "Own subsidiary", "is_intercompany": True},
    ],
    "exchange_rate": [{"source_record_id": "r1", "rate_date": on("2026-01-01"), "from_currency": "USD",
                       "to_currency": "EUR", "rate": D("0.8")}],
    "erp_invoice": [
        {"source_record_id": name, "document_number": name.upper(), "document_type": kind, "status": "posted",
         "customer_id": customer, "invoice_date": on(day), "currency": currency,
         "net_amount": D(sum(amount for amount, _ in lines))}
        for name, customer, day, kind, currency, lines in _DOCUMENTS
    ],
    "erp_invoice_line": [
        *({"source_record_id": f"{name}-{n}", "invoice_id": name, "line_number": n, "net_amount": D(amount),
           "is_recurring": recurring}
          for name, *_, lines in _DOCUMENTS for n, (amount, recurring) in enumerate(lines, start=1)),
        {"source_record_id": "lost-1", "invoice_id": "lost", "line_number": 1, "net_amount": D(3)},
    ],
    "erp_ledger_entry": [
        {"source_record_id": f"g{n}", "journal_code": "VE", "entry_number": number, "line_number": n,
         "entry_date": on(day), "account_number": "706000", "account_class": account_class, "document_ref": document,
         "debit": -amount if amount < 0 else D(0), "credit": amount if amount > 0 else D(0), "is_opening": opening}
        for n, (number, day, account_class, document, amount, opening) in enumerate(_ENTRIES)
    ],
}  # fmt: skip
