"""Real payments, messages, merges, quotas and consents: the figures counted again with the csv module come out.

test_real_vendors.py proves that every line of these files is accounted for.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

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


def test_stripe_money_is_in_units_and_what_goes_back_is_negative(collected: Collected) -> None:
    charges, refunds = records("stripe", "charge_data.csv"), records("stripe", "refund_data.csv")
    disputes = [r for r in records("stripe", "dispute_data.csv") if not r["status"].startswith("warning")]
    assert dict(
        collected.rows(
            "SELECT payment_type, sum(amount) FROM erp_payment WHERE source_instance = 'stripe' GROUP BY ALL"
        )
    ) == {
        "payment": total(charges, "amount") / 100,
        "refund": -total(refunds, "amount") / 100,
        "chargeback": -total(disputes, "amount") / 100,
    }
    # Every charge of the sample was declined; a lost dispute is money gone, a won one is not.
    states = collected.tally("payment_type, status", "erp_payment", "stripe")
    lost = Counter(row["status"] for row in disputes)
    assert states == [
        ("chargeback", "canceled", lost["won"]),
        ("chargeback", "pending", lost["under_review"]),
        ("chargeback", "succeeded", lost["lost"]),
        ("payment", "failed", len(charges)),
        ("refund", "succeeded", len(refunds)),
    ]
    assert collected.tally("currency", "erp_payment", "stripe") == [("USD", 31)]


def test_recurly_verifications_move_no_money(collected: Collected) -> None:
    rows = collected.rows(
        "SELECT amount, status, paid_on::text, invoice_id FROM erp_payment WHERE source_instance = 'recurly' "
        "ORDER BY paid_on"
    )
    bought = sorted(
        (row for row in records("recurly", "transaction_data.csv") if row["type"] == "purchase"),
        key=lambda row: row["collected_at"],
    )
    assert [(amount, day, invoice) for amount, _, day, invoice in rows] == [
        (Decimal(row["amount"]), row["collected_at"][:10], row["invoice_id"]) for row in bought
    ]
    assert [status for _, status, _, _ in rows] == ["succeeded", "canceled"]


def test_zuora_and_quickbooks_payments_add_up(collected: Collected) -> None:
    for instance, folder, name, column in (
        ("zuora", "zuora", "zuora_payment_data.csv", "amount"),
        ("quickbooks", "quickbooks", "payment_data.csv", "total_amount"),
    ):
        found = collected.value(f"SELECT sum(amount) FROM erp_payment WHERE source_instance = '{instance}'")
        assert found == total(records(folder, name), column)


def test_members_of_a_list_give_their_last_choice(collected: Collected) -> None:
    members = records("mailchimp", "member.csv")
    found = collected.rows(
        "SELECT email, status, effective_at::text FROM crm_consent WHERE source_instance = 'mailchimp' ORDER BY ALL"
    )
    wanted = sorted(
        (row["email_address"].lower(), "opt_out", row["last_changed"])
        if row["status"] == "unsubscribed"
        else (row["email_address"].lower(), "opt_in", row["timestamp_opt"])
        for row in members
    )
    assert found == wanted
    assert {status for _, status, _ in found} == {"opt_in", "opt_out"}


def test_every_refused_channel_of_iterable_is_a_consent(collected: Collected) -> None:
    history = records("iterable", "user_unsubscribed_channel_history_data.csv")
    names = {row["id"]: row["name"] for row in records("iterable", "channel_data.csv")}
    found = collected.rows(
        "SELECT email, origin, status FROM crm_consent WHERE source_instance = 'iterable' ORDER BY ALL"
    )
    assert found == sorted((row["email"], names[row["channel_id"]], "opt_out") for row in history)


def test_messages_share_the_campaign_of_their_events(collected: Collected) -> None:
    for instance in ("mailchimp",):
        shared = collected.value(
            f"SELECT count(DISTINCT campaign_id) FROM email_message WHERE source_instance = '{instance}' "
            f"AND campaign_id IN (SELECT campaign_id FROM email_event WHERE source_instance = '{instance}')"
        )
        assert shared >= 1, instance
    subject = collected.value(
        "SELECT subject_hash = md5('Example company is looking for alpha testers!') FROM email_message "
        "WHERE source_instance = 'mailchimp'"
    )
    assert subject is True


def test_quotas_of_adventureworks_cover_the_time_once(collected: Collected) -> None:
    lines = (SAMPLES / "adventureworks" / "SalesPersonQuotaHistory.csv").read_text().splitlines()
    wanted = sum(Decimal(line.split("\t")[2]) for line in lines)
    assert collected.value("SELECT sum(target) FROM crm_quota") == wanted
    overlaps, longest_gap = collected.row(
        "SELECT count_if(following <= period_end), max(following - period_end) FROM (SELECT period_end, "
        "lead(period_start) OVER (PARTITION BY owner_id ORDER BY period_start) AS following FROM crm_quota)"
    )
    assert (overlaps, longest_gap <= 2) == (0, True)


def test_hubspot_merges_and_salesforce_lines(tmp_path) -> None:
    root = write_company(tmp_path / "company", ["hubspot", "salesforce"])
    found = open_collected(root, collect(root))
    audit = records("hubspot", "contact_merge_audit_data.csv")
    deals = records("hubspot", "merged_deal_data.csv")
    assert found.rows(
        "SELECT entity, surviving_id, merged_id, merged_at::text FROM crm_merge ORDER BY ALL NULLS LAST"
    ) == sorted(
        [("contact", row["canonical_vid"], row["vid_to_merge"], row["timestamp"]) for row in audit]
        + [("opportunity", row["deal_id"], row["merged_deal_id"], None) for row in deals]
    )
    lines = records("salesforce", "sf_opportunity_line_item_data.csv")
    amount, opportunities = found.row(
        "SELECT sum(amount), count(DISTINCT opportunity_id) FROM crm_opportunity_line"
    )
    assert amount == total(lines, "total_price")
    assert opportunities == len({row["opportunity_id"] for row in lines})


def test_columns_that_contracts_gained_are_filled_where_the_file_has_them(
    collected: Collected, tmp_path
) -> None:
    clicks = [
        row for row in records("mailchimp", "campaign_recipient_activity.csv") if row["action"] == "click"
    ]
    assert collected.value(
        "SELECT count(url) FROM email_event WHERE source_instance = 'mailchimp' AND event_type = 'clicked'"
    ) == sum(bool(row["url"]) for row in clicks)
    assert collected.value("SELECT sum(mrr_amount) FROM erp_subscription") == total(
        records("ravenstack_subscriptions", "ravenstack_subscriptions.csv"), "mrr_amount"
    )
    assert (
        collected.value("SELECT count(unit_cost) FROM erp_product WHERE source_system = 'adventureworks'")
        == 504
    )
    root = write_company(tmp_path / "company", ["salesforce", "calendar"])
    found = open_collected(root, collect(root))
    subjects = [row["subject"] for row in records("salesforce", "sf_task_data.csv") if row["subject"]]
    assert found.value("SELECT count(subject) FROM crm_activity") == len(subjects) > 0
    assert (
        0
        < found.value("SELECT count(*) FROM calendar_event WHERE is_recurring")
        < found.value("SELECT count(*) FROM calendar_event")
    )
