"""Real extracts of mailing systems, ERPs and CRMs: the figures counted again with the csv module must come out.

test_real_vendors.py proves that every line of these files is accounted for.
"""

from __future__ import annotations

import csv
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from real_extracts import (
    SAMPLES,
    Collected,
    needs_vendor_samples,
    open_collected,
    records,
    total,
    write_company,
)

from ingest import collect

pytestmark = needs_vendor_samples


@pytest.fixture(scope="module")
def collected(collected_vendors: Collected) -> Collected:
    return collected_vendors


# ---------------------------------------------------------------- e-mailing


def test_mailchimp_proxy_opens_are_no_readers_and_members_give_the_addresses(collected: Collected) -> None:
    activity = records("mailchimp", "campaign_recipient_activity.csv")
    automation = records("mailchimp", "automation_recipient_activity.csv")
    proxies = ("64.233.", "66.102.", "66.249.")
    opens = [row for row in activity + automation if row["action"] == "open"]
    machine = [row for row in opens if row["ip"].startswith(proxies)]
    assert any(row["ip"] == "64.233.172.68" for row in machine)
    assert dict(collected.tally("event_type", "email_event", "mailchimp")) == {
        "sent": len(records("mailchimp", "campaign_recipient.csv")),
        "opened_machine": len(machine),
        **({"opened": len(opens) - len(machine)} if len(opens) > len(machine) else {}),
        "clicked": sum(row["action"] == "click" for row in activity + automation),
        "unsubscribed": 1,
    }
    addresses = {row["id"]: row["email_address"] for row in records("mailchimp", "member.csv")}
    wanted = {addresses.get(row["member_id"], row["member_id"] + "@hashed.invalid") for row in activity}
    found = collected.rows(
        "SELECT DISTINCT recipient_email FROM email_event WHERE source_instance = 'mailchimp' "
        "AND event_type <> 'sent' AND campaign_id = 'c2b4c1c0d9'"
    )
    assert {address for (address,) in found} == wanted
    assert (
        collected.value(
            "SELECT DISTINCT occurred_at::text FROM email_event "
            "WHERE source_instance = 'mailchimp' AND event_type = 'sent'"
        )
        == (records("mailchimp", "campaign.csv")[0]["send_time"])
    )


def test_postmark_events_keep_their_offset_and_suppressions_count_once(collected: Collected) -> None:
    assert dict(collected.tally("event_type", "email_event", "postmark")) == {
        "bounced_hard": 1,
        "delivered": 1,
        "opened": 1,
        "clicked": 1,
        "complained": 1,
        "unsubscribed": 1,
        "resubscribed": 1,
    }
    # 13:28:10 at -04:00, and 15:21:11 UTC.
    dated = collected.rows(
        "SELECT event_type, date_trunc('second', occurred_at)::text FROM email_event "
        "WHERE source_instance = 'postmark' AND event_type IN ('delivered', 'clicked')"
    )
    assert set(dated) == {("delivered", "2014-08-01 17:28:10"), ("clicked", "2017-10-25 15:21:11")}


def test_mailjet_events_are_typed_and_long_ids_keep_every_digit(collected: Collected) -> None:
    assert dict(collected.tally("event_type", "email_event", "mailjet")) == {
        "delivered": 1,
        "opened": 1,
        "opened_machine": 1,
        "bounced_soft": 1,
        "blocked": 1,
        "complained": 1,
        "unsubscribed": 1,
    }
    assert collected.rows(
        "SELECT DISTINCT message_id, occurred_at::text FROM email_event WHERE source_instance = 'mailjet'"
    ) == [("12345678901234567", "2017-06-22 01:05:27")]


def test_marketing_cloud_times_are_six_hours_behind_utc_in_winter_and_summer(collected: Collected) -> None:
    expected = sorted(
        (row["id"], row["event_date"].replace("T", " "))
        for row in records("salesforce_marketing_cloud", "event_data.csv")
    )
    found = collected.rows(
        "SELECT source_record_id, (occurred_at - INTERVAL 6 HOUR)::text FROM email_event "
        "WHERE source_instance = 'sfmc' ORDER BY 1"
    )
    assert found == expected
    assert {date[5:7] for _, date in expected} == {"10", "12"}
    assert collected.tally("event_type", "email_event", "sfmc") == [("sent", 5)]


