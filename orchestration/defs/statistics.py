"""The statistics step, after the verdict and before the marts that read it.

What does NOT belong here: an estimate (see orchestration.statistics).
"""

from __future__ import annotations

import dagster as dg

from orchestration.defs.resources import CompanyResource
from orchestration.statistics import PRODUCTS
from orchestration.steps import compute_statistics


def statistics_asset(gate: dg.AssetKey) -> dg.AssetsDefinition:
    """Every table of every product, one op; it waits for the verdict, as nothing is estimated from a held cycle."""
    specs = [
        dg.AssetSpec(
            key=["statistics", name],
            deps=[gate],
            group_name="statistics",
            kinds={"python", "parquet"},
            owners=["team:revops"],
            description=product.descriptions[name],
        )
        for product in PRODUCTS
        for name in product.schemas
    ]

    @dg.multi_asset(name="statistics", specs=specs)
    def statistics(company: CompanyResource):
        """Estimates that SQL cannot make."""
        rows = compute_statistics(company.current())
        for spec in specs:
            yield dg.MaterializeResult(
                asset_key=spec.key, metadata={"dagster/row_count": rows[spec.key.path[-1]]}
            )

    return statistics
