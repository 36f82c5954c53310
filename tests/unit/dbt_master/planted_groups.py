"""Companies whose owners changed, people who changed company, leads that merged: rows, and the same answers by hand.

The answers here are worked out link by link and day by day, without SQL.
What does NOT belong here: building the warehouse (conftest.py).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from planted import at, golden_id, on

ALWAYS = date(1900, 1, 1)
LAST_DAY = date(2026, 6, 30)


def account(name: str) -> str:
    """Record key of a CRM account."""
    return f"crm/crm_account/{name}"


def acc(name: str) -> str:
    """Golden id of an account whose records lead with a CRM account."""
    return golden_id("acc", account(name))


def grp(name: str) -> str:
    return "grp_" + acc(name)[4:]


@dataclass(frozen=True)
class Version:
    """A record version: its parent, the day it was changed, the day it came (None: the last, kept one)."""

    name: str
    parent: str | None
    changed_on: date | None
    came_on: date
    is_kept: bool


@dataclass(frozen=True)
class Link:
    """A steward's link. valid_to: first day after it."""

    number: int
    child: str
    parent: str
    kind: str = "legal"
    valid_from: date | None = None
    valid_to: date | None = None
    status: str = "active"

    def row(self) -> dict:
        return {
            "decision_id": f"d{self.number:04d}", "child_record_key": account(self.child),
            "parent_record_key": account(self.parent), "kind_code": self.kind,
            "valid_from": self.valid_from, "valid_to": self.valid_to, "author": "ana", "reason": "press",
            "decided_at": datetime(2026, 1, 1) + timedelta(hours=self.number), "expires_on": None,
            "status": self.status,
        }  # fmt: skip


def once(name: str, parent: str | None = None) -> list[Version]:
    """A record that never changed."""
    return [Version(name, parent, None, on("2026-01-31"), True)]


MOTORS = [
    *once("psa"), *once("peugeot", "psa"), *once("citroen", "psa"), *once("fca"), *once("fiat", "fca"),
    *once("stellantis"), *once("rover"), *once("alliance"), *once("ds", "psa"),
    Version("opel", None, on("2016-03-01"), on("2016-03-31"), False),
    Version("opel", "psa", on("2017-08-01"), on("2017-08-31"), False),
    Version("opel", "psa", on("2019-01-01"), on("2019-01-31"), True),
    # the change is dated after the day it came: the day it came holds
    Version("sold", "fca", None, on("2018-01-31"), False),
    Version("sold", "psa", on("2018-12-24"), on("2018-06-30"), True),
    *once("adrift", "nowhere"), *once("ring1", "ring2"), *once("ring2", "ring3"), *once("ring3", "ring1"),
    *once("tail", "ring2"), *once("garage"), *once("lone"), *once("lost", "nowhere"),
]  # fmt: skip

LINKS = [
    Link(1, "psa", "stellantis", valid_from=on("2021-01-16")),
    Link(2, "fca", "stellantis", valid_from=on("2021-01-16")),
    Link(3, "rover", "fca", valid_from=on("2027-01-01")),
    Link(4, "ds", "ds", valid_to=on("2014-06-01")),
    Link(5, "peugeot", "alliance", "buying", on("2022-01-01")),
    Link(6, "fiat", "alliance", "buying", on("2022-01-01"), on("2024-01-01")),
    Link(7, "rover", "alliance", "buying", on("2025-01-01"), on("2028-01-01")),
    Link(8, "citroen", "rover", status="undone"),
    Link(9, "citroen", "rover", status="expired"),
    Link(10, "citroen", "never_delivered"),
    Link(11, "lone", "lone"),  # a namesake, says a steward
    Link(12, "lost", "rover"),
]


def random_companies(seed: int, n: int = 80) -> tuple[list[Version], list[Link]]:
    """Records whose parents change from version to version, and stewards' links over them, loops included."""
    draw = random.Random(seed)
    names = [f"r{i:02d}" for i in range(n)]
    days = [date(2015, 1, 1) + timedelta(days=97 * i) for i in range(40)]
    versions = []
    for name in names:
        dates = sorted(draw.sample(days, draw.randint(1, 3)))
        for i, day in enumerate(dates):
            others = [None] if draw.random() < 0.55 else names
            parent = draw.choice(others)
            versions.append(Version(name, parent, day, day + timedelta(days=20), i == len(dates) - 1))
    links = []
    for number in range(100, 160):
        child, parent = draw.choice(names), draw.choice(names)
        start, end = sorted(draw.sample(days, 2))
        kind = "legal" if draw.random() < 0.6 else "buying"
        links.append(
            Link(number, child, parent, kind, draw.choice([None, start]), draw.choice([None, end]),
                 draw.choice(["active", "to_confirm", "undone"]))
        )  # fmt: skip
    return versions, links


