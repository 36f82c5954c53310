"""The KPIs of the planted company in plain Python: fractions, no SQL, no code of the project.

Written from the metric dictionary (formula, grain, anchor, edges). It returns only the cells that have units;
the mart also says why the others have none. Not here: the planted rows (`planted_company.py`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from importlib import import_module
from statistics import median
from zoneinfo import ZoneInfo

Cell = tuple[str, date, str, str]  # metric, month, segment kind, segment


def day_in(zone: str, moment: datetime) -> date:
    """Calendar day of a UTC instant."""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()


def month_of(day: date) -> date:
    return date(day.year, day.month, 1)


def months_before(month: date, n: int) -> date:
    index = month.year * 12 + month.month - 1 - n
    return date(index // 12, index % 12 + 1, 1)


#: Ratios without a value where the denominator is negative: a margin of credit notes alone is none.
OF_MORE_THAN_NOTHING = frozenset({"margin_rate"})


class Kpis:
    """Collects numerators, denominators and observations by cell, then divides."""

    def __init__(self) -> None:
        self.sums: dict[Cell, Fraction] = defaultdict(Fraction)
        self.parts: dict[Cell, list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
        self.observed: dict[Cell, list[Fraction]] = defaultdict(list)
        self.stated: dict[Cell, tuple] = {}
        self.unknown: set[tuple[Cell, int]] = (
            set()
        )  # a sum that lacks an amount: 0 the numerator, 1 the other

    def each(self, row_cuts: dict[str, str | None]) -> Iterable[tuple[str, str]]:
        yield "all", "all"
        for kind, code in row_cuts.items():
            yield kind, code or "unknown"

    def add(self, metric: str, month: date, cuts: dict, amount) -> None:
        """amount: None where a line has no exchange rate; its sum is then unknown, not smaller."""
        for kind, code in self.each(cuts):
            if amount is None:
                self.unknown.add(((metric, month, kind, code), 0))
            self.sums[metric, month, kind, code] += Fraction(amount or 0)

    def part(self, metric: str, month: date, cuts: dict, numerator, denominator) -> None:
        for kind, code in self.each(cuts):
            cell = self.parts[metric, month, kind, code]
            for side, amount in enumerate((numerator, denominator)):
                if amount is None:
                    self.unknown.add(((metric, month, kind, code), side))
                cell[side] += Fraction(amount or 0)

    def state(self, metric: str, month: date, cuts: dict, value, numerator=None, denominator=None) -> None:
        """A figure of its own that no sum or median gives, such as a concentration; `cuts` name one cell each."""
        for kind, code in cuts.items():
            self.stated[metric, month, kind, code] = (value, numerator, denominator)

    def observe(self, metric: str, month: date, cuts: dict, value) -> None:
        for kind, code in self.each(cuts):
            self.observed[metric, month, kind, code].append(Fraction(value))

    def values(self) -> dict[Cell, tuple[Fraction | None, Fraction | None, Fraction | None]]:
        """cell -> value, numerator, denominator."""
        out = {
            cell: (None if (cell, 0) in self.unknown else amount, None, None)
            for cell, amount in self.sums.items()
        }
        for cell, sums in self.parts.items():
            n, d = (None if (cell, side) in self.unknown else amount for side, amount in enumerate(sums))
            is_whole = d and (d > 0 or cell[0] not in OF_MORE_THAN_NOTHING)
            out[cell] = (n / d if is_whole and n is not None else None, n, d)
        out |= {cell: (median(seen), None, Fraction(len(seen))) for cell, seen in self.observed.items()}
        return out | self.stated


def touches_of_leads(
    tables: dict, as_of: datetime, window: timedelta, zone: str
) -> dict[tuple[date, str, str], list[int]]:
    """(month, cut, segment) -> touches inside the window of each lead whose window is over, zeros included."""
    counted = Kpis()
    for lead in tables["fct_leads"]:
        born = lead["created_at"]
        if born is None or born + window > as_of:
            continue
        inside = [
            touch
            for touch in tables["fct_touches"]
            if touch["lead_id"] == lead["lead_id"] and born <= touch["occurred_at"] < born + window
        ]
        cuts = {"channel": lead["channel_code"], "size_band": lead["size_band_code"], "rep": lead["rep_id"]}
        counted.observe("touches", month_of(day_in(zone, born)), cuts, len(inside))
    return {cell[1:]: sorted(int(each) for each in seen) for cell, seen in counted.observed.items()}


def quantile(ascending: list[int], share: Fraction) -> Fraction:
    """Between the two values around (n - 1) * share, as percentile_cont of SQL says."""
    place = (len(ascending) - 1) * share
    low = place.numerator // place.denominator
    high = min(low + 1, len(ascending) - 1)
    return ascending[low] + (place - low) * (ascending[high] - ascending[low])


def leads(kpis: Kpis, tables: dict, as_of: datetime, window: timedelta, zone: str) -> None:
    touches = defaultdict(list)
    for touch in tables["fct_touches"]:
        if touch["occurred_at"] < as_of:
            touches[touch["lead_id"]].append(touch)
    for lead in tables["fct_leads"]:
        born = lead["created_at"]
        if born is None or born >= as_of:
            continue
        month, cuts = (
            month_of(day_in(zone, born)),
            {"channel": lead["channel_code"], "size_band": lead["size_band_code"], "rep": lead["rep_id"]},
        )
        kpis.add("leads_new", month, cuts, 1)
        mine = touches[lead["lead_id"]]
        matured = born + window <= as_of
        converted = lead["converted_at"] is not None and lead["converted_at"] < as_of
        if converted and lead["is_converted_day_only"]:
            converted = timedelta(0) <= day_in(zone, lead["converted_at"]) - day_in(zone, born) <= window
        elif converted:
            converted = born <= lead["converted_at"] < born + window
        kpis.part("cr", month, cuts, matured and converted, matured)
        inside = [t for t in mine if born <= t["occurred_at"] < born + window]
        kpis.part("touches_per_lead", month, cuts, len(inside) if matured else 0, matured)
        effective = sorted(t["occurred_at"] for t in mine if t["is_effective"])
        if effective and effective[0] >= born:
            waited = Fraction(int((effective[0] - born).total_seconds()), 3600)
            kpis.observe(
                "ttf_hours", month, cuts, Fraction(round(waited * 10_000), 10_000)
            )  # the fact's decimals
        old = born + timedelta(hours=24) <= as_of
        prompt = any(born <= moment <= born + timedelta(hours=24) for moment in effective)
        kpis.part("contacted_24h_rate", month, cuts, old and prompt, old)


def opportunities(kpis: Kpis, tables: dict, as_of: datetime, window: timedelta, zone: str) -> None:
    channels = {lead["lead_id"]: lead["channel_code"] for lead in tables["fct_leads"]}
    order = ["prospecting", "qualification", "meeting", "needs_defined", "proposal", "negotiation", "won"]
    entries = defaultdict(list)
    for entry in tables["fct_opportunity_stages"]:
        entries[entry["opportunity_id"]].append((entry["stage_code"], entry["first_entered_at"]))
    for deal in tables["fct_opportunities"]:
        cuts = {"channel": channels.get(deal["lead_id"]), "size_band": deal["size_band_code"]}
        if not deal["is_open"] and deal["closed_on"] is not None and deal["closed_at"] < as_of:
            month = month_of(deal["closed_on"])
            amount = deal["amount_reporting"] if deal["amount"] is not None else 0
            kpis.part("win_rate_close", month, cuts, deal["is_won"], 1)
            kpis.part("win_amount_rate_close", month, cuts, amount if deal["is_won"] else 0, amount)
            if deal["is_won"] and deal["sales_cycle_days"] is not None and deal["sales_cycle_days"] >= 0:
                kpis.observe("sales_cycle_days", month, cuts, deal["sales_cycle_days"])
        reached = [
            (order.index(s), t) for s, t in entries[deal["opportunity_id"]] if s != "lost" and t < as_of
        ]
        if deal["is_won"] and deal["closed_at"] is not None and deal["closed_at"] < as_of:
            reached.append((6, deal["closed_at"]))
        for place, stage in enumerate(order[:6]):
            later = [moment for rank, moment in reached if rank >= place]
            if later:
                entered = min(later)
                matured = entered + window <= as_of
                moved_on = any(rank > place for rank, _ in reached)
                kpis.part(
                    "stage_conversion",
                    month_of(day_in(zone, entered)),
                    cuts | {"stage": stage},
                    matured and moved_on,
                    matured,
                )


def revenue(kpis: Kpis, tables: dict, cycle_end: date) -> None:
    bands = {a["account_id"]: a["size_band_code"] for a in tables["dim_accounts"]}
    families = {p["product_id"]: p["product_family"] for p in tables["dim_products"]}
    lines = [
        line for line in tables["fct_invoice_lines"]
        if not line["is_intercompany"] and line["invoiced_on"] and line["invoiced_on"] < cycle_end
    ]  # fmt: skip
    by_group = defaultdict(Fraction)
    for line in lines:
        # without a rate the amount is unknown, yet the group did buy
        by_group[line["group_id"], month_of(line["invoiced_on"])] += Fraction(
            line["net_amount"] if line["net_amount_reporting"] is None else line["net_amount_reporting"]
        )

    def is_new(group: str, month: date) -> bool:
        return group != "unknown" and not any(
            by_group.get((group, months_before(month, n))) for n in range(1, 13)
        )

    for line in lines:
        month, amount = month_of(line["invoiced_on"]), line["net_amount_reporting"]
        fresh = amount if is_new(line["group_id"], month) else 0
        cuts = {
            "size_band": bands[line["account_id"]],
            "product_family": families[line["product_id"]],
            "currency": line["currency"],
        }
        kpis.add("revenue_total", month, cuts, amount)
        kpis.add("revenue_new_business", month, cuts, fresh)
        kpis.part("revenue_new_business_share", month, cuts, fresh, amount)
        known, cost = line.get("cost_amount") is not None, line.get("cost_amount_reporting")
        costed = amount if known else 0
        earned = None if known and cost is None else amount - cost if known else 0
        kpis.part("margin_rate", month, cuts, earned, costed)
        kpis.part("cost_shown_rate", month, cuts, costed, amount)


def recurring(kpis: Kpis, tables: dict) -> None:
    for row in tables["fct_mrr_movements"]:
        cuts = {"size_band": row["size_band_code"]}
        kpis.add("mrr", row["period_month"], cuts, row["closing_mrr"])
        for movement in ("new", "expansion", "contraction", "churn", "reactivation"):
            kpis.add(f"mrr_{movement}", row["period_month"], cuts, row[f"{movement}_mrr"])


def send_cells(tables: dict, as_of: datetime, zone: str, period: Callable[[date], date]) -> Kpis:
    """complaint_rate by a period of the send day: the month of the KPI mart or the week of the guard rail."""
    kpis = Kpis()
    bands = {a["account_id"]: a["size_band_code"] for a in tables["dim_accounts"]}
    for send in tables["fct_email_sends"]:
        if send["sent_at"] < as_of:
            complained = send["complained_at"] is not None and send["complained_at"] < as_of
            cuts = {
                "size_band": bands[send["account_id"]],
                "sending": "automated" if send["is_automated"] else "one_to_one",
            }
            kpis.part(
                "complaint_rate",
                period(day_in(zone, send["sent_at"])),
                cuts,
                complained,
                send["is_delivered"],
            )
    return kpis


# the modules of tests/golden that have add(kpis, tables, as_of, window_days, zone) for the KPIs of a domain
DOMAINS: tuple[str, ...] = (
    "oracle_reps",
    "oracle_leads",
    "oracle_handoffs",
    "oracle_activity",
    "oracle_pipeline",
    "oracle_customers",
    "oracle_subscriptions",
    "oracle_revenue",
    "oracle_key_accounts",
    "oracle_orders",
    "oracle_quality",
)


def all_kpis(tables: dict, as_of: datetime, window_days: int, zone: str) -> dict:
    """Every monthly KPI cell with at least one unit."""
    kpis, window = Kpis(), timedelta(days=window_days)
    leads(kpis, tables, as_of, window, zone)
    opportunities(kpis, tables, as_of, window, zone)
    revenue(kpis, tables, day_in(zone, as_of))
    recurring(kpis, tables)
    for domain in DOMAINS:
        import_module(f"tests.golden.{domain}").add(kpis, tables, as_of, window_days, zone)
    return kpis.values() | send_cells(tables, as_of, zone, month_of).values()
