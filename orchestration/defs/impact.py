"""What decisions do to the KPIs, as an asset that no cycle makes.

What does NOT belong here: measuring (see orchestration.impact).
"""

from __future__ import annotations

from collections import Counter

import dagster as dg

from orchestration.defs.resources import CompanyResource
from orchestration.steps import measure_impact

KPI_IMPACT = dg.AssetKey(["quality", "kpi_impact"])


def impact_asset(mart_results: dg.AssetKey) -> dg.AssetsDefinition:
    """Every decision of the last run that can go the other way, one at a time."""

    @dg.asset(
        key=KPI_IMPACT,
        deps=[mart_results],
        group_name="quality",
        kinds={"python", "parquet"},
        owners=["team:data-quality"],
        description="Each KPI as published and as it would be without one cleaning decision.",
    )
    def kpi_impact(company: CompanyResource) -> dg.MaterializeResult:
        """Measure what is not measured yet."""
        measured = measure_impact(company.current())
        return dg.MaterializeResult(metadata=dict(Counter(each.status for each in measured)))

    return kpi_impact
