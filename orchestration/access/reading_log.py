"""One line per read of published data that a command of ours serves: when, who, what, for which purpose (row CP6).

<company>/access/log.jsonl, appended by a single write each, so that commands at the same time keep each other's lines.
No value that was read stands in it, nor whom it was about. What a program reads in a file by itself is the file
system's to log. What does NOT belong here: the processing log of runs (work/run, receipts).
"""

from __future__ import annotations

import json
import os
import pwd
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.company import Company

FILE = Path("access") / "log.jsonl"
_TEXTS = ("read_at", "user_name", "command", "relation")


@dataclass(frozen=True)
class Read:
    """One read. read_at: UTC to the second. user_name: of the operating system. command: what served it.

    relation: table, report or file that was read; role_code: of a role's file, None for the whole publication.
    """

    read_at: str
    user_name: str
    command: str
    relation: str
    n_rows: int | None
    publication_id: str | None = None
    role_code: str | None = None


def log_read(
    company: Company,
    command: str,
    relation: str,
    n_rows: int | None,
    publication_id: str | None = None,
    role_code: str | None = None,
) -> None:
    """Append a line. One that cannot be written is said on stderr and stops nobody: the data are read by then."""
    entry = Read(
        f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        _user(),
        command,
        relation,
        n_rows,
        publication_id,
        role_code,
    )
    line = json.dumps(asdict(entry), ensure_ascii=True, sort_keys=True).encode() + b"\n"
    path = company.root / FILE
    try:
        handle = _opened(path)
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":  # a line that a full disk cut
                line = b"\n" + line
            os.write(handle, line)
        finally:
            os.close(handle)
    except OSError as error:
        print(f"access/{FILE.name}: {error.strerror}; this read is not logged", file=sys.stderr)


def log_read_of_work(company: Company, command: str, relation: str, n_rows: int | None) -> None:
    """log_read for what lies in work/: of the publication of the last run, of none where that run has none."""
    from orchestration.run_state import RunState

    log_read(company, command, relation, n_rows, RunState.resume(company.work).content.get("publication_id"))


def _opened(path: Path) -> int:
    """The log, open for one more line. Whoever's read comes first makes it for the whole group, whatever the umask."""
    try:
        path.parent.mkdir(mode=0o770)
        path.parent.chmod(
            stat.S_IMODE(path.parent.stat().st_mode) | 0o770
        )  # setgid of the company's folder stays
    except FileExistsError:
        pass
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o660)
        os.fchmod(handle, 0o660)
        with suppress(PermissionError):  # a group that is not this user's to give
            os.fchown(handle, -1, path.parent.stat().st_gid)
    except FileExistsError:
        handle = os.open(path, os.O_RDWR | os.O_APPEND)
    return handle


def read_log(company_root: Path) -> tuple[list[Read], int]:
    """Every read, oldest first, and how many lines cannot be read; nothing without the file."""
    path = company_root / FILE
    if not path.is_file():
        return [], 0
    found, n_unreadable = [], 0
    with path.open("rb") as handle:
        for line in handle:
            if not line.strip():
                continue
            entry = _entry(line)
            if entry is None:
                n_unreadable += 1
            else:
                found.append(entry)
    return sorted(found, key=lambda each: each.read_at), n_unreadable


def _entry(line: bytes) -> Read | None:
    """The read of a line; None for one that a full disk cut, or that something else than log_read wrote."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, Mapping):
        return None
    known = {field.name: content[field.name] for field in fields(Read) if field.name in content}
    given = {"user_name": "", "n_rows": None, "publication_id": None, "role_code": None} | known
    if not all(isinstance(given.get(name), str) for name in _TEXTS):
        return None
    if not all(
        given[name] is None or isinstance(given[name], str) for name in ("publication_id", "role_code")
    ):
        return None
    if given["n_rows"] is not None and type(given["n_rows"]) is not int:  # true is no number of rows
        return None
    return Read(**given)


def _user() -> str:
    """The name of the user whose process it is; environment variables can say anything."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"
