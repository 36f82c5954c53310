"""Subscriptions planted for retention, loss and cohorts: accounts of June to September 2025 and starts of that year.

Two accounts of 250 in June 2025 pay 200 in June 2026, 180 of it no more than before. The starts stand at every edge of
the 90 days and of the year. Not here: the movements of spring 2026 (`planted_company.py`).
"""

from datetime import date, timedelta
from decimal import Decimal

# account, band, month, opening, new, reactivation, expansion, contraction, churn
MRR = [
    ("acc_s1", "smb", "2025-06-01", 0, 100, 0, 0, 0, 0),
    ("acc_s2", "mid", "2025-06-01", 0, 150, 0, 0, 0, 0),
    ("acc_s1", "smb", "2025-07-01", 100, 0, 0, 0, 0, 0),
    ("acc_s2", "mid", "2025-07-01", 150, 0, 0, 0, -30, 0),  # pays less and stays: 12 % of 250
    ("acc_s3", "smb", "2025-07-01", 0, 50, 0, 0, 0, 0),
    ("acc_s4", "mid", "2025-07-01", 0, 50, 0, 0, 0, 0),
    ("unknown", "unknown", "2025-07-01", 0, 10, 0, 0, 0, 0),  # money, and no customer
    ("acc_s1", "smb", "2025-08-01", 100, 0, 0, 20, 0, 0),
    ("acc_s2", "mid", "2025-08-01", 120, 0, 0, 0, 0, 0),
    ("acc_s3", "smb", "2025-08-01", 50, 0, 0, 0, 0, 0),
    ("acc_s4", "mid", "2025-08-01", 50, 0, 0, 0, 0, -50),  # one of four
    ("unknown", "unknown", "2025-08-01", 10, 0, 0, 0, 0, -10),
    ("acc_s1", "smb", "2025-09-01", 120, 0, 0, 0, 0, -120),
    ("acc_s2", "mid", "2025-09-01", 120, 0, 0, 0, 0, -120),
    ("acc_s3", "smb", "2025-09-01", 50, 0, 0, 0, 0, -50),
    # a winter of four accounts, one of them lost within three months of October
    *((f"acc_h{n}", "smb" if n < 3 else "mid", "2025-10-01", 0, 30, 0, 0, 0, 0) for n in (1, 2, 3, 4)),
    *((f"acc_h{n}", "smb" if n < 3 else "mid", "2025-11-01", 30, 0, 0, 0, 0, 0) for n in (1, 2, 3, 4)),
    *((f"acc_h{n}", "smb" if n < 3 else "mid", "2025-12-01", 30, 0, 0, 0, 0, 0) for n in (1, 2, 3)),
    ("acc_h4", "mid", "2025-12-01", 30, 0, 0, 0, 0, -30),
    *((f"acc_h{n}", "smb" if n < 3 else "mid", "2026-01-01", 30, 0, 0, 0, 0, 0) for n in (1, 2, 3)),
    *((f"acc_h{n}", "smb" if n < 3 else "mid", "2026-02-01", 30, 0, 0, 0, 0, -30) for n in (1, 2, 3)),
    ("acc_s1", "smb", "2026-06-01", 0, 0, 120, 0, 0, 0),  # back within the year, for more
    ("acc_s2", "mid", "2026-06-01", 0, 0, 80, 0, 0, 0),  # and for less
]  # fmt: skip
# Accounts of spring 2025 whose subscription no exchange rate converts in some months (None): what they bring, change
# by or lose is unknown, and they are there.
# account, band, month, opening, new, reactivation, expansion, contraction, churn, closing
UNRATED = [
    ("acc_x1", "smb", "2025-02-01", 0, None, 0, 0, 0, 0, None),  # new, of an unknown amount
    ("acc_x2", "mid", "2025-02-01", 0, 40, 0, 0, 0, 0, 40),
    ("acc_x1", "smb", "2025-03-01", None, 0, 0, None, None, 0, None),
    ("acc_x2", "mid", "2025-03-01", 40, 0, 0, None, None, 0, None),
    ("acc_x3", "mid", "2025-03-01", 0, 10, 0, 0, 0, 0, 10),
    ("acc_x1", "smb", "2025-04-01", None, 0, 0, None, None, 0, 18),  # the rate arrives: nothing new
    ("acc_x2", "mid", "2025-04-01", None, 0, 0, 0, 0, None, 0),  # lost, nobody knows how much
    ("acc_x3", "mid", "2025-04-01", 10, 0, 0, 0, 0, -10, 0),
    ("acc_x1", "smb", "2025-05-01", 18, 0, 0, 0, 0, -18, 0),
    ("acc_x2", "mid", "2025-05-01", 0, 0, None, 0, 0, 0, None),  # back, for an unknown amount
    ("acc_x2", "mid", "2025-06-01", None, 0, 0, 0, 0, None, 0),
]  # fmt: skip
# Why accounts left, by account and month; nobody noted the others.
REASONS = {
    ("acc_s1", "2025-09-01"): "price",
    ("acc_s2", "2025-09-01"): "competitor",
    ("acc_h1", "2026-02-01"): "price",
    ("acc_h2", "2026-02-01"): "price",
    ("acc_h3", "2026-02-01"): "support",
    ("unknown", "2025-08-01"): "price",  # money, and no customer
    ("acc_x2", "2025-04-01"): "price",
    ("acc_x3", "2025-04-01"): "support",
}
BANDS = {account: band for account, band, *_ in (*MRR, *UNRATED) if account != "unknown"}

