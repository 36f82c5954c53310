"""Growth, year to date and cuts of revenue in plain Python: fractions, no SQL, no code of the project.

Written from the metric dictionary. Not here: total and new-business revenue (`kpi_oracle.py`).
"""

from collections import defaultdict
from datetime import date, datetime
from fractions import Fraction

from tests.golden.kpi_oracle import Kpis, day_in, month_of, months_before


def sales_lines(tables: dict, as_of: datetime, zone: str) -> list[dict]:
    """Lines that are revenue, with month, cuts and whether their group is 12 months old."""
    bands = {a["account_id"]: a["size_band_code"] for a in tables["dim_accounts"]}
    families = {p["product_id"]: p["product_family"] for p in tables["dim_products"]}
    first_lead: dict[str, dict] = {}
    for lead in sorted(tables["fct_leads"], key=lambda row: row["lead_id"]):
        account = lead["account_id"]
        if lead["created_at"] is None or account == "unknown":
            continue
        if account not in first_lead or lead["created_at"] < first_lead[account]["created_at"]:
            first_lead[account] = lead
    kept, first_month = [], {}
    for line in tables["fct_invoice_lines"]:
        day = line["invoiced_on"]
        if line["is_intercompany"] or day is None or day >= day_in(zone, as_of):
            continue
        lead = first_lead.get(line["account_id"])
        if lead is not None and lead["created_on"] > day:
            lead = None
        month = month_of(day)
        first_month[line["group_id"]] = min(month, first_month.get(line["group_id"], month))
        cuts = {
            "size_band": bands.get(line["account_id"]), "currency": line["currency"],
            "product_family": families.get(line["product_id"]),
            "channel": lead and lead["channel_code"], "lead_source": lead and lead.get("lead_source"),
        }  # fmt: skip
        kept.append({
            "month": month, "cuts": cuts, "group": line["group_id"], "net": line["net_amount"],
            "amount": line["net_amount_reporting"],
        })  # fmt: skip
    for line in kept:
        line["is_old"] = first_month[line["group"]] <= months_before(line["month"], 12)
    return kept


def add(kpis: Kpis, tables: dict, as_of: datetime, window_days: int, zone: str) -> None:
    """Every cell of the growth and the cuts of revenue."""
    lines = sales_lines(tables, as_of, zone)
    whole: dict[tuple, Fraction] = defaultdict(Fraction)
    old: dict[tuple, Fraction] = defaultdict(Fraction)
    no_rate, old_no_rate = set(), set()
    for line in lines:
        for segment in kpis.each(line["cuts"]):
            cell = (*segment, line["month"])
            if line["amount"] is None:
                no_rate.add(cell)
                if line["is_old"]:
                    old_no_rate.add(cell)
            whole[cell] += Fraction(line["amount"] or 0)
            old[cell] += Fraction(line["amount"] or 0) if line["is_old"] else 0
    last = month_of(day_in(zone, as_of))
    cells = {(k, c, months_before(m, -n)) for k, c, m in whole for n in range(13)}
    for kind, code, month in sorted(cell for cell in cells if cell[2] < last):
        now, base = (kind, code, month), (kind, code, months_before(month, 12))
        cut = {kind: code}
        for metric, sums, missing in (
            ("yoy_growth", whole, no_rate), ("like_for_like_growth", old, old_no_rate)
        ):  # fmt: skip
            if now in missing or base in no_rate or whole.get(base, 0) <= 0:
                kpis.state(metric, month, cut, None)
            else:
                more = sums.get(now, Fraction(0)) - whole[base]
                kpis.state(metric, month, cut, more / whole[base], more, whole[base])
        if now in whole:
            amount = None if now in no_rate else whole[now]
            if kind in ("all", "product_family"):
                kpis.state("revenue_by_product", month, cut, amount)
            if kind in ("all", "lead_source"):
                kpis.state("source_attributed_revenue", month, cut, amount)
            if kind in ("all", "channel"):
                company = whole["all", "all", month]
                known = ("all", "all", month) not in no_rate and company != 0
                share = amount / company if known else None
                kpis.state("channel_revenue_share", month, cut, share, amount, company)
        if kind == "all":
            year = [months_before(month, n) for n in range(month.month)]
            missing_year = any(("all", "all", each) in no_rate for each in year)
            total = sum(whole.get(("all", "all", each), Fraction(0)) for each in year)
            kpis.state("revenue_ytd", month, cut, None if missing_year else total)
    acquisition(kpis, tables, lines, last)


def acquisition(kpis: Kpis, tables: dict, lines: list[dict], last: date) -> None:
    """Cost of a customer and its value, with the assumptions of the product: margin 80 %, no lag."""
    bought: dict[tuple, Fraction] = defaultdict(Fraction)
    for line in lines:
        # without a rate the amount is unknown, yet the group did buy
        bought[line["group"], line["month"]] += Fraction(
            line["net"] if line["amount"] is None else line["amount"]
        )
    new: dict[date, int] = defaultdict(int)
    for (group, month), amount in bought.items():
        before = any(bought.get((group, months_before(month, n))) for n in range(1, 13))
        new[month] += group != "unknown" and amount > 0 and not before
    costs, media, missing = defaultdict(Fraction), defaultdict(Fraction), set()
    for cost in tables["fct_marketing_costs"]:
        month, amount = cost["period_month"], cost["amount_reporting"]
        if amount is None:
            missing.add(month)
        costs[month] += Fraction(amount or 0)
        if cost["cost_kind_code"] in ("media", "campaign"):
            media[month] += Fraction(amount or 0)
    accounts: dict[tuple, list] = defaultdict(lambda: [0, 0, 0, Fraction(0)])
    for row in tables["fct_mrr_movements"]:
        for kind, code in kpis.each({"size_band": row["size_band_code"]}):
            cell = accounts[kind, code, row["period_month"]]
            is_known = row["account_id"] != "unknown"  # money, and no customer
            opening_paid, left, paid = row["opening_mrr"], row["churn_mrr"], row["closing_mrr"]
            # without an exchange rate the account pays all the same, and the sum is unknown
            cell[0] += is_known and (opening_paid is None or opening_paid > 0)
            cell[1] += is_known and (left is None or left < 0)
            cell[2] += is_known and (paid is None or paid > 0)
            if is_known and (paid is None or cell[3] is None):
                cell[3] = None
            elif is_known:
                cell[3] += Fraction(paid)
    cac: dict[date, Fraction] = {}
    for month in sorted(set(costs) | set(new)):
        known = month in costs and month not in missing and new[month]
        if month < last:
            figures = (costs[month] / new[month], media[month] / new[month]) if known else (None, None)
            kpis.state("cac", month, {"all": "all"}, figures[0])
            kpis.state("cac_media", month, {"all": "all"}, figures[1])
        if known:
            cac[month] = costs[month] / new[month]
    for (kind, code, month), (opening, churned, closing, recurring) in accounts.items():
        margin = recurring / closing * Fraction(8, 10) if closing and recurring is not None else None
        value = margin / Fraction(churned, opening) if margin and churned else None
        cost, cut = cac.get(month), {kind: code}
        kpis.state("cltv_simple", month, cut, value)
        kpis.state("cltv_cac", month, cut, value / cost if value and cost else None)
        kpis.state("cac_payback", month, cut, cost / margin if margin and cost else None)
