"""Damaged files of the work directory: found by what was recorded of them, made again while their content lies
somewhere else.

What does NOT belong here: landing (landing.py), and telling people (the CLI does).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.deliveries import Delivery, DeliveryStore, archived_file, sha256_of
from ingest.text_preparation import ByteFacts, inspect_bytes, keep_in_archive

if TYPE_CHECKING:
    from ingest.company import Company
    from ingest.discovery import Received


class Archive:
    """The original bytes of deliveries, believed only when their SHA-256 is the recorded one.

    received: files under extracts/ of this run. `repaired` names the copies that were made again.
    """

    def __init__(self, work: Path, received: Iterable[Received]) -> None:
        self.work = work
        self.repaired: set[str] = set()
        self._at_hand: dict[str, Path] = {}
        self._facts: dict[str, ByteFacts | None] = {}
        for item in received:
            self._at_hand.setdefault(item.sha256, item.file.path)
            if item.facts is not None:
                self._facts[item.sha256] = item.facts

    def facts(self, delivery: Delivery) -> ByteFacts | None:
        """Facts of the archived bytes; None when they are damaged or gone and no extract has them any more."""
        sha256 = delivery.file_sha256
        if sha256 not in self._facts:
            self._facts[sha256] = self._sound_facts(sha256)
        return self._facts[sha256]

    def _sound_facts(self, sha256: str) -> ByteFacts | None:
        path = archived_file(self.work, sha256)
        if path.is_file():
            facts = inspect_bytes(path)
            if facts.sha256 == sha256:
                return facts
        extract = self._at_hand.get(sha256)
        if extract is None or sha256_of(extract) != sha256:
            return None
        path.unlink(missing_ok=True)
        self.repaired.add(path.relative_to(self.work.parent).as_posix())
        return keep_in_archive(extract, self.work / "archive")


def lost_deliveries(store: DeliveryStore) -> tuple[dict[str, Delivery], list[str]]:
    """What collect/deliveries.parquet still says of deliveries whose record cannot be read.

    Returns them by id, as records that land again, and the ids of which nothing is known any more.
    """
    unreadable = store.unreadable()
    if not unreadable:
        return {}, []
    try:
        rows = pq.read_table(store.work / "collect" / "deliveries.parquet").to_pylist()
    except (OSError, pa.ArrowException):
        rows = []
    found = {row["_delivery_id"]: _remembered(row) for row in rows if row["_delivery_id"] in unreadable}
    return found, sorted(set(unreadable) - set(found))


def _remembered(row: dict) -> Delivery:
    named = ("source_system", "source_instance", "mapping", "mapping_version", "mapping_hash", "file_key",
             "file_path", "file_sha256", "file_bytes", "encoding")  # fmt: skip
    day = row["delivered_on"]
    return Delivery(
        delivery_id=row["_delivery_id"],
        status="landed",
        file_paths=(row["file_path"],),
        delivered_on=day.isoformat() if day else None,
        fingerprint="",
        **{name: row[name] for name in named},
    )


@dataclass(frozen=True)
class Damage:
    """One damaged or missing file. path: below the company. cure: what brings it back, `none` when nothing."""

    kind: Literal["receipts", "raw", "archive"]
    path: str
    cure: Literal["run", "extract", "none"]
    extract: str = ""  # path below extracts/ that has the content, or had it


def examine(company: Company) -> list[Damage]:
    """Damaged receipts, raw and quarantine files, and archived originals of a company. Reads every byte."""
    store = DeliveryStore(company.work)
    found = []
    known = store.load()
    remembered, _ = lost_deliveries(store)
    for key in store.unreadable():
        path = f"work/deliveries/{key}.json"
        lost = remembered.get(key)
        extract = _present_extract(company, lost) if lost else ""
        cure = "run" if lost and (extract or _is_archived(company.work, lost)) else "none"
        found.append(Damage("receipts", path, cure, extract))
    for delivery in known.values():
        extract = _present_extract(company, delivery)
        is_archived = _is_archived(company.work, delivery)
        for path in store.damaged_files(delivery):
            cure = "run" if is_archived or extract else "none"
            found.append(Damage("raw", f"work/{path}", cure, extract or delivery.file_path))
        if not is_archived:
            path = archived_file(company.work, delivery.file_sha256).relative_to(company.root).as_posix()
            found.append(
                Damage("archive", path, "extract" if extract else "none", extract or delivery.file_path)
            )
    return found


def _is_archived(work: Path, delivery: Delivery) -> bool:
    return sha256_of(archived_file(work, delivery.file_sha256)) == delivery.file_sha256


def _present_extract(company: Company, delivery: Delivery) -> str:
    """A path under extracts/ that still holds the bytes of a delivery; empty when none does."""
    for path in delivery.file_paths:
        if sha256_of(company.extracts / path) == delivery.file_sha256:
            return path
    return ""


def is_readable_parquet(path: Path) -> bool:
    """True for a Parquet file whose footer can be read: a truncated one has none."""
    try:
        pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        return False
    return True
