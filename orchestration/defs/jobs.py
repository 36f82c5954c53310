"""Jobs: `cycle` runs everything, `check` stops at the verdict."""

from __future__ import annotations

import dagster as dg

from orchestration.defs.quality import GATE_VERDICTS
from orchestration.defs.report import DATA_QUALITY


def cycle_job() -> dg.JobDefinition:
    """Everything, in one process: whoever opens the DuckDB file shuts every other process out."""
    return dg.define_asset_job(
        "cycle", selection=dg.AssetSelection.all(), executor_def=dg.in_process_executor
    )


def check_job() -> dg.JobDefinition:
    """Up to the verdict and the data-quality report; nothing is published."""
    selection = dg.AssetSelection.assets(GATE_VERDICTS, DATA_QUALITY).upstream()
    selection = selection.required_multi_asset_neighbors()
    return dg.define_asset_job("check", selection=selection, executor_def=dg.in_process_executor)
