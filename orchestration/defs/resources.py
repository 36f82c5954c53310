"""The company a Dagster run works on, as a resource.

What does NOT belong here: settings (see orchestration.settings).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from orchestration.defs.partitions import PARTITION_TAG
from orchestration.project import DEFAULT_COMPANY
from orchestration.run_lock import run_lock
from orchestration.settings import make_run_id
from orchestration.steps import Run, open_run, resume_run

#: A run opened by the command line before Dagster starts: same run id, same progress, same lock.
_OPENED: dict[Path, Run] = {}


@contextmanager
def opened_run(run: Run) -> Iterator[None]:
    """Let the Dagster run of this process use `run` instead of opening its own."""
    key = run.company.root.resolve()
    _OPENED[key] = run
    try:
        yield
    finally:
        _OPENED.pop(key, None)


def default_directory() -> str:
    """ETALON_COMPANY as it is now, else var/demo; absolute, because dbt changes the working directory."""
    return str(Path(os.environ.get("ETALON_COMPANY", DEFAULT_COMPANY)).resolve())


class CompanyResource(dg.ConfigurableResource):
    """One company directory. The run lock is held from the first step to the last of the process."""

    directory: str
    cycle: str | None = None

    _run: Run | None = PrivateAttr(default=None)
    _partition: str | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[CompanyResource]:
        """Take the lock of the company; raises LockedByAnotherRunError when another process holds it."""
        root = Path(self.directory).resolve()
        launched = context.run
        self._partition = launched.tags.get(PARTITION_TAG) if launched else None
        if root in _OPENED:
            self._run = _OPENED[root]
            yield self
            return
        with run_lock(root / "work", make_run_id()):
            yield self

    def start(self) -> Run:
        """The run of this process, opened now when no step asked before. Called by the first step.

        The month is that of the partition that Dagster launched, else the configured one, else the company's.
        """
        if self._run is None:
            self._run = open_run(Path(self.directory), cycle=self._partition or self.cycle)
        return self._run

    def current(self) -> Run:
        """The run of this process, or the last run of the company when only later steps were selected.

        Raises dg.Failure when that last run was for another month than the partition.
        """
        if self._run is None:
            self._run = resume_run(Path(self.directory))
        month = self._run.settings.cycle
        if self._partition and month != self._partition:
            raise dg.Failure(
                f"the last run was for {month}, not for {self._partition}: launch the whole partition"
            )
        return self._run
