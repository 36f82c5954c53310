"""The code location: assets, checks, jobs, schedule, resources. `build_defs` returns fresh definitions.

What does NOT belong here: any work. Loading parses the dbt project when its manifest is missing or stale, and
opens nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from orchestration.defs.automation import monthly_partitions, monthly_schedule
from orchestration.defs.cycle import cycle_asset
from orchestration.defs.extracts import extracts_asset
from orchestration.defs.impact import impact_asset
from orchestration.defs.jobs import check_job, cycle_job, impact_job
from orchestration.defs.marts import marts_asset
from orchestration.defs.master_data import master_data_assets
from orchestration.defs.matching import matching_asset
from orchestration.defs.partitions import by_month
from orchestration.defs.publication import PUBLISHED_MARTS, publication_asset
from orchestration.defs.quality import GATE_VERDICTS, MART_RESULTS, RULE_RESULTS, quality_assets
from orchestration.defs.report import SALES_AUDIT, report_assets
from orchestration.defs.resources import CompanyResource, default_directory
from orchestration.defs.statistics import statistics_asset


def build_defs(
    *,
    settings: Mapping[str, Any] | None = None,
    resources: Mapping[str, Any] | None = None,
    is_by_month: bool = False,
) -> dg.Definitions:
    """Fresh definitions. settings: fields of CompanyResource. resources: replace by name.

    is_by_month: every asset of a cycle has one partition a month, and a launched month runs that cycle; a run without
    a partition is refused then. Without it the cycle is the company's.
    """
    company = CompanyResource(**{"directory": default_directory(), **(settings or {})})
    staging, master = master_data_assets()
    marts = marts_asset(GATE_VERDICTS)
    cycle = cycle_job()
    assets = [
        extracts_asset(),
        staging,
        matching_asset(),
        master,
        *quality_assets(master, marts),
        statistics_asset(GATE_VERDICTS),
        marts,
        publication_asset(MART_RESULTS, marts),
        *report_assets(RULE_RESULTS, PUBLISHED_MARTS),
        cycle_asset(SALES_AUDIT),
    ]
    return dg.Definitions(
        assets=[*(by_month(assets) if is_by_month else assets), impact_asset(MART_RESULTS)],
        jobs=[cycle, check_job(), impact_job()],
        schedules=[monthly_partitions(cycle) if is_by_month else monthly_schedule(cycle)],
        resources={"company": company, **(resources or {})},
        executor=dg.in_process_executor,
    )


defs = build_defs(is_by_month=True)
