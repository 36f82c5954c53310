"""Data quality of the sources and the share of Q1 in plain Python: no SQL, no code of the project.

Written from the metric dictionary: records, values and times of each table of a source, and leads around their own
means. Not here: the planted rows (`planted_quality.py`).
"""

from datetime import datetime, timedelta
from fractions import Fraction

from tests.golden.kpi_oracle import Kpis, day_in, month_of, months_before


def add(kpis: Kpis, tables: dict, as_of: datetime, window_days: int, zone: str) -> None:
    """Every cell of the quality metrics and of pct_q1."""
    month = month_of(day_in(zone, as_of) - timedelta(days=1))
    fills: dict[tuple, set[str]] = {}
    terms = [
        term for term in tables.get("collect.ledger_terms", ()) if term["term"] == "C" and term["contract"]
    ]
    for term in terms:
        fills.setdefault((term["source_instance"], term["_delivery_id"]), set()).add(term["contract"])
    for term in terms:
        cuts = {"source_table": f"{term['source_instance']}/{term['contract']}"}
        received = term["value"] if term["name"] == "records_in" else 0
        aside = term["value"] if term["name"] in ("quarantined", "excluded") else 0
        kpis.part("dq_set_aside_rate", month, cuts, aside, received)
        alone = len(fills[term["source_instance"], term["_delivery_id"]]) == 1
        kpis.part("dq_uniqueness_rate", month, cuts, received if alone else 0, received if alone else 0)
    for row in tables.get("collect.dispositions", ()):
        source, delivery = row["source_instance"], row["_delivery_id"]
        if row["winner_delivery_id"] == delivery and len(fills[source, delivery]) == 1:
            kpis.part("dq_uniqueness_rate", month, {"source_table": f"{source}/{row['contract']}"}, -1, 0)
    for row in tables.get("collect.control_results", ()):
        metric = {
            "required": "dq_completeness_rate",
            "completeness": "dq_completeness_rate",
            "clock": "dq_time_zone_coherence_rate",
        }.get(row["kind"])
        if metric:
            cuts = {"source_table": f"{row['source_instance']}/{row['contract']}"}
            kpis.part(metric, month, cuts, row["n_evaluated"] - row["n_failed"], row["n_evaluated"])
    quadrants(kpis, tables)


def quadrants(kpis: Kpis, tables: dict) -> None:
    """Converted leads with at least the mean number of touches, of the leads of the judged half year."""
    judged = {
        row["design_code"]
        for row in tables.get("statistics.touch_lines", ())
        if row["period_code"] == "half_year" and row["colour_code"]
    }
    leads = [
        (row["n_touches"], is_converted, row["period_end"])
        for row in tables.get("statistics.touch_points", ())
        if (row["period_code"], row["segment_kind_code"]) == ("half_year", "all")
        and row["design_code"] in judged
        for is_converted in [True] * row["n_converted"] + [False] * (row["n_leads"] - row["n_converted"])
    ]
    mean = Fraction(sum(touches for touches, _, _ in leads), len(leads))
    if any(done for _, done, _ in leads) and not all(done for _, done, _ in leads):
        for touches, done, end in leads:
            month = months_before(month_of(end), 1)
            kpis.part("pct_q1", month, {}, int(done and touches >= mean), 1)
