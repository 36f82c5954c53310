"""Jobs: `cycle` runs a whole month, `check` stops at the verdict, `impact` measures decisions afterwards."""

from __future__ import annotations

import dagster as dg

from orchestration.defs.impact import KPI_IMPACT
from orchestration.defs.quality import GATE_VERDICTS
from orchestration.defs.report import DATA_QUALITY


def cycle_job() -> dg.JobDefinition:
    """All but `impact`, in one process: whoever opens the DuckDB file shuts every other process out."""
    selection = dg.AssetSelection.all() - dg.AssetSelection.assets(KPI_IMPACT)
    return dg.define_asset_job("cycle", selection=selection, executor_def=dg.in_process_executor)


def check_job() -> dg.JobDefinition:
    """Up to the verdict and the data-quality report; nothing is published."""
    selection = dg.AssetSelection.assets(GATE_VERDICTS, DATA_QUALITY).upstream()
    selection = selection.required_multi_asset_neighbors()
    return dg.define_asset_job("check", selection=selection, executor_def=dg.in_process_executor)


def impact_job() -> dg.JobDefinition:
    """What each decision of the last run does to the KPIs; takes many times as long as a run."""
    return dg.define_asset_job(
        "impact", selection=dg.AssetSelection.assets(KPI_IMPACT), executor_def=dg.in_process_executor
    )
