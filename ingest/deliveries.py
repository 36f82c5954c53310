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
ENGINE_VERSION = "1"


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
    n_bytes_read: int = 0
    n_physical_lines: int = 0
    n_header_lines: int = 0
    n_blank_lines: int = 0
    n_record_lines: int = 0
    n_quarantined_lines: int = 0
    n_records: int = 0
    reader: str = "fast"
    tables: dict[str, int] = field(default_factory=dict)  # contract -> raw rows
    controls: tuple[dict[str, str], ...] = ()
    manifest: dict[str, Any] | None = None  # the control totals of all its paths
    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)  # path -> the totals that came with it
    problem: dict[str, Any] | None = None
    was_landed: bool = False

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
        return replace(self, status="refused", problem=content, tables={}, was_landed=was_landed)


def fingerprint(*parts: Any) -> str:
    """Hash of everything that decides the raw rows of a delivery beside its bytes."""
    text = json.dumps([ENGINE_VERSION, *parts], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def raw_file(work: Path, contract: str, instance: str, delivery: str) -> Path:
    """Raw Parquet of one delivery and contract."""
    return work / "raw" / contract / f"{instance}__{delivery}.parquet"


class DeliveryStore:
    """deliveries/*.json of a work directory."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.folder = work / "deliveries"
        self.folder.mkdir(parents=True, exist_ok=True)

    def load(self) -> dict[str, Delivery]:
        """Delivery id -> Delivery. A half-written file cannot exist: writing is atomic."""
        found = {}
        for path in sorted(self.folder.glob("*.json")):
            content = json.loads(path.read_text())
            content["file_paths"] = tuple(content["file_paths"])
            content["controls"] = tuple(content["controls"])
            found[path.stem] = Delivery(**content)
        return found

    def save(self, delivery: Delivery) -> None:
        """Write one delivery record: the commit point of its landing."""
        target = self.folder / f"{delivery.delivery_id}.json"
        temporary = target.with_suffix(f".{os.getpid()}.tmp")
        with temporary.open("w") as stream:
            json.dump(asdict(delivery), stream, sort_keys=True, indent=1)
        temporary.replace(target)

    def is_complete(self, delivery: Delivery) -> bool:
        """True when every raw file that the record names is there."""
        return all(
            raw_file(self.work, contract, delivery.source_instance, delivery.delivery_id).exists()
            for contract in delivery.tables
        )

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
            if keeper is None or keeper.status != "landed" or not keeper.n_quarantined_lines:
                path.unlink(missing_ok=True)
        for path in [
            *self.folder.glob("*.tmp"),
            *self.work.glob("archive/.*.tmp"),
            *self.work.glob("collect/*.tmp"),
        ]:
            path.unlink(missing_ok=True)
