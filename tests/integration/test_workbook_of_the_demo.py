"""The leads that the workbook exports are those behind the published points, on the demo company."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from ingest import load_company
from orchestration.reporting.dashboard_inputs import load_cycle_inputs
from orchestration.reporting.workbook import lead_rows

if TYPE_CHECKING:
    from tests.conftest import DemoRun

COLUMNS = {"all": None, "channel": "channel", "size_band": "size_band"}


@pytest.mark.audit("VI9", "EX11")
def test_the_exported_leads_stand_on_the_published_points(demo_run: DemoRun) -> None:
    company = load_company(demo_run.company_dir)
    inputs = load_cycle_inputs(company)
    rows = lead_rows(company, inputs)
    whole = inputs.line()
    assert rows and whole and len(rows) == whole.n_leads
    for line in (whole, *inputs.segments()):
        column = COLUMNS[line.segment_kind_code]
        mine = [row for row in rows if column is None or getattr(row, column) == line.segment_code]
        leads, converted = (
            Counter(row.touches for row in mine),
            Counter(row.touches for row in mine if row.converted),
        )
        assert {p.n_touches: (p.n_leads, p.n_converted) for p in line.points} == {
            x: (n, converted[x]) for x, n in leads.items()
        }, line.segment_code
