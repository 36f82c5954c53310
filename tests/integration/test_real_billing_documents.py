"""Documents and discounts of billing vendors on their real tables, with the rows that the samples lack written here.

The headers written are those of the samples, or of the connector's documentation where the sample has no such table.
"""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

from real_extracts import SAMPLES, needs_vendor_samples, open_collected, records, write_company

from ingest import collect

pytestmark = needs_vendor_samples


def header_of(folder: str, name: str) -> list[str]:
    with (SAMPLES / folder / name).open(encoding="utf-8-sig", newline="") as stream:
        return next(csv.reader(stream))


def write(root: Path, folder: str, name: str, header: list[str], rows: list[dict[str, str]]) -> None:
    with (root / "extracts" / folder / name).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, header, restval="")
        writer.writeheader()
        writer.writerows(rows)


def test_netsuite_documents_are_the_sum_of_their_lines_seen_by_the_customer(tmp_path: Path) -> None:
    root = write_company(tmp_path / "company", ["netsuite"])
    customers = [row["id"] for row in records("netsuite", "netsuite2_customer_data.csv")]
    synced = "2022-06-01 00:00:00"

    def transaction(key: str, kind: str, status: str, currency: str = "4") -> dict[str, str]:
        return {
            "_fivetran_synced": synced, "id": key, "transactionnumber": f"T{key}", "type": kind, "status": status,
            "trandate": "2022-05-07 0:00:00", "duedate": "2022-06-07 0:00:00", "currency": currency,
            "entity": customers[0],
        }  # fmt: skip

    def line(key: str, of: str, number: str, amount: str, quantity: str = "", **more: str) -> dict[str, str]:
        flags = {"mainline": "F", "taxline": "F", "iscogs": "F", "_fivetran_deleted": "FALSE"}
        return flags | {
            "_fivetran_synced": synced, "uniquekey": key, "transaction": of, "linesequencenumber": number,
            "foreignamount": amount, "quantity": quantity, "item": "80",
        } | more  # fmt: skip

    write(
        root, "netsuite", "netsuite2_transaction_data_more.csv",
        header_of("netsuite", "netsuite2_transaction_data.csv"),
        [transaction("9001", "CustInvc", "A"), transaction("9002", "CustCred", "B", "3"),
         transaction("9003", "SalesOrd", "A"), transaction("9004", "CashSale", "C", "2")],
    )  # fmt: skip
    write(
        root, "netsuite", "netsuite2_transaction_line_data_more.csv",
        header_of("netsuite", "netsuite2_transaction_line_data.csv"),
        [
            line("1", "9001", "0", "120.00", mainline="T"),
            line("2", "9001", "1", "-70.00", "-2"),
            line("3", "9001", "2", "-30.00", "-1"),
            line("4", "9001", "3", "-20.00", taxline="T"),
            line("5", "9001", "4", "55.00", "-2", iscogs="T"),
            line("6", "9001", "5", "-999.00", "-1", _fivetran_deleted="TRUE"),
            line("7", "9002", "0", "-12.00", mainline="T"),
            line("8", "9002", "1", "12.00", "1"),
            line("9", "9003", "1", "-400.00", "-1"),
            line("10", "9004", "1", "-8.50", "-1"),
        ],
    )  # fmt: skip
    report = collect(root)
    assert (report.refusals, report.imbalances) == ((), ())
    found = open_collected(root, report)
    assert found.rows(
        "SELECT source_record_id, document_number, document_type, status, currency, net_amount, tax_amount, "
        "invoice_date::text, is_deleted FROM erp_invoice ORDER BY 1"
    ) == [
        ("9001", "T9001", "invoice", "posted", "EUR", Decimal(100), Decimal(20), "2022-05-07", False),
        ("9002", "T9002", "credit_note", "paid", "CAD", Decimal(-12), Decimal(0), "2022-05-07", False),
        ("9004", "T9004", "invoice", "paid", "GBP", Decimal("8.5"), Decimal(0), "2022-05-07", False),
    ]
    assert found.rows(
        "SELECT invoice_id, sum(net_amount), sum(quantity), count(*) FROM erp_invoice_line WHERE NOT is_deleted "
        "GROUP BY ALL ORDER BY 1"
    ) == [("9001", 100, 3, 2), ("9002", -12, -1, 1), ("9004", Decimal("8.5"), 1, 1)]


INVOICE = [
    "id",
    "_fivetran_synced",
    "amount_due",
    "created",
    "currency",
    "customer_id",
    "due_date",
    "is_deleted",
    "livemode",
    "number",
    "status",
    "subtotal",
    "tax",
    "total",
]
COUPON = [
    "id",
    "_fivetran_synced",
    "amount_off",
    "currency",
    "duration",
    "duration_in_months",
    "percent_off",
    "valid",
]


