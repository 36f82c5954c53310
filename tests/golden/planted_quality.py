"""What ingest received and controlled, and the scatter of touches, of the planted company.

Not here: what must come out (`oracle_quality.py`).
"""

from datetime import date
from decimal import Decimal

# source, delivery, contract, records in, quarantined, excluded; the rest is kept
RECEIVED = [
    ("crm", "crm_may", "crm_lead", 100, 3, 5),
    ("crm", "crm_june", "crm_lead", 60, 0, 2),
    ("erp", "erp_june", "erp_invoice", 40, 0, 0),  # one file of invoice lines fills two tables
    ("erp", "erp_june", "erp_customer", 40, 0, 0),
    ("pbx", "pbx_june", "telephony_call_leg", 50, 0, 0),
    ("survey", "survey_june", "nps_response", 0, 0, 0),  # a header and no record
]
# source, delivery, contract, delivery of the record that stands for it, how many
REPEATED = [
    ("crm", "crm_may", "crm_lead", "crm_may", 4),
    ("crm", "crm_may", "crm_lead", "crm_june", 7),  # a newer version in a later file
    ("erp", "erp_june", "erp_customer", "erp_june", 30),  # the customer of each line
    ("crm", "crm_may", "crm_lead", None, 8),  # set aside, nothing stands for it
]
# source, kind, contract, column, evaluated, failed
CONTROLS = [
    ("crm", "required", "crm_lead", None, 160, 3),
    ("crm", "completeness", "crm_lead", "company_name", 160, 13),
    ("crm", "key", "crm_lead", None, 100, 4),  # of the worst file alone
    ("crm", "hours", "crm_lead", "created_at", 160, 60),  # at night is no wrong zone
    ("erp", "required", "erp_invoice", None, 40, 0),
    ("survey", "required", "nps_response", None, 0, 0),
    ("pbx", "clock", "telephony_call_leg", "started_at", 50, 3),
    ("pbx", "clock", "telephony_call_leg", "started_at", 30, 1),
    ("pbx", "unmapped_file", None, None, None, None),
]
# period, design, is judged, cut, segment, (touches, leads, converted)
POINTS = [
    # 40 touches of 20 leads; who has exactly the mean of 2 is high
    ("half_year", "landmark_5", True, "all", "all", [(0, 7, 2), (2, 6, 1), (4, 7, 2)]),
    ("half_year", "landmark_5", True, "channel", "inbound", [(0, 5, 1), (4, 4, 2)]),
    ("half_year", "naive", False, "all", "all", [(0, 2, 0), (5, 18, 5)]),
    ("month", "landmark_5", False, "all", "all", [(1, 4, 2)]),
]
STARTS = {"half_year": date(2025, 12, 1), "month": date(2026, 5, 1)}


def tables() -> dict[str, list[dict]]:
    """Relation -> rows; those of collect and statistics are files that Python steps leave."""
    terms = [
        {"source_instance": source, "_delivery_id": delivery, "contract": contract, "term": "C",
         "name": name, "value": value}
        for source, delivery, contract, n, quarantined, excluded in RECEIVED
        for name, value in (
            ("records_in", n), ("quarantined", quarantined), ("excluded", excluded),
            ("kept", n - quarantined - excluded), ("exact_duplicate", 0), ("superseded", 0), ("suppressed", 0),
        )
    ]  # fmt: skip
    dispositions = [
        {"contract": contract, "source_instance": source, "_delivery_id": delivery,
         "_source_row_id": 100 * k + i, "_record_part": 0,
         "disposition": "superseded" if winner else "excluded", "reason_code": "superseded_version",
         "winner_delivery_id": winner, "winner_source_row_id": 1 if winner else None}
        for k, (source, delivery, contract, winner, n) in enumerate(REPEATED)
        for i in range(n)
    ]  # fmt: skip
    controls = [
        {"source_instance": source, "_delivery_id": None, "control": f"{kind}_{n}", "kind": kind,
         "contract": contract, "column_name": column, "status": "pass", "n_evaluated": evaluated,
         "n_failed": failed}
        for n, (source, kind, contract, column, evaluated, failed) in enumerate(CONTROLS)
    ]  # fmt: skip
    keys = [
        {"period_code": period, "period_start": STARTS[period], "period_end": date(2026, 6, 1),
         "design_code": design, "segment_kind_code": kind, "segment_code": segment}
        for period, design, _, kind, segment, _ in POINTS
    ]  # fmt: skip
    return {
        "collect.ledger_terms": terms,
        "collect.dispositions": dispositions,
        "collect.control_results": controls,
        "statistics.touch_points": [
            {**key, "n_touches": touches, "n_leads": leads, "n_converted": converted}
            for key, (*_, found) in zip(keys, POINTS, strict=True)
            for touches, leads, converted in found
        ],
        "statistics.touch_lines": [
            {**key, **_line(found), "colour_code": "amber" if is_judged else None,
             "n_converted_before": 0, "n_refused_before": 0, "n_excluded": 0, "n_immature": 0,
             "n_top_dropped": 0, "is_fragile": False, "n_leads_before": 0, "n_q1_before": 0}
            for key, (_, _, is_judged, _, _, found) in zip(keys, POINTS, strict=True)
        ],
    }  # fmt: skip


def _line(found: list[tuple[int, int, int]]) -> dict:
    """The columns of the line that the quadrants need, as the statistics step gives them."""
    n = sum(leads for _, leads, _ in found)
    mean = Decimal(sum(touches * leads for touches, leads, _ in found)) / n
    high = [(leads, converted) for touches, leads, converted in found if touches >= mean]
    low = [(leads, converted) for touches, leads, converted in found if touches < mean]
    n_q1, n_q2 = sum(c for _, c in high), sum(c for _, c in low)
    return {
        "n_leads": n, "n_converted": n_q1 + n_q2,
        "touches_mean": round(mean, 10), "conversion_rate": round(Decimal(n_q1 + n_q2) / n, 10),
        "n_q1": n_q1, "n_q2": n_q2, "n_q3": sum(k - c for k, c in low), "n_q4": sum(k - c for k, c in high),
        "n_on_line": sum(leads for touches, leads, _ in found if touches == mean),
        "q1_share_rate": round(Decimal(n_q1) / n, 10),
    }  # fmt: skip
