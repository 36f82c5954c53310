"""One run at a time per company: an advisory lock on work/run.lock.

The kernel releases the lock with the process, so a killed run never blocks the next one; the file's content
only names the holder. What does NOT belong here: what a run does.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ingest.private_files import private_files

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
    """Hold the company for the block, whose files are the owner's alone. Raises LockedByAnotherRunError at once."""
    path = (work / "run.lock").resolve()
    if path in _HELD:
        yield
        return
    with private_files(work), _locked(path, run_id):
        yield


@contextmanager
def _locked(path: Path, run_id: str) -> Iterator[None]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _taken(handle):
            raise LockedByAnotherRunError(_holder(path))
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


def require_idle(work: Path) -> None:
    """Raise LockedByAnotherRunError while another process runs this company: its tables are half made then.

    For readers of the work directory; nothing is held afterwards, and nothing is created.
    """
    path = (work / "run.lock").resolve()
    if path in _HELD or not path.exists():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        if not _flock(handle, fcntl.LOCK_SH):
            raise LockedByAnotherRunError(_holder(path))
    finally:
        os.close(handle)


@contextmanager
def reading(work: Path) -> Iterator[None]:
    """Read the work directory. Raises LockedByAnotherRunError when a run is on, or began meanwhile and failed
    the block.
    """
    require_idle(work)
    try:
        yield
    except Exception:
        require_idle(work)
        raise


def _taken(handle: int) -> bool:
    """Take the lock; False when another run has it. A reader that looks shares it for an instant only."""
    for _ in range(100):
        if _flock(handle, fcntl.LOCK_EX):
            return True
        if not _flock(handle, fcntl.LOCK_SH):
            return False
        fcntl.flock(handle, fcntl.LOCK_UN)
        time.sleep(0.005)
    return False


def _flock(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: Path) -> dict[str, str]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
