"""Concentration of revenue in plain Python: fractions, no SQL, no code of the project.

Written from the metric dictionary: golden groups, twelve months up to and with the month, groups under 0 counted as 0,
the unknown group in no share. Not here: the planted rows (`planted_key_accounts.py`).
"""

from collections import defaultdict
from datetime import date, datetime
from fractions import Fraction

from tests.golden.kpi_oracle import Kpis, day_in, month_of, months_before


def group_on(bridge: dict, account: str, day: date | None) -> str | None:
    """Legal group of an account on a day; on the last day of the cycle with None."""
    for row in bridge[account]:
        if row["is_as_is"] if day is None else (
            row["valid_from"] <= day and (row.get("valid_to") is None or day < row["valid_to"])
        ):  # fmt: skip
            return row["group_id"]
    return None


def concentration(amounts: list[Fraction]) -> dict[str, Fraction]:
    """Figures of a month from the revenue of each group, negative ones counted as 0."""
    ordered = sorted((max(amount, Fraction(0)) for amount in amounts), reverse=True)
    total, n = sum(ordered), len(ordered)
    shares = [amount / total for amount in ordered]
    before = [sum(shares[:k], Fraction(0)) for k in range(n)]
    hhi = sum(share**2 for share in shares)
    return {
        "hhi": hhi,
        "effective_n": 1 / hhi,
        "top_n_share": sum(shares[:5]),
        "gini": sum((2 * (n - k) - n - 1) * share for k, share in enumerate(shares)) / n,
        "abc": Fraction(sum(share < Fraction(80, 100) for share in before)),
        "n_accounts_for_40pct": Fraction(sum(share < Fraction(40, 100) for share in before)),
    }


METRICS = ("hhi", "effective_n", "top_n_share", "gini", "abc", "n_accounts_for_40pct")
View = tuple[str, date]  # as_was or as_is, last of the twelve months


def views(tables: dict, as_of: datetime, zone: str) -> dict[View, dict[str, Fraction]]:
    """The concentration of every month with an invoice line in its twelve months; empty where it has no value."""
    cycle_end = day_in(zone, as_of)
    bridge = defaultdict(list)
    for row in tables["bridge_account_groups"]:
        if row["kind_code"] == "legal":
            bridge[row["account_id"]].append(row)
    revenue: dict[str, dict] = {"as_was": defaultdict(Fraction), "as_is": defaultdict(Fraction)}
    unknown_rate = set()
    for line in tables["fct_invoice_lines"]:
        day = line["invoiced_on"]
        if line["is_intercompany"] or day is None or day >= cycle_end:
            continue
        month = month_of(day)
        if line["net_amount_reporting"] is None:
            unknown_rate.add(month)
        for view, groups in revenue.items():
            group = group_on(bridge, line["account_id"], day if view == "as_was" else None)
            if group is not None:
                groups[group, month] += Fraction(line["net_amount_reporting"] or 0)
    found = {}
    months = {month for groups in revenue.values() for _, month in groups}
    windows = {months_before(month, -n) for month in months for n in range(12)}
    for last in sorted(month for month in windows if month < cycle_end):
        twelve = {months_before(last, n) for n in range(12)}
        for view, groups in revenue.items():
            amounts = defaultdict(Fraction)
            for (group, month), amount in groups.items():
                if month in twelve and group != "unknown":
                    amounts[group] += amount
            known = not unknown_rate & twelve and any(amount > 0 for amount in amounts.values())
            found[view, last] = concentration(list(amounts.values())) if known else {}
    return found


def add(kpis: Kpis, tables: dict, as_of: datetime, window_days: int, zone: str) -> None:
    """The concentration of the groups as they are, month by month."""
    for (view, month), figures in views(tables, as_of, zone).items():
        if view == "as_is":
            for metric in METRICS:
                kpis.state(metric, month, {"all": "all"}, figures.get(metric))
    strategic(kpis, tables, as_of, zone)
    values(kpis, tables, as_of, zone)


def strategic(kpis: Kpis, tables: dict, as_of: datetime, zone: str) -> None:
    """Growth of the accounts listed a year before against the rest, and accounts by owner in the cycle's month."""
    cycle_end = day_in(zone, as_of)
    groups = {account["account_id"]: account["group_id"] for account in tables["dim_accounts"]}
    revenue: dict[tuple, Fraction] = defaultdict(Fraction)
    missing = set()
    for line in tables["fct_invoice_lines"]:
        day = line["invoiced_on"]
        if line["is_intercompany"] or day is None or day >= cycle_end:
            continue
        if line["net_amount_reporting"] is None:
            missing.add(month_of(day))
        revenue[line["group_id"], month_of(day)] += Fraction(line["net_amount_reporting"] or 0)
    months = {months_before(month, -n) for _, month in revenue for n in range(13)}
    for month in sorted(each for each in months if each < cycle_end):
        first = months_before(month, 12)
        listed = {
            groups[span["account_id"]]
            for span in tables["bridge_strategic_accounts"]
            if span["valid_from"] <= first and (span["valid_to"] is None or first < span["valid_to"])
        }
        sides = {"strategic": [Fraction(0), Fraction(0)], "rest": [Fraction(0), Fraction(0)]}
        for (group, of_month), amount in revenue.items():
            if of_month in (month, first):
                sides["strategic" if group in listed else "rest"][of_month == first] += amount
        grown = {}
        for side, (now, base) in sides.items():
            known = not {month, first} & missing and base > 0 and (listed or side == "rest")
            grown[side] = (now - base) / base if known else None
            kpis.state(f"{side}_growth", month, {"all": "all"}, grown[side])
        both = grown["strategic"] is not None and grown["rest"] is not None and grown["rest"] > 0
        ratio = grown["strategic"] / grown["rest"] if both else None
        kpis.state("strategic_growth_ratio", month, {"all": "all"}, ratio)
        owned = [
            account["owner_rep_id"]
            for account in tables["dim_accounts"]
            if account.get("is_strategic") and account["owner_rep_id"] != "unknown"
        ]
        is_cycle = month == months_before(month_of(cycle_end), 1)
        figure = Fraction(len(owned), len(set(owned))) if owned and is_cycle else None
        kpis.state("accounts_per_kam", month, {"all": "all"}, figure)


def values(kpis: Kpis, tables: dict, as_of: datetime, zone: str) -> None:
    """Mean margin (80 %) of what the statistics step expects of each account, in the cycle's month."""
    month = months_before(month_of(day_in(zone, as_of)), 1)
    bands = {account["account_id"]: account["size_band_code"] for account in tables["dim_accounts"]}
    expected = defaultdict(list)
    for row in tables.get("statistics.account_values", []):
        for segment in kpis.each({"size_band": bands.get(row["account_id"], "unknown")}):
            expected[segment].append(Fraction(row["expected_revenue"]))
    for (kind, code), amounts in expected.items():
        kpis.state("clv_bgnbd", month, {kind: code}, sum(amounts) * Fraction(8, 10) / len(amounts))
