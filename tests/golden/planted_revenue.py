"""Costs of sales and marketing, and fifty subscribers of a size band of their own, of the planted company.

September 2025 costs 12,000, 3,000 of them media, and wins two groups (`planted_key_accounts.py`); one of the fifty
accounts leaves. Not here: what must come out (`oracle_revenue.py`).
"""

from datetime import date
from decimal import Decimal

SEPTEMBER = date(2025, 9, 1)
BAND = "micro"

# month, kind of cost, amount, amount in EUR
COSTS = [
    ("2025-08-01", "agency", "700", "700"),  # no new group in August
    ("2025-09-01", "salaries", "9000", "9000"),
    ("2025-09-01", "media", "2000", "2000"),
    ("2025-09-01", "campaign", "1000", "1000"),
    ("2025-10-01", "media", "500", None),  # no rate
    ("2026-07-01", "media", "400", "400"),  # after the cycle
]


def tables() -> dict[str, list[dict]]:
    """Relation of the master layer -> rows of this domain."""
    costs = [
        {"cost_month_key": f"cost_{n}", "cost_id": f"cost_{n}", "cost_source_code": "cost",
         "department_code": "marketing", "cost_kind_code": kind, "channel_code": "unknown",
         "period_month": date.fromisoformat(month), "currency": "EUR" if reporting else "CHF",
         "amount": Decimal(amount), "amount_reporting": reporting and Decimal(reporting)}
        for n, (month, kind, amount, reporting) in enumerate(COSTS)
    ]  # fmt: skip
    nothing, monthly = Decimal(0), Decimal(500)
    movements = [
        {"account_month_key": f"acc_r{n}/2025-09", "account_id": f"acc_r{n}", "size_band_code": BAND,
         "period_month": SEPTEMBER, "opening_mrr": monthly, "new_mrr": nothing, "reactivation_mrr": nothing,
         "expansion_mrr": nothing, "contraction_mrr": nothing, "churn_mrr": -monthly if n == 0 else nothing,
         "closing_mrr": nothing if n == 0 else monthly}
        for n in range(50)
    ]  # fmt: skip
    accounts = [
        {"account_id": f"acc_r{n}", "group_id": f"grp_r{n}", "size_band_code": BAND} for n in range(50)
    ]
    return {"dim_accounts": accounts, "fct_marketing_costs": costs, "fct_mrr_movements": movements}
