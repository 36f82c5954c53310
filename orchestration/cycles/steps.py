"""The seven steps of a cycle and their status, computed from what exists (rows FR10, PB9, PB19).

Pure. What does NOT belong here: looking for what exists (evidence.py, statistics.cycle_framing), due dates
(calendar.py), sentences (wording.yml).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from orchestration.cycles.calendar import STEPS, calendar_of

StatusCode = Literal["done", "open", "held"]
#: Steps that people take after the month whose figures they rest on.
AFTER_THE_MONTH = ("decide", "experiment")
#: Duty of RACI that owns each step when the note names nobody: the role that is responsible.
_OWNERS = {
    "frame": "vp_sales",
    "collect": "revops",
    "clean": "data",
    "visualise": "revops",
    "quantify": "data",
    "decide": "vp_sales",
    "experiment": "managers",
}


@dataclass(frozen=True)
class Evidence:
    """What exists for one cycle.

    note: standing of the framing note. n_late, n_refused: deliveries that did not come, files that were refused.
    verdict: of the gate, None before it. has_estimates, has_pages: the statistics and the pages of the cycle are there.
    n_decisions: thresholds approved for the weeks after the cycle; n_experiments: registered ones that run then; None:
    not asked, because the figures of a month know nothing of the weeks after it.
    """

    note: str = "missing"
    is_collected: bool = False
    n_late: int = 0
    n_refused: int = 0
    verdict: str | None = None
    has_estimates: bool = False
    has_pages: bool = False
    n_decisions: int | None = 0
    n_experiments: int | None = 0
    is_closed: bool = False


@dataclass(frozen=True)
class Step:
    """One step. reason_code: why it is not done; None when it is."""

    code: str
    position: int
    owner_role_code: str
    due_on: date
    status_code: StatusCode
    reason_code: str | None

    def is_late(self, today: date) -> bool:
        """Not done on the day after it was due."""
        return self.status_code != "done" and today > self.due_on


def steps_of(evidence: Evidence, cycle_end: date) -> list[Step]:
    """The seven steps of the cycle that ends before `cycle_end`, in order."""
    due, found = calendar_of(cycle_end).due, _statuses(evidence)
    return [
        Step(code, place, _OWNERS[code], due[code], *found[code]) for place, code in enumerate(STEPS, start=1)
    ]


def _statuses(evidence: Evidence) -> dict[str, tuple[StatusCode, str | None]]:
    return {
        "frame": _one(evidence.note == "approved", f"framing_{evidence.note}"),
        "collect": _collected(evidence),
        "clean": _cleaned(evidence),
        "visualise": _one(evidence.has_pages, "not_published"),
        "quantify": _one(evidence.has_estimates, "not_published"),
        "decide": _acted(evidence.n_decisions, "nothing_decided", is_done=evidence.is_closed),
        "experiment": _acted(evidence.n_experiments, "nothing_registered"),
    }


def _acted(n_acts: int | None, reason: str, *, is_done: bool = False) -> tuple[StatusCode, str | None]:
    if n_acts is None:
        return "open", "after_the_month"
    return _one(n_acts > 0 or is_done, reason)


def _one(is_done: bool, reason: str) -> tuple[StatusCode, str | None]:
    return ("done", None) if is_done else ("open", reason)


def _collected(evidence: Evidence) -> tuple[StatusCode, str | None]:
    if not evidence.is_collected:
        return "open", "not_collected"
    if evidence.n_refused:
        return "open", "file_refused"
    return _one(not evidence.n_late, "delivery_missing")


def _cleaned(evidence: Evidence) -> tuple[StatusCode, str | None]:
    if evidence.verdict is None:
        return "open", "not_judged"
    return ("held", "gate_holds") if evidence.verdict == "hold" else ("done", None)
