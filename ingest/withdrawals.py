"""Deliveries that count no more as a whole: another content lies at their paths now, or a person rejected them.

Told by what lies in extracts/ now and by decisions, never by the order in which contents came; raw rows stay, so
both can be undone. What does NOT belong here: excluding the rows (dispositions.py), snapshots that are held
(snapshots.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ingest.deliveries import Delivery
from ingest.delivery_decisions import DeliveryDecision
from ingest.discovery import Received

REPLACED, REJECTED = "replaced_delivery", "delivery_rejected"

# Delivery id -> path it lay at -> the delivery that lies there now.
Replacements = dict[str, dict[str, str]]


def is_rejected(delivery_id: str, decisions: Mapping[str, DeliveryDecision]) -> bool:
    """Whether the last decision on a delivery rejects it."""
    decision = decisions.get(delivery_id)
    return decision is not None and decision.decision == "reject"


def replacements(
    known: Mapping[str, Delivery], received: Iterable[Received], decisions: Mapping[str, DeliveryDecision]
) -> Replacements:
    """The paths at which a delivery lay and another one of the same file of the mapping lies now.

    A content that is refused or rejected replaces nothing; one that is not known yet is taken to land. A path that
    holds nothing any more is not replaced: its file was taken away.
    """
    now = {
        (item.file.source.instance, item.file.file_key, item.file.relative): item.delivery_id
        for item in received
        if not is_rejected(item.delivery_id, decisions)
        and (item.delivery_id not in known or known[item.delivery_id].status == "landed")
    }
    at_path = {(item.delivery_id, item.file.relative) for item in received}
    found: Replacements = {}
    for key, delivery in known.items():
        for path in delivery.file_paths:
            other = now.get((delivery.source_instance, delivery.file_key, path))
            if other and other != key and (key, path) not in at_path:
                found.setdefault(key, {})[path] = other
    return found


def withdrawal(
    delivery: Delivery, replaced: Mapping[str, str], decisions: Mapping[str, DeliveryDecision]
) -> dict[str, str | None]:
    """The fields `withdrawn` and `replaced_by` of a delivery whose paths in `replaced` hold other contents now."""
    if set(delivery.file_paths) <= set(replaced):
        return {"withdrawn": REPLACED, "replaced_by": replaced[delivery.file_path]}
    rejected = is_rejected(delivery.delivery_id, decisions)
    return {"withdrawn": REJECTED if rejected else None, "replaced_by": None}
