"""Orders of the planted company: owed, shipped on the day, cancelled on and after it, without a rate, of the own group.

Not here: what must come out (`oracle_orders.py`).
"""

from datetime import date
from decimal import Decimal

# line, account, status, ordered, promised, shipped, cancelled, amount, amount in EUR, intercompany
LINES = [
    ("o1", "acc_1", "open", "2026-01-10", "2026-02-10", None, None, 1000, 1000, False),
    ("o2", "acc_1", "shipped", "2026-01-20", "2026-02-20", "2026-02-20", None, 400, 400, False),
    ("o3", "acc_3", "open", "2026-02-05", None, None, None, 250, 250, False),
    ("o4", "acc_3", "cancelled", "2026-03-02", "2026-03-20", None, "2026-03-20", 300, 300, False),
    ("o5", "acc_3", "cancelled", "2026-03-02", "2026-03-10", None, "2026-03-11", 70, 70, False),
    ("o6", "unknown", "shipped", "2026-04-03", "2026-04-30", "2026-04-01", None, 90, 90, False),
    ("o7", "acc_1", "shipped", "2026-04-10", "2026-05-20", "2026-05-15", None, 80, None, False),  # no rate
    ("o8", "acc_1", "open", "2026-05-05", "2026-05-06", None, None, 5000, 5000, True),
    ("o9", "acc_3", "open", "2026-07-02", "2026-07-05", None, None, 60, 60, False),  # after the cycle
    (
        "o10",
        "acc_1",
        "shipped",
        "2026-05-20",
        "2026-06-30",
        "2026-07-03",
        None,
        20,
        20,
        False,
    ),  # seen as owed
]


def tables() -> dict[str, list[dict]]:
    """Relation of the master layer -> rows of this domain."""

    def day(text: str | None) -> date | None:
        return date.fromisoformat(text) if text else None

    return {
        "fct_order_lines": [
            {"order_line_id": line, "account_id": account, "product_id": "prd_1", "status_code": status,
             "ordered_on": day(ordered), "promised_on": day(promised), "shipped_on": day(shipped),
             "cancelled_on": day(cancelled), "currency": "EUR" if reporting else "CHF",
             "net_amount": Decimal(amount), "net_amount_reporting": reporting and Decimal(reporting),
             "is_intercompany": own}
            for line, account, status, ordered, promised, shipped, cancelled, amount, reporting, own in LINES
        ]
    }  # fmt: skip
