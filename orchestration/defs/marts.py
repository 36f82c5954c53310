"""dbt tag:mart, after the verdict. What does NOT belong here: SQL (see dbt_project/models/marts)."""

from __future__ import annotations

import dagster as dg

from orchestration.defs.dbt_operation import dbt_operation
from orchestration.steps import build_marts


def marts_asset(gate: dg.AssetKey) -> dg.AssetsDefinition:
    """The operation after the gate; every mart waits for the verdict."""
    return dbt_operation("marts", "mart", build_marts, extra_deps=[gate])
