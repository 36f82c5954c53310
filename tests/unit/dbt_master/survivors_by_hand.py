"""Survivorship again, in plain Python, from the planted rows and rules.csv: what every golden cell must be and why.

What does NOT belong here: SQL, dbt, the package that writes the rules.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import planted_survivors as company
import yaml
from planted import REQUIRED_DEFAULTS, golden_id
from stdnum.eu import vat
from stdnum.fr import siren

RULES = Path(__file__).resolve().parents[3] / "orchestration" / "survivorship" / "rules.csv"
VOCABULARY = RULES.parents[1] / "matching" / "standardise" / "vocabulary.yml"
SENTINELS = {
    str(each) for each in yaml.safe_load(VOCABULARY.read_text(encoding="utf-8"))["sentinel_identifiers"]
}
FLAGS = {"is_strategic", "is_customer", "is_email_opted_out", "is_call_opted_out"}


@dataclass(frozen=True)
class Held:
    """A value as one record, or one decision, gives it. weakness: 0 good, 1 names nobody, 2 fails its check."""

    value: str
    record_key: str
    contract: str
    modified_at: datetime | None
    n_filled: int
    weakness: int = 0
    decision_id: str | None = None


@dataclass(frozen=True)
class Cell:
    """A golden value and where it comes from."""

    value: str
    record_key: str
    criterion: str
    n_records: int
    n_alternatives: int


def is_sentinel(value: str) -> bool:
    """Whether the digits of a number are those that stand for none."""
    return re.sub(r"\D", "", value) in SENTINELS


def is_valid(attribute: str, value: str) -> bool:
    """The check of one value; True for what has none."""
    if attribute == "registration_number":
        return siren.is_valid(value)
    if attribute == "vat_number":
        return vat.is_valid(value) and not is_sentinel(value)
    if attribute == "country_code":
        return len(value) == 2 and value.isalpha()
    return True


def records() -> dict[str, list[tuple[str, str, dict, datetime | None]]]:
    """entity -> (record_key, contract, attribute -> value, modified_at) of every planted record."""
    accounts = {
        key: golden_id("acc", min(group)) for group in company.SAME_ACCOUNT for key in group
    }  # fmt: skip
    found: dict[str, list] = {"account": [], "person": []}
    for contract, rows in company.ROWS.items():
        if contract == "crm_user":
            continue
        instance = "erp" if contract == "erp_customer" else "crm"
        for given in rows:
            row = REQUIRED_DEFAULTS | given
            key = f"{instance}/{contract}/{row['source_record_id']}"
            if contract != "crm_contact":
                found["account"].append((key, contract, _company(contract, row), row.get("modified_at")))
            if contract in ("crm_contact", "crm_lead"):
                home = key if contract == "crm_lead" else f"crm/crm_account/{row.get('account_id')}"
                home_id = accounts.get(home) or (golden_id("acc", home) if row.get("account_id") else None)
                found["person"].append((key, contract, _person(row, home_id), row.get("modified_at")))
    _spread_refusals(found["person"])
    return found


def _spread_refusals(people: list[tuple[str, str, dict, datetime | None]]) -> None:
    """Who shares an address or a mobile with somebody who refuses is refused too; calls not by a shared mailbox."""
    told = [dict(values) for _, _, values, _ in people]
    for _, _, values, _ in people:
        for other in told:
            is_same_address = values["email"] is not None and values["email"] == other["email"]
            is_same_mobile = not values["is_landline"] and values["phone"] == other["phone"] and (
                not other["is_landline"])  # fmt: skip
            is_shared = is_same_address and values["email"].split("@")[0] == "contact"
            if is_same_address and other["is_email_opted_out"] == "true":
                values["is_email_opted_out"] = "true"
            if other["is_call_opted_out"] == "true" and (
                is_same_mobile or (is_same_address and not is_shared)
            ):
                values["is_call_opted_out"] = "true"


def _company(contract: str, row: dict) -> dict:
    number, vat_number = row.get("registration_number"), row.get("vat_number")
    number = number if number and siren.is_valid(number) else None
    if (
        number is None
        and vat_number
        and vat_number.startswith("FR")
        and siren.is_valid(vat_number[4:])
        and not is_sentinel(vat_number)
    ):
        number = vat_number[4:]
    owner = row.get("owner_id")
    return {
        "account_name": row.get("name") or row.get("company_name"),
        "registration_number": number,
        "vat_number": vat_number if vat_number and is_valid("vat_number", vat_number) else None,
        "country_code": row.get("country_code"), "postal_code": row.get("postal_code"),
        "city": (row.get("city") or "").strip() or None, "industry": row.get("industry"),
        "employee_count": str(row["employee_count"]) if (row.get("employee_count") or 0) > 0 else None,
        "owner_rep_id": f"crm/crm_user/{owner}" if owner in ("u1", "u2", "u3") else None,
        "is_strategic": str(bool(row.get("is_strategic"))).lower(),
        "is_customer": str(contract == "erp_customer").lower(),
        "first_seen_on": row["created_at"].date().isoformat(),
    }  # fmt: skip


def _person(row: dict, account_id: str | None) -> dict:
    return {
        "first_name": row.get("first_name"), "last_name": row.get("last_name"), "email": row.get("email"),
        "phone": row.get("mobile") or row.get("phone"), "is_landline": not row.get("mobile"),
        "account_id": account_id,
        "is_email_opted_out": str(bool(row.get("email_opt_out"))).lower(),
        "is_call_opted_out": str(bool(row.get("call_opt_out"))).lower(),
        "first_seen_on": row["created_at"].date().isoformat(),
    }  # fmt: skip


def expected() -> dict[tuple[str, str], Cell]:
    """(golden id, attribute) -> the cell it must be."""
    rules = list(csv.DictReader(RULES.read_text(encoding="utf-8").splitlines()))
    cells: dict[tuple[str, str], Cell] = {}
    for entity, held in records().items():
        prefix, groups = (
            ("acc", company.SAME_ACCOUNT) if entity == "account" else ("per", company.SAME_PERSON)
        )
        leader = {key: min(group) for group in groups for key in group}
        golden: dict[str, list] = {}
        for record in held:
            golden.setdefault(leader.get(record[0], record[0]), []).append(record)
        own = [rule for rule in rules if rule["entity"] == entity]
        for first, members in golden.items():
            name = golden_id(prefix, first)
            for rule in own:
                cell = _cell(rule, _held(rule, own, members), _set(rule, members))
                if cell:
                    cells[name, rule["attribute"]] = cell
            day, key = min((values["first_seen_on"], key) for key, _, values, _ in members)
            cells[name, "first_seen_on"] = Cell(day, key, "earliest", len(members), 0)
            leads = [key for key, contract, _, _ in members if entity == "person" and contract == "crm_lead"]
            if leads:
                cells[name, "lead_id"] = Cell(f"lea_{name[4:]}", min(leads), "derived", len(leads), 0)
    return cells


def _held(rule: dict, rules: list[dict], members: list) -> list[Held]:
    attribute = rule["attribute"]
    found = []
    for key, contract, values, modified_at in members:
        value = values[attribute]
        if value is None:
            continue
        weakness = 0 if is_valid(attribute, value) else 2
        if attribute == "email" and value.startswith("contact@"):
            weakness = 1
        if attribute == "phone" and values["is_landline"]:
            weakness = 1
        n_filled = sum(values[each["attribute"]] is not None for each in rules)
        found.append(Held(value, key, contract, modified_at, n_filled, weakness))
    return found


def _set(rule: dict, members: list) -> list[Held]:
    """The last usable override of the cell."""
    keys = {key for key, *_ in members}
    found = [
        each for each in company.OVERRIDES
        if each["record_key"] in keys and each["attribute"] == rule["attribute"]
        and each["status"] in ("active", "to_confirm") and "override" in rule["criteria"]
        and (each["record_key"], each["attribute"]) not in company.UNUSABLE
    ]  # fmt: skip
    return [
        Held(each["value"], each["record_key"], "", each["decided_at"], 0, 0, each["decision_id"])
        for each in sorted(found, key=lambda each: each["decided_at"], reverse=True)
    ]


def _cell(rule: dict, held: list[Held], overrides: list[Held]) -> Cell | None:
    if not held and not overrides:
        return None
    criteria = [each.strip() for each in rule["criteria"].split(">")]
    sources = [each.strip() for each in rule["sources"].split(">")]
    agreement = {
        value: len({each.contract for each in held if each.value == value})
        for value in {each.value for each in held}
    }

    def age(each: Held) -> float:
        return -each.modified_at.timestamp() if each.modified_at else float("inf")

    def place(each: Held) -> int:
        return sources.index(each.contract) if each.contract in sources else len(sources)

    score = {
        "override": lambda each: each.decision_id is None,
        "validity": lambda each: each.weakness,
        "source_priority": lambda each: -1 if each.decision_id else place(each),
        "agreement": lambda each: -agreement[each.value] if not each.decision_id else 0,
        "recency": age,
        "completeness": lambda each: -each.n_filled,
        "any_true": lambda each: each.value != "true",
    }

    def key(each: Held) -> list:
        return [score[criterion](each) for criterion in criteria]

    ordered = sorted(
        [*overrides, *held],
        key=lambda each: [*key(each), bool(each.decision_id) and age(each), each.record_key],
    )
    if (
        rule["attribute"] in FLAGS and not overrides
    ):  # nothing to rank: the best record of those that raise it
        ordered.sort(key=lambda each: [each.value != "true", place(each), age(each), each.record_key])
    elif len({each.value for each in ordered}) == 1 and not overrides:
        ordered.sort(key=lambda each: [place(each), age(each), each.record_key])
    best = ordered[0]
    rival = next((each for each in ordered if each.value != best.value), None)
    if best.decision_id:
        criterion = "override"
    elif rival is None:
        criterion = "only_value"
    else:
        pairs = zip(criteria, key(best), key(rival), strict=True)
        criterion = next((name for name, one, other in pairs if one != other), "record_key")
    n_values = len({each.value for each in ordered})
    return Cell(best.value, best.record_key, criterion, len(held), n_values - 1)
