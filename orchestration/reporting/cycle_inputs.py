"""What the page of the framing note shows: the note as it is now, its counts of the last run, its steps.

What does not belong here: words and HTML (cycle_page.py, templates), counting (statistics.cycle_framing).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from orchestration.cycles.calendar import Calendar, calendar_of
from orchestration.cycles.deltas import Delta, kpi_deltas
from orchestration.cycles.evidence import evidence_within
from orchestration.cycles.note import Note, read_note
from orchestration.cycles.steps import Step, steps_of
from orchestration.settings import cycle_bounds

if TYPE_CHECKING:
    from ingest.company import Company
    from orchestration.reporting.figures import RunFacts


@dataclass(frozen=True)
class CycleNote:
    """counts: (kind, item) -> row of cycle_framing; empty when nothing was counted, as in a held cycle.

    deltas: the KPIs of the note and of the month before; empty when the cycle is not what is published.
    """

    run: RunFacts
    note: Note
    calendar: Calendar
    steps: tuple[Step, ...]
    counts: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    deltas: tuple[Delta, ...] = ()


def load_cycle_note(company: Company, run: RunFacts) -> CycleNote | None:
    """The note of the run's cycle; None when there is none. Raises as read_note."""
    note = read_note(company.root, run.cycle, company.timezone)
    if note is None:
        return None
    end = cycle_bounds(run.cycle)[1]
    evidence = evidence_within(company, run.cycle)
    evidence = replace(evidence, has_pages=evidence.has_estimates)  # this page is one of them
    path = company.work / "statistics" / "cycle_framing.parquet"
    rows = pq.read_table(path).to_pylist() if path.is_file() else []
    return CycleNote(
        run=run,
        note=note,
        calendar=calendar_of(end),
        steps=tuple(steps_of(evidence, end)),
        counts={(row["kind_code"], row["item_code"]): row for row in rows},
        deltas=tuple(kpi_deltas(company, run.cycle, note.framing.kpis)),
    )
