"""Reports for people: one self-contained offline HTML file per report and language.

`render_reports` writes the reports of a run. What does not belong here: deciding (expectations/), computing a
KPI (dbt_project/) and anything of Dagster.
"""

from orchestration.reporting.publishing import CYCLE_REPORTS, REPORTS, render_reports
from orchestration.reporting.render import render_data_quality, render_sales_audit

__all__ = ["CYCLE_REPORTS", "REPORTS", "render_data_quality", "render_reports", "render_sales_audit"]
