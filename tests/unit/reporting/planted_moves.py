"""Planted figures that moved, of the whole company and of segments. Not here: the other inputs (planted_reports.py)."""

# ruff: noqa: E501 - one planted row per line reads as a table
from __future__ import annotations

from decimal import Decimal

from orchestration.reporting.quality_figures import FigureMove, SegmentMove

D = Decimal
_CR = ("Taux de conversion (CR)", "Conversion rate")

CAUSES = (
    *("definition_change", "currency", "cleaning_decision", "merge", "correction", "late_data", "new_data"),
    *("elapsed_time", "not_separable"),
)
MOVES = (
    FigureMove("revenue_total", "2026-05", "money", D("1000.00"), D("955.00"),
               tuple((code, D("-5.00"), number or None) for number, code in enumerate(CAUSES)), "Revenu total", "Total revenue"),
    FigureMove("cr", "2026-05", "rate", None, D("0.1111"), (("elapsed_time", None, 11),), *_CR),
    *(FigureMove("leads_new", f"2025-{month:02d}", "count", D(7), D(8), (("late_data", D(1), 1),), "Leads", "Leads")
      for month in range(1, 13)),
)  # fmt: skip
SEGMENT_MOVES = (
    SegmentMove("revenue_total", "2026-05", "money", "size_band", "smb", D("1000.00"), D("955.00"), "correction",
                "migration_out", "Revenu total", "Total revenue"),
    SegmentMove("revenue_total", "2026-05", "money", "size_band", "mid", D("20.00"), D("65.00"), "merge", "migration_in",
                "Revenu total", "Total revenue"),
    *(SegmentMove("cr", "2026-05", "rate", kind, "core", D("0.1"), D("0.2"), "late_data", "within", *_CR)
      for kind in ("channel", "product_family", "currency", "lead_source", "stage", "forecast_category", "source_table", "team")),
)  # fmt: skip