class ByHand:
    """The parent and the top of a company on a day, found by looking at every link."""

    def __init__(self, versions: list[Version], links: list[Link]) -> None:
        self.names = {v.name for v in versions}
        self.links = [
            each for each in links
            if each.status in ("active", "to_confirm") and {each.child, each.parent} <= self.names
        ]  # fmt: skip
        self.known: dict[str, list[tuple[date, str | None]]] = {}
        for v in sorted(versions, key=lambda v: (v.is_kept, min(v.changed_on or v.came_on, v.came_on))):
            history = self.known.setdefault(v.name, [])
            day = min(v.changed_on or v.came_on, v.came_on) if history else ALWAYS
            history.append((day, v.parent if v.parent in self.names and v.parent != v.name else None))

    def parent(self, name: str, kind: str, day: date) -> str | None:
        decided = [
            each for each in self.links
            if each.child == name and each.kind == kind and (each.valid_from or ALWAYS) <= day
            and (each.valid_to is None or day < each.valid_to)
        ]  # fmt: skip
        if decided:
            chosen = max(decided, key=lambda each: each.number)
            return None if chosen.parent == name else chosen.parent
        if kind == "buying":
            return None
        return [parent for since, parent in self.known[name] if since <= day][-1]

    def top(self, name: str, kind: str, day: date) -> str:
        """The name at the top; of a loop the one with the smallest golden id."""
        walked = [name]
        while (parent := self.parent(walked[-1], kind, day)) is not None:
            if parent in walked:
                return min(walked[walked.index(parent):], key=acc)  # fmt: skip
            walked.append(parent)
        return walked[-1]

    def days(self) -> list[date]:
        """Every day on which something changes, the day before, and the last day of the cycle."""
        changes = {since for history in self.known.values() for since, _ in history}
        changes |= {d for each in self.links for d in (each.valid_from, each.valid_to) if d}
        return sorted(d for c in changes | {LAST_DAY} for d in (c, c - timedelta(days=1)) if d >= ALWAYS)


def account_rows(versions: list[Version]) -> list[dict]:
    """Rows of crm_account; earlier versions are superseded."""
    sites = {
        "peugeot": "www.peugeot.fr",
        "garage": "https://peugeot.fr/lyon",
        "fiat": "fiat.it",
        "lone": "peugeot.fr",
    }
    staff = {"peugeot": 600, "citroen": 500, "fiat": 90, "rover": 10}
    return [
        {
            "source_record_id": v.name, "name": f"{v.name} motors", "parent_account_id": v.parent,
            "modified_at": v.changed_on and datetime(v.changed_on.year, v.changed_on.month, v.changed_on.day, 9),
            "delivered_on": v.came_on, "website": sites.get(v.name), "employee_count": staff.get(v.name),
            "is_strategic": v.name == "fiat", "_superseded": not v.is_kept,
        }
        for v in versions
    ]  # fmt: skip


INVOICES = [  # customer, day, amount
    ("peugeot", "2021-01-15", "100"), ("peugeot", "2021-01-16", "200"), ("peugeot", "2022-01-01", "400"),
    ("fiat", "2021-01-15", "10"), ("fiat", "2021-01-16", "20"), ("fiat", "2024-01-01", "40"),
    ("opel", "2017-07-31", "1"), ("opel", "2017-08-01", "2"), ("rover", "2026-06-30", "5"),
    ("stranger", "2021-01-15", "7"),
]  # fmt: skip

