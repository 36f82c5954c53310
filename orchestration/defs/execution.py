"""Execute a job of the code location in this process. Called by the command line, never by Dagster."""

from __future__ import annotations

import os
import warnings

import dagster as dg

from orchestration.defs.partitions import CYCLES
from orchestration.defs.resources import opened_run
from orchestration.steps import Run


def execute_job(run: Run, job: str) -> bool:
    """Execute one job for an opened run; True when it succeeded.

    The history goes to DAGSTER_HOME when it is set, and `dagster dev` shows the run under its month; else it is
    forgotten.
    """
    from orchestration.definitions import build_defs

    is_by_month = "DAGSTER_HOME" in os.environ and CYCLES.has_partition_key(run.settings.cycle)
    defs = build_defs(settings={"directory": str(run.company.root)}, is_by_month=is_by_month)
    instance = dg.DagsterInstance.get() if os.environ.get("DAGSTER_HOME") else dg.DagsterInstance.ephemeral()
    with instance, opened_run(run), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (
            defs.resolve_job_def(job)
            .execute_in_process(
                instance=instance,
                raise_on_error=False,
                partition_key=run.settings.cycle if is_by_month else None,
                run_config={"loggers": {"console": {"config": {"log_level": "WARNING"}}}},
            )
            .success
        )
