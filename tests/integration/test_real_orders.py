"""Order histories of real companies: amounts, customers and set-aside lines counted again with the standard library."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest
from real_extracts import (
    ORDERS,
    SAMPLES,
    Collected,
    needs_order_samples,
    open_collected,
    records,
    write_company,
)

from ingest import collect

pytestmark = needs_order_samples


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Collected:
    root = write_company(tmp_path_factory.mktemp("orders") / "company", ORDERS)
    return open_collected(root, collect(root))


def lines_of(name: str) -> list[list[str]]:
    """Lines of a Northwind file cut at every comma; none of the files compared here has quotes."""
    text = (SAMPLES / "northwind" / name).read_text(encoding="utf-8")
    assert '"' not in text
    return [line.split(",") for line in text.splitlines()[1:]]


def test_nothing_is_refused_and_the_ledger_balances(orders: Collected) -> None:
    assert (orders.report.refusals, orders.report.imbalances) == ((), ())


def test_northwind_lines_with_an_unquoted_comma_are_set_aside_and_no_other(orders: Collected) -> None:
    for name, width in {"orders.csv": 14, "customers.csv": 11}.items():
        broken = [n for n, fields in enumerate(lines_of(name), start=2) if len(fields) != width]
        found = orders.rows(
            "SELECT _source_row_id FROM collect_quarantine_lines q JOIN collect_deliveries d USING (_delivery_id) "
            f"WHERE d.file_path = 'northwind/{name}' ORDER BY 1"
        )
        assert broken and [row[0] for row in found] == broken
    # 830 orders and 2,155 lines, as the README says.
    sizes = dict(
        orders.rows("SELECT file_key, n_records FROM collect_deliveries WHERE source_instance = 'northwind'")
    )
    assert sizes["lines"] == 2155
    assert sizes["orders"] + sum(len(fields) != 14 for fields in lines_of("orders.csv")) == 830


def test_northwind_orders_have_the_sum_of_their_lines_net_of_discount(orders: Collected) -> None:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for row in records("northwind", "order-details.csv"):
        price, quantity, discount = (Decimal(row[name]) for name in ("unitPrice", "quantity", "discount"))
        totals[row["orderID"]] += price * quantity * (1 - discount)
    whole = {fields[0]: fields for fields in lines_of("orders.csv") if len(fields) == 14}
    found = orders.rows(
        "SELECT source_record_id, customer_id, invoice_date::text, status, net_amount FROM erp_invoice "
        "WHERE source_instance = 'northwind' ORDER BY 1"
    )
    assert found == [
        (key, f[1], f[3][:10], "draft" if f[5] == "NULL" else "posted", round(totals[key], 4))
        for key, f in sorted(whole.items())
    ]
    lines = "SELECT sum(net_amount), count(*) FROM erp_invoice_line WHERE source_instance = 'northwind'"
    amount, count = orders.row(lines)
    assert (amount, count) == (round(sum(totals.values()), 4), 2155)
    assert round(amount, 2) == Decimal("1265793.04")  # the figure of every book on Northwind


@pytest.mark.audit("K39")
def test_northwind_order_lines_are_promised_shipped_and_late_as_the_file_says(orders: Collected) -> None:
    whole = {fields[0]: fields for fields in lines_of("orders.csv") if len(fields) == 14}
    counts = {"lines": 0, "open": 0, "late": 0}
    for row in records("northwind", "order-details.csv"):
        if row["orderID"] not in whole:
            continue  # its order is set aside, and with it the day of the order
        _, _, _, _, required, shipped, *_ = whole[row["orderID"]]
        counts["lines"] += 1
        counts["open"] += shipped == "NULL"
        counts["late"] += shipped != "NULL" and shipped[:10] > required[:10]
    found = orders.row(
        "SELECT count(*), count(*) FILTER (status = 'open'), count(*) FILTER (shipped_on > promised_on) "
        "FROM erp_order_line WHERE source_instance = 'northwind'"
    )
    assert found == (counts["lines"], counts["open"], counts["late"])
    assert 0 < counts["late"] < counts["open"] + counts["late"] < counts["lines"]


def test_northwind_employees_products_and_countries(orders: Collected) -> None:
    manager = "SELECT full_name, manager_id FROM crm_user WHERE source_instance = 'northwind' ORDER BY source_record_id"
    assert orders.rows(manager)[:2] == [("Nancy Davolio", "2"), ("Andrew Fuller", None)]
    assert (
        orders.value("SELECT count(DISTINCT family) FROM erp_product WHERE source_instance = 'northwind'")
        == 8
    )
    nameless = (
        "SELECT count(*) FROM erp_customer WHERE source_instance = 'northwind' AND country_code IS NULL"
    )
    assert orders.value(nameless) == 0


def test_cdnow_purchases_are_those_of_the_readme(orders: Collected) -> None:
    text = (SAMPLES / "cdnow" / "CDNOW_master.txt").read_text().splitlines()[1:]
    rows = [line.split() for line in text]
    assert orders.row(
        "SELECT count(*), count(DISTINCT customer_id), sum(net_amount), min(invoice_date)::text, "
        "max(invoice_date)::text FROM erp_invoice WHERE source_instance = 'cdnow'"
    ) == (69_659, 23_570, sum(Decimal(row[3]) for row in rows), "1997-01-01", "1998-06-30")
    assert orders.row(
        "SELECT count(*), sum(quantity) FROM erp_invoice_line WHERE source_instance = 'cdnow'"
    ) == (69_659, sum(int(row[2]) for row in rows))
    assert orders.value("SELECT count(*) FROM erp_customer WHERE source_instance = 'cdnow'") == 23_570


def test_the_repeat_purchases_of_cdnow_customers_are_those_of_the_published_summary(
    orders: Collected,
) -> None:
    # The sample numbers its 2,357 customers anew; the first 39 weeks are the period of the summary.
    sample = [line.split() for line in (SAMPLES / "cdnow" / "CDNOW_sample.txt").read_text().splitlines()]
    numbers = {row[1].lstrip("0"): row[0] for row in sample}
    found = dict(
        orders.rows(
            "SELECT customer_id, count(DISTINCT invoice_date) - 1 FROM erp_invoice WHERE source_instance = 'cdnow' "
            "AND invoice_date <= DATE '1997-09-30' GROUP BY ALL"
        )
    )
    summary = records("cdnow", "cdnow_customers_summary.csv")
    assert len(summary) == 2357
    assert [found[numbers[row["ID"]]] for row in summary] == [int(float(row["frequency"])) for row in summary]
