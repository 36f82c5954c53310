"""dbt tag:staging and tag:master, with matching between them.

What does NOT belong here: SQL (see dbt_project).
"""

from __future__ import annotations

import dagster as dg

from orchestration.defs.dbt_operation import dbt_operation
from orchestration.steps import build_master, build_staging


def master_data_assets() -> list[dg.AssetsDefinition]:
    """The two operations before the gate."""
    return [
        dbt_operation("staging", "staging", build_staging),
        dbt_operation("master", "master", build_master),
    ]
