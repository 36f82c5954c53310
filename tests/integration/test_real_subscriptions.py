"""A real subscription list from extract to publication: recurring revenue counts one subscription per product.

The list does not end a subscription when an upgrade opens the next one, so its plain sum (10,159,608 at the end
of 2024, as its README gives it) counts nine subscriptions per account. The published figure is counted again here
with the csv module: per account and plan the subscription opened last, trials left out.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from real_extracts import VENDORS, needing, records, write_company

pytestmark = needing({"ravenstack": VENDORS["ravenstack"]})


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The subscription list alone, run to publication for the last month of the list."""
    from orchestration.commands.run import run_cycle

    root = write_company(
        tmp_path_factory.mktemp("subscriptions") / "company", ["ravenstack"], cycle="2024-12"
    )
    settings = (root / "company.yml").read_text(encoding="utf-8")
    (root / "company.yml").write_text(settings.replace("EUR", "USD"), encoding="utf-8")
    assert run_cycle(root, as_json=True) == 0
    return root


def test_recurring_revenue_counts_the_subscription_opened_last_per_plan(company: Path) -> None:
    latest: dict[tuple[str, str], tuple[str, str, int]] = {}
    naive = 0
    for row in records("ravenstack_subscriptions", "ravenstack_subscriptions.csv"):
        is_open = row["start_date"] <= "2024-12-31" < (row["end_date"] or "9999")
        if is_open:
            naive += int(row["mrr_amount"])
        if is_open and row["is_trial"] == "False":
            key = (row["account_id"], row["plan_tier"])
            version = (row["start_date"], row["subscription_id"], int(row["mrr_amount"]))
            latest[key] = max(latest.get(key, version), version)
    assert naive == 10_159_608
    with duckdb.connect(str(company / "published" / "marts.duckdb"), read_only=True) as connection:
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
        ).fetchall()
        schema = next(schema for schema, name in tables if name == "mart_finance_mrr_month")
        (published,) = connection.execute(
            f"SELECT closing_mrr FROM {schema}.mart_finance_mrr_month "
            "WHERE period_month = DATE '2024-12-01' AND segment_kind_code = 'all'"
        ).fetchone()
    assert published == sum(amount for _, _, amount in latest.values()) == 3_669_805


def test_the_overlap_is_named_in_the_verdict(company: Path) -> None:
    current = json.loads((company / "published" / "current.json").read_text(encoding="utf-8"))
    with duckdb.connect(str(company / "work" / "warehouse.duckdb"), read_only=True) as connection:
        (overlapped,) = connection.execute(
            "SELECT count(*) FROM quality.rule_results WHERE rule_id = 'R-ERP-009' AND status = 'warn'"
        ).fetchone()
    assert (current["publication_id"][:7], overlapped) == ("2024-12", 1)
