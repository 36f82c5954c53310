"""What exists for a cycle of a company now: its note, the last run, its publication, its pages, what people did.

What does NOT belong here: what it means for the steps (steps.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.cycles.acts import find_acts
from orchestration.cycles.note import read_note
from orchestration.cycles.steps import Evidence
from orchestration.settings import cycle_bounds, read_settings

if TYPE_CHECKING:
    from ingest.company import Company


def find_evidence(company: Company, cycle: str) -> Evidence:
    """Evidence of one cycle between two runs. Raises as read_note, and LockedByAnotherRunError while a run is on."""
    from orchestration.run_lock import reading

    with reading(company.work):
        return evidence_within(company, cycle)


def evidence_within(company: Company, cycle: str) -> Evidence:
    """The same, asked by the run itself. A publication of the cycle proves the steps up to the figures; else the last
    run is asked.
    """
    from orchestration.publication.receipts import receipts

    note = read_note(company.root, cycle, company.timezone)
    acts = find_acts(company.root, cycle_bounds(cycle)[1])
    published = [each for each in receipts(company.published) if each["cycle"] == cycle]
    run = _last_run(company.work, cycle)
    receipt: dict[str, Any] = published[-1] if published else {}
    return Evidence(
        note=note.standing if note else "missing",
        is_collected=bool(run) or bool(receipt),
        n_late=run.get("n_late", 0),
        n_refused=run.get("n_refused", 0),
        verdict=run.get("verdict") or receipt.get("verdict"),
        has_estimates=bool(receipt),
        has_pages=bool(receipt) and _has_pages(company.published, receipt["publication_id"]),
        n_decisions=acts.n_decisions,
        n_experiments=acts.n_experiments,
        is_closed=bool(note and note.framing.closed),
    )


def _last_run(work: Path, cycle: str) -> dict[str, Any]:
    """What the last run found, when it was for this cycle."""
    from expectations.gate import read_collect_warnings, read_refusals
    from orchestration.publication.publishing import read_verdict

    try:
        settings = read_settings(work)
    except FileNotFoundError:
        return {}
    if settings.cycle != cycle:
        return {}
    verdict = read_verdict(work)
    late = [each for each in read_collect_warnings(work) if each.control == "delivered_for_cycle"]
    return {
        "is_run": True,
        "n_late": len(late),
        "n_refused": len(read_refusals(work)),
        "verdict": verdict["verdict"] if verdict and verdict["cycle"] == cycle else None,
    }


def _has_pages(published: Path, publication_id: str) -> bool:
    return any((published / "reports" / publication_id).glob("sales_audit*.html"))