PEOPLE = {
    "crm_contact": [
        # left Peugeot for Fiat: the first version is superseded
        {"source_record_id": "mover", "account_id": "peugeot", "email": "m@gmail.com", "_superseded": True,
         "created_at": at("2020-05-05"), "modified_at": at("2020-05-05"), "delivered_on": on("2020-05-31")},
        {"source_record_id": "mover", "account_id": "fiat", "email": "m@gmail.com",
         "created_at": at("2020-05-05"), "modified_at": at("2023-02-10 10:00:00"),
         "delivered_on": on("2023-02-28")},
        {"source_record_id": "stayer", "account_id": "rover", "email": "s@gmail.com",
         "created_at": at("2022-01-02")},
        # won from lead_a; later merged into the contact won from lead_b
        {"source_record_id": "ka", "account_id": "peugeot", "email": "a@peugeot.fr",
         "created_at": at("2026-03-01"), "is_deleted": True, "merged_into_id": "kb"},
        {"source_record_id": "kb", "account_id": "peugeot", "email": "b@peugeot.fr",
         "created_at": at("2026-03-02")},
    ],
    "crm_lead": [
        {"source_record_id": "old_mover", "email": "m@gmail.com", "company_name": "Peugeot", "status": "new",
         "is_converted": False, "created_at": at("2019-01-01")},
        {"source_record_id": "lead_a", "email": "a@peugeot.fr", "company_name": "Peugeot", "status": "converted",
         "is_converted": True, "created_at": at("2026-02-01"), "converted_at": at("2026-03-01"),
         "converted_account_id": "peugeot", "converted_contact_id": "ka", "converted_opportunity_id": "oa"},
        {"source_record_id": "lead_b", "email": "b@peugeot.fr", "company_name": "Peugeot", "status": "converted",
         "is_converted": True, "created_at": at("2026-01-01"), "converted_at": at("2026-03-02"),
         "converted_account_id": "peugeot", "converted_contact_id": "kb", "converted_opportunity_id": "ob"},
        # never converted; the same person as lead_a when merged
        {"source_record_id": "lead_c", "email": "c@peugeot.fr", "company_name": "Peugeot", "status": "new",
         "is_converted": False, "created_at": at("2025-12-01")},
        {"source_record_id": "by_mail", "email": "who@fiat.it", "status": "new", "is_converted": False,
         "created_at": at("2026-04-01")},
        {"source_record_id": "by_free_mail", "email": "who@gmail.com", "status": "new", "is_converted": False,
         "created_at": at("2026-04-01")},
        # no company of its own: the conversion alone says where the person is
        {"source_record_id": "won", "email": "w@gmail.com", "status": "converted", "is_converted": True,
         "created_at": at("2026-04-01"), "converted_at": at("2026-05-01"), "converted_account_id": "fca"},
    ],
    "crm_opportunity": [
        {"source_record_id": o, "account_id": "peugeot", "stage": "Won", "stage_code": "won", "status": "won",
         "amount": Decimal(1000), "currency": "EUR", "created_at": at("2026-03-01"), "closed_at": at("2026-04-01")}
        for o in ("oa", "ob")
    ],
}  # fmt: skip


def rows(versions: list[Version]) -> dict[str, list[dict]]:
    """Raw rows of the whole company."""
    customers = sorted({name for name, _, _ in INVOICES})
    return PEOPLE | {
        "crm_account": account_rows(versions),
        "erp_customer": [{"source_record_id": name, "code": name, "name": name} for name in customers
                         if name != "stranger"],
        "erp_invoice": [
            {"source_record_id": f"i{i}", "document_number": f"F{i}", "document_type": "invoice",
             "status": "posted", "customer_id": name, "invoice_date": on(day), "currency": "EUR"}
            for i, (name, day, _) in enumerate(INVOICES)
        ],
        "erp_invoice_line": [
            {"source_record_id": f"l{i}", "invoice_id": f"i{i}", "line_number": 1, "net_amount": Decimal(amount)}
            for i, (_, _, amount) in enumerate(INVOICES)
        ],
    }  # fmt: skip


SAME_ACCOUNT = [
    {account(name), f"erp/erp_customer/{name}"} for name in sorted({n for n, _, _ in INVOICES} - {"stranger"})
]
#: What the CRM's own conversion ids and merges tie together, without any steward.
SAME_PERSON = [
    {"crm/crm_contact/mover", "crm/crm_lead/old_mover"},
    {"crm/crm_contact/ka", "crm/crm_contact/kb", "crm/crm_lead/lead_a", "crm/crm_lead/lead_b"},
]


def covers_all_time(periods: list[tuple[date, date | None]]) -> bool:
    """True when the periods, in order, begin in 1900, follow one another without gap, and stay open."""
    meets = all(before[1] == after[0] for before, after in pairwise(periods))
    return periods[0][0] == ALWAYS and periods[-1][1] is None and meets
