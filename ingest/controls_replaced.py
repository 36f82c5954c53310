"""A content that takes the place of another one at its path and has far fewer records: a cut file, until somebody says
that it is right.

What does NOT belong here: which content lies at a path (withdrawals.py), a month against the months before it
(controls_deliveries.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ingest.controls_result import ControlResult
from ingest.deliveries import Delivery, archived_file
from ingest.delivery_decisions import DeliveryDecision
from ingest.withdrawals import REPLACED, is_rejected

# A correction mends records, adds some and takes few away.
MAX_LOST = 0.1
# Fewer than these are the test records and doubles that a correction takes out of a small file.
FEW_LOST = 5


def replaced_volumes(
    work: Path, active: Iterable[Delivery], decisions: Mapping[str, DeliveryDecision]
) -> list[ControlResult]:
    """One result for each delivery that replaces others, against the last of them that counted.

    It holds when more than MAX_LOST of the records, and FEW_LOST or more, are gone. A decision that accepts the
    delivery settles it for these bytes; a waiver does for a time.
    """
    landed = {d.delivery_id: d for d in active}
    replaced: dict[str, list[Delivery]] = {}
    for each in landed.values():
        if each.withdrawn == REPLACED and each.replaced_by in landed:
            replaced.setdefault(each.replaced_by, []).append(each)
    results = []
    for key, contents in sorted(replaced.items()):
        new = landed[key]
        old = _last_that_counted(work, contents, decisions)
        if new.withdrawn or old is None:
            continue
        lost = old.n_records - new.n_records
        is_accepted = _is_accepted(key, decisions)
        is_breach = not is_accepted and _is_cut(old, new)
        params = {
            "rows": new.n_records,
            "before": old.n_records,
            "lost": max(lost, 0),
            "allowed": MAX_LOST,
            "few": FEW_LOST - 1,
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


def _last_that_counted(
    work: Path, contents: list[Delivery], decisions: Mapping[str, DeliveryDecision]
) -> Delivery | None:
    """Of contents that lay at a path one after the other, the last that was no cut of the one before or was accepted.

    A file that loses a few records with each export is no cut one, and a cut one that nobody accepted is no measure.
    Nor is a rejected one.
    """
    counted: Delivery | None = None
    # Those of one moment, as in a copy that kept no times, come from the largest down.
    for each in sorted(contents, key=lambda d: (_arrival(work, d), -d.n_records, d.delivery_id)):
        if is_rejected(each.delivery_id, decisions):
            continue
        if counted is None or _is_accepted(each.delivery_id, decisions) or not _is_cut(counted, each):
            counted = each
    return counted


def _is_cut(old: Delivery, new: Delivery) -> bool:
    lost = old.n_records - new.n_records
    return lost >= FEW_LOST and lost > MAX_LOST * old.n_records


def _is_accepted(key: str, decisions: Mapping[str, DeliveryDecision]) -> bool:
    return key in decisions and decisions[key].decision == "accept"


def _arrival(work: Path, delivery: Delivery) -> int:
    """When the bytes came into the archive, which keeps them once and never touches them again."""
    try:
        return archived_file(work, delivery.file_sha256).stat().st_mtime_ns
    except OSError:
        return 0
