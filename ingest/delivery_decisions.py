"""What people decided about whole deliveries: decisions/deliveries.yml, accepted snapshots and rejected deliveries.

The file only grows: the last decision on a delivery counts, the earlier ones stay to be read.
What does NOT belong here: what a snapshot removes (snapshots.py).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ingest.decisions import write_decisions
from ingest.deliveries import Delivery
from ingest.strict_yaml import read_yaml, validate

FILE = "deliveries.yml"
Choice = Literal["accept", "reject"]


class DeliveryDecision(BaseModel):
    """One decision. The delivery id stands for source, file of the mapping and bytes: other bytes ask again."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    delivery: str = Field(pattern=r"^[0-9a-f]{12}$")
    source: str
    file: str
    file_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    decision: Choice
    author: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    decided_on: dt.date
    # Of an accepted snapshot: it may remove as many records, of so many that were known. One more asks again.
    removed: int = Field(default=0, ge=0)
    known: int = Field(default=0, ge=0)


class _DecisionsModel(BaseModel):
    model_config = ConfigDict(extra="forbid")
    version: int = Field(ge=1, le=1)
    decisions: list[DeliveryDecision]


@dataclass(frozen=True)
class Recorded:
    """A decision and whether it had to be written: the same one twice is written once."""

    decision: DeliveryDecision
    is_new: bool


def load_delivery_decisions(folder: Path) -> dict[str, DeliveryDecision]:
    """Delivery id -> the decision that counts. Raises ConfigurationError E-ING-1xx."""
    return {decision.delivery: decision for decision in _load(folder)}


def record_decision(
    folder: Path, delivery: Delivery, choice: Choice, author: str, reason: str, decided_on: dt.date,
    removed: int = 0, known: int = 0,
) -> Recorded:  # fmt: skip
    """Write a decision on a delivery below `folder` (the company's decisions/).

    removed, known: of an accepted snapshot, how many records it removes, of how many.
    """
    before = _load(folder)
    last = next((each for each in reversed(before) if each.delivery == delivery.delivery_id), None)
    if last is not None and last.decision == choice and last.removed >= removed:
        return Recorded(last, False)
    made = DeliveryDecision(
        delivery=delivery.delivery_id, source=delivery.source_instance, file=delivery.file_path,
        file_sha256=delivery.file_sha256, decision=choice, author=author, reason=reason, decided_on=decided_on,
        removed=removed, known=known,
    )  # fmt: skip
    listed = [each.model_dump() for each in (*before, made)]
    write_decisions(folder / FILE, {"version": 1, "decisions": listed})
    return Recorded(made, True)


def _load(folder: Path) -> list[DeliveryDecision]:
    path = folder / FILE
    return validate(_DecisionsModel, read_yaml(path), FILE).decisions if path.is_file() else []
