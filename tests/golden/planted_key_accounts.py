"""Customers of the planted company whose groups merge, and their invoices.

Two companies are one group since December 2025: concentration as it was and as it is differ. Over the twelve months up
to January 2026 the groups have 275 (150 and 125 before the merger), 80, 65, 60, 10 and 10, the last two of
`planted_company.py`, and one group with more credit notes than invoices. Up to August 2025 they have 70, 10, 10 and 10:
after the second group exactly 80 % is reached. Not here: what must come out (`oracle_key_accounts.py`).
"""

from datetime import date, datetime
from decimal import Decimal

MERGED_ON = date(2025, 12, 1)
# account, group as it is, group as it was, size band
ACCOUNTS = [
    ("acc_k1", "grp_k1", "grp_k1", "enterprise"), ("acc_k2", "grp_k1", "grp_k2", "enterprise"),
    ("acc_k3", "grp_k3", "grp_k3", "mid"), ("acc_k4", "grp_k4", "grp_k4", "smb"),
    ("acc_k5", "grp_k5", "grp_k5", "smb"), ("acc_k6", "grp_k6", "grp_k6", "mid"),
    ("acc_k7", "grp_k7", "grp_k7", "mid"),
]  # fmt: skip

# account, invoiced_on, amount in EUR
LINES = [
    ("acc_k1", "2025-04-12", "70"), ("acc_k3", "2025-04-14", "10"),
    ("acc_k1", "2025-09-03", "80"), ("acc_k2", "2025-09-04", "125"), ("acc_k3", "2025-09-05", "70"),
    ("acc_k4", "2025-09-08", "65"), ("acc_k5", "2025-09-30", "60"),
    ("acc_k6", "2025-10-05", "20"), ("acc_k6", "2025-11-06", "-45"),  # under 0: counts as 0, and is listed
    ("acc_k1", "2026-04-08", "99"), ("acc_k7", "2026-04-09", "21"),  # a group that came since
]  # fmt: skip


# account on the strategic list, since, until, owner: one came on it too late, one went before
STRATEGIC = [
    ("acc_k1", date(1900, 1, 1), None, "rep_1"), ("acc_k2", date(1900, 1, 1), None, "rep_1"),
    ("acc_k4", date(1900, 1, 1), None, "rep_2"), ("acc_k7", date(2025, 11, 1), None, "unknown"),
    ("acc_k3", date(1900, 1, 1), date(2025, 4, 1), None),
]  # fmt: skip


def tables() -> dict[str, list[dict]]:
    """Relation of the master layer -> rows of this domain."""
    groups = {account: group for account, group, _, _ in ACCOUNTS}
    owners = {account: owner for account, _, _, owner in STRATEGIC}
    bridge = []
    for account, as_is, as_was, _ in ACCOUNTS:
        spans = [(as_is, date(1900, 1, 1), None)]
        if as_was != as_is:
            spans = [(as_was, date(1900, 1, 1), MERGED_ON), (as_is, MERGED_ON, None)]
        bridge += [
            {"account_id": account, "group_id": group, "kind_code": "legal", "valid_from": start,
             "valid_to": end, "link_source": "own", "is_as_is": end is None, "is_pro_forma": end is None}
            for group, start, end in spans
        ]  # fmt: skip
    lines = [
        {"invoice_line_id": f"line_k{n}", "invoice_id": f"inv_k{n}", "account_id": a, "group_id": groups[a],
         "product_id": "prd_2", "invoiced_on": date.fromisoformat(d), "currency": "EUR",
         "net_amount": Decimal(v), "net_amount_reporting": Decimal(v), "is_intercompany": False,
         "is_recurring": False}
        for n, (a, d, v) in enumerate(LINES)
    ]  # fmt: skip
    lead = {
        "lead_id": "lea_k4", "person_id": "per_k4", "account_id": "acc_k4", "rep_id": "rep_1",
        "channel_code": "partner", "lead_source": "Partner Referral", "size_band_code": "smb",
        "country_code": "FR", "created_at": datetime(2025, 8, 18, 8), "created_on": date(2025, 8, 18),
        "is_created_day_only": False, "is_converted": False, "converted_at": None, "converted_on": None,
        "is_converted_day_only": False, "n_touches_declared": None, "n_source_rows": 1,
    }  # fmt: skip
    return {
        "dim_accounts": [
            {
                "account_id": account,
                "group_id": group,
                "size_band_code": band,
                "is_strategic": owners.get(account) is not None,
                "owner_rep_id": owners.get(account) or "rep_1",
            }
            for account, group, _, band in ACCOUNTS
        ],
        "bridge_strategic_accounts": [
            {"account_id": a, "record_key": f"one/crm_account/{a}", "valid_from": since, "valid_to": until}
            for a, since, until, _ in STRATEGIC
        ],
        "bridge_account_groups": bridge,
        "fct_invoice_lines": lines,
        "fct_leads": [lead],
        "statistics.account_values": [
            {
                "account_id": account,
                "n_repeat_purchases": 1,
                "expected_purchases": Decimal(1),
                "expected_revenue": Decimal(value),
            }
            for account, value in (("acc_k1", 150), ("acc_k3", 60), ("acc_k4", 30))
        ],
        "statistics.account_value_models": [
            {
                "model_code": "bg_nbd_gamma_gamma",
                "is_published": True,
                "n_accounts": 3,
                "n_repeat_accounts": 3,
            }
        ],
    }
