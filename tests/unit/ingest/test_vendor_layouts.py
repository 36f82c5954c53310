"""Vendors of whom no real extract is at hand: planted files of the documented layout give the planted rows.

Both locales of a vendor must give the same canonical rows, and nothing may be journalled unless planted.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import vendor_layouts
from company_site import VendorSite

JUNE_1 = "2026-06-01 "


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_hubspot_export(tmp_path: Path, locale: str) -> None:
    site = VendorSite(tmp_path / "site", "hubspot_export", vendor_layouts.hubspot(locale))
    # 01:30 on 29 March is before the change of clocks: still +01:00.
    assert site.kept(
        "crm_lead",
        "source_record_id, email, phone, company_name, status, is_converted, converted_opportunity_id, "
        "created_at::text, created_at_precision",
    ) == [
        ("101", "ada@lune.example", "+33123456789", "Lune SA", "new", False, None, "2026-03-29 00:30:00", "minute"),
        ("102", "bob@mars.example", None, None, "converted", True, "901", "2026-06-10 07:14:00", "minute"),
    ]  # fmt: skip
    assert site.kept("crm_contact", "source_record_id, account_id") == [
        ("101", "501"),
        ("102", None),
        ("103", None),
    ]
    assert site.kept("crm_user", "source_record_id") == [("Al Nord",), ("Jo Vente",)]
    assert site.kept(
        "crm_opportunity",
        "source_record_id, account_id, status, stage_code, amount, closed_at::text, owner_id",
    ) == [
        ("901", "501", "won", "won", Decimal("1200.5000"), "2026-06-20 15:45:00", "Jo Vente"),
        ("902", None, "open", None, None, None, "Al Nord"),
    ]
    assert site.journal() == []
    assert site.not_kept() == [
        ("crm_lead", "kept_out_by_mapping", 1),
        ("crm_user", "exact_duplicate", 2),
        ("crm_user", "kept_out_by_mapping", 1),
    ]


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_pipedrive(tmp_path: Path, locale: str) -> None:
    site = VendorSite(tmp_path / "site", "pipedrive", vendor_layouts.pipedrive(locale))
    assert site.kept(
        "crm_opportunity", "source_record_id, account_id, status, amount, currency, closed_at::text"
    ) == [
        ("7", "3", "won", Decimal("1200.0000"), "EUR", "2026-06-20 09:00:00"),
        ("8", None, "open", None, "USD", None),
    ]
    assert site.kept("crm_contact", "source_record_id, account_id, email, phone") == [
        ("5", "3", "ada@lune.example", "+33123456789")
    ]
    assert site.kept(
        "crm_activity",
        "source_record_id, activity_type, person_type, person_id, account_id, opportunity_id, occurred_at::text",
    ) == [("21", "call", "contact", "5", "3", "7", "2026-06-03 14:05:00")]
    assert site.journal() == [("crm_opportunity", "account_id", "lookup_not_found", "Nobody knows")]
    assert site.not_kept() == [
        ("crm_activity", "kept_out_by_mapping", 1),
        ("crm_user", "exact_duplicate", 3),
    ]
    assert site.kept("crm_user", "full_name") == [("Jo Vente",)]


def test_sellsy(tmp_path: Path) -> None:
    site = VendorSite(tmp_path / "site", "sellsy", vendor_layouts.sellsy())
    assert site.kept(
        "crm_opportunity",
        "source_record_id, account_id, status, stage_code, amount, probability, created_at::text, closed_at::text, "
        "expected_close_date::text",
    ) == [
        ("OPP-1", "Lune SA", "won", "won", Decimal("12345.6000"), Decimal("0.9000"), "2026-05-03 00:00:00",
         None, "2026-06-20"),
        ("OPP-2", "Lune SA", "open", None, None, Decimal("0.1000"), "2026-06-04 00:00:00", None, "2026-09-30"),
    ]  # fmt: skip
    assert site.kept("crm_account", "source_record_id, name") == [("Lune SA", "Lune SA")]
    assert site.journal() == []
    assert site.not_kept() == [("crm_account", "exact_duplicate", 1)]


def test_odoo(tmp_path: Path) -> None:
    site = VendorSite(tmp_path / "site", "odoo", vendor_layouts.odoo())
    assert site.kept("crm_lead", "source_record_id, email, company_name, status") == [
        ("__export__.crm_lead_1_a1", "bob@mars.example", "Mars SARL", "new")
    ]
    # date_open moves with every change of owner: no first assignment
    assert site.kept("crm_lead", "assigned_at") == [(None,)]
    # An archived opportunity is a lost one.
    assert site.kept("crm_opportunity", "source_record_id, status, amount, lost_reason, closed_at::text") == [
        ("__export__.crm_lead_2_a1", "won", Decimal("1200.5000"), None, "2026-06-20 09:00:00"),
        ("__export__.crm_lead_3_a1", "lost", Decimal("300.0000"), "Too expensive", "2026-06-21 09:00:00"),
    ]
    assert site.kept(
        "erp_invoice", "document_number, document_type, status, net_amount, original_document_id, currency"
    ) == [
        ("FAC/2026/0001", "invoice", "paid", Decimal("1000.0000"), None, "EUR"),
        ("RFAC/2026/0001", "credit_note", "posted", Decimal("-100.0000"), "m1", "EUR"),
    ]
    assert site.kept("crm_account", "name, registration_number, accountancy_code, phone") == [
        ("Lune SA", "552100554", "C0042", "+33123456789")
    ]
    assert site.kept("erp_customer", "code, registration_number, postal_code") == [
        ("C0042", "552100554", "01000")
    ]
    assert site.kept("crm_contact", "email, mobile, account_id") == [
        ("ada@lune.example", "+33611223344", "p1")
    ]
    assert site.journal() == []
    assert site.not_kept() == [
        ("crm_account", "kept_out_by_mapping", 1),
        ("crm_contact", "kept_out_by_mapping", 1),
        ("crm_lead", "kept_out_by_mapping", 2),
        ("crm_opportunity", "kept_out_by_mapping", 1),
        ("erp_customer", "kept_out_by_mapping", 1),
        ("erp_invoice", "kept_out_by_mapping", 1),
        ("erp_invoice", "supplier_document", 1),
    ]


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_dolibarr(tmp_path: Path, locale: str) -> None:
    site = VendorSite(tmp_path / "site", "dolibarr", vendor_layouts.dolibarr(locale))
    # Two payments of one invoice are one invoice.
    assert site.kept("erp_invoice", "document_number, document_type, status, net_amount, tax_amount") == [
        ("AV2606-0001", "credit_note", "posted", Decimal("-100.0000"), Decimal("-20.0000")),
        ("FA2606-0001", "invoice", "paid", Decimal("1000.0000"), Decimal("200.0000")),
    ]
    assert site.kept("erp_customer", "code, registration_number, postal_code") == [
        ("411LUNE", "552100554", "01000")
    ]
    assert site.journal() == []
    assert site.not_kept() == [("erp_customer", "exact_duplicate", 2), ("erp_invoice", "exact_duplicate", 1)]


LEG = "source_record_id, direction, external_phone, agent_key, started_at::text, duration_s, talk_s, outcome"


def test_aircall(tmp_path: Path) -> None:
    site = VendorSite(tmp_path / "site", "aircall", vendor_layouts.aircall())
    # Ringing counts in duration, not in the talk time.
    assert site.kept("telephony_call_leg", LEG) == [
        ("9000000000000001", "outbound", "+33123456789", "jo@own.example", JUNE_1 + "08:00:00", 100, 60, "answered"),
        ("9000000000000002", "inbound", "+33611223344", "jo@own.example", JUNE_1 + "08:03:20", 30, None, "voicemail"),
        ("9000000000000003", "inbound", None, None, JUNE_1 + "08:05:00", 10, None, "abandoned"),
    ]  # fmt: skip
    assert site.journal() == []
    assert site.not_kept() == [("telephony_call_leg", "kept_out_by_mapping", 1)]


def test_ringover(tmp_path: Path) -> None:
    site = VendorSite(tmp_path / "site", "ringover", vendor_layouts.ringover())
    assert site.kept("telephony_call_leg", LEG) == [
        ("1", "outbound", "+33123456789", "jo@own.example", JUNE_1 + "08:00:00.12", 140, 120, "answered"),
        ("2", "inbound", "+33611223344", None, JUNE_1 + "09:00:00", 30, 0, "voicemail"),
    ]
    assert (site.journal(), site.not_kept()) == ([], [])


def test_threecx(tmp_path: Path) -> None:
    site = VendorSite(tmp_path / "site", "threecx", vendor_layouts.threecx())
    assert site.kept("telephony_call_leg", LEG) == [
        ("H1", "outbound", "+33123456789", "101", JUNE_1 + "08:00:00", None, 3665, "answered"),
        ("H2", "inbound", "+33611223344", "101", JUNE_1 + "10:00:00", None, 12, "voicemail"),
        ("H3", "internal", None, "101", JUNE_1 + "11:00:00", None, None, "abandoned"),
    ]
    assert (site.journal(), site.not_kept()) == ([], [])


def test_google_calendar(tmp_path: Path) -> None:
    site = VendorSite(tmp_path / "site", "google_calendar", vendor_layouts.google_calendar())
    assert site.kept("calendar_event", "starts_at::text, ends_at::text, is_all_day, status") == [
        ("2026-06-04 08:00:00", "2026-06-04 09:30:00", False, "confirmed"),
        ("2026-06-05 00:00:00", "2026-06-05 00:00:00", True, "confirmed"),
    ]
    assert (site.journal(), site.not_kept()) == ([], [])


def test_google_calendar_api(tmp_path: Path) -> None:
    site = VendorSite(tmp_path / "site", "google_calendar_api", vendor_layouts.google_calendar_api())
    assert site.kept(
        "calendar_event", "uid, recurrence_id, starts_at::text, ends_at::text, is_all_day, status, sequence"
    ) == [
        ("d1", None, "2026-06-05 00:00:00", "2026-06-06 00:00:00", True, "confirmed", None),
        ("e1@google.com", None, "2026-06-04 08:00:00", "2026-06-04 09:30:00", False, "confirmed", 1),
        ("s1@google.com", "2026-06-10T10:00:00+02:00", "2026-06-11 08:00:00", None, False, "cancelled", 0),
    ]
    assert site.kept("calendar_attendee", "source_record_id, event_key, email, response") == [
        ("e1:ada@lune.example", "e1", "ada@lune.example", "accepted"),
        ("e1:jo@own.example", "e1", "jo@own.example", "none"),
    ]
    assert site.journal() == []
    assert site.not_kept() == [("calendar_attendee", "kept_out_by_mapping", 3)]


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_outlook_calendar(tmp_path: Path, locale: str) -> None:
    site = VendorSite(tmp_path / "site", f"outlook_calendar_{locale}", vendor_layouts.outlook(locale))
    assert site.kept("calendar_event", "starts_at::text, ends_at::text, is_all_day, status, organizer_email") == [
        ("2026-06-04 08:00:00", "2026-06-04 09:30:00", False, "tentative", "jo@own.example"),
        ("2026-06-05 00:00:00", "2026-06-05 00:00:00", True, "confirmed", None),
    ]  # fmt: skip
    # Names are no addresses; those of both lists that are belong to the meeting.
    assert site.kept("calendar_attendee", "email, response") == [
        ("al@own.example", "none"),
        ("bob@mars.example", "none"),
        ("jo@own.example", "none"),
    ]
    (meeting,) = [
        key
        for key, is_all_day in site.kept("calendar_event", "source_record_id, is_all_day")
        if not is_all_day
    ]
    assert site.kept("calendar_attendee", "DISTINCT event_key") == [(meeting,)]
    assert site.journal() == []
    assert site.not_kept() == [("calendar_attendee", "kept_out_by_mapping", 3)]


def test_dynamics365_labels_come_from_the_string_map(tmp_path: Path) -> None:
    site = VendorSite(tmp_path / "site", "dynamics365", vendor_layouts.dynamics365_with_labels())
    assert site.kept("crm_lead", "source_record_id, lead_source") == [("l1", "Web"), ("l2", "Trade fair")]
    assert (site.journal(), site.not_kept()) == ([], [])


def test_dynamics365(tmp_path: Path) -> None:
    site = VendorSite(tmp_path / "site", "dynamics365", vendor_layouts.dynamics365())
    assert site.kept(
        "crm_lead",
        "source_record_id, status, is_converted, converted_opportunity_id, country_code, lead_source",
    ) == [
        ("l1", "converted", True, "o1", "FR", "Web"),
        ("l2", "disqualified", False, None, "CH", "100000"),
    ]
    assert site.kept(
        "crm_opportunity",
        "status, stage, amount, currency, probability, closed_at::text, closed_at_precision",
    ) == [
        ("won", "4-Close", Decimal("1200.5000"), "EUR", Decimal("0.9000"), "2026-06-20 00:00:00", "day"),
    ]
    assert site.kept("crm_account", "source_record_id, merged_into_id, is_deleted, employee_count") == [
        ("a1", None, False, 250),
        ("a2", "a1", True, None),
    ]
    assert site.kept("crm_contact", "email_opt_out, call_opt_out, mobile") == [(True, False, "+33611223344")]
    assert site.kept("crm_user", "full_name, is_active") == [("Jo Vente", True)]
    assert (site.journal(), site.not_kept()) == ([], [])


def test_odoo_invoices_with_their_lines(tmp_path: Path) -> None:
    site = VendorSite(tmp_path / "site", "odoo", vendor_layouts.odoo_with_lines())
    assert site.kept("erp_invoice", "source_record_id, document_type, net_amount") == [
        ("m1", "invoice", Decimal(1000)),
        ("m2", "credit_note", Decimal(-100)),
    ]
    assert site.kept(
        "erp_invoice_line", "source_record_id, invoice_id, line_number, quantity, net_amount"
    ) == [
        ("l1", "m1", 10, Decimal(2), Decimal(600)),
        ("l2", "m1", 20, Decimal(1), Decimal(400)),
        ("l4", "m2", 10, Decimal(-1), Decimal(-100)),
    ]
    assert site.journal() == []
    assert [row for row in site.not_kept() if row[0].startswith("erp_invoice")] == [
        ("erp_invoice", "kept_out_by_mapping", 2),
        ("erp_invoice", "supplier_document", 1),
        ("erp_invoice_line", "kept_out_by_mapping", 1),
        ("erp_invoice_line", "supplier_document", 1),
    ]


@pytest.mark.parametrize("form", ["", "_zip"])
def test_marketing_cloud_tracking_extract(tmp_path: Path, form: str) -> None:
    files = getattr(vendor_layouts, f"marketing_cloud{form}")()
    site = VendorSite(tmp_path / "site", f"salesforce_marketing_cloud{form}", files)
    # 20:00 of the system is 02:00 UTC of the next day, in June and in December alike.
    assert site.kept("email_event", "event_type, recipient_email, occurred_at::text, message_id, reason") == [
        ("bounced_hard", "bob@mars.example", "2026-06-02 02:00:05", "900:1:K2", "user unknown"),
        ("clicked", "ada@lune.example", "2026-06-02 02:10:00", "900:1:K1", None),
        ("clicked", "ada@lune.example", "2026-06-02 02:10:00", "900:1:K1", None),
        ("opened", "ada@lune.example", "2026-12-02 02:00:00", "900:1:K1", None),
        ("sent", "ada@lune.example", "2026-06-02 02:00:00", "900:1:K1", None),
        ("sent", "bob@mars.example", "2026-06-02 02:00:00", "900:1:K2", None),
    ]
    assert (site.journal(), site.not_kept()) == ([], [])
