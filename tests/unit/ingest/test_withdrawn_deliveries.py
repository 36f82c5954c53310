"""Whole deliveries that count no more: a corrected file at the same path, and a delivery that a person rejects."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from company_site import LEAD_HEADER, LEADS, Site

from ingest import load_company
from ingest.contract import load_contract
from ingest.delivery_overview import DeliveryRow, decide, deliveries_of
from orchestration.fate import fates

DAY = dt.date(2026, 7, 1)
KEPT = (
    "SELECT source_record_id, last_name FROM raw.crm_lead r ANTI JOIN collect.dispositions d "
    "USING (_delivery_id, _source_row_id, _record_part) ORDER BY ALL"
)


def leads(**names: str) -> str:
    return LEAD_HEADER + "".join(
        f"{key},{key}@x.fr,Open,2026-06-01 10:00:00,{name}\n" for key, name in names.items()
    )


def listed(where: Site) -> dict[str, DeliveryRow]:
    return {row.delivery_id: row for row in deliveries_of(load_company(where.root))}


def one_of(where: Site, state: str) -> str:
    (found,) = [key for key, row in listed(where).items() if row.state == state]
    return found


@pytest.mark.parametrize("number", range(6))
def test_a_corrected_file_at_the_same_path_replaces_what_lay_there(
    site: Callable[..., Site], number: int
) -> None:
    """Six pairs of contents: a rule that compares hashes is right in half of them."""
    where = site(name=f"s{number}")
    where.put("2026-06/Leads.csv", leads(a=f"Wrong{number}", b="Surplus"))
    where.collect()
    where.put("2026-06/Leads.csv", leads(a=f"Right{number}"))
    report = where.collect()
    assert where.rows(KEPT) == [("a", f"Right{number}")], "the record that was taken out is gone too"
    old, new = one_of(where, "replaced"), one_of(where, "landed")
    assert listed(where)[old].n_kept == 0 and report.imbalances == ()
    assert where.rows(
        "SELECT DISTINCT _delivery_id, disposition, reason_code, winner_delivery_id FROM collect.dispositions"
    ) == [(old, "excluded", "replaced_delivery", new)]
    assert where.rows(
        f"SELECT value FROM collect.ledger_terms WHERE name = 'excluded' AND _delivery_id = '{old}'"
    ) == [(2,)]
    (told,) = fates(where.root / "work", "crm:b")
    assert (told.reason_code, told.winner) == ("replaced_delivery", "crm/2026-06/Leads.csv")
    where.put("2026-06/Leads.csv", leads(a=f"Wrong{number}", b="Surplus"))
    where.collect()
    assert where.rows(KEPT) == [("a", f"Wrong{number}"), ("b", "Surplus")], "and it can be put back"
    assert one_of(where, "replaced") == new


def test_what_reading_set_aside_in_a_replaced_file_waits_for_nobody(site: Callable[..., Site]) -> None:
    mapping = LEADS.replace("email: Email", "email: {source: Email, required: true}")
    where = site(mapping)
    where.put("2026-06/Leads.csv", leads(a="Ann").replace("a@x.fr", ""))
    where.collect()
    assert where.rows("SELECT reason_code FROM collect.dispositions") == [("required_value_missing",)]
    where.put("2026-06/Leads.csv", leads(a="Ann"))
    assert where.collect().imbalances == ()
    assert where.rows("SELECT disposition, reason_code FROM collect.dispositions") == [
        ("excluded", "replaced_delivery")
    ]


def test_a_content_that_is_refused_or_rejected_replaces_nothing(site: Callable[..., Site]) -> None:
    where = site()
    where.put("2026-06/Leads.csv", leads(a="Ann"))
    where.collect()
    where.put("2026-06/Leads.csv", "Other,Columns\n1,2\n")
    assert len(where.collect().refusals) == 1
    assert where.rows(KEPT) == [("a", "Ann")]
    where.put("2026-06/Leads.csv", leads(a="Bad"))
    where.collect()
    bad = one_of(where, "landed")
    decide(load_company(where.root), bad, "reject", "Ann Lee", "another company's", DAY)
    where.collect()
    assert where.rows(KEPT) == [("a", "Ann")] and listed(where)[bad].state == "rejected"


def test_a_file_that_was_taken_away_still_counts(site: Callable[..., Site]) -> None:
    where = site()
    path = where.put("2026-05/Leads.csv", leads(a="Ann"))
    where.collect()
    path.unlink()
    where.put("2026-06/Leads.csv", leads(b="Bob"))
    where.collect()
    assert where.rows(KEPT) == [("a", "Ann"), ("b", "Bob")]


def test_a_content_counts_at_the_places_where_it_still_lies(site: Callable[..., Site]) -> None:
    """The copy in June is corrected: June no longer vouches for what May says."""
    where = site()
    for month, name in (("04", "Old"), ("05", "April"), ("06", "Old")):
        where.put(f"2026-{month}/Leads.csv", leads(a=name))
    where.collect()
    assert where.rows(KEPT) == [("a", "Old")]
    where.put("2026-06/Leads.csv", leads(b="Bob"))
    where.collect()
    assert where.rows(KEPT) == [("a", "April"), ("b", "Bob")]
    state = where.rows(KEPT)
    shutil.rmtree(where.root / "work")
    where.collect()
    assert where.rows(KEPT) == state


def test_a_mapping_that_makes_the_correction_readable_lets_it_replace(site: Callable[..., Site]) -> None:
    """It was refused when it came, so the first look takes it for one that replaces nothing."""
    where = site()
    where.put("2026-06/Leads.csv", leads(a="Ann"))
    where.collect()
    where.put("2026-06/Leads.csv", leads(a="Bob").replace("Name\n", "Label\n"))
    assert len(where.collect().refusals) == 1
    text = (where.root / "mapping.yml").read_text(encoding="utf-8")
    text = text.replace("Created, Name]", "Created, Label]").replace("last_name: Name", "last_name: Label")
    (where.root / "mapping.yml").write_text(text, encoding="utf-8")
    assert where.collect().refusals == (), "what it replaces cannot be read any more, and need not be"
    assert where.rows(KEPT) == [("a", "Bob")]
    assert where.collect().landed == ()


def test_any_landed_delivery_is_rejected_and_taken_back(site: Callable[..., Site]) -> None:
    where = site()
    where.put("2026-05/Leads.csv", leads(a="Ann"))
    where.put("2026-06/Leads.csv", leads(a="Wrong", b="Wrong"))
    where.collect()
    before = where.state()
    (wrong,) = [key for key, row in listed(where).items() if "2026-06" in row.file_path]
    company = load_company(where.root)
    decide(company, wrong, "reject", "Ann Lee", "a test export", DAY)
    assert where.collect().imbalances == ()
    assert where.rows(KEPT) == [("a", "Ann")] and listed(where)[wrong].state == "rejected"
    assert where.rows("SELECT DISTINCT _delivery_id, disposition, reason_code FROM collect.dispositions") == [
        (wrong, "excluded", "delivery_rejected")
    ]
    status = "SELECT status, measured FROM collect.control_results WHERE control = 'delivered_for_cycle'"
    assert where.rows(status) == [("warn", "2026-05-31")], "the month has no delivery that counts"
    decide(company, wrong, "accept", "Ann Lee", "it was right", DAY)
    where.collect()
    assert where.state() == before


LOOKUP = LEADS.replace(
    "last_name: Name", "last_name: {lookup: {file: users, match: {Id: Name}, value: Label}}"
).replace(
    "tables:",
    '  users: {path: "users.csv", format: delimited, delimiter: ",", expected_columns: [Id, Label]KEY}\ntables:',
)


@pytest.mark.parametrize("key", ["", ", lookup_version: newest"])
@pytest.mark.parametrize("number", range(4))
def test_a_lookup_file_without_date_is_corrected_in_place(
    site: Callable[..., Site], key: str, number: int
) -> None:
    where = site(LOOKUP.replace("KEY", key), name=f"s{number}")
    where.put("2026-06/Leads.csv", leads(a="1"))
    where.put("users.csv", f"Id,Label\n1,old{number}\n")
    where.collect()
    where.put("users.csv", f"Id,Label\n1,new{number}\n")
    where.collect()
    assert where.rows(KEPT) == [("a", f"new{number}")]
    decide(load_company(where.root), one_of(where, "replaced"), "reject", "Ann Lee", "old", DAY)
    where.collect()
    assert where.rows(KEPT) == [("a", f"new{number}")]


def test_no_contract_orders_versions_by_the_time_of_its_event() -> None:
    """A later delivery corrects an event, also its time: only revisions and modification times go before it."""
    folder = Path(__file__).parents[3] / "ingest" / "contracts"
    orders = {path.stem: load_contract(path.stem).order_by for path in folder.glob("*.yml")}
    assert {name for order in orders.values() for name in order} == {"modified_at", "sequence"}


CALLS = """
version: 1
source: {system: pbx}
defaults: {timezone: Europe/Paris, phone_region: FR}
files:
  calls:
    path: "{date}/Calls.csv"
    format: delimited
    delimiter: ","
    expected_columns: [Id, Start]
