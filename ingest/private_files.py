"""Who may read what the pipeline writes: work/ holds persons and is the owner's alone, the rest follows the umask.

What does NOT belong here: which columns are personal (contracts/) and what is published.
The umask belongs to the process: all of a run works under the private one, and what is meant for others is
written inside `shared_files`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: The umask of whoever started the process, once private_files replaced it; the first is the outermost.
_REPLACED: list[int] = []


@contextmanager
def private_files(work: Path) -> Iterator[None]:
    """Within the block new files and folders are the owner's alone; `work` is made so, with its content."""
    work.parent.mkdir(parents=True, exist_ok=True)
    before = os.umask(0o077)
    _REPLACED.append(before)
    try:
        work.mkdir(exist_ok=True)
        if work.stat().st_uid == os.geteuid():
            work.chmod(0o700)
        yield
    finally:
        _REPLACED.pop()
        os.umask(before)


@contextmanager
def shared_files() -> Iterator[None]:
    """Within the block new files follow the umask of whoever started the process again."""
    if not _REPLACED:
        yield
        return
    before = os.umask(_REPLACED[0])
    try:
        yield
    finally:
        os.umask(before)
