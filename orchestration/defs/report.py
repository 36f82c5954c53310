"""Reports as assets. What does NOT belong here: rendering (see orchestration.reporting).

The data-quality report hangs off the rule results alone, so it is written when the gate holds. The sales
audit follows the publication it describes, and puts the data-quality report under its id beside it.
"""

from __future__ import annotations

import dagster as dg

from orchestration.defs.resources import CompanyResource
from orchestration.steps import ensure_verdict, write_reports

DATA_QUALITY = dg.AssetKey(["report", "data_quality"])
SALES_AUDIT = dg.AssetKey(["report", "sales_audit"])


def report_assets(rule_results: dg.AssetKey, publication: dg.AssetKey) -> list[dg.AssetsDefinition]:
    """The reports, in French and English."""
    common = {"group_name": "report", "kinds": {"python", "html"}, "owners": ["team:revops"]}

    @dg.asset(key=DATA_QUALITY, deps=[rule_results], description="Publishable or not, and why.", **common)
    def report_data_quality(company: CompanyResource) -> dg.MaterializeResult:
        """Write the data-quality report."""
        run = company.current()
        ensure_verdict(run)
        return dg.MaterializeResult(metadata={"files": len(write_reports(run, "data_quality"))})

    @dg.asset(
        key=SALES_AUDIT,
        deps=[publication],
        description="One page for the monthly sales audit, and the pages around it.",
        check_specs=[dg.AssetCheckSpec("page_is_written", asset=SALES_AUDIT)],
        **common,
    )
    def report_sales_audit(company: CompanyResource) -> dg.MaterializeResult:
        """Write every report of the publication."""
        files = write_reports(company.current())
        pages = [path for path in files if path.name.startswith("sales_audit.")]
        written = dg.AssetCheckResult(
            check_name="page_is_written",
            passed=bool(pages) and all(path.is_file() for path in pages),
            metadata={"pages": len(pages)},
        )
        return dg.MaterializeResult(metadata={"files": len(files)}, check_results=[written])

    return [report_data_quality, report_sales_audit]
