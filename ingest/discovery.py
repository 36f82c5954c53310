"""Which files lie under extracts/, which entry of which mapping each one is, and since when its bytes are
known.

What does NOT belong here: reading records (landing.py).
"""

from __future__ import annotations

import calendar
import contextlib
import datetime as dt
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingest.company import Company, Source
from ingest.errors import Problem
from ingest.mapping import Mapping, path_pattern
from ingest.text_preparation import ByteFacts, keep_in_archive

MANIFEST_SUFFIX = ".manifest.json"


@dataclass(frozen=True)
class FoundFile:
    """One file under extracts/ that one entry of one mapping declares. `relative` starts below extracts/."""

    source: Source
    mapping: Mapping
    file_key: str
    path: Path
    relative: str
    delivered_on: dt.date | None


@dataclass(frozen=True)
class Discovery:
    """Files by entry, files that no mapping declares, and problems found without opening anything."""

    files: tuple[FoundFile, ...]
    unmapped: tuple[tuple[str, str], ...]  # (source instance, path relative to extracts/)
    problems: tuple[tuple[str, str, Problem], ...]  # (source instance, path, problem)


@dataclass(frozen=True)
class Received:
    """The bytes of one found file. `facts` is None when they were known already and not read again."""

    file: FoundFile
    sha256: str
    size: int
    facts: ByteFacts | None = None

    @property
    def delivery_id(self) -> str:
        """Twelve hex digits, the same wherever and whenever the same bytes arrive for the same entry."""
        return delivery_id(self.file.source.instance, self.file.file_key, self.sha256)


def delivery_id(instance: str, file_key: str, sha256: str) -> str:
    """Identity of a delivery: source instance, entry of the mapping, content."""
    return hashlib.sha256(f"{instance}\n{file_key}\n{sha256}".encode()).hexdigest()[:12]


def discover(company: Company, mappings: dict[str, Mapping]) -> Discovery:
    """Match every file under the folders of the sources with the paths of their mappings.

    mappings: source instance -> Mapping. Hidden files and manifests are not extracts.
    """
    files: list[FoundFile] = []
    unmapped: list[tuple[str, str]] = []
    problems: list[tuple[str, str, Problem]] = []
    for source in company.sources:
        mapping = mappings[source.instance]
        folder = company.extracts / source.folder
        for path in _files_below(folder):
            inside = path.relative_to(folder).as_posix()
            relative = path.relative_to(company.extracts).as_posix()
            matches = [
                (key, day)
                for key, spec in mapping.model.files.items()
                if (day := match_path(spec.path, inside)) is not False
            ]
            if len(matches) > 1:
                keys = ", ".join(key for key, _ in matches)
                problem = Problem("E-ING-004", f"{source.instance}: {relative}", (("keys", keys),))
                problems.append((source.instance, relative, problem))
            elif matches:
                key, day = matches[0]
                files.append(FoundFile(source, mapping, key, path, relative, day or None))
            else:
                unmapped.append((source.instance, relative))
    return Discovery(tuple(files), tuple(unmapped), tuple(problems))


def _files_below(folder: Path) -> list[Path]:
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(root) / name
            for name in sorted(names)
            if not name.startswith(".") and not name.endswith(MANIFEST_SUFFIX)
        ]
    return found


def match_path(pattern: str, path: str) -> dt.date | bool | None:
    """The {date} of `path` when it matches, None when the pattern has no {date}, False when it does not
    match.
    """
    found = path_pattern(pattern).fullmatch(path)
    if not found:
        return False
    if "date" not in found.groupdict():
        return None
    return parse_partition(found["date"]) or False


def parse_partition(text: str) -> dt.date | None:
    """yyyy-mm-dd or yyyymmdd as that day; yyyy-mm or yyyymm as the last day of the month; None when
    impossible.
    """
    digits = text.replace("-", "")
    year, month = int(digits[:4]), int(digits[4:6])
    if not 1 <= month <= 12 or year < 1900:
        return None
    last = calendar.monthrange(year, month)[1]
    day = int(digits[6:8]) if len(digits) == 8 else last
    return dt.date(year, month, day) if 1 <= day <= last else None


class SeenFiles:
    """Cache path -> (size, mtime, SHA-256): a file whose size and time did not change is not hashed again."""

    def __init__(self, work: Path) -> None:
        self.path = work / "collect" / "seen.json"
        self.known: dict[str, list] = {}
        with contextlib.suppress(FileNotFoundError, ValueError):
            self.known = json.loads(self.path.read_text())
        self.current: dict[str, list] = {}

    def receive(self, file: FoundFile, archive: Path) -> Received:
        """The bytes of `file`, copied into the archive when they are new. Raises OSError when unreadable."""
        stat = file.path.stat()
        entry = self.known.get(file.relative)
        if (
            entry
            and entry[:2] == [stat.st_size, stat.st_mtime_ns]
            and (archive / entry[2][:2] / entry[2]).exists()
        ):
            sha256, facts = entry[2], None
        else:
            facts = keep_in_archive(file.path, archive)
            sha256 = facts.sha256
        self.current[file.relative] = [stat.st_size, stat.st_mtime_ns, sha256]
        return Received(file, sha256, stat.st_size, facts)

    def save(self) -> None:
        """Write the cache of the files seen this time, atomically, when it changed."""
        if self.current != self.known:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.path.with_suffix(".tmp")
            temporary.write_text(json.dumps(self.current, sort_keys=True))
            temporary.replace(self.path)


def receive_all(
    discovery: Discovery, work: Path, progress: Callable[[str, int, int], None]
) -> tuple[list[Received], list[tuple[str, str, Problem]]]:
    """Bytes of every found file, and a problem for each one that cannot be opened."""
    seen = SeenFiles(work)
    received, problems = [], []
    for done, file in enumerate(discovery.files):
        progress("receive", done, len(discovery.files))
        try:
            received.append(seen.receive(file, work / "archive"))
        except OSError as error:
            place = f"{file.source.instance}: {file.relative}"
            problem = Problem("E-ING-016", place, (("detail", error.strerror or str(error)),))
            problems.append((file.source.instance, file.relative, problem))
    seen.save()
    return received, problems
