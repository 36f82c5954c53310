"""Backlog and kept promises of orders in plain Python: no SQL, no code of the project.

Written from the metric dictionary: the backlog of a month is looked up line by line at its end. Not here: the planted
rows (`planted_orders.py`).
"""

from datetime import datetime, timedelta
from fractions import Fraction

from tests.golden.kpi_oracle import Kpis, day_in, month_of, months_before


def add(kpis: Kpis, tables: dict, as_of: datetime, window_days: int, zone: str) -> None:
    """Every cell of the order metrics."""
    bands = {a["account_id"]: a["size_band_code"] for a in tables["dim_accounts"]}
    last_day = day_in(zone, as_of) - timedelta(days=1)
    lines = [line for line in tables.get("fct_order_lines", ()) if not line["is_intercompany"]]
    known = []
    for line in lines:
        cuts = {"size_band": bands.get(line["account_id"]) or "unknown"}
        due = line["promised_on"]
        withdrawn = line["cancelled_on"] is not None and due is not None and line["cancelled_on"] <= due
        if due is not None and due <= last_day and not withdrawn:
            late = line["shipped_on"] is None or line["shipped_on"] > due
            kpis.part("late_delivery_rate", month_of(due), cuts, int(late), 1)
        if line["ordered_on"] <= last_day:
            known.append((line, cuts["size_band"]))
    segments = {("all", "all")} | {("size_band", band) for _, band in known}
    for kind, code in segments:
        mine = [line for line, band in known if kind == "all" or band == code]
        month, n = month_of(last_day), 0
        first = min((month_of(line["ordered_on"]) for line in mine), default=month)
        while months_before(month, n) >= first:
            at = months_before(month, n)
            after = months_before(at, -1)
            owed = [
                line
                for line in mine
                if line["ordered_on"] < after
                and not any(
                    end is not None and max(end, line["ordered_on"]) < after
                    for end in (line["shipped_on"], line["cancelled_on"])
                )
            ]
            amounts = [line["net_amount_reporting"] for line in owed]
            total = None if None in amounts else sum((Fraction(each) for each in amounts), Fraction(0))
            kpis.state("order_backlog", at, {kind: code}, total)
            n += 1
