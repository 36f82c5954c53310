"""The record of each delivery: deliveries/<id>.json, written last, is what makes its raw rows count.

What does NOT belong here: how a delivery is read (landing.py).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ingest.errors import Problem

# Raised when the same bytes and the same mapping would give other rows: every delivery is then landed again.
ENGINE_VERSION = "3"


@dataclass(frozen=True)
class Delivery:
    """One delivery as landed or refused. Counts are of physical lines and records of the file."""

    delivery_id: str
    status: str  # landed | refused
    source_system: str
    source_instance: str
    mapping: str
    mapping_version: int
    mapping_hash: str
    file_key: str
    file_paths: tuple[str, ...]  # every place the bytes were received at, relative to extracts/
    file_path: str
    file_sha256: str
    file_bytes: int
    delivered_on: str | None
    encoding: str
    fingerprint: str
    text_bytes: int | None = None  # of a compressed file: what it expands to
    n_bytes_read: int = 0
    n_physical_lines: int = 0
    n_header_lines: int = 0
    n_blank_lines: int = 0
    n_record_lines: int = 0
    n_quarantined_lines: int = 0
    n_repaired_lines: int = 0
    n_records: int = 0
    reader: str = "fast"
    tables: dict[str, int] = field(default_factory=dict)  # contract -> raw rows
    controls: tuple[dict[str, str], ...] = ()
    manifest: dict[str, Any] | None = None  # the control totals of all its paths
    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)  # path -> the totals that came with it
    problem: dict[str, Any] | None = None
    was_landed: bool = False
    last_delivered_on: str | None = None  # the latest date of its paths; delivered_on is the earliest
    withdrawn: str | None = None  # the reason its records are excluded for, whatever they hold
    replaced_by: str | None = None  # the delivery that lies at its path now
    files: dict[str, str] = field(default_factory=dict)  # raw and quarantine files below work/ -> SHA-256

    @property
    def has_quarantine(self) -> bool:
        """True when lines of the file are no record: those that wait and those that a person repaired."""
        return bool(self.n_quarantined_lines or self.n_repaired_lines)

    @property
    def day(self) -> dt.date | None:
        """delivered_on as a date."""
        return dt.date.fromisoformat(self.delivered_on) if self.delivered_on else None

    def refusal(self) -> Problem | None:
        """The problem of a refused delivery."""
        if self.problem is None:
            return None
        return Problem(
            self.problem["code"], self.problem["where"], tuple((k, v) for k, v in self.problem["params"])
        )

    def refused(self, problem: Problem, was_landed: bool) -> Delivery:
        """This delivery as refused for `problem`, with nothing landed."""
        content = {"code": problem.code, "where": problem.where, "params": [list(p) for p in problem.params]}
        return replace(self, status="refused", problem=content, tables={}, files={}, was_landed=was_landed)


def fingerprint(*parts: Any) -> str:
    """Hash of everything that decides the raw rows of a delivery beside its bytes."""
    text = json.dumps([ENGINE_VERSION, *parts], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def raw_file(work: Path, contract: str, instance: str, delivery: str) -> Path:
    """Raw Parquet of one delivery and contract."""
    return work / "raw" / contract / f"{instance}__{delivery}.parquet"


def archived_file(work: Path, sha256: str) -> Path:
    """Where the original bytes with this SHA-256 are kept."""
    return work / "archive" / sha256[:2] / sha256


def sha256_of(path: Path) -> str | None:
    """64 hex of a file's bytes; None when there is no readable file."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None


class DeliveryStore:
    """deliveries/*.json of a work directory."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.folder = work / "deliveries"
        self.folder.mkdir(parents=True, exist_ok=True)

    def load(self) -> dict[str, Delivery]:
        """Delivery id -> Delivery, of the records that can be read (see unreadable)."""
        found = {path.stem: _read(path) for path in sorted(self.folder.glob("*.json"))}
        return {key: delivery for key, delivery in found.items() if delivery is not None}

    def unreadable(self) -> list[str]:
        """Ids of the records that are damaged. Writing is atomic: a run cannot leave one, a disk can."""
        return [path.stem for path in sorted(self.folder.glob("*.json")) if _read(path) is None]

    def save(self, delivery: Delivery) -> None:
        """Write one delivery record, with the hashes of its files: the commit point of its landing."""
        hashes = {name: sha256_of(self.work / name) or "" for name in self._files(delivery)}
        target = self.folder / f"{delivery.delivery_id}.json"
        temporary = target.with_suffix(f".{os.getpid()}.tmp")
        with temporary.open("w") as stream:
            json.dump(asdict(replace(delivery, files=hashes)), stream, sort_keys=True, indent=1)
        temporary.replace(target)

    def damaged_files(self, delivery: Delivery) -> list[str]:
        """Files of a delivery, below work/, that are missing or are not those that were written."""
        return [
            name
            for name in self._files(delivery)
            if not delivery.files.get(name) or sha256_of(self.work / name) != delivery.files[name]
        ]

    def _files(self, delivery: Delivery) -> list[str]:
        if delivery.status != "landed":
            return []
        found = [
            raw_file(self.work, contract, delivery.source_instance, delivery.delivery_id)
            for contract in sorted(delivery.tables)
        ]
        if delivery.has_quarantine:
            found.append(self.work / "quarantine" / f"{delivery.delivery_id}.parquet")
        return [path.relative_to(self.work).as_posix() for path in found]

    def remove_strays(self, active: dict[str, Delivery]) -> None:
        """Remove temporary files and raw or quarantine files that no active landed delivery names."""
        wanted = {
            raw_file(self.work, contract, d.source_instance, d.delivery_id)
            for d in active.values()
            if d.status == "landed"
            for contract in d.tables
        }
        for path in self.work.glob("raw/*/*"):
            if path not in wanted and path.name != "_schema.parquet":
                path.unlink(missing_ok=True)
        for path in self.work.glob("quarantine/*"):
            keeper = active.get(path.name.split(".")[0])
            if keeper is None or keeper.status != "landed" or not keeper.has_quarantine:
                path.unlink(missing_ok=True)
        for path in [
            *self.folder.glob("*.tmp"),
            *self.work.glob("archive/.*.tmp"),
            *self.work.glob("collect/*.tmp"),
        ]:
            path.unlink(missing_ok=True)


def _read(path: Path) -> Delivery | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        content["file_paths"] = tuple(content["file_paths"])
        content["controls"] = tuple(content["controls"])
        return Delivery(**content)
    except (OSError, ValueError, TypeError, KeyError):
        return None