def test_pardot_activities_follow_their_codes(collected: Collected) -> None:
    codes = Counter(row["type"] for row in records("pardot", "pardot_visitor_activity_data.csv"))
    assert set(codes) == {"8", "9", "10", "12", "14", "35", "36"}
    assert dict(collected.tally("event_type", "email_event", "pardot")) == {
        "unsubscribed": codes["12"] + codes["35"],
        "bounced_hard": codes["36"],
        "complained": codes["14"],
    }
    deals = records("pardot", "pardot_opportunity_data.csv")
    by_status = Counter(row["status"].lower() for row in deals)
    assert dict(collected.tally("status", "crm_opportunity", "pardot")) == dict(by_status)
    assert collected.row(
        "SELECT sum(amount), min(closed_at)::date::text, max(closed_at)::date::text, "
        "count(*) FILTER (WHERE closed_at_precision = 'day') FROM crm_opportunity "
        "WHERE source_instance = 'pardot'"
    ) == (
        total(deals, "value"),
        min(row["closed_at"] for row in deals)[:10],
        max(row["closed_at"] for row in deals)[:10],
        100,
    )
    assert {row["closed_at"][10:] for row in deals} == {" 21:00:00 UTC"}


def test_klaviyo_received_mails_are_deliveries(collected: Collected) -> None:
    assert collected.rows(
        "SELECT source_record_id, event_type, occurred_at::text, campaign_id FROM email_event "
        "WHERE source_instance = 'klaviyo' ORDER BY 1"
    ) == sorted(
        (row["ID"], "delivered", row["DATETIME"][:19], row["CAMPAIGN_ID"])
        for row in records("klaviyo", "event.csv")
    )


def test_iterable_custom_events_are_no_mail(collected: Collected) -> None:
    subscribed = [
        row for row in records("iterable", "event_data.csv") if row["event_name"] == "emailSubscribe"
    ]
    assert collected.rows(
        "SELECT source_record_id, event_type, occurred_at::text FROM email_event "
        "WHERE source_instance = 'iterable' ORDER BY 1"
    ) == sorted((row["_fivetran_id"], "resubscribed", row["created_at"][:19]) for row in subscribed)


# ---------------------------------------------------------------- ERP and ledgers


def test_sap_lines_take_their_day_from_the_header_and_their_side_from_shkzg(tmp_path: Path) -> None:
    # The headers of the sample belong to other documents: here each line of it gets a header of its own.
    root = write_company(tmp_path / "company", ["sap"])
    path = root / "extracts" / "sap" / "sap_bkpf_data.csv"
    headers, lines = records("sap", "sap_bkpf_data.csv"), records("sap", "sap_bseg_data.csv")
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(headers[0]), lineterminator="\n")
        writer.writeheader()
        for header, line in zip(headers, lines, strict=True):
            writer.writerow(header | {key: line[key] for key in ("mandt", "bukrs", "belnr", "gjahr")})
    found = open_collected(root, collect(root))
    assert found.rows(
        "SELECT entry_number, entry_date::text, account_number, debit, credit, currency, journal_code "
        "FROM erp_ledger_entry ORDER BY 1"
    ) == sorted(
        (
            line["belnr"],
            f"{header['budat'][:4]}-{header['budat'][4:6]}-{header['budat'][6:]}",
            "0000483000",
            Decimal(0),
            Decimal(line["dmbtr"]),
            "USD",
            "SA",
        )
        for header, line in zip(headers, lines, strict=True)
    )
    assert {line["shkzg"] for line in lines} == {"h"}


def test_sap_customers_keep_their_zeros_and_sentinels_are_no_dates(collected: Collected) -> None:
    assert collected.rows(
        "SELECT code, country_code, postal_code, created_at::date::text, modified_at, is_intercompany "
        "FROM erp_customer WHERE source_instance = 'sap' ORDER BY 1"
    ) == [
        ("CA301", "US", "18503", "2011-12-01", None, False),
        ("CA302", "PO", "000001", "2011-12-01", None, False),
        ("CA303", "GB", "NW1 6XE", "2011-12-01", None, False),
    ]


def test_quickbooks_credit_memos_are_negative_and_deleted_documents_stay_as_deleted(
    collected: Collected,
) -> None:
    kinds = "split_part(source_record_id, '/', 1)"
    found = collected.rows(
        f"SELECT {kinds}, document_type, count(*) FILTER (WHERE is_deleted), sum(net_amount) "
        "FROM erp_invoice WHERE source_instance = 'quickbooks' GROUP BY ALL ORDER BY 1"
    )
    memos = total(records("quickbooks", "credit_memo_data.csv"), "total_amount")
    invoiced = total(records("quickbooks", "invoice_data.csv"), "total_amount")
    assert found == [
        ("credit_memo", "credit_note", 0, -memos),
        ("invoice", "invoice", 11, invoiced),
        ("refund_receipt", "credit_note", 2, 0),
        ("sales_receipt", "invoice", 10, 0),
    ]
    assert collected.tally("status", "erp_invoice", "quickbooks") == [
        ("paid", 11),
        ("partly_paid", 1),
        ("void", 23),
    ]


