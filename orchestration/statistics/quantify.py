"""The Quantify step of the audit in one pass: leads and touches are read once, every estimate takes them from there.

What does NOT belong here: an estimate; each has its module.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from orchestration.settings import RunSettings
from orchestration.statistics import (
    account_lines,
    account_quadrants,
    audit_units,
    line_checks,
    phase_lines,
    touch_lines,
    touch_quality,
    ttf,
)
from orchestration.statistics.experiments import Tested
from orchestration.statistics.frame import METHOD, Frame

_MODULES = (touch_lines, line_checks, phase_lines, ttf, touch_quality, account_quadrants, account_lines)
SCHEMAS: Mapping[str, pa.Schema] = {
    name: schema for module in _MODULES for name, schema in module.SCHEMAS.items()
}
DESCRIPTIONS: Mapping[str, str] = {
    name: text for module in _MODULES for name, text in module.DESCRIPTIONS.items()
}


def compute(
    con: duckdb.DuckDBPyConnection,
    settings: RunSettings,
    tested: Mapping[tuple[str, str], Tested] | None = None,
    frame: Frame = METHOD,
    *,
    are_complaints_up: bool = False,
) -> Mapping[str, pa.Table]:
    """Every table of SCHEMAS for the cycle. Raises duckdb.Error when master or metrics lack a table.

    tested: cut and segment -> what the last experiment on it says, on which the light leans.
    frame: what the note asks for. are_complaints_up: shown by `complaint_trends` for the whole company: red lights.
    """
    audit_units.prepare(con, settings, frame.landmarks)
    points = account_quadrants.prepare(con, settings)
    found: dict[str, pa.Table] = {}
    found |= touch_lines.figures(con, settings, tested, frame, are_complaints_up=are_complaints_up)
    found |= line_checks.figures(con, settings, frame)
    found |= phase_lines.figures(con, settings, frame.bars)
    found |= ttf.figures(con, settings)
    found |= touch_quality.figures(con, settings)
    found |= account_quadrants.figures(con)
    found |= account_lines.figures(con, points, frame.judged_day)
    for name in ("audit_units", "audit_touches", "audit_cycles", "audit_accounts", "audit_places"):
        con.execute(f"drop table {name}")
    return found