tables:
  telephony_call_leg:
    from: calls
    columns:
      source_record_id: Id
      call_id: Id
      direction: {const: inbound}
      started_at: {source: Start, formats: ["%Y-%m-%d %H:%M:%S"]}
"""


def test_a_later_delivery_corrects_the_time_of_a_call(site: Callable[..., Site]) -> None:
    columns = [c for c in load_contract("telephony_call_leg").columns if c.required]
    filled = {"source_record_id", "call_id", "direction", "started_at"}
    more = "".join(
        f"      {c.name}: {{const: {c.values[0] if c.values else 1}}}\n"
        for c in columns
        if c.name not in filled
    )
    where = site(CALLS + more)
    where.put("2026-05/Calls.csv", "Id,Start\n1,2026-05-10 12:00:00\n")
    where.put("2026-06/Calls.csv", "Id,Start\n1,2026-05-10 10:00:00\n")
    where.collect()
    assert where.rows(KEPT.replace("crm_lead", "telephony_call_leg").replace("last_name", "started_at")) == [
        ("1", dt.datetime(2026, 5, 10, 8, 0))
    ]


def test_a_control_does_not_count_what_a_correction_replaced(site: Callable[..., Site]) -> None:
    """Replaced rows beside those of a correction that was cut would look like a full month."""
    where = site()
    many = {f"k{number}": "Ann" for number in range(40)}
    where.put("2026-05/Leads.csv", leads(**many))
    where.put("2026-06/Leads.csv", leads(**many | {"k9": "June"}))
    where.collect()
    volume = (
        "SELECT status, measured, previous FROM collect.control_results "
        "WHERE control = 'volume_leads' AND level = 'warn'"
    )
    assert where.rows(volume) == [("pass", "40", "40")]
    where.put("2026-06/Leads.csv", leads(k0="Ann", k1="Ann", k2="Eve"))
    where.collect()
    assert where.rows(volume) == [("warn", "3", "40")]