def test_quickbooks_subtotals_are_no_lines_and_discounts_reduce(collected: Collected) -> None:
    lines = records("quickbooks", "invoice_line_data.csv")
    net = Decimal(0)
    for line in lines:
        sign = -1 if line["detail_type"] == "DiscountLineDetail" else 1
        if line["detail_type"] not in ("SubTotalLineDetail", "DescriptionOnly"):
            net += sign * Decimal(line["amount"])
    kinds = "split_part(source_record_id, '/', 1)"
    found = dict(
        collected.rows(
            f"SELECT {kinds}, sum(net_amount) FROM erp_invoice_line "
            "WHERE source_instance = 'quickbooks' GROUP BY ALL"
        )
    )
    assert found == {
        "invoice": net,
        "credit_memo": -total(records("quickbooks", "credit_memo_line_data.csv"), "amount"),
        "refund_receipt": -total(records("quickbooks", "refund_receipt_line_data.csv"), "amount"),
        "sales_receipt": total(records("quickbooks", "sales_receipt_line_data.csv"), "amount"),
    }


def test_sage_intacct_invoices_and_ledger_add_up(collected: Collected) -> None:
    invoices = records("sage_intacct", "sage_intacct__ar_invoice.csv")
    assert collected.row(
        "SELECT sum(net_amount), min(invoice_date)::text, max(due_date)::text, "
        "count(*) FILTER (WHERE is_deleted) FROM erp_invoice WHERE source_instance = 'sage_intacct'"
    ) == (
        total(invoices, "totalentered"),
        min(row["whencreated"] for row in invoices),
        max(row["whendue"] for row in invoices),
        10,
    )
    lines = records("sage_intacct", "sage_intacct__gl_detail.csv")
    assert collected.row(
        "SELECT sum(debit), sum(credit), sum(debit - credit) FROM erp_ledger_entry "
        "WHERE source_instance = 'sage_intacct'"
    ) == (total(lines, "debitamount"), total(lines, "creditamount"), total(lines, "amount"))


def test_netsuite_inactive_employees_are_inactive_users(collected: Collected) -> None:
    inactive = {
        row["id"]: row["isinactive"] == "F" for row in records("netsuite", "netsuite2_employee_data.csv")
    }
    assert (
        dict(
            collected.rows(
                "SELECT source_record_id, is_active FROM crm_user WHERE source_instance = 'netsuite'"
            )
        )
        == inactive
    )


def test_adventureworks_rates_read_decimals_without_a_leading_zero(collected: Collected) -> None:
    with (SAMPLES / "adventureworks" / "CurrencyRate.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert any(row[5].startswith(".") for row in rows)
    assert collected.row(
        "SELECT sum(rate), min(rate_date)::text, max(rate_date)::text, count(DISTINCT to_currency) "
        "FROM exchange_rate WHERE source_instance = 'adventureworks'"
    ) == (
        sum(Decimal(row[5]) for row in rows),
        min(row[1] for row in rows)[:10],
        max(row[1] for row in rows)[:10],
        len({row[3] for row in rows}),
    )


# ---------------------------------------------------------------- CRM


def test_simple_crm_leads_convert_through_their_contacts(collected: Collected) -> None:
    leads, contacts = records("small_crm", "Leads.csv"), records("small_crm", "Contacts.csv")
    made = {row["LeadID"] for row in contacts}
    wanted = Counter(
        "converted"
        if row["LeadID"] in made
        else {"": "new", "Working": "contacted"}.get(row["Status"], row["Status"].lower())
        for row in leads
    )
    assert dict(collected.tally("status", "crm_lead", "simple_crm")) == dict(wanted)
    assert collected.row(
        "SELECT count(*) FILTER (WHERE is_converted), count(*) FILTER (WHERE email IS NULL), "
        "count(phone), min(created_at)::date::text, max(created_at)::date::text FROM crm_lead "
        "WHERE source_instance = 'simple_crm'"
    ) == (
        len(made),
        sum(not row["Email"] for row in leads),
        sum(bool(row["Phone"]) for row in leads),
        min(row["CreatedDate"] for row in leads),
        max(row["CreatedDate"] for row in leads),
    )
