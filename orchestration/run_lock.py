"""One run at a time per company: an advisory lock on work/run.lock.

The kernel releases the lock with the process, so a killed run never blocks the next one; the file's content
only names the holder. What does NOT belong here: what a run does.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

#: Locks this process holds: Dagster's resource may ask again for the lock the command line took.
_HELD: set[Path] = set()


class LockedByAnotherRunError(RuntimeError):
    """Another run holds the company. Attributes: pid, run_id, started_at (text, '?' when unknown)."""

    def __init__(self, holder: dict[str, str]) -> None:
        self.pid = str(holder.get("pid", "?"))
        self.run_id = str(holder.get("run_id", "?"))
        self.started_at = str(holder.get("started_at", "?"))
        super().__init__(
            f"run {self.run_id} (process {self.pid}, since {self.started_at}) holds this company"
        )


@contextmanager
def run_lock(work: Path, run_id: str) -> Iterator[None]:
    """Hold the company for the duration of the block. Raises LockedByAnotherRunError at once, never waits."""
    work.mkdir(parents=True, exist_ok=True)
    path = (work / "run.lock").resolve()
    if path in _HELD:
        yield
        return
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockedByAnotherRunError(_holder(path)) from error
        content = {
            "pid": os.getpid(),
            "run_id": run_id,
            "started_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        }
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(content).encode(), 0)
        _HELD.add(path)
        try:
            yield
        finally:
            _HELD.discard(path)
    finally:
        os.close(handle)


def _holder(path: Path) -> dict[str, str]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
