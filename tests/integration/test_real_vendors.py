"""Real extracts of billing, ERP, telephony, mailing and CRM vendors through the collect step.

Every line of every file is accounted for, the journal holds exactly the expected entries, and figures are
those of the READMEs of the samples or are counted again here with the csv module alone.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from real_extracts import (
    SAMPLES,
    VENDORS,
    Collected,
    needs_vendor_samples,
    open_collected,
    records,
    total,
    write_company,
)

from ingest import collect

pytestmark = needs_vendor_samples

KEPT_OUT = ("excluded", "kept_out_by_mapping")
# instance -> kept rows by contract, records not kept, cells journalled. Nothing else may come out.
EXPECTED: dict[
    str, tuple[dict[str, int], dict[tuple[str, str, str], int], dict[tuple[str, str, str], int]]
] = {
    "stripe": (
        # 16 charges, 4 refunds and 12 disputes, one of which is a mere warning.
        {"erp_customer": 12, "erp_product": 10, "erp_payment": 31},
        {("erp_payment", *KEPT_OUT): 1},
        {},
    ),
    "recurly": (
        {
            "erp_customer": 4,
            "erp_product": 2,
            "erp_subscription": 4,
            "erp_invoice": 5,
            "erp_invoice_line": 2,
            "erp_payment": 2,
        },
        {
            ("erp_payment", *KEPT_OUT): 3,
            ("erp_customer", "superseded", "superseded_by_newer"): 1,
            ("erp_subscription", "superseded", "superseded_by_newer"): 1,
            ("erp_invoice_line", *KEPT_OUT): 3,
        },
        {},
    ),
    "zuora": (
        {
            "erp_customer": 5,
            "erp_product": 5,
            "erp_subscription": 4,
            "erp_invoice": 5,
            "erp_invoice_line": 6,
            "erp_payment": 5,
        },
        {("erp_subscription", *KEPT_OUT): 1},
        # One bill-to contact lives in a country that is none.
        {("erp_customer", "country_code", "unmapped_value"): 1},
    ),
    "ravenstack": (
        {"erp_customer": 500, "erp_subscription": 5000},
        {("erp_customer", "exact_duplicate", "exact_duplicate"): 4500},
        {},
    ),
    "twilio": (
        {"telephony_call_leg": 8},
        # 30 February.
        {("telephony_call_leg", "quarantined", "required_value_invalid"): 1},
        {
            ("telephony_call_leg", "started_at", "timestamp_invalid"): 1,
            ("telephony_call_leg", "ended_at", "timestamp_invalid"): 1,
        },
    ),
    "freeswitch": (
        {"telephony_call_leg": 8},
        {("telephony_call_leg", "exact_duplicate", "repeated_event"): 2},
        {},
    ),
    "mailchimp": ({"email_event": 36, "email_message": 1, "crm_consent": 9}, {}, {}),
    "postmark": (
        {"email_event": 7},
        {("email_event", *KEPT_OUT): 1, ("email_event", "quarantined", "required_value_missing"): 1},
        {},
    ),
    "mailjet": (
        {"email_event": 7},
        {
            ("email_event", "exact_duplicate", "repeated_event"): 1,
            ("email_event", "quarantined", "required_value_invalid"): 1,
        },
        {("email_event", "recipient_email", "email_invalid"): 1},
    ),
    "sfmc": ({"email_event": 5, "email_message": 5}, {}, {}),
    "pardot": (
        {"crm_contact": 100, "crm_opportunity": 100, "email_event": 48, "crm_campaign": 100},
        {("email_event", *KEPT_OUT): 52, ("crm_consent", *KEPT_OUT): 100},
        {},
    ),
    "klaviyo": ({"email_event": 3, "email_message": 4}, {}, {}),
    "iterable": (
        {"email_event": 2, "email_message": 2, "crm_consent": 5},
        {("email_event", *KEPT_OUT): 4},
        {},
    ),
    "sap": (
        {"erp_customer": 3, "erp_product": 3},
        # The headers of the sample belong to other documents than its lines.
        {("erp_ledger_entry", "quarantined", "required_value_missing"): 3},
        {},
    ),
    "netsuite": (
        {"crm_user": 3, "erp_customer": 5, "erp_product": 1},
        {("erp_product", *KEPT_OUT): 2},
        {},
    ),
    "quickbooks": (
        {"erp_customer": 5, "erp_product": 3, "erp_invoice": 35, "erp_invoice_line": 29, "erp_payment": 11},
        {("erp_invoice_line", "excluded", "summary_row"): 4},
        {},
    ),
    "sage_intacct": (
        {"erp_customer": 8, "erp_invoice": 10, "erp_invoice_line": 10, "erp_ledger_entry": 10},
        {
            ("erp_customer", "exact_duplicate", "exact_duplicate"): 1,
            ("erp_customer", "superseded", "superseded_by_newer"): 1,
        },
        {},
    ),
    "adventureworks": ({"erp_product": 504, "exchange_rate": 13532, "crm_quota": 163}, {}, {}),
    "simple_crm": ({"crm_account": 80, "crm_lead": 200, "crm_activity": 300}, {}, {}),
}


@pytest.fixture(scope="module")
def collected(collected_vendors: Collected) -> Collected:
    return collected_vendors


# ---------------------------------------------------------------- every vendor


def test_every_vendor_has_its_expectation() -> None:
    assert set(EXPECTED) == set(VENDORS)


def test_no_sample_is_refused_and_every_ledger_balances(collected: Collected) -> None:
    refused = [(r.source_instance, r.file_path, r.problem.code) for r in collected.report.refusals]
    assert refused == []
    assert collected.report.imbalances == ()
    balances = collected.rows(
        """
        SELECT term, source_instance,
            sum(CASE WHEN name IN ('file_bytes', 'physical_lines', 'records_in') THEN value ELSE -value END)
        FROM collect_ledger_terms GROUP BY ALL
        """
    )
    assert {(term, instance) for term, instance, _ in balances} == {(t, i) for t in "ABC" for i in VENDORS}
    assert all(difference == 0 for _, _, difference in balances)


@pytest.mark.parametrize("instance", sorted(VENDORS))
def test_kept_rows_and_journal_are_the_expected_ones(collected: Collected, instance: str) -> None:
    sizes, dispositions, changes = EXPECTED[instance]
    assert collected.sizes(instance) == sizes
    found = collected.tally("contract, disposition, reason_code", "collect_dispositions", instance)
    assert {tuple(key): n for *key, n in found} == dispositions
    found = collected.tally("contract, field, reason_code", "collect_changes", instance)
    assert {tuple(key): n for *key, n in found} == changes
    lines = "SELECT count(*) FROM collect_quarantine_lines WHERE source_instance = '{}'"
    assert collected.value(lines.format(instance)) == 0


def test_record_counts_are_those_of_the_readmes(collected: Collected) -> None:
    compared = 0
    for instance, path, found in collected.rows(
        "SELECT source_instance, file_path, n_records FROM collect_deliveries"
    ):
        folder, name = SAMPLES / VENDORS[instance][1], Path(path).name
        row = re.search(
            rf"^\| `{re.escape(name)}` \| \d+ \| (\d+|json) \|", (folder / "README.md").read_text(), re.M
        )
        assert row, name
        if row.group(1) == "json":
            assert found == len(json.loads((folder / name).read_text(encoding="utf-8"))), name
        else:
            assert found == int(row.group(1)), name
        compared += 1
    assert compared > 50


def test_a_second_run_lands_nothing_new(collected: Collected) -> None:
    again = collect(collected.root)
    assert (again.landed, again.changed, again.totals) == ((), False, collected.report.totals)


# ---------------------------------------------------------------- subscriptions


def test_stripe_prices_come_from_the_plan_in_units_and_test_mode_is_kept_out(tmp_path: Path) -> None:
    # The sample holds no subscription items: two are written here for its own subscriptions and plans, a third
    # for a subscription that was not delivered.
    root = write_company(tmp_path / "company", ["stripe"])
    subscriptions = records("stripe", "subscription_history_data.csv")
    plans = {row["id"]: row for row in records("stripe", "plan_data.csv")}
    monthly = next(p for p in plans.values() if p["interval_count"] == "1" and p["amount"] == "150000")
    longer = next(p for p in plans.values() if p["interval_count"] == "6")
    (root / "extracts" / "stripe" / "subscription_item_data.csv").write_text(
        "id,_fivetran_synced,created,metadata,plan_id,quantity,subscription_id\n"
        f"si_1,2021-03-01 00:00:00,2021-02-18 14:16:37,,{monthly['id']},3,{subscriptions[0]['id']}\n"
        f"si_2,2021-03-01 00:00:00,2021-02-18 14:16:37,,{longer['id']},1,{subscriptions[1]['id']}\n"
        f"si_3,2021-03-01 00:00:00,2021-02-18 14:16:37,,{longer['id']},1,sub_of_nobody\n",
        encoding="utf-8",
    )
    found = open_collected(root, collect(root))
    assert found.rows(
        "SELECT source_record_id, customer_id, status, started_on::text, ended_on::text, "
        "billing_period_months, unit_amount, quantity, currency FROM erp_subscription ORDER BY 1"
    ) == [
        (
            "si_1",
            subscriptions[0]["customer_id"],
            "active",
            "2021-02-18",
            "2021-02-19",
            1,
            Decimal("1500"),
            3,
            "USD",
        ),
        (
            "si_2",
            subscriptions[1]["customer_id"],
            "active",
            "2021-02-18",
            "2021-02-19",
            6,
            Decimal(longer["amount"]) / 100,
            1,
            "USD",
        ),
    ]
    assert found.tally("contract, disposition, reason_code", "collect_dispositions", "stripe") == [
        ("erp_payment", "excluded", "kept_out_by_mapping", 1),
        ("erp_subscription", "quarantined", "required_value_missing", 1),
    ]


def test_recurly_keeps_the_newest_version_and_the_whole_price_of_a_period(collected: Collected) -> None:
    newest: dict[str, dict[str, str]] = {}
    for row in records("recurly", "subscription_history_data.csv"):
        if row["id"] not in newest or row["updated_at"] > newest[row["id"]]["updated_at"]:
            newest[row["id"]] = row
    states = {"active": "active", "expired": "canceled"}
    expected = {
        (key, Decimal(row["subtotal"]), states[row["state"]], row["expires_at"][:10] or None)
        for key, row in newest.items()
    }
    found = collected.rows(
        "SELECT source_record_id, unit_amount * quantity, status, ended_on::text FROM erp_subscription "
        "WHERE source_instance = 'recurly'"
    )
    assert set(found) == expected
    assert collected.value(
        "SELECT sum(net_amount) FROM erp_invoice WHERE source_instance = 'recurly'"
    ) == total(records("recurly", "invoice_history_data.csv"), "subtotal")


def test_recurly_credits_are_negative_and_carried_credit_is_no_sale(collected: Collected) -> None:
    lines = records("recurly", "line_item_history_data.csv")
    sold = {(row["id"], Decimal(row["amount"])) for row in lines if row["origin"] != "carryforward"}
    found = collected.rows(
        "SELECT source_record_id, net_amount FROM erp_invoice_line WHERE source_instance = 'recurly'"
    )
    assert set(found) == sold
    assert min(amount for _, amount in sold) == -5


def test_zuora_charges_give_their_monthly_price_and_usage_is_kept_out(collected: Collected) -> None:
    charges = records("zuora", "zuora_rate_plan_charge_data.csv")
    recurring = {
        (row["id"], Decimal(row["mrr"]), row["effective_start_date"], row["effective_end_date"])
        for row in charges
        if row["charge_type"] == "Recurring"
    }
    found = collected.rows(
        "SELECT source_record_id, unit_amount / billing_period_months, started_on::text, ended_on::text "
        "FROM erp_subscription WHERE source_instance = 'zuora'"
    )
    assert {(key, Decimal(str(mrr)), start, end) for key, mrr, start, end in found} == recurring
    net, tax, gross = collected.row(
        "SELECT sum(net_amount), sum(tax_amount), sum(gross_amount) FROM erp_invoice "
        "WHERE source_instance = 'zuora'"
    )
    invoices = records("zuora", "zuora_invoice_data.csv")
    assert (net, gross) == (total(invoices, "amount_without_tax"), total(invoices, "amount"))
    assert net + tax == gross
    assert collected.value(
        "SELECT sum(net_amount) FROM erp_invoice_line WHERE source_instance = 'zuora'"
    ) == total(records("zuora", "zuora_invoice_item_data.csv"), "charge_amount")


def test_ravenstack_gives_the_mrr_of_its_readme(collected: Collected) -> None:
    table = "erp_subscription WHERE source_instance = 'ravenstack'"
    mrr = collected.value(
        f"SELECT sum(unit_amount * quantity / billing_period_months) FROM {table} "
        "AND started_on <= DATE '2024-12-31' AND coalesce(ended_on, DATE '2100-01-01') > DATE '2024-12-31'"
    )
    assert round(mrr) == 10_159_608
    assert collected.row(f"SELECT min(started_on)::text, max(started_on)::text, count(ended_on) FROM {table}") == (
        "2023-01-09",
        "2024-12-31",
        486,
    )  # fmt: skip
    open_rows, accounts = collected.row(
        f"SELECT count(*), count(DISTINCT customer_id) FROM {table} AND ended_on IS NULL"
    )
    assert round(open_rows / accounts, 2) == 9.03


# ---------------------------------------------------------------- telephony


def test_twilio_calls_are_utc_and_their_numbers_regain_the_plus(collected: Collected) -> None:
    statuses = Counter(
        row["status"]
        for row in records("twilio", "twilio_call_data.csv")
        if not row["start_time"].startswith("2022-02-30")
    )
    assert dict(collected.tally("outcome", "telephony_call_leg", "twilio")) == {
        "answered": statuses["completed"],
        "abandoned": statuses["canceled"],
    }
    first, last, phones = collected.row(
        "SELECT min(started_at)::text, max(started_at)::text, count(*) FILTER (WHERE external_phone LIKE '+1%') "
        "FROM telephony_call_leg WHERE source_instance = 'twilio'"
    )
    starts = sorted(
        row["start_time"][:19]
        for row in records("twilio", "twilio_call_data.csv")
        if not row["start_time"].startswith("2022-02-30")
    )
    assert (first, last, phones) == (starts[0], starts[-1], 8)


def test_freeswitch_calls_resaved_by_excel_keep_their_durations(collected: Collected) -> None:
    lines = (SAMPLES / "freeswitch" / "Master.csv").read_text().splitlines()
    talk = {line.split(",")[10]: (int(line.split(",")[7]), int(line.split(",")[8])) for line in lines}
    found = collected.rows(
        "SELECT source_record_id, duration_s, talk_s FROM telephony_call_leg "
        "WHERE source_instance = 'freeswitch'"
    )
    assert {key: (duration, seconds) for key, duration, seconds in found} == talk
    assert ("f68e66ee-4c15-11ea-97d1-9dd79410affb", 329, 327) in found
    assert collected.tally("outcome", "telephony_call_leg", "freeswitch") == [
        ("answered", 7),
        ("no_answer", 1),
    ]
