"""Run a Dagster job in this process for a command: late imports, logs into work/run/run.log.

What does NOT belong here: the job (see orchestration.defs.jobs) and what is printed about it (see summary).
"""

from __future__ import annotations

import gc
import importlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from orchestration.steps import Run

RUN_LOG = "run.log"
#: What later steps import: seconds of Python that fit beside the reading of extracts, which leaves it the interpreter.
_IMPORTED_AHEAD = ("dbt.cli.main", "great_expectations", "matplotlib.pyplot")
#: Dagster, dbt and Great Expectations hold a million objects for the whole run: by default every 700 new ones
#: make Python walk some of them again, an eighth of the CPU of a small run.
_COLLECT_GARBAGE_AFTER = 200_000


def execute(run: Run, job: str) -> bool:
    """Execute `cycle` or `check` for an opened run. True when every step and blocking check passed.

    An exception of a step is kept in `run.state.failure`; a held gate is not one.
    """
    gc.set_threshold(_COLLECT_GARBAGE_AFTER, 20, 20)
    with logged(run.work):
        from orchestration.defs.execution import execute_job

        threading.Thread(target=_import_ahead, daemon=True).start()
        return execute_job(run, job)


def _import_ahead() -> None:
    for name in _IMPORTED_AHEAD:
        importlib.import_module(name)


@contextmanager
def logged(work: Path) -> Iterator[None]:
    """What Dagster, dbt and Great Expectations print goes to the run log; telemetry is off."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "true")
    path = work / "run" / RUN_LOG
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as log, redirect_stdout(log), redirect_stderr(log):
        yield
