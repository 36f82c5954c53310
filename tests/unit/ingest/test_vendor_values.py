"""Values that the real extracts at hand do not hold: signs, units, test mode, machines, states of a call.

A file gets the columns that its mapping reads, and fillers up to the column count that it declares.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from company_site import VendorSite
from vendor_layouts import table

from ingest.conversion import used_names
from ingest.mapping import MAPPINGS, build_mapping
from ingest.strict_yaml import read_yaml

Rows = list[dict[str, str]]


def site(tmp_path: Path, name: str, **given: Rows) -> VendorSite:
    """A company of one shipped mapping; files that are not given have a header and no row."""
    mapping = build_mapping(name, read_yaml(MAPPINGS / f"{name}.yml"))
    files = {}
    for key, spec in mapping.model.files.items():
        rows = given.get(key, [])
        if isinstance(spec.header, list):
            header, written = spec.header, []
        else:
            header = sorted(used_names(mapping, key) | {column for row in rows for column in row})
            if spec.declared_columns:
                header = spec.declared_columns
            else:
                (count, *_) = spec.expected_columns or [0]
                header += [f"filler_{i}" for i in range(int(count) - len(header))]
            written = header
        path = spec.paths[0].replace("**/", "").replace("*", "")
        files[path] = table(written, [[row.get(column, "") for column in header] for row in rows])
    return VendorSite(tmp_path / "site", name, {path: content for path, content in files.items() if content})


def test_stripe_keeps_test_mode_out_and_counts_months(tmp_path: Path) -> None:
    subscription = {
        "customer_id": "cus",
        "start_date": "2026-01-31 23:30:00",
        "status": "active",
        "livemode": "true",
    }
    plan = {"amount": "120000", "currency": "eur", "interval_count": "1", "livemode": "true"}
    item = {"_fivetran_synced": "2026-02-01 00:00:00", "quantity": "2"}
    found = site(
        tmp_path,
        "stripe_fivetran",
        subscriptions=[
            subscription | {"id": "live"},
            subscription | {"id": "test", "livemode": "false"},
            subscription | {"id": "unpaid", "status": "unpaid"},
            subscription | {"id": "incomplete", "status": "incomplete"},
        ],
        plans=[plan | {"id": "year", "interval": "year"}, plan | {"id": "week", "interval": "week"}],
        items=[
            item | {"id": "1", "plan_id": "year", "subscription_id": "live"},
            item | {"id": "2", "plan_id": "year", "subscription_id": "test"},
            item | {"id": "3", "plan_id": "year", "subscription_id": "unpaid"},
            item | {"id": "4", "plan_id": "year", "subscription_id": "incomplete"},
            item | {"id": "5", "plan_id": "week", "subscription_id": "live"},
        ],
    )
    assert found.kept(
        "erp_subscription",
        "source_record_id, status, started_on::text, billing_period_months, unit_amount, quantity, currency",
    ) == [
        ("1", "active", "2026-01-31", 12, Decimal("1200"), Decimal("2"), "EUR"),
        ("3", "past_due", "2026-01-31", 12, Decimal("1200"), Decimal("2"), "EUR"),
    ]
    assert found.not_kept() == [
        ("erp_subscription", "kept_out_by_mapping", 1),
        ("erp_subscription", "required_value_missing", 1),
        ("erp_subscription", "test_record", 1),
    ]


def test_recurly_credit_invoices_are_negative_and_canceled_runs_to_its_end(tmp_path: Path) -> None:
    invoice = {
        "account_id": "a",
        "created_at": "2026-06-01 10:00:00",
        "number": "7",
        "state": "paid",
        "currency": "EUR",
    }
    subscription = {
        "account_id": "a", "plan_id": "p", "created_at": "2026-06-01 10:00:00", "currency": "EUR", "subtotal": "90",
        "current_period_started_at": "2026-06-01 10:00:00",
    }  # fmt: skip
    found = site(
        tmp_path,
        "recurly_fivetran",
        plans=[{"id": "p", "code": "P", "name": "Plan", "interval_unit": "months", "interval_length": "3"}],
        invoices=[
            invoice | {"id": "1", "type": "charge", "subtotal": "100", "discount": "10", "tax": "18"},
            invoice | {"id": "2", "type": "credit", "subtotal": "50", "discount": "0", "tax": "10"},
            invoice | {"id": "3", "type": "credit", "subtotal": "-50", "discount": "0", "tax": "-10"},
        ],
        subscriptions=[
            subscription | {"id": "1", "state": "canceled", "expires_at": "2026-09-01 10:00:00"},
            subscription | {"id": "2", "state": "active", "trial_ends_at": "2026-06-15 10:00:00"},
            subscription | {"id": "3", "state": "expired", "expires_at": "2026-06-02 10:00:00"},
        ],
    )
    assert found.kept("erp_invoice", "document_type, net_amount, tax_amount, gross_amount") == [
        ("credit_note", Decimal(-50), Decimal(-10), Decimal(-60)),
        ("credit_note", Decimal(-50), Decimal(-10), Decimal(-60)),
        ("invoice", Decimal(90), Decimal(18), Decimal(108)),
    ]
    assert found.kept(
        "erp_subscription", "source_record_id, status, ended_on::text, billing_period_months, unit_amount"
    ) == [
        ("1", "active", "2026-09-01", 3, Decimal(90)),
        ("2", "trialing", None, 3, Decimal(90)),
        ("3", "canceled", "2026-06-02", 3, Decimal(90)),
    ]


def test_zuora_negative_invoices_are_credit_notes_and_included_tax_is_taken_off(tmp_path: Path) -> None:
    invoice = {
        "account_id": "a",
        "invoice_date": "2026-06-01",
        "transaction_currency": "EUR",
        "status": "Posted",
    }
    item = {"invoice_id": "1", "charge_amount": "120", "tax_amount": "20"}
    charge = {
        "account_id": "a", "charge_type": "Recurring", "mrr": "10", "effective_start_date": "2026-06-01",
        "transaction_currency": "EUR",
    }  # fmt: skip
    found = site(
        tmp_path,
        "zuora_fivetran",
        invoices=[
            invoice
            | {
                "id": "1",
                "invoice_number": "I1",
                "amount": "120",
                "amount_without_tax": "100",
                "balance": "120",
            },
            invoice
            | {
                "id": "2",
                "invoice_number": "I2",
                "amount": "-12",
                "amount_without_tax": "-10",
                "balance": "0",
            },
        ],
        items=[
            item | {"id": "1", "tax_mode": "TaxInclusive"},
            item | {"id": "2", "tax_mode": "TaxExclusive"},
        ],
        subscriptions=[{"id": "s1", "status": "Draft"}, {"id": "s2", "status": "Cancelled"}],
        charges=[
            charge | {"id": "1", "subscription_id": "s1"},
            charge | {"id": "2", "subscription_id": "s2"},
        ],
    )
    assert found.kept("erp_invoice", "document_number, document_type, status, net_amount") == [
        ("I1", "invoice", "posted", Decimal(100)),
        ("I2", "credit_note", "paid", Decimal(-10)),
    ]
    assert found.kept("erp_invoice_line", "source_record_id, net_amount") == [
        ("1", Decimal(100)),
        ("2", Decimal(120)),
    ]
    assert found.kept("erp_subscription", "source_record_id, status") == [("2", "canceled")]


def test_sap_sides_classes_and_deletion_flag(tmp_path: Path) -> None:
    key = {"mandt": "800", "bukrs": "3000", "belnr": "0100000001", "gjahr": "2026"}
    line = key | {"dmbtr": "119.00", "koart": "S"}
    found = site(
        tmp_path,
        "sap_fivetran",
        customers=[
            {"mandt": "800", "kunnr": "0000000042", "name1": "Lune", "name2": "SA", "loevm": "X", "vbund": "000900",
             "_fivetran_deleted": "false"},
        ],
        headers=[key | {"budat": "20260605", "bldat": "20260604", "blart": "DR", "hwaer": "EUR", "xblnr": "R1"}],
        lines=[
            line | {"buzei": "001", "koart": "D", "shkzg": "S", "hkont": "0000140000", "kunnr": "0000000042"},
            line | {"buzei": "002", "shkzg": "H", "hkont": "0000800000", "dmbtr": "100.00"},
            line | {"buzei": "003", "shkzg": "H", "hkont": "0000175000", "dmbtr": "19.00"},
            line | {"buzei": "004", "shkzg": "S", "hkont": "0000888000", "dmbtr": "0.00"},
        ],
    )  # fmt: skip
    assert found.kept(
        "erp_ledger_entry",
        "line_number, account_class, debit, credit, customer_code, entry_date::text, currency",
    ) == [
        (1, "receivable", Decimal(119), Decimal(0), "0000000042", "2026-06-05", "EUR"),
        (2, "revenue", Decimal(0), Decimal(100), None, "2026-06-05", "EUR"),
        (3, "vat_collected", Decimal(0), Decimal(19), None, "2026-06-05", "EUR"),
        (4, "rebate", Decimal(0), Decimal(0), None, "2026-06-05", "EUR"),
    ]
    assert found.kept("erp_customer", "code, name, is_deleted, is_intercompany") == [
        ("0000000042", "Lune SA", True, True)
    ]


def test_sage_intacct_adjustments_and_drafts(tmp_path: Path) -> None:
    invoice = {
        "customerid": "C1", "customername": "Lune", "whencreated": "2026-06-01", "currency": "EUR", "state": "Posted",
        "totaldue": "0",
    }  # fmt: skip
    entry = {
        "accountno": "40000",
        "batch_no": "1",
        "line_no": "1",
        "entry_date": "2026-06-01",
        "debitamount": "0",
    }
    found = site(
        tmp_path,
        "sage_intacct_fivetran",
        invoices=[
            invoice | {"recordno": "1", "recordid": "I1", "recordtype": "ri", "totalentered": "100",
                       "totalpaid": "100"},
            invoice | {"recordno": "2", "recordid": "A1", "recordtype": "ra", "totalentered": "-10", "totalpaid": "0"},
            invoice | {"recordno": "3", "recordid": "P1", "recordtype": "rp", "totalentered": "90", "totalpaid": "0"},
        ],
        entries=[
            entry | {"recordno": "1", "creditamount": "100", "entry_state": "P"},
            entry | {"recordno": "2", "creditamount": "900", "entry_state": "D"},
        ],
    )  # fmt: skip
    assert found.kept("erp_invoice", "document_number, document_type, status, net_amount") == [
        ("A1", "credit_note", "posted", Decimal(-10)),
        ("I1", "invoice", "paid", Decimal(100)),
    ]
    assert found.kept("erp_ledger_entry", "source_record_id, account_class, credit") == [
        ("1", "revenue", Decimal(100))
    ]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"direction": "outbound-api", "status": "completed", "answered_by": "human"}, ("outbound", "answered", 9)),
        ({"direction": "outbound-api", "status": "completed", "answered_by": "machine_start"},
         ("outbound", "machine", 9)),
        ({"direction": "outbound-dial", "status": "no-answer"}, ("outbound", "no_answer", None)),
        ({"direction": "outbound-dial", "status": "busy"}, ("outbound", "busy", None)),
        ({"direction": "inbound", "status": "failed"}, ("inbound", "failed", None)),
    ],
)  # fmt: skip
def test_twilio_outcomes(tmp_path: Path, call: dict[str, str], expected: tuple) -> None:
    row = call | {"id": "CA2", "parent_call_id": "CA1", "from": "33180000000", "to": "33123456789", "duration": "9",
                  "start_time": "2026-06-01 08:00:00.000000 UTC"}  # fmt: skip
    found = site(tmp_path, "twilio_fivetran", calls=[row])
    outside = "+33180000000" if call["direction"] == "inbound" else "+33123456789"
    assert found.kept("telephony_call_leg", "direction, outcome, talk_s, call_id, external_phone") == [
        (*expected, "CA1", outside)
    ]


def test_freeswitch_as_written_by_the_server(tmp_path: Path) -> None:
    call = {
        "caller_id_number": "1002",
        "start": "2026-06-01 08:00:01",
        "end": "2026-06-01 08:01:00",
        "duration": "59",
    }
    found = site(
        tmp_path,
        "freeswitch",
        calls=[
            call | {"uuid": "1", "context": "default", "destination_number": "0123456789",
                    "answer": "2026-06-01 08:00:09", "billsec": "51", "hangup_cause": "NORMAL_CLEARING"},
            call | {"uuid": "2", "context": "default", "destination_number": "0123456789", "billsec": "0",
                    "hangup_cause": "USER_BUSY"},
            call | {"uuid": "3", "context": "public", "destination_number": "1002", "caller_id_number": "0611223344",
                    "billsec": "0", "hangup_cause": "ORIGINATOR_CANCEL"},
        ],
    )  # fmt: skip
    assert found.kept(
        "telephony_call_leg", "direction, external_phone, started_at::text, talk_s, outcome"
    ) == [
        ("inbound", "+33611223344", "2026-06-01 08:00:01", 0, "abandoned"),
        ("outbound", "+33123456789", "2026-06-01 08:00:01", 0, "busy"),
        ("outbound", "+33123456789", "2026-06-01 08:00:01", 51, "answered"),
    ]


def test_mailchimp_bounces_and_people_who_open(tmp_path: Path) -> None:
    row = {
        "campaign_id": "c",
        "member_id": "0cc175b9c0f1b6a831c399e269772661",
        "timestamp": "2026-06-01 08:00:00",
    }
    found = site(
        tmp_path,
        "mailchimp_fivetran",
        activity=[
            row | {"action": "open", "ip": "192.0.2.7"},
            row | {"action": "open", "ip": "66.249.93.1"},
            row | {"action": "open", "ip": "66.249.200.1"},
            row | {"action": "bounce", "bounce_type": "hard"},
            row | {"action": "bounce", "bounce_type": "soft", "ip": "192.0.2.7"},
        ],
    )
    assert [kind for (kind,) in found.kept("email_event", "event_type")] == [
        "bounced_hard", "bounced_soft", "opened", "opened", "opened_machine",
    ]  # fmt: skip
    assert found.journal() == []


def test_iterable_proxy_opens_and_hard_bounces(tmp_path: Path) -> None:
    row = {"email": "ada@lune.example", "created_at": "2026-06-01 08:00:00", "message_id": "m"}
    names = [
        "emailSend",
        "emailOpen",
        "emailClick",
        "emailBounce",
        "emailComplaint",
        "emailUnSubscribe",
        "pushOpen",
    ]
    events = [row | {"_fivetran_id": name, "event_name": name} for name in names]
    events += [
        row | {"_fivetran_id": "proxy", "event_name": "emailOpen"},
        row | {"_fivetran_id": "hard", "event_name": "emailBounce", "recipient_state": "HardBounce"},
    ]
    found = site(
        tmp_path,
        "iterable_fivetran",
        events=events,
        extensions=[{"_fivetran_id": "proxy", "proxy_source": "Apple"}],
    )
    assert dict(found.kept("email_event", "source_record_id, event_type")) == {
        "emailSend": "sent",
        "emailOpen": "opened",
        "emailClick": "clicked",
        "emailBounce": "bounced_soft",
        "emailComplaint": "complained",
        "emailUnSubscribe": "unsubscribed",
        "proxy": "opened_machine",
        "hard": "bounced_hard",
    }
    assert found.not_kept() == [("email_event", "kept_out_by_mapping", 1)]


def test_klaviyo_kinds(tmp_path: Path) -> None:
    kinds = [
        "Opened Email",
        "Clicked Email",
        "Bounced Email",
        "Marked Email as Spam",
        "Unsubscribed",
        "Placed Order",
    ]
    row = {"PERSON_ID": "p", "CAMPAIGN_ID": "c", "DATETIME": "2026-06-01 08:00:00.000"}
    events = [row | {"ID": kind, "TYPE": kind} for kind in kinds]
    events.append(row | {"ID": "hard", "TYPE": "Bounced Email", "PROPERTY_BOUNCE_TYPE": "Hard"})
    found = site(
        tmp_path, "klaviyo_fivetran", events=events, persons=[{"ID": "p", "EMAIL": "Ada@Lune.example"}]
    )
    assert dict(found.kept("email_event", "source_record_id, event_type")) == {
        "Opened Email": "opened",
        "Clicked Email": "clicked",
        "Bounced Email": "bounced_soft",
        "Marked Email as Spam": "complained",
        "Unsubscribed": "unsubscribed",
        "hard": "bounced_hard",
    }
    assert {mail for (mail,) in found.kept("email_event", "recipient_email")} == {"ada@lune.example"}
    assert (found.journal(), found.not_kept()) == ([], [("email_event", "kept_out_by_mapping", 1)])


def test_pardot_clicks_count_in_mails_only(tmp_path: Path) -> None:
    row = {"prospect_id": "p", "created_at": "2026-06-01 08:00:00 UTC", "list_email_id": "m"}
    codes = ["6", "11", "12", "13", "14", "16", "35", "36", "37", "20"]
    activities = [row | {"id": code, "type": code, "type_name": "Email"} for code in codes]
    activities += [
        row | {"id": "mail click", "type": "1", "type_name": "Email"},
        row | {"id": "other click", "type": "1", "type_name": "Custom Redirect"},
    ]
    found = site(tmp_path, "pardot_fivetran", activities=activities)
    assert dict(found.kept("email_event", "source_record_id, event_type")) == {
        "6": "sent", "11": "opened", "12": "unsubscribed", "13": "bounced_hard", "14": "complained",
        "16": "resubscribed", "35": "unsubscribed", "36": "bounced_hard", "37": "resubscribed", "mail click": "clicked",
    }  # fmt: skip
    assert found.journal() == []


def test_marketing_cloud_kinds(tmp_path: Path) -> None:
    row = {"event_date": "2026-06-01T20:00:00", "send_id": "9", "subscriber_key": "K1"}
    kinds = ["Open", "Click", "Unsubscribe", "Complaint", "HardBounce", "SoftBounce", "Survey"]
    events = [row | {"id": kind, "event_type": kind} for kind in kinds]
    events.append(row | {"id": "hard", "event_type": "Bounce", "bounce_category": "Hard bounce"})
    found = site(
        tmp_path,
        "salesforce_marketing_cloud_fivetran",
        events=events,
        subscribers=[{"subscriber_key": "K1", "email_address": "ada@lune.example"}],
    )
    assert dict(found.kept("email_event", "source_record_id, event_type")) == {
        "Open": "opened",
        "Click": "clicked",
        "Unsubscribe": "unsubscribed",
        "Complaint": "complained",
        "HardBounce": "bounced_hard",
        "SoftBounce": "bounced_soft",
        "hard": "bounced_hard",
    }
    assert set(found.kept("email_event", "recipient_email, occurred_at::text")) == {
        ("ada@lune.example", "2026-06-02 02:00:00")
    }
