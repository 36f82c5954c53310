"""A company whose records of one company or person disagree: drawn ones for every rule, planted ones for the traps.

What does NOT belong here: what survivorship must make of them (survivors_by_hand.py, test_survivorship.py).
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from planted import at

#: SIREN -> its French VAT number, both with valid check digits; then numbers that are none.
NUMBERS = {"552100554": "FR96552100554", "732829320": "FR44732829320", "303265045": "FR40303265045"}
FALSE_VAT = ["FR99552100554", "FR40123456789", "XX12345678", "DE123456789"]
FOREIGN_VAT = ["DE136695976", "BE0428759497"]
SAME_ACCOUNT: list[set[str]] = []
SAME_PERSON: list[set[str]] = []
ROWS: dict[str, list[dict]] = {
    "crm_user": [{"source_record_id": user, "full_name": user} for user in ("u1", "u2", "u3")],
    "crm_account": [], "erp_customer": [], "crm_contact": [], "crm_lead": [],
}  # fmt: skip


def _day(draw: random.Random) -> datetime:
    return at("2026-01-01") + timedelta(days=draw.randrange(8))


def _maybe(draw: random.Random, *values: object, empty: float = 0.3) -> object:
    return None if draw.random() < empty else draw.choice(values)


def _numbers(draw: random.Random) -> dict[str, object]:
    return {
        "registration_number": _maybe(draw, *NUMBERS, empty=0.5),
        "vat_number": _maybe(draw, *NUMBERS.values(), *FALSE_VAT, *FOREIGN_VAT, empty=0.4),
        "country_code": _maybe(draw, "FR", "BE", "F1"),
    }


def _account(draw: random.Random, key: str) -> dict:
    return _numbers(draw) | {
        "source_record_id": key, "name": draw.choice(["Acme", "ACME SAS", "Acme Paris"]),
        "postal_code": _maybe(draw, "75001", "69002"), "city": _maybe(draw, "Paris", "PARIS", " "),
        "industry": _maybe(draw, "Retail", "Energy"), "employee_count": _maybe(draw, 0, 40, 90, 99, 250, 5000),
        "owner_id": _maybe(draw, "u1", "u2", "left"), "is_strategic": _maybe(draw, True, False),
        "created_at": _day(draw), "modified_at": _maybe(draw, _day(draw), empty=0.2),
    }  # fmt: skip


def _customer(draw: random.Random, key: str) -> dict:
    return _numbers(draw) | {
        "source_record_id": key, "code": key, "name": draw.choice(["ACME SAS", "Acme Lyon"]),
        "postal_code": _maybe(draw, "75001", "13003"), "city": _maybe(draw, "Paris", "Lyon"),
        "created_at": _day(draw), "modified_at": _maybe(draw, _day(draw), empty=0.2),
    }  # fmt: skip


def _person(draw: random.Random, key: str) -> dict:
    shared = int(key[1:].partition("x")[0]) // 2  # two companies have the same addresses and mobile
    firm = f"acme{shared}.fr"
    return {
        "source_record_id": key, "first_name": _maybe(draw, "Jean", "J.", "JEAN"),
        "last_name": _maybe(draw, "Martin", "Martin-Roy"),
        "email": _maybe(draw, f"jean@{firm}", f"contact@{firm}", f"j.martin@{firm}"),
        "phone": _maybe(draw, "+33100000001", "+33100000002"),
        "mobile": _maybe(draw, f"+3360000{shared:04d}", empty=0.7),
        "email_opt_out": _maybe(draw, True, False), "call_opt_out": _maybe(draw, True, False, False),
        "created_at": _day(draw), "modified_at": _maybe(draw, _day(draw), empty=0.2),
    }  # fmt: skip


def _lead(draw: random.Random, key: str) -> dict:
    return _person(draw, key) | {
        "status": "new", "is_converted": False, "company_name": draw.choice(["acme", "Acme"]),
        "registration_number": _maybe(draw, *NUMBERS, "123456789", empty=0.6),
        "country_code": _maybe(draw, "FR", "BE"), "employee_count": _maybe(draw, 40, 300),
        "owner_id": _maybe(draw, "u2", "u3"),
    }  # fmt: skip


def _draw_company(draw: random.Random, number: int) -> None:
    """One golden account of 1 to 5 records and the golden persons of its leads and contacts."""
    sizes = {
        "crm_account": draw.randrange(3),
        "erp_customer": draw.randrange(2),
        "crm_lead": draw.randrange(3),
        "crm_contact": draw.randrange(3),
    }
    makers = {
        "crm_account": _account, "erp_customer": _customer, "crm_lead": _lead, "crm_contact": _person,
    }  # fmt: skip
    keys: dict[str, list[str]] = {}
    for contract, size in sizes.items():
        names = [f"{contract[-1]}{number}x{place}" for place in range(size)]
        ROWS[contract] += [makers[contract](draw, name) for name in names]
        instance = "erp" if contract == "erp_customer" else "crm"
        keys[contract] = [f"{instance}/{contract}/{name}" for name in names]
    for contact in ROWS["crm_contact"][len(ROWS["crm_contact"]) - sizes["crm_contact"] :]:
        if keys["crm_account"]:
            contact["account_id"] = keys["crm_account"][0].split("/")[2]
    SAME_ACCOUNT.append({*keys["crm_account"], *keys["erp_customer"], *keys["crm_lead"]})
    SAME_PERSON.append({*keys["crm_contact"], *keys["crm_lead"]})


_DRAW = random.Random(20260630)
for _number in range(120):
    _draw_company(_DRAW, _number)
SAME_ACCOUNT[:] = [group for group in SAME_ACCOUNT if group]
SAME_PERSON[:] = [group for group in SAME_PERSON if group]


def _plant(contract: str, group: list[set[str]], *rows: dict) -> None:
    instance = "erp" if contract == "erp_customer" else "crm"
    ROWS[contract] += rows
    group[-1] |= {f"{instance}/{contract}/{row['source_record_id']}" for row in rows}


# A newer record with a false VAT number beside an older one with a right one.
SAME_ACCOUNT.append(set())
_plant(
    "crm_account", SAME_ACCOUNT,
    {"source_record_id": "right", "name": "Right", "vat_number": "FR96552100554", "modified_at": at("2026-01-01"),
     "employee_count": 40, "owner_id": "u1", "country_code": "FR"},
    {"source_record_id": "false", "name": "Right", "vat_number": "FR99552100554", "modified_at": at("2026-06-01"),
     "employee_count": 90, "owner_id": "u1", "country_code": "FR"},
)  # fmt: skip
# The same abroad: both have the shape of a German number, one of them its check digit.
SAME_ACCOUNT.append(set())
_plant(
    "crm_account", SAME_ACCOUNT,
    {"source_record_id": "recht", "name": "Recht", "vat_number": "DE136695976", "modified_at": at("2026-01-01"),
     "employee_count": 40, "owner_id": "u1", "country_code": "DE"},
    {"source_record_id": "falsch", "name": "Recht", "vat_number": "DE123456789", "modified_at": at("2026-06-01"),
     "employee_count": 90, "owner_id": "u1", "country_code": "DE"},
)  # fmt: skip
# Two valid numbers, two countries, two owners of one source, three sizes.
SAME_ACCOUNT.append(set())
_plant(
    "crm_account", SAME_ACCOUNT,
    {"source_record_id": "torn1", "name": "Torn", "registration_number": "552100554", "vat_number": "FR96552100554",
     "country_code": "FR", "employee_count": 400, "owner_id": "u1", "modified_at": at("2026-02-01")},
    {"source_record_id": "torn2", "name": "Torn", "registration_number": "732829320", "vat_number": "FR44732829320",
     "country_code": "BE", "employee_count": 50, "owner_id": "u2", "modified_at": at("2026-01-01")},
)  # fmt: skip
# The same differences, none of which matters: owner of another source, sizes of one band, VAT of two countries.
SAME_ACCOUNT.append(set())
_plant(
    "crm_account", SAME_ACCOUNT,
    {"source_record_id": "calm1", "name": "Calm", "vat_number": "FR96552100554", "country_code": "FR",
     "employee_count": 20, "owner_id": "u1", "modified_at": at("2026-02-01")},
    {"source_record_id": "calm2", "name": "Calm France", "vat_number": "DE136695976", "country_code": "FR",
     "employee_count": 60, "owner_id": "u1", "modified_at": at("2026-01-01")},
)  # fmt: skip
_plant(
    "crm_lead", SAME_ACCOUNT,
    {"source_record_id": "calm3", "company_name": "calm", "status": "new", "is_converted": False,
     "employee_count": 80, "owner_id": "u3", "country_code": "FR", "modified_at": at("2026-03-01")},
)  # fmt: skip
# A number that nobody has, and no other one.
SAME_ACCOUNT.append(set())
_plant(
    "crm_account", SAME_ACCOUNT,
    {"source_record_id": "lone_false_vat", "name": "Lone false VAT", "vat_number": "DE999999999",
     "country_code": "DE", "modified_at": at("2026-01-01")},
)  # fmt: skip
# Five accounts and three persons for the stewards.
ROWS["crm_account"] += [
    {"source_record_id": "set1", "name": "Set", "city": "Lille", "employee_count": 5, "is_strategic": True,
     "owner_id": "u1"},
    {"source_record_id": "set2", "name": "Set Two", "city": "Nice", "employee_count": 6},
    {"source_record_id": "set3", "name": "Set Three", "country_code": "FR", "owner_id": "u1"},
]  # fmt: skip
SAME_ACCOUNT.append(set())
_plant(
    "crm_account", SAME_ACCOUNT,
    {"source_record_id": "set4", "name": "Set Four", "country_code": "FR", "city": "Brest"},
    {"source_record_id": "set5", "name": "Set Four", "country_code": "BE", "city": "Gent"},
)  # fmt: skip
ROWS["crm_contact"] += [
    {"source_record_id": "yes", "last_name": "Yes", "email": "yes@acme.fr", "email_opt_out": True},
    {"source_record_id": "no", "last_name": "No", "email": "no@acme.fr", "email_opt_out": False},
]


def _override(number: int, entity: str, key: str, attribute: str, value: str, **other: object) -> dict:
    contract = "crm_account" if entity == "account" else "crm_contact"
    return {
        "decision_id": f"dec_{number}", "entity": entity, "record_key": f"crm/{contract}/{key}",
        "attribute": attribute, "value": value, "author": "ana", "reason": "seen",
        "decided_at": at(f"2026-05-{number:02d}"), "status": "active",
    } | other  # fmt: skip


OVERRIDES = [
    _override(1, "account", "set1", "city", "Roubaix"),
    _override(2, "account", "set1", "city", "Tourcoing"),  # the later one holds
    _override(3, "account", "set1", "employee_count", "1200"),
    _override(4, "account", "set1", "is_strategic", "false"),
    _override(5, "account", "set1", "owner_rep_id", "crm/crm_user/u3"),
    _override(6, "account", "set5", "country_code", "LU", status="to_confirm"),
    _override(7, "person", "yes", "is_email_opted_out", "false"),  # nobody takes a refusal back for her
    _override(8, "person", "no", "is_email_opted_out", "true"),
    _override(9, "person", "no", "last_name", "Noe"),
    # not in force
    _override(10, "account", "set2", "city", "Menton", status="expired"),
    # cannot be applied
    _override(11, "account", "set2", "employee_count", "many"),
    _override(12, "account", "set2", "colour", "red"),
    _override(13, "account", "set2", "is_customer", "true"),
    _override(14, "account", "set3", "owner_rep_id", "crm/crm_user/nobody"),
    _override(15, "account", "gone", "city", "Paris"),
    _override(16, "account", "set3", "city", " "),
    # one golden record, two of its records
    _override(17, "account", "set4", "city", "Quimper"),
    _override(18, "account", "set5", "city", "Ostende"),
]
UNUSABLE = {
    ("crm/crm_account/set2", "employee_count"), ("crm/crm_account/set2", "colour"),
    ("crm/crm_account/set2", "is_customer"), ("crm/crm_account/set3", "owner_rep_id"),
    ("crm/crm_account/gone", "city"), ("crm/crm_account/set3", "city"),
}  # fmt: skip
