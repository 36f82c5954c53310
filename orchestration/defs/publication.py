"""The publication as an asset.

What does NOT belong here: building and swapping (see orchestration.publication).
"""

from __future__ import annotations

import dagster as dg

from orchestration.defs.resources import CompanyResource
from orchestration.steps import publish_marts

PUBLISHED_MARTS = dg.AssetKey(["publication", "marts"])


def publication_asset(mart_results: dg.AssetKey, marts: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """marts.duckdb, its Parquet folder and its receipt."""

    @dg.asset(
        key=PUBLISHED_MARTS,
        deps=[mart_results, *sorted(marts.keys)],
        group_name="publication",
        kinds={"duckdb", "parquet"},
        owners=["team:data-platform"],
        description="The published marts: one file, swapped in whole.",
    )
    def publication_marts(company: CompanyResource) -> dg.MaterializeResult:
        """Publish the audited candidate."""
        receipt = publish_marts(company.current())
        return dg.MaterializeResult(
            metadata={
                "publication_id": receipt.publication_id,
                "tables": len(receipt.tables),
                "rows": sum(receipt.tables.values()),
                "verdict": receipt.content["verdict"],
            }
        )

    return publication_marts
