"""A content that takes the place of another one at its path and has far fewer records: a cut file, until somebody says
that it is right.

What does NOT belong here: which content lies at a path (withdrawals.py), a month against the months before it
(controls_deliveries.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ingest.controls_result import ControlResult
from ingest.deliveries import Delivery
from ingest.delivery_decisions import DeliveryDecision
from ingest.withdrawals import REPLACED

# A correction mends records, adds some and takes few away.
MAX_LOST = 0.1
# Fewer than these are the test records and doubles that a correction takes out of a small file.
FEW_LOST = 5


def replaced_volumes(
    active: Iterable[Delivery], decisions: Mapping[str, DeliveryDecision]
) -> list[ControlResult]:
    """One result for each delivery that replaces others, against the largest of them.

    It holds when more than MAX_LOST of the records, and FEW_LOST or more, are gone. A decision that accepts the
    delivery settles it for these bytes; a waiver does for a time.
    """
    landed = {d.delivery_id: d for d in active}
    before: dict[str, Delivery] = {}
    for old in landed.values():
        if old.withdrawn == REPLACED and old.replaced_by in landed:
            largest = before.setdefault(old.replaced_by, old)
            if (old.n_records, old.delivery_id) > (largest.n_records, largest.delivery_id):
                before[old.replaced_by] = old
    results = []
    for key, old in sorted(before.items()):
        new = landed[key]
        if new.withdrawn:
            continue
        lost = old.n_records - new.n_records
        is_accepted = key in decisions and decisions[key].decision == "accept"
        is_breach = lost >= FEW_LOST and lost > MAX_LOST * old.n_records and not is_accepted
        params = {
            "rows": new.n_records,
            "before": old.n_records,
            "lost": max(lost, 0),
            "allowed": MAX_LOST,
            "delivery": key,
        }
        results.append(
            ControlResult(
                new.source_instance, f"replaced_{new.file_key}", "replaced", "error",
                "fail" if is_breach else "pass", "replaced_accepted" if is_accepted else "replaced",
                key, new.file_path, n_evaluated=old.n_records, n_failed=max(lost, 0),
                measured=str(new.n_records), threshold=f"{old.n_records * (1 - MAX_LOST):.0f}",
                previous=str(old.n_records), params=params,
            )
        )  # fmt: skip
    return results
