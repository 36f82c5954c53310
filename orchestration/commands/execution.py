"""Run a Dagster job in this process for a command: late imports, logs into work/run/run.log.

What does NOT belong here: the job (see orchestration.defs.jobs) and what is printed about it (see summary).
"""

from __future__ import annotations

import gc
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from orchestration.dbt_running import ensure_manifest, read_project
from orchestration.steps import Run, begin_collecting

RUN_LOG = "run.log"
#: Dagster, dbt and Great Expectations hold a million objects for the whole run: by default every 700 new ones
#: make Python walk some of them again, 3 s of a run against 1 s with this.
_COLLECT_GARBAGE_AFTER = 200_000
#: What both jobs need and what takes longest to load. Collect, which is begun before, leaves the interpreter free.
_NEEDED = (
    "orchestration.defs.execution",
    "expectations.suites",
    "orchestration.matching",
    "orchestration.reporting",
)


def execute(run: Run, job: str) -> bool:
    """Execute `cycle` or `check` for an opened run. True when every step and blocking check passed.

    Both begin with the extracts, which are collected while the libraries load.
    An exception of a step is kept in `run.state.failure`; a held gate is not one.
    """
    gc.set_threshold(_COLLECT_GARBAGE_AFTER, 20, 20)
    with logged(run.work):
        # The parsed project is shared, what collect writes is private: the umask is one for both.
        ensure_manifest()
        begin_collecting(run)
        for name in _NEEDED:
            importlib.import_module(name)
        read_project()
        from orchestration.defs.execution import execute_job

        return execute_job(run, job)


@contextmanager
def logged(work: Path) -> Iterator[None]:
    """What Dagster, dbt and Great Expectations print goes to the run log; telemetry is off."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "true")
    path = work / "run" / RUN_LOG
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as log, redirect_stdout(log), redirect_stderr(log):
        yield
