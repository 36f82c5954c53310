"""Which files lie under extracts/, which entry of which mapping each one is, and since when its bytes are
known.

What does NOT belong here: reading records (landing.py).
"""

from __future__ import annotations

import calendar
import contextlib
import datetime as dt
import hashlib
import itertools
import json
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ingest.company import Company, Source
from ingest.compressed import lacks_optional_member
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
    """Files by entry, files that no mapping declares, and problems found without reading any content."""

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
    """Match every file under extracts/ with the paths of the mappings of the sources.

    mappings: source instance -> Mapping. Hidden files and manifests are not extracts. A path that nearly
    matches is refused: its rows would be missing without a word.
    """
    files: list[FoundFile] = []
    unmapped: list[tuple[str, str]] = []
    problems: list[tuple[str, str, Problem]] = []
    listed = list_extracts(company.extracts)
    for relative in listed.files:
        if relative.endswith(MANIFEST_SUFFIX):
            continue
        holders = [s for s in company.sources if Path(relative).is_relative_to(s.folder)]
        is_declared = False
        for source in holders:
            mapping = mappings[source.instance]
            inside = inside_folder(source, relative)
            matches = [
                (key, day)
                for key, spec in mapping.model.files.items()
                if (day := match_paths(spec.paths, inside)) is not False
            ]
            is_declared |= bool(matches)
            if len(matches) > 1 and not _are_members(mapping, [key for key, _ in matches]):
                keys = ", ".join(key for key, _ in matches)
                problem = Problem("E-ING-004", f"{source.instance}: {relative}", (("keys", keys),))
                problems.append((source.instance, relative, problem))
                continue
            path = company.extracts / relative
            files += [
                FoundFile(source, mapping, key, path, relative, day or None)
                for key, day in matches
                if not lacks_optional_member(path, mapping.model.files[key])
            ]
        if is_declared:
            continue
        nearest = _nearly_declared(relative, company, mappings)
        if nearest:
            instance, pattern = nearest
            problem = Problem("E-ING-018", f"{instance}: {relative}", (("pattern", pattern),))
            problems.append((instance, relative, problem))
        else:
            unmapped.append((_holder(relative, company), relative))
    for relative, code in listed.refused_links:
        instance = _holder(relative, company)
        problems.append((instance, relative, Problem(code, f"{instance}: {relative}".lstrip(": "))))
    unmapped += [(_holder(relative, company), relative) for relative in listed.folder_links]
    return Discovery(tuple(files), tuple(unmapped), tuple(problems))


def _are_members(mapping: Mapping, keys: list[str]) -> bool:
    """True when the entries read different members of one zip: no member matches the pattern of another entry."""
    members = [mapping.model.files[key].member or "**/*" for key in keys]
    return not any(path_pattern(a).fullmatch(b) for a, b in itertools.permutations(members, 2))


@dataclass(frozen=True)
class ListedExtracts:
    """What lies under extracts/, by path relative to it. `refused_links`: (path, error code)."""

    files: tuple[str, ...]
    folder_links: tuple[str, ...]
    refused_links: tuple[tuple[str, str], ...]


def list_extracts(extracts: Path) -> ListedExtracts:
    """Files under extracts/, hidden ones left out; nothing is opened.

    A link to a file under extracts/ is a file. A link to a folder under it is not followed: the files are
    read where they lie. Other links are refused: what they show can change or vanish unseen.
    """
    base = Path(os.path.realpath(extracts))
    files, folder_links, refused = [], [], []
    for root, folders, names in os.walk(extracts):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted([*names, *(name for name in folders if Path(root, name).is_symlink())]):
            if name.startswith("."):
                continue
            path = Path(root) / name
            relative = path.relative_to(extracts).as_posix()
            if path.is_symlink() and _is_dangling(path):
                refused.append((relative, "E-ING-019"))
            elif path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(base):
                refused.append((relative, "E-ING-020"))
            else:
                (folder_links if path.is_dir() else files).append(relative)
    return ListedExtracts(tuple(files), tuple(folder_links), tuple(refused))


def _is_dangling(path: Path) -> bool:
    try:
        path.stat()
    except OSError:  # gone, unreachable, or a link to itself
        return True
    return False


def inside_folder(source: Source, relative: str) -> str:
    """A path below extracts/ as the patterns of a mapping see it: below the folder of the source."""
    return relative.removeprefix(f"{Path(source.folder).as_posix()}/")


