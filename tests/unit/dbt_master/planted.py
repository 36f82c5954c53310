"""A hand-made company as raw rows: each record is there for one sentence of test_*.py.

What does NOT belong here: building the warehouse (conftest.py). Rows name only the columns that matter.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from decimal import Decimal

D = Decimal


def at(text: str) -> datetime:
    """UTC instant of an ISO text."""
    return datetime.fromisoformat(text)


def on(text: str) -> date:
    return date.fromisoformat(text)


def golden_id(prefix: str, record_key: str) -> str:
    """The golden id of the cluster led by record_key, as the stub of matching mints it."""
    return f"{prefix}_{hashlib.sha256(record_key.encode()).hexdigest()[:12]}"


SIREN = "552100554"  # valid Luhn
OWN = "own.example"

ROWS: dict[str, list[dict]] = {
    "crm_user": [
        {"source_record_id": "u1", "full_name": "Ana", "email": f"ana@{OWN}", "phone_extension": "201"},
        {"source_record_id": "u2", "full_name": "Bob", "email": f"bob@{OWN}", "phone_extension": "202"},
    ],
    "crm_account": [
        {"source_record_id": "a1", "name": "S.A.S. Éclair & Fils", "registration_number": f"{SIREN}00013",
         "website": "https://www.eclair.fr/contact", "accountancy_code": "c-001", "owner_id": "u1",
         "employee_count": 40, "phone": "+33100000001", "modified_at": at("2026-01-01"), "city": "Paris"},
        {"source_record_id": "a1bis", "name": "ECLAIR ET FILS", "registration_number": "123456789",
         "employee_count": 90, "is_strategic": True, "modified_at": at("2026-02-01")},
        {"source_record_id": "child", "name": "Child GmbH", "parent_account_id": "a1"},
        {"source_record_id": "grandchild", "name": "Grandchild", "parent_account_id": "child"},
        {"source_record_id": "loop1", "name": "Loop One", "parent_account_id": "loop2"},
        {"source_record_id": "loop2", "name": "Loop Two", "parent_account_id": "loop1"},
        {"source_record_id": "gone", "name": "Gone", "is_deleted": True},
        {"source_record_id": "merged", "name": "Merged", "is_deleted": True, "merged_into_id": "a1"},
        {"source_record_id": "self", "name": "Own company", "website": f"www.{OWN}"},
    ],
    "crm_contact": [
        {"source_record_id": "k1", "account_id": "a1", "first_name": "Léa", "last_name": "Roux",
         "email": "lea@eclair.fr", "phone": "+33100000001", "mobile": "+33600000001"},
        {"source_record_id": "k2", "account_id": "a1", "first_name": "Marc", "last_name": "Roy",
         "email": "marc@eclair.fr", "phone": "+33100000001", "call_opt_out": True},
    ],
    "crm_lead": [
        # golden person p_hot: two records, the second converted on the day it was created (date only)
        {"source_record_id": "l1", "email": "hot@client.fr", "phone": "+33600000010",
         "company_name": "Client SARL",
         "status": "contacted", "is_converted": False, "created_at": at("2026-05-04 10:00:00"),
         "channel_code": "inbound", "owner_id": "u1", "employee_count": 300},
        {"source_record_id": "l2", "email": "hot@client.fr", "company_name": "Client", "status": "converted",
         "is_converted": True, "created_at": at("2026-05-06 09:00:00"),
         "converted_at": at("2026-05-04 00:00:00"), "converted_at_precision": "day",
         "converted_opportunity_id": "o1", "owner_id": "u2"},
        {"source_record_id": "l3", "email": "cold@autre.fr", "phone": "+33600000030", "status": "new",
         "is_converted": False, "created_at": at("2026-05-10"), "email_opt_out": True},
        {"source_record_id": "test", "first_name": "Test", "last_name": "TEST", "status": "new",
         "is_converted": False},
        {"source_record_id": "staff", "email": f"eve@{OWN}", "status": "new", "is_converted": False},
        {"source_record_id": "deleted", "email": "x@y.fr", "status": "new", "is_converted": False,
         "is_deleted": True},
        {"source_record_id": "aside", "email": "aside@y.fr", "status": "new", "is_converted": False},
    ],
    "erp_customer": [
        {"source_record_id": "c1", "code": "C001", "name": "Eclair", "vat_number": f"FR 96 {SIREN}"},
        {"source_record_id": "c2", "code": "C002", "name": "Client SARL"},
        {"source_record_id": "c3", "code": "C003", "name": "Own subsidiary", "is_intercompany": True},
    ],
    "erp_product": [
        {"source_record_id": "p1", "code": "LIC", "name": "Licence", "family": "Software",
         "is_recurring": True},
    ],
    "exchange_rate": [
        {"source_record_id": "r1", "rate_date": on("2026-04-01"), "from_currency": "USD",
         "to_currency": "EUR",
         "rate": D("0.9")},
        {"source_record_id": "r2", "rate_date": on("2026-05-01"), "from_currency": "USD",
         "to_currency": "EUR",
         "rate": D("0.8")},
        # May has two more: one of a later day, one of the same day under a later id. Neither is used.
        {"source_record_id": "r0", "rate_date": on("2026-05-20"), "from_currency": "USD", "to_currency": "EUR",
         "rate": D("0.7")},
        {"source_record_id": "r3", "rate_date": on("2026-05-01"), "from_currency": "USD", "to_currency": "EUR",
         "rate": D("0.75")},
    ],
    "erp_invoice": [
        {"source_record_id": "i1", "document_number": "F1", "document_type": "invoice", "status": "posted",
         "customer_id": "c1", "invoice_date": on("2026-04-20"), "currency": "USD", "net_amount": D("100")},
        {"source_record_id": "i2", "document_number": "A1", "document_type": "credit_note",
         "status": "posted",
         "customer_id": "c1", "invoice_date": on("2026-06-20"), "currency": "USD", "net_amount": D("-10")},
        {"source_record_id": "i3", "document_number": "F3", "document_type": "invoice", "status": "draft",
         "customer_id": "c1", "invoice_date": on("2026-06-20"), "currency": "EUR", "net_amount": D("7")},
        {"source_record_id": "i4", "document_number": "F4", "document_type": "invoice", "status": "paid",
         "customer_id": "c3", "invoice_date": on("2026-06-20"), "currency": "JPY", "net_amount": D("500")},
    ],
    "erp_invoice_line": [
        {"source_record_id": "i1-1", "invoice_id": "i1", "line_number": 1, "product_id": "p1",
         "net_amount": D("60"), "cost_amount": D("24")},
        {"source_record_id": "i1-2", "invoice_id": "i1", "line_number": 2, "product_id": "none",
         "net_amount": D("40"), "is_recurring": False},
        {"source_record_id": "i2-1", "invoice_id": "i2", "line_number": 1, "net_amount": D("-10")},
        {"source_record_id": "i3-1", "invoice_id": "i3", "line_number": 1, "net_amount": D("7")},
        {"source_record_id": "i4-1", "invoice_id": "i4", "line_number": 1, "net_amount": D("500"),
         "cost_amount": D("1")},
        {"source_record_id": "i9-1", "invoice_id": "i9", "line_number": 1, "net_amount": D("3")},
    ],
    "erp_ledger_entry": [
        {"source_record_id": "g1", "journal_code": "VE", "entry_number": "1", "line_number": 1,
         "entry_date": on("2026-04-20"), "account_number": "411000", "account_class": "receivable",
         "customer_code": "C001", "customer_name": "ECLAIR ET FILS", "debit": D("120"), "credit": D("0"),
         "is_opening": False},
        {"source_record_id": "g2", "journal_code": "VE", "entry_number": "1", "line_number": 2,
         "entry_date": on("2026-04-20"), "account_number": "706000", "account_class": "revenue",
         "debit": D("0"), "credit": D("100"), "is_opening": False},
        {"source_record_id": "g3", "journal_code": "VE", "entry_number": "0", "line_number": 3,
         "entry_date": on("2026-04-21"), "account_number": "709000", "account_class": "rebate",
         "debit": D("5"), "credit": D("0"), "is_opening": False},
        {"source_record_id": "g4", "journal_code": "AN", "entry_number": "9", "line_number": 4,
         "entry_date": on("2026-01-01"), "account_number": "706000", "account_class": "revenue",
         "customer_code": "c 001",
         "customer_name": "SOLDE D OUVERTURE DE L EXERCICE", "debit": D("0"), "credit": D("999"), "is_opening": True},
    ],
    "erp_subscription": [
        # c1: 120 a year from January, then an upgrade that does not close it; ends in May; back in June
        {"source_record_id": "s1", "customer_id": "c1", "product_id": "p1", "status": "canceled",
         "started_on": on("2026-01-10"), "ended_on": on("2026-05-15"), "end_reason_code": "price",
         "billing_period_months": 12,
         "unit_amount": D("120"), "currency": "EUR"},
        {"source_record_id": "s2", "customer_id": "c1", "product_id": "p1", "status": "canceled",
         "started_on": on("2026-03-01"), "ended_on": on("2026-05-15"), "end_reason_code": "competitor",
         "billing_period_months": 1,
         "unit_amount": D("10"), "quantity": D("3"), "discount_amount": D("5"), "currency": "EUR"},
        {"source_record_id": "s3", "customer_id": "c1", "product_id": "p1", "status": "active",
         "started_on": on("2026-06-30"), "billing_period_months": 1, "unit_amount": D("20"),
         "currency": "USD"},
        # from February in dollars, whose first rate is of April
        {"source_record_id": "s5", "customer_id": "c3", "product_id": "p1", "status": "active",
         "started_on": on("2026-02-10"), "billing_period_months": 1, "unit_amount": D("20"), "currency": "USD"},
        {"source_record_id": "trial", "customer_id": "c2", "status": "trialing",
         "started_on": on("2026-01-01"),
         "billing_period_months": 1, "unit_amount": D("99"), "currency": "EUR"},
        {"source_record_id": "test", "customer_id": "c2", "status": "active", "started_on": on("2026-01-01"),
         "billing_period_months": 1, "unit_amount": D("99"), "currency": "EUR", "is_test": True},
        # ends on the last day of March: not active at that month end
        {"source_record_id": "s4", "customer_id": "c2", "status": "canceled", "started_on": on("2026-02-01"),
         "ended_on": on("2026-03-31"), "billing_period_months": 1, "unit_amount": D("7"), "currency": "EUR"},
    ],
    "crm_opportunity": [
        {"source_record_id": "o1", "account_id": "a1", "stage": "Won", "stage_code": "won", "status": "won",
         "amount": D("1000"), "currency": "USD", "owner_id": "u2", "created_at": at("2026-04-10 15:00:00"),
         "closed_at": at("2026-05-16 15:00:00"), "has_champion": True,
         "has_metrics": False},
        {"source_record_id": "o2", "account_id": "none", "stage": "Proposal", "stage_code": "proposal",
         "status": "open", "amount": D("50"), "currency": "EUR", "created_at": at("2026-05-01")},
        {"source_record_id": "o3", "account_id": "a1", "stage": "Lost", "stage_code": "lost",
         "status": "lost",
         "amount": D("1"), "currency": "JPY", "created_at": at("2026-05-02 11:00:00"),
         "closed_at": at("2026-05-02 00:00:00"), "closed_at_precision": "day"},
        {"source_record_id": "o4", "stage": "Lost", "status": "lost", "currency": "EUR", "is_deleted": True,
         "has_identified_pain": True,
         "created_at": at("2026-05-02")},
    ],
    "crm_opportunity_event": [
        {"source_record_id": "whole", "opportunity_id": "o1", "changed_at": at("2026-04-10 15:00:00"),
         "field": "stage", "stage_code": "prospecting", "amount": D("900"),
         "expected_close_date": on("2026-05-10"), "forecast_category": "pipeline"},
        {"source_record_id": "pushed", "opportunity_id": "o1", "changed_at": at("2026-04-14 15:00:00"),
         "field": "close_date", "new_value": "2026-05-16"},
        {"source_record_id": "typed", "opportunity_id": "o1", "changed_at": at("2026-04-15 15:00:00"),
         "field": "amount", "new_value": "about 10"},
    ] + [
        {"source_record_id": f"e{i}", "opportunity_id": opp, "changed_at": at(when), "field": field,
         "stage_code": stage, "new_value": "1000.5" if field == "amount" else stage}
        for i, (opp, when, field, stage) in enumerate([
            ("o1", "2026-04-12 15:00:00", "stage", "prospecting"),
            ("o1", "2026-04-13 15:00:00", "amount", None),
            ("o1", "2026-04-20 15:00:00", "stage", "proposal"),
            ("o1", "2026-04-21 15:00:00", "stage", "prospecting"),
            ("o1", "2026-05-01 15:00:00", "stage", "proposal"),
            ("o4", "2026-05-02 15:00:00", "stage", "lost"),
            ("missing", "2026-05-02 15:00:00", "stage", "lost"),
        ])
    ],
    "telephony_call_leg": [
        # call 1: queue leg without answer, then the seller talks for 40 s
        {"source_record_id": "t1", "call_id": "call1", "leg_number": 1, "direction": "outbound",
         "external_phone": "+33600000010", "agent_key": "201", "started_at": at("2026-05-04 11:00:00"),
         "ended_at": at("2026-05-04 11:00:20"), "duration_s": 20, "talk_s": 0, "outcome": "no_answer"},
        {"source_record_id": "t2", "call_id": "call1", "leg_number": 2, "direction": "outbound",
         "external_phone": "+33600000010", "agent_key": "202", "started_at": at("2026-05-04 11:00:20"),
         "ended_at": at("2026-05-04 11:01:10"), "duration_s": 50, "talk_s": 40, "outcome": "answered"},
        {"source_record_id": "t3", "call_id": "call2", "direction": "outbound",
         "external_phone": "+33100000001",
         "agent_key": "201", "started_at": at("2026-05-05 11:00:00"), "talk_s": 9, "outcome": "answered"},
        {"source_record_id": "t4", "call_id": "call3", "direction": "inbound",
         "external_phone": "+33699999999",
         "agent_key": "201", "started_at": at("2026-05-06 11:00:00"), "talk_s": 60, "outcome": "answered"},
        {"source_record_id": "t5", "call_id": "call4", "direction": "internal", "agent_key": "201",
         "started_at": at("2026-05-06 12:00:00"), "talk_s": 60, "outcome": "answered"},
        {"source_record_id": "t6", "call_id": "call5", "direction": "outbound",
         "external_phone": "+33600000030",
         "agent_key": "999", "started_at": at("2026-05-11 11:00:00"), "outcome": "failed"},
        {"source_record_id": "t7", "call_id": "call6", "direction": "outbound", "external_phone": None,
         "agent_key": "202", "started_at": at("2026-05-12 11:00:00"), "outcome": "voicemail"},
        {"source_record_id": "t8", "call_id": "call7", "direction": "outbound",
         "external_phone": "+33600000010", "agent_key": "201", "started_at": at("2026-05-20 11:00:00"),
         "talk_s": 30, "outcome": "answered"},
        {"source_record_id": "t9", "call_id": "call8", "direction": "outbound",
         "external_phone": "+33600000010", "agent_key": "201", "started_at": at("2026-05-21 11:00:00"),
         "talk_s": 30, "outcome": "answered"},
        {"source_record_id": "t10", "call_id": "twice", "direction": "internal",
         "started_at": at("2026-05-14 10:00:00"), "outcome": "answered"},
        {"source_record_id": "t11", "call_id": "twice", "source_instance": "pbx_south",
         "direction": "internal", "started_at": at("2026-05-14 10:00:00"), "outcome": "answered"},
    ],
    "email_event": [
        {"source_record_id": f"m{i}", "message_id": message, "recipient_email": to, "event_type": kind,
         "occurred_at": at(when), "sender_email": f"ana@{OWN}", "is_automated": automated,
         "template_id": "d-1" if automated else None}
        for i, (message, to, kind, when, automated) in enumerate([
            ("m1", "hot@client.fr", "sent", "2026-05-05 08:00:00", False),
            ("m1", "hot@client.fr", "delivered", "2026-05-05 08:00:05", False),
            ("m1", "hot@client.fr", "opened_machine", "2026-05-05 08:00:06", False),
            ("m1", "hot@client.fr", "replied", "2026-05-05 09:00:00", False),
            ("m1", "cold@autre.fr", "sent", "2026-05-05 08:00:00", False),
            ("m1", "cold@autre.fr", "delivered", "2026-05-05 08:00:05", False),
            ("m1", "cold@autre.fr", "bounced_hard", "2026-05-05 08:05:00", False),
            ("bulk", "hot@client.fr", "sent", "2026-05-07 08:00:00", True),
            ("bulk", "hot@client.fr", "delivered", "2026-05-07 08:01:00", True),
            ("bulk", "hot@client.fr", "complained", "2026-05-09 10:00:00", True),
            ("bulk", "hot@client.fr", "complained", "2026-05-07 10:00:00", True),
            ("bulk", "hot@client.fr", "unsubscribed", "2026-05-08 09:00:00", True),
            ("bulk", "hot@client.fr", "unsubscribed", "2026-05-07 09:30:00", True),
            ("bulk", "stranger@else.fr", "blocked", "2026-05-07 08:00:00", True),
            ("bulk", f"bob@{OWN}", "sent", "2026-05-07 08:00:00", True),
        ])
    ],
    "crm_account_event": [
        {"source_record_id": f"ev{n}", "account_id": None, "registration_number": number, "event_kind": "funding",
         "occurred_on": on("2026-02-03")}
        for n, number in enumerate(["552 100 554", "552100554 00013", "552100554", "552100555"])
    ],
    "calendar_event": [
        {"source_record_id": "v1", "uid": "uid1", "organizer_email": f"bob@{OWN}", "status": "confirmed",
         "starts_at": at("2026-05-08 14:00:00"), "ends_at": at("2026-05-08 15:00:00")},
        {"source_record_id": "v1copy", "uid": "uid1", "organizer_email": f"bob@{OWN}", "status": "confirmed",
         "starts_at": at("2026-05-08 14:00:00"), "ends_at": at("2026-05-08 15:00:00")},
        {"source_record_id": "v2", "uid": "uid2", "organizer_email": f"bob@{OWN}", "status": "confirmed",
         "starts_at": at("2026-07-08 14:00:00"), "ends_at": at("2026-07-08 15:00:00")},
    ],
    "calendar_attendee": [
        {"source_record_id": "w1", "event_key": "v1", "email": "hot@client.fr", "response": "accepted"},
        {"source_record_id": "w1c", "event_key": "v1copy", "email": "hot@client.fr", "response": "accepted"},
        {"source_record_id": "w2", "event_key": "v1", "email": f"ana@{OWN}", "response": "accepted"},
        {"source_record_id": "w3", "event_key": "v2", "email": "hot@client.fr", "response": "accepted"},
        {"source_record_id": "w4", "event_key": "lost", "email": "cold@autre.fr", "response": "none"},
        {"source_record_id": "w5", "event_key": "v2", "email": "z.martin@client.fr", "response": "accepted",
         "display_name": "Martin, Zoé"},
        {"source_record_id": "w6", "event_key": "v2", "email": "contact@client.fr", "response": "accepted",
         "display_name": "contact@client.fr"},
    ],
    "crm_activity": [
        {"source_record_id": "x1", "activity_type": "call", "direction": "outbound", "person_type": "lead",
         "person_id": "l1", "owner_id": "u1", "occurred_at": at("2026-05-09"), "external_call_id": "call1"},
        {"source_record_id": "x2", "activity_type": "call", "direction": "outbound", "person_type": "lead",
         "person_id": "l2", "owner_id": "u1", "occurred_at": at("2026-05-20 11:05:00")},
        {"source_record_id": "x3", "activity_type": "call", "direction": "outbound", "person_type": "lead",
         "person_id": "l1", "owner_id": "u1", "occurred_at": at("2026-05-20 11:05:01"), "duration_s": 30},
        {"source_record_id": "x4", "activity_type": "email", "person_type": "lead", "person_id": "l1",
         "owner_id": "u1", "occurred_at": at("2026-05-05"), "occurred_at_precision": "day"},
        {"source_record_id": "x5", "activity_type": "social", "direction": "outbound", "person_type": "lead",
         "person_id": "l3", "owner_id": "u2", "occurred_at": at("2026-05-11 10:00:00")},
        {"source_record_id": "x6", "activity_type": "note", "occurred_at": at("2026-05-11 10:00:00")},
        {"source_record_id": "x7", "activity_type": "call", "direction": "inbound", "person_type": "lead",
         "person_id": "l3", "occurred_at": at("2026-05-12 10:00:00")},
        {"source_record_id": "x8", "activity_type": "email", "direction": "outbound", "person_type": "lead",
         "person_id": "l3", "occurred_at": at("2026-05-12 10:00:00"), "is_automated": True},
        {"source_record_id": "x9", "activity_type": "call", "direction": "outbound", "person_type": "lead",
         "person_id": "l3", "occurred_at": at("2026-05-12 11:00:30"), "external_call_id": "call6"},
        # two tasks beside one call, and two of one day without a time beside one mail
        {"source_record_id": "x11", "activity_type": "call", "direction": "outbound", "person_type": "lead",
         "person_id": "l1", "occurred_at": at("2026-05-21 11:02:00"), "duration_s": 30},
        {"source_record_id": "x12", "activity_type": "call", "direction": "outbound", "person_type": "lead",
         "person_id": "l1", "occurred_at": at("2026-05-21 11:01:00"), "duration_s": 30},
        {"source_record_id": "x13", "activity_type": "email", "person_type": "lead", "person_id": "l1",
         "owner_id": "u1", "occurred_at": at("2026-05-05"), "occurred_at_precision": "day"},
        # answered; named by an id that two telephony instances use
        {"source_record_id": "x14", "activity_type": "call", "direction": "inbound", "person_type": "lead",
         "person_id": "l3", "occurred_at": at("2026-05-13 10:00:00"), "duration_s": 60},
        {"source_record_id": "x15", "activity_type": "call", "direction": "outbound", "person_type": "lead",
         "person_id": "l3", "occurred_at": at("2026-05-14 10:00:00"), "external_call_id": "twice"},
        {"source_record_id": "x10", "activity_type": "sms", "direction": "outbound", "is_deleted": True,
         "occurred_at": at("2026-05-12 11:00:30")},
    ],
}  # fmt: skip

REQUIRED_DEFAULTS = {"created_at": at("2026-01-01"), "is_opening": False}

# Which records matching would put together; every other record is its own golden entity.
SAME_ACCOUNT = [{"crm/crm_account/a1", "crm/crm_account/a1bis", "crm/crm_account/merged",
"erp/erp_customer/c1", "erp/ledger_customer/C001"},
                {"crm/crm_lead/l1", "crm/crm_lead/l2", "erp/erp_customer/c2"}]  # fmt: skip
SAME_PERSON = [{"crm/crm_lead/l1", "crm/crm_lead/l2"}]

DOMAIN_INSTANCE = {"crm": "crm", "erp": "erp", "finance": "erp", "telephony": "pbx", "emailing": "mail",
                   "calendar": "cal", "survey": "survey", "product": "product", "social": "social"}  # fmt: skip
SET_ASIDE = [("crm_lead", "aside")]
