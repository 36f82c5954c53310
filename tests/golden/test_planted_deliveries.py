"""A source that sent nothing for the month of the cycle leaves its metrics without a value, not at 0."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.golden.planted_company import SETTINGS, master_tables
from tests.golden.planted_warehouse import build

JUNE = date(2026, 6, 1)
DELIVERED = {  # contract -> date of its newest file; crm_activity lies in files without a date
    "crm_lead": date(2026, 6, 30), "crm_opportunity": date(2026, 6, 30), "crm_activity": None,
    "erp_invoice": date(2026, 5, 31), "erp_invoice_line": date(2026, 5, 31),
    "erp_subscription": date(2026, 1, 31), "email_event": date(2026, 5, 31),
}  # fmt: skip


@pytest.fixture(scope="module")
def kpis(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """(metric, month) of the company -> value and reason, without an invoice or a mail of June."""
    tables = master_tables()
    tables["fct_invoice_lines"] = [r for r in tables["fct_invoice_lines"] if r["invoiced_on"] < JUNE]
    tables["fct_email_sends"] = [r for r in tables["fct_email_sends"] if r["sent_at"].date() < JUNE]
    files = [
        {
            "_delivery_id": contract, "source_instance": "one", "delivered_on": day,
            "is_missed": day is not None and day < JUNE,
        }
        for contract, day in DELIVERED.items()
    ]  # fmt: skip
    terms = [
        {"_delivery_id": contract, "source_instance": "one", "contract": contract, "term": "C",
         "name": "records_in", "value": 1}
        for contract in DELIVERED
    ]  # fmt: skip
    work: Path = build(
        tmp_path_factory.mktemp("undelivered"),
        tables,
        {"run.settings": [SETTINGS], "collect.deliveries": files, "collect.ledger_terms": terms},
    )
    with duckdb.connect(str(work / "warehouse.duckdb"), read_only=True) as con:
        rows = con.execute(
            "select metric_name, period_month, metric_value, reason_code"
            " from marts.mart_management_kpis_month where segment_kind_code = 'all'"
        ).fetchall()
    return {row[:2]: row[2:] for row in rows}


@pytest.mark.parametrize(
    "metric",
    ["revenue_total", "revenue_new_business", "revenue_new_business_share", "complaint_rate",
     "touches_per_lead", "ttf_hours", "contacted_24h_rate"],
)  # fmt: skip
def test_a_metric_whose_source_sent_nothing_for_the_cycle_has_no_value(kpis: dict, metric: str) -> None:
    assert kpis[metric, JUNE] == (None, "no_delivery")


def test_what_was_delivered_and_the_months_before_keep_their_values(kpis: dict) -> None:
    assert kpis["leads_new", JUNE][0] == 2
    assert kpis["win_rate_close", JUNE] == (
        Decimal("0.6666666667"),
        None,
    )  # two of the three closings of June
    assert kpis["revenue_total", date(2026, 5, 1)][0] == 200


def test_recurring_revenue_stands_until_a_new_list_of_subscriptions_arrives(kpis: dict) -> None:
    standing = [row for row in master_tables()["fct_mrr_movements"] if row["period_month"] == JUNE]
    assert kpis["mrr", JUNE][0] == sum(row["closing_mrr"] for row in standing) >= 3400