# account, band, number of the stay, first day, days of service (None: it runs)
SPELLS = [
    *((f"acc_o{n}", "smb", 1, "2025-10-06", 60 if n < 3 else None) for n in range(20)),  # 3 of 20
    *((f"acc_n{n}", "mid", 1, "2025-11-03", 30 if n < 1 else None) for n in range(25)),  # 1 of 25
    ("acc_d1", "mid", 1, "2025-12-01", 89),
    ("acc_d2", "mid", 1, "2025-12-01", 90),  # on the day itself: not within 90 days
    ("acc_d2", "mid", 2, "2026-06-03", None),  # a win-back is no start
    ("acc_a1", "smb", 1, "2026-04-02", None),  # its 90 days end with the cycle
    ("acc_a2", "smb", 1, "2026-04-03", None),  # one day too young
    ("acc_a3", "smb", 1, "2026-04-03", 10),  # lost already, and still too young to count
    ("acc_s1", "smb", 1, "2025-07-01", None),  # the only one whose first year is known
    ("acc_s2", "mid", 1, "2025-08-01", 100),
    ("acc_s3", "smb", 1, "2025-09-01", None),
    ("acc_s4", "mid", 1, "2025-08-05", 310),
]  # fmt: skip


def tables() -> dict[str, list[dict]]:
    """Rows of the master layer."""
    moves = [
        {"account_month_key": f"{a}/{m[:7]}", "account_id": a, "size_band_code": band,
         "period_month": date.fromisoformat(m), "opening_mrr": Decimal(o), "new_mrr": Decimal(n),
         "reactivation_mrr": Decimal(r), "expansion_mrr": Decimal(e), "contraction_mrr": Decimal(c),
         "churn_mrr": Decimal(x), "closing_mrr": Decimal(o + n + r + e + c + x),
         "churn_reason_code": REASONS.get((a, m), "unknown") if x else None}
        for a, band, m, o, n, r, e, c, x in MRR
    ]  # fmt: skip
    amounts = ("opening", "new", "reactivation", "expansion", "contraction", "churn", "closing")
    moves += [
        {"account_month_key": f"{a}/{m[:7]}", "account_id": a, "size_band_code": band,
         "period_month": date.fromisoformat(m),
         **{f"{name}_mrr": None if x is None else Decimal(x) for name, x in zip(amounts, figures, strict=True)},
         "churn_reason_code": None if figures[5] == 0 else REASONS.get((a, m), "unknown"),
         "mrr_reason_code": "exchange_rate_missing" if None in figures else None}
        for a, band, m, *figures in UNRATED
    ]  # fmt: skip
    spells = [
        {"spell_key": f"{a}/{number}", "account_id": a, "size_band_code": band, "spell_number": number,
         "started_on": date.fromisoformat(start), "n_subscriptions": 1,
         "ended_on": None if days is None else date.fromisoformat(start) + timedelta(days=days)}
        for a, band, number, start, days in SPELLS
    ]  # fmt: skip
    accounts = [
        {"account_id": a, "group_id": "grp_" + a[4:], "size_band_code": band} for a, band in BANDS.items()
    ]
    return {"fct_mrr_movements": moves, "fct_subscription_spells": spells, "dim_accounts": accounts}
