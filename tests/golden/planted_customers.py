"""Answers, product use and health planted for the customers' KPIs.

A hundred persons answer in December 2025, some twice; two accounts use the product around every rule. The health of the
summer of 2025 is that of the accounts of `planted_subscriptions.py`: here are their use and their answers.
"""

from datetime import date
from decimal import Decimal

from tests.golden.planted_company import at, day_of

# how many, account, band, day and hour, score; the n-th respondent of a line is the n-th of any line of its group
ANSWERS = [
    ("d", 40, "acc_1", "smb", "2025-12-05 10:00", 9),
    ("p", 30, "acc_2", "mid", "2025-12-05 10:00", 7),
    ("r", 30, "acc_3", "enterprise", "2025-12-05 10:00", 6),
    ("r", 20, "acc_3", "enterprise", "2025-12-01 00:00", 10),  # thought again: their last answer counts
    ("d", 5, "acc_1", "smb", "2025-12-31 23:59", 10),  # still December, in Paris
    ("p", 1, "acc_2", "mid", "2026-01-01 00:30", 0),  # January in Paris, December in UTC
    ("s1", 1, "acc_s1", "smb", "2025-06-10 09:00", 9),
    ("s2", 1, "acc_s2", "mid", "2025-07-10 09:00", 4),
    ("s2", 1, "acc_s2", "mid", "2025-08-10 09:00", 6),  # answers again: the former score is over
    ("late", 3, "acc_1", "smb", "2026-07-01 00:00", 0),  # at as_of
]

# account, event, day, uses
USAGES = [
    ("acc_u1", "report_created", "2025-10-06", 1),
    ("acc_u1", "report_created", "2025-10-20", 1),
    ("acc_u1", "login", "2025-10-21", 40),  # another event
    ("acc_u1", "report_created", "2025-11-03", 5),  # the third one: active
    ("acc_u1", "report_created", "2025-12-03", 5),
    ("acc_u2", "report_created", "2025-11-04", 3),  # at once
    ("acc_u2", "login", "2025-11-05", 1),
    ("acc_u2", "login", "2025-11-06", 0),  # counted, and none
    ("acc_u2", "login", "2025-12-06", 1),  # the third day of use, before any purchase
    ("acc_o0", "login", "2025-10-04", 1),
    ("acc_o0", "login", "2025-10-05", 1),
    ("acc_o0", "login", "2025-10-06", 1),  # the third day is that of the purchase: no PQL
    ("acc_u3", "report_created", "2026-07-01", 9),  # after the cycle
    ("unknown", "report_created", "2025-11-04", 9),
    ("acc_s1", "login", "2025-06-25", 10),
    ("acc_s1", "login", "2025-07-30", 20),
    ("acc_s1", "login", "2025-08-02", 5),
    ("acc_s2", "login", "2025-06-10", 30),
    ("acc_s3", "login", "2025-05-02", 30),
    ("acc_h1", "login", "2025-10-28", 3),
    ("acc_h2", "login", "2025-10-01", 3),
    ("acc_h3", "login", "2025-05-01", 3),  # as long gone as the account lost with 0 points: a tie
    ("acc_h4", "login", "2025-10-10", 3),
]

NEW_ACCOUNTS = [("acc_u1", "smb"), ("acc_u2", "mid"), ("acc_u3", "mid"), ("acc_o0", "smb")]


def tables() -> dict[str, list[dict]]:
    """Rows of the master layer."""
    responses = [
        {"response_key": f"n{line}_{n}", "survey_name": "planted", "channel_code": "email",
         "person_id": f"per_{who}{n}", "respondent_key": f"per_{who}{n}", "account_id": account,
         "size_band_code": band, "score": score, "answered_at": at(moment), "answered_on": day_of(at(moment))}
        for line, (who, many, account, band, moment, score) in enumerate(ANSWERS)
        for n in range(many)
    ]  # fmt: skip
    usages = [
        {"account_id": account, "event_name": event, "used_on": date.fromisoformat(day), "n_uses": uses,
         "usage_s": 60 * uses, "n_errors": None, "n_source_rows": 1}
        for account, event, day, uses in USAGES
    ]  # fmt: skip
    accounts = [
        {"account_id": a, "group_id": "grp_" + a[4:], "size_band_code": band} for a, band in NEW_ACCOUNTS
    ]
    return {"fct_nps_responses": responses, "fct_product_usages": usages, "dim_accounts": accounts}


#: The weights of the seed health_components, written out: what a score is must not be read from the code it judges.
HEALTH = {  # component: weight, value worth 0, value worth 100
    "usage_recency": (Decimal(30), Decimal(60), Decimal(7)),
    "usage_trend": (Decimal(30), Decimal(0), Decimal(1)),
    "nps": (Decimal(20), Decimal(0), Decimal(10)),
    "mrr_trend": (Decimal(20), Decimal("0.5"), Decimal(1)),
}
