"""Retention, loss and cohorts of subscribers in plain Python, from the rows of the master layer.

What does NOT belong here: MRR and its movements (`kpi_oracle.py`), NPS, use and health (`oracle_customers.py`).
"""

from collections import defaultdict
from datetime import date, datetime, timedelta
from fractions import Fraction

from tests.golden.kpi_oracle import Kpis, day_in, month_of, months_before

YEAR = 365


def quarter_of(day: date) -> date:
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def survival(stays: list[tuple[int, bool]], age: int) -> Fraction:
    """Kaplan-Meier share that outlives fewer than `age` days. stays: days of service, and whether it ended."""
    left = Fraction(1)
    for days in sorted({d for d, lost in stays if lost and d < age}):
        at_risk = sum(1 for d, _ in stays if d >= days)
        left *= 1 - Fraction(sum(1 for d, lost in stays if lost and d == days), at_risk)
    return left


def known_amount(amount) -> Fraction | None:
    """None: no exchange rate converts it, and whoever pays it pays all the same."""
    return None if amount is None else Fraction(amount)


def is_paid(amount) -> bool:
    return amount is None or amount > 0


def smaller(one: Fraction | None, other: Fraction | None) -> Fraction | None:
    return None if one is None or other is None else min(one, other)


def retention(kpis: Kpis, tables: dict, cycle_end: date) -> None:
    rows = [row for row in tables["fct_mrr_movements"] if row["period_month"] < cycle_end]
    bands = {account["account_id"]: account["size_band_code"] for account in tables["dim_accounts"]}
    closing = {(row["account_id"], row["period_month"]): known_amount(row["closing_mrr"]) for row in rows}
    for row in rows:
        account, month = row["account_id"], row["period_month"]
        cuts, known = {"size_band": bands.get(account, "unknown")}, account != "unknown"
        before, after = known_amount(row["opening_mrr"]), known_amount(row["closing_mrr"])
        stays = is_paid(before)
        kpis.part("nrr_month", month, cuts, after if stays else 0, before)
        kpis.part("grr_month", month, cuts, smaller(before, after) if stays else 0, before)
        is_lost = stays and after == 0
        lost = before if is_lost else Fraction(0)
        less = Fraction(0)
        if stays and not is_lost:
            less = None if before is None or after is None else max(before - after, Fraction(0))
        kpis.part("mrr_churn_rate", month, cuts, lost, before)
        kpis.part(
            "mrr_churn_incl_contraction",
            month,
            cuts,
            None if lost is None or less is None else lost + less,
            before,
        )
        left = known and is_lost
        told = left and row.get("churn_reason_code") not in (None, "unknown")
        kpis.part("churn_reason_told_rate", month, cuts, told, left)
        kpis.part("logo_churn", month, cuts, left, known and stays)
        kpis.part("arpa", month, cuts, after if known else 0, known and is_paid(after))
        kpis.add("customers", month, cuts, known and is_paid(after))
        kpis.add("win_backs", month, cuts, known and is_paid(row["reactivation_mrr"]))
        kpis.add("arr", month, cuts, None if after is None else 12 * after)
    for (account, month), paid in closing.items():
        later = months_before(month, -12)
        if is_paid(paid) and later < cycle_end:
            now = closing.get((account, later), Fraction(0))
            cuts = {"size_band": bands.get(account, "unknown")}
            kpis.part("nrr", later, cuts, now, paid)
            kpis.part("grr", later, cuts, smaller(paid, now), paid)


def starts(kpis: Kpis, tables: dict, cycle_end: date) -> None:
    cohorts = defaultdict(list)
    for spell in tables["fct_subscription_spells"]:
        if spell["spell_number"] != 1:
            continue
        start, end = spell["started_on"], spell["ended_on"]
        matured = start + timedelta(days=90) <= cycle_end
        lost_soon = end is not None and end < start + timedelta(days=90)
        cuts = {"size_band": spell["size_band_code"]}
        kpis.part("early_churn_90d", month_of(start), cuts, matured and lost_soon, matured)
        for kind, code in kpis.each(cuts):
            cohorts[quarter_of(start), kind, code].append(
                (((end or cycle_end) - start).days, end is not None, (cycle_end - start).days)
            )
    for (quarter, kind, code), stays in cohorts.items():
        if max(known for *_, known in stays) >= YEAR:
            share = survival([(days, lost) for days, lost, _ in stays], YEAR)
            kpis.state("cohort_retention", quarter, {kind: code}, share, None, Fraction(len(stays)))


def new_mrr_to_date(kpis: Kpis, tables: dict, cycle_end: date) -> None:
    """Each month of a year from the first one with a row of the segment in it."""
    gained: dict[tuple, dict[date, list]] = defaultdict(lambda: defaultdict(list))
    for row in tables["fct_mrr_movements"]:
        if row["period_month"] < cycle_end:
            for cell in kpis.each({"size_band": row["size_band_code"]}):
                gained[cell][row["period_month"]].append(known_amount(row["new_mrr"]))
    for (kind, code), months in gained.items():
        for year in {month.year for month in months}:
            first = min(month for month in months if month.year == year)
            for number in range(first.month, 13):
                month = date(year, number, 1)
                if month < cycle_end:
                    parts = [v for m, found in months.items() if m.year == year and m <= month for v in found]
                    kpis.state(
                        "mrr_new_ytd", month, {kind: code}, None if None in parts else sum(parts, Fraction(0))
                    )


def add(kpis: Kpis, tables: dict, as_of: datetime, window_days: int, zone: str) -> None:
    cycle_end = day_in(zone, as_of)
    retention(kpis, tables, cycle_end)
    starts(kpis, tables, cycle_end)
    new_mrr_to_date(kpis, tables, cycle_end)