def test_stripe_invoices_are_after_discounts_and_credit_notes_take_the_customer_of_their_invoice(
    tmp_path: Path,
) -> None:
    root = write_company(tmp_path / "company", ["stripe"])
    (note,) = [row for row in records("stripe", "credit_note_data.csv") if row["livemode"] == "TRUE"]
    common = {"_fivetran_synced": "2021-07-01 00:00:00", "currency": "usd", "is_deleted": "FALSE"}
    write(
        root, "stripe", "invoices.csv", INVOICE,
        [
            common | {"id": note["invoice_id"], "created": "2021-06-30 23:30:00", "customer_id": "cus_1",
                      "livemode": "TRUE", "number": "N-1", "status": "paid", "subtotal": "10000", "tax": "1800",
                      "total": "10800"},
            common | {"id": "in_test", "created": "2021-06-30 10:00:00", "customer_id": "cus_1", "livemode": "FALSE",
                      "number": "N-2", "status": "paid", "subtotal": "5", "tax": "", "total": "5"},
            common | {"id": "in_open", "created": "2021-06-30 10:00:00", "customer_id": "cus_2", "livemode": "TRUE",
                      "number": "", "status": "draft", "subtotal": "700", "tax": "", "total": "700"},
        ],
    )  # fmt: skip
    found = open_collected(root, collect(root))
    assert found.report.refusals == ()
    assert found.rows(
        "SELECT source_record_id, document_number, document_type, status, customer_id, net_amount, gross_amount, "
        "original_document_id FROM erp_invoice ORDER BY 1"
    ) == [
        (note["id"], note["number"], "credit_note", "posted", "cus_1", Decimal("-0.5"), Decimal("-0.5"),
         note["invoice_id"]),
        (note["invoice_id"], "N-1", "invoice", "paid", "cus_1", Decimal(90), Decimal(108), None),
        ("in_open", "in_open", "invoice", "draft", "cus_2", Decimal(7), Decimal(7), None),
    ]  # fmt: skip
    sold = records("stripe", "invoice_line_item_data.csv")
    lines = "SELECT source_record_id, net_amount FROM erp_invoice_line WHERE net_amount >= 0"
    assert dict(found.rows(lines)) == {row["id"]: Decimal(row["amount"]) / 100 for row in sold}


def test_stripe_discounts_lower_the_price_of_a_period_while_they_recur(tmp_path: Path) -> None:
    root = write_company(tmp_path / "company", ["stripe"])
    plan = next(p for p in records("stripe", "plan_data.csv") if p["amount"] == "150000")
    synced = "2021-03-01 00:00:00"
    subscription = header_of("stripe", "subscription_history_data.csv")
    names = ["percent", "once", "ended", "amount", "shared", "plain"]
    write(
        root, "stripe", "subscription_history_data.csv", subscription,
        [{"id": name, "_fivetran_synced": synced, "customer_id": "cus_1", "created": synced, "start_date": synced,
          "livemode": "TRUE", "status": "active"} for name in names],
    )  # fmt: skip
    items = [*((f"si_{name}", name) for name in names), ("si_shared_2", "shared")]
    write(
        root, "stripe", "subscription_item_data.csv",
        ["id", "_fivetran_synced", "created", "metadata", "plan_id", "quantity", "subscription_id"],
        [{"id": key, "_fivetran_synced": synced, "created": synced, "plan_id": plan["id"], "quantity": "2",
          "subscription_id": of} for key, of in items],
    )  # fmt: skip
    coupons = {"percent": "P", "once": "O", "ended": "P", "amount": "A", "shared": "A"}
    write(
        root, "stripe", "discount_data.csv", header_of("stripe", "discount_data.csv"),
        [{"id": f"di_{of}", "_fivetran_synced": synced, "coupon_id": coupon, "subscription_id": of,
          "end": "2021-02-01 00:00:00" if of == "ended" else ""} for of, coupon in coupons.items()],
    )  # fmt: skip
    write(
        root, "stripe", "coupon_data.csv", COUPON,
        [{"id": "P", "percent_off": "12.5", "duration": "repeating"},
         {"id": "O", "percent_off": "50", "duration": "once"},
         {"id": "A", "amount_off": "10000", "currency": "usd", "duration": "forever"}],
    )  # fmt: skip
    found = open_collected(root, collect(root))
    assert found.report.refusals == ()
    discounts = dict(found.rows("SELECT source_record_id, discount_amount FROM erp_subscription"))
    assert discounts == {
        "si_percent": Decimal("375"),  # an eighth of 2 x 1,500
        "si_once": None,
        "si_ended": None,
        "si_amount": Decimal("100"),
        "si_shared": None,
        "si_shared_2": None,
        "si_plain": None,
    }
    # Nothing says which of two items an amount is taken off: it is journalled, not guessed.
    assert found.tally("field, reason_code, value_before", "collect_changes", "stripe") == [
        ("discount_amount", "number_invalid", "amount off several items: A", 2)
    ]
