"""Files that must survive a power cut: written aside, flushed, renamed.

What does NOT belong here: what is in the files.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any


def file_sha256(path: Path) -> str:
    """64 hex of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def flush(path: Path) -> None:
    """fsync a file or a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def give(path: Path, group: int, mode: int) -> None:
    """Set group and mode of a file that is to replace another; its owner stays.

    Where the group is not this process's to give, the rights of a group are left out: no other group gets them.
    """
    try:
        os.chown(path, -1, group)
    except PermissionError:
        mode &= ~stat.S_IRWXG
    path.chmod(mode)


def replace_file(aside: Path, target: Path) -> None:
    """Put a finished file in place: readers see the old bytes or the new ones, never a mixture."""
    flush(aside)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside.replace(target)
    flush(target.parent)


def write_json(path: Path, content: Any) -> None:
    """Write sorted, indented JSON and rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.aside")
    aside.write_text(
        json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    replace_file(aside, path)


def read_json(path: Path) -> dict[str, Any] | None:
    """Content of a JSON file; None when it is absent or unreadable."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def replace_folder(aside: Path, target: Path) -> None:
    """Put a finished folder in place. An older folder of the same name is moved away first, then removed."""
    for path in sorted(aside.iterdir()):
        flush(path)
    flush(aside)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        gone = target.with_name(f".{target.name}.gone")
        shutil.rmtree(gone, ignore_errors=True)
        target.replace(gone)
        aside.replace(target)
        shutil.rmtree(gone)
    else:
        aside.replace(target)
    flush(target.parent)
