"""Deliveries as people look at them: when, which file, how many records, what became of it; and their decisions.

What does NOT belong here: judging snapshots (snapshots.py), the file of decisions (delivery_decisions.py).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from ingest.company import Company
from ingest.deliveries import Delivery, DeliveryStore
from ingest.delivery_decisions import Choice, Recorded, load_delivery_decisions, record_decision
from ingest.errors import ConfigurationError
from ingest.mapping import load_mapping
from ingest.withdrawals import REPLACED, is_rejected


@dataclass(frozen=True)
class DeliveryRow:
    """One delivery. state: landed, refused, replaced, rejected, or of a snapshot applied, incomplete, held."""

    delivery_id: str
    source_instance: str
    file_path: str
    delivered_on: str | None
    n_records: int
    n_kept: int
    state: str
    n_before: int = 0
    n_removed: int = 0


def deliveries_of(company: Company, source: str | None = None) -> list[DeliveryRow]:
    """Deliveries of a company as of the last collect, newest first."""
    collect = company.work / "collect"
    kept: dict[str, int] = {}
    for row in _rows(collect / "ledger_terms.parquet"):
        if row["term"] == "C" and row["name"] == "kept":
            kept[row["_delivery_id"]] = kept.get(row["_delivery_id"], 0) + row["value"]
    judged = {row["_delivery_id"]: row for row in _rows(collect / "snapshots.parquet")}
    found = []
    for delivery in DeliveryStore(company.work).load().values():
        if source in (None, delivery.source_instance):
            snapshot = judged.get(delivery.delivery_id, {})
            found.append(
                DeliveryRow(
                    delivery.delivery_id,
                    delivery.source_instance,
                    delivery.file_path,
                    delivery.delivered_on,
                    delivery.n_records,
                    kept.get(delivery.delivery_id, 0),
                    _state(delivery, snapshot),
                    snapshot.get("n_before", 0),
                    snapshot.get("n_removed", 0),
                )
            )
    found.sort(key=lambda row: (row.source_instance, row.file_path, row.delivery_id))
    return sorted(found, key=lambda row: row.delivered_on or "", reverse=True)


def _state(delivery: Delivery, snapshot: dict) -> str:
    if delivery.status != "landed" or not delivery.withdrawn:
        return snapshot.get("state", delivery.status)
    return "replaced" if delivery.withdrawn == REPLACED else "rejected"


def decide(
    company: Company, delivery_id: str, choice: Choice, author: str, reason: str, decided_on: dt.date
) -> Recorded:
    """Record a decision on a landed delivery; accepting needs a snapshot, one that was rejected, or one
    that takes the place of another content.

    An accepted snapshot is accepted for what it removes as of the last collect. Raises ConfigurationError E-ING-181.
    """
    known = DeliveryStore(company.work).load()
    delivery = known.get(delivery_id)
    source = next(
        (s for s in company.sources if delivery is not None and s.instance == delivery.source_instance), None
    )
    if delivery is None or source is None or delivery.status != "landed":
        raise ConfigurationError("E-ING-181", delivery_id, delivery=delivery_id)
    spec = load_mapping(source, company.root).model.files.get(delivery.file_key)
    was_rejected = is_rejected(delivery_id, load_delivery_decisions(company.decisions))
    replaces = any(other.replaced_by == delivery_id for other in known.values())
    is_snapshot = spec is not None and spec.snapshot is not None
    if choice == "accept" and not (was_rejected or is_snapshot or replaces):
        raise ConfigurationError("E-ING-181", delivery_id, delivery=delivery_id)
    removed = n_known = 0
    if choice == "accept":
        for row in _rows(company.work / "collect" / "snapshots.parquet"):
            if row["_delivery_id"] == delivery_id:
                removed, n_known = row["n_removed"], row["n_before"]
    return record_decision(
        company.decisions, delivery, choice, author, reason, decided_on, removed=removed, known=n_known
    )


def _rows(path: Path) -> list[dict]:
    return pq.read_table(path).to_pylist() if path.is_file() else []