def _holder(relative: str, company: Company) -> str:
    """Instance in whose folder a path lies; empty outside the folders of all sources."""
    return next((s.instance for s in company.sources if Path(relative).is_relative_to(s.folder)), "")


def _nearly_declared(relative: str, company: Company, mappings: dict[str, Mapping]) -> tuple[str, str] | None:
    """(instance, pattern below extracts/) of the first declared path that `relative` nearly matches.

    A file in the folder of a source is meant for that source; outside all of them it may be meant for any.
    """
    holders = [s for s in company.sources if Path(relative).is_relative_to(s.folder)]
    for source in holders or company.sources:
        for path in [p for spec in mappings[source.instance].model.files.values() for p in spec.paths]:
            pattern = (Path(source.folder) / path).as_posix()
            if nearly_matches(pattern, relative):
                return source.instance, pattern
    return None


def nearly_matches(pattern: str, path: str) -> bool:
    """True when `path` would match but for letter case, spaces, one folder level or an impossible date."""
    pattern, path = ("".join(text.split()) for text in (pattern, path))
    pairs = [(pattern, path)]
    pairs += [(shorter, path) for shorter in _one_folder_less(pattern)]
    pairs += [(pattern, shorter) for shorter in _one_folder_less(path)]
    return any(re.fullmatch(path_pattern(p).pattern, text, re.IGNORECASE) for p, text in pairs)


def _one_folder_less(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:at] + parts[at + 1 :]) for at in range(len(parts) - 1)]


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


def match_paths(patterns: list[str], path: str) -> dt.date | bool | None:
    """match_path for the first of several patterns that matches; False when none does."""
    found = (match_path(pattern, path) for pattern in patterns)
    return next((day for day in found if day is not False), False)


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
            content = json.loads(self.path.read_text())
            self.known = content if isinstance(content, dict) else {}
        self.current: dict[str, list] = {}

    def receive(self, file: FoundFile, archive: Path) -> Received:
        """The bytes of `file`, copied into the archive when they are new. Raises OSError when unreadable."""
        stat = file.path.stat()
        entry = self.current.get(file.relative) or self.known.get(file.relative)
        if (
            entry
            and entry[:2] == [stat.st_size, stat.st_mtime_ns]
            and _size(archive / entry[2][:2] / entry[2]) == stat.st_size
        ):
            sha256, facts = entry[2], None
        else:
            facts = keep_in_archive(file.path, archive)
            sha256 = facts.sha256
        self.current[file.relative] = [stat.st_size, stat.st_mtime_ns, sha256]
        return Received(file, sha256, stat.st_size, facts)

    def hashes(self) -> dict[str, str]:
        """SHA-256 of the files that were seen last time, by path below extracts/."""
        return {path: entry[2] for path, entry in self.known.items()}

    def save(self) -> None:
        """Write the cache of the files seen this time, atomically, when it changed."""
        if self.current != self.known:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.path.with_suffix(".tmp")
            temporary.write_text(json.dumps(self.current, sort_keys=True))
            temporary.replace(self.path)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def receive_all(
    discovery: Discovery, work: Path, progress: Callable[[str, int, int], None]
) -> tuple[list[Received], list[tuple[str, str, Problem]]]:
    """Bytes of every found file, and a problem for each one that cannot be opened."""
    seen = SeenFiles(work)
    received, problems = [], []
    # Largest first: a large file begun last would be waited for alone.
    files = discovery.files
    order = sorted(range(len(files)), key=lambda i: -(_size(files[i].path) or 0))
    outcomes: dict[int, Received | OSError] = {}

    def receive(file: FoundFile) -> Received | OSError:
        try:
            return seen.receive(file, work / "archive")
        except OSError as error:
            return error

    # Copying and hashing leave the interpreter to others, and one file waits for the disk while another is hashed.
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        outcome = pool.map(receive, (files[i] for i in order))
        for done, (i, found) in enumerate(zip(order, outcome, strict=True)):
            progress("receive", done, len(order))
            outcomes[i] = found
    for i, file in enumerate(files):
        found = outcomes[i]
        if isinstance(found, Received):
            received.append(found)
        else:
            place = f"{file.source.instance}: {file.relative}"
            problem = Problem("E-ING-016", place, (("detail", found.strerror or str(found)),))
            problems.append((file.source.instance, file.relative, problem))
    seen.save()
    return received, problems
