"""A monthly file has come with a record of the month, not with the late or corrected records of others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from company_site import Site

from ingest import controls_month
from ingest.contract import load_contract

ERP = """
version: 1
source: {system: books}
defaults: {timezone: Europe/Paris, currency: EUR}
files:
  invoices: {path: "{date}/invoices*.csv", format: delimited, delimiter: ",", expected_columns: [Doc, Date, Changed]}
  lines: {path: "{date}/lines*.csv", format: delimited, delimiter: ",", expected_columns: [Doc, Line, Changed]}
tables:
  erp_invoice:
    from: invoices
    columns: {source_record_id: Doc, document_number: Doc, document_type: {const: invoice}, status: {const: posted},
      customer_id: {const: C1}, invoice_date: Date, net_amount: {const: 1}, modified_at: {source: Changed, type: date}}
  erp_invoice_line:
    from: lines
    columns: {source_record_id: {expr: "\\"Doc\\" || '/' || \\"Line\\""}, invoice_id: Doc, line_number: Line,
      net_amount: {const: 1}, modified_at: {source: Changed, type: date}}
"""
CALLS = """
version: 1
source: {system: pbx}
defaults: {timezone: Europe/Paris, phone_region: FR}
files:
  calls: {path: "{date}/calls*.csv", format: delimited, delimiter: ",", expected_columns: [Id, Start]}
tables:
  telephony_call_leg:
    from: calls
    columns: {source_record_id: Id, call_id: Id, direction: {const: inbound}, outcome: {const: answered},
      started_at: {source: Start, formats: ["%Y-%m-%d %H:%M"], timezone: Europe/Paris}}
"""
CRM = """
version: 1
source: {system: crm}
defaults: {timezone: Europe/Paris, phone_region: FR}
files:
  leads: {path: "{date}/leads*.csv", format: delimited, delimiter: ",", expected_columns: [Id, Created, Changed]}
tables:
  crm_lead:
    from: leads
    columns: {source_record_id: Id, status: {const: new}, is_converted: {const: false},
      created_at: {source: Created, formats: ["%Y-%m-%d"]}, modified_at: {source: Changed, formats: ["%Y-%m-%d"]}}
"""


def missed(site: Site) -> dict[str, bool]:
    """File key -> whether the month of the cycle is missed, as the gate and the trust of KPIs read it."""
    site.collect()
    found = dict(
        site.rows(
            "SELECT json_extract_string(params, '$.file'), status <> 'pass' FROM collect.control_results "
            "WHERE control = 'delivered_for_cycle'"
        )
    )
    marked = dict(site.rows("SELECT file_key, bool_or(is_missed) FROM collect.deliveries GROUP BY ALL"))
    assert marked == found
    return found


def sentences(site: Site) -> set[str]:
    rows = site.rows("SELECT code FROM collect.control_results WHERE control = 'delivered_for_cycle'")
    return {code for (code,) in rows}


def test_a_late_file_alone_is_no_delivery_of_the_month_it_came_in(site: Callable[..., Site]) -> None:
    where = site(CALLS)
    where.put("2026-05/calls.csv", "Id,Start\na,2026-05-04 10:00\n")
    where.put("2026-06/calls_late.csv", "Id,Start\nb,2026-04-30 10:00\n")
    assert missed(where) == {"calls": True} and sentences(where) == {"delivered_of_other_months"}
    where.put("2026-06/calls.csv", "Id,Start\nc,2026-06-30 23:59\n")
    assert missed(where) == {"calls": False}


@pytest.mark.parametrize(
    ("moment", "is_missed"),
    [
        ("2026-05-31 23:59", True), ("2026-06-01 00:00", False),
        ("2026-06-30 23:59", False), ("2026-07-01 00:00", True),
    ],
)  # fmt: skip
def test_the_month_is_that_of_the_zone_of_the_company(
    site: Callable[..., Site], moment: str, is_missed: bool
) -> None:
    where = site(CALLS)
    where.put("2026-06/calls.csv", f"Id,Start\na,{moment}\n")
    assert missed(where) == {"calls": is_missed}


def test_last_month_exported_again_under_this_month_is_no_delivery_of_it(site: Callable[..., Site]) -> None:
    where = site(CALLS)
    where.put("2026-05/calls.csv", "Id,Start\na,2026-05-04 10:00\n")
    where.put("2026-06/calls.csv", "Id,Start\na,2026-05-04 10:00\nb,2026-05-31 10:00\n")
    assert missed(where) == {"calls": True}


def test_corrections_of_an_earlier_month_are_no_delivery_though_they_were_made_in_this_one(
    site: Callable[..., Site],
) -> None:
    where = site(ERP)
    where.put("2026-05/invoices.csv", "Doc,Date,Changed\nF1,2026-05-03,2026-05-03\n")
    where.put("2026-05/lines.csv", "Doc,Line,Changed\nF1,1,2026-05-03\n")
    where.put("2026-06/invoices_corrections.csv", "Doc,Date,Changed\nF1,2026-05-03,2026-06-10\n")
    where.put("2026-06/lines_corrections.csv", "Doc,Line,Changed\nF1,1,2026-06-10\n")
    assert missed(where) == {"invoices": True, "lines": True}
    where.put("2026-06/invoices.csv", "Doc,Date,Changed\nF2,2026-06-03,2026-06-03\n")
    assert missed(where) == {"invoices": False, "lines": True}, "a line is of the month of its invoice"
    where.put("2026-06/lines.csv", "Doc,Line,Changed\nF2,1,2026-06-03\n")
    assert missed(where) == {"invoices": False, "lines": False}


def test_lines_without_any_invoice_to_date_them_come_by_their_folder(site: Callable[..., Site]) -> None:
    where = site(ERP)
    where.put("2026-06/lines.csv", "Doc,Line,Changed\nF2,1,2026-06-03\n")
    assert missed(where) == {"lines": False}


@pytest.mark.parametrize(
    ("created", "changed", "is_missed"),
    [
        ("2026-06-20", "2026-07-01", False),  # exported after a mass update of the next month
        ("2026-05-20", "2026-06-10", False),  # a change made in June is what June tells
        ("2026-05-20", "2026-07-01", True),
        ("2026-05-20", "2026-05-21", True),
    ],
)
def test_a_month_of_a_crm_is_told_by_what_was_created_or_changed_in_it(
    site: Callable[..., Site], created: str, changed: str, is_missed: bool
) -> None:
    where = site(CRM)
    where.put("2026-06/leads.csv", f"Id,Created,Changed\na,{created},{changed}\n")
    assert missed(where) == {"leads": is_missed}


def test_a_crm_that_exports_no_change_is_dated_by_its_folder(site: Callable[..., Site]) -> None:
    where = site(CRM.replace(', modified_at: {source: Changed, formats: ["%Y-%m-%d"]}', ""))
    where.put("2026-06/leads.csv", "Id,Created,Changed\na,2026-05-20,2026-06-10\n")
    assert missed(where) == {"leads": False}


def test_lines_whose_invoices_are_dated_by_what_no_mapping_fills_come_by_their_folder(
    site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    where = site(ERP)
    where.put("2026-06/invoices.csv", "Doc,Date,Changed\nF1,2026-06-03,2026-06-03\n")
    where.put("2026-06/lines.csv", "Doc,Line,Changed\nF1,1,2026-06-10\n")
    monkeypatch.setattr(
        controls_month, "load_contract", lambda name: replace(load_contract(name), event=("due_date",))
    )
    assert missed(where) == {"invoices": False, "lines": False}
