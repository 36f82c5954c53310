"""Section 5: cleaning decisions by reason, with masked samples, who decided and when.

What does not belong here: merges and their answers (merges.py), values that name a person (see decision_inputs.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from orchestration.reporting.figures import CleaningDecision, QualityInputs
from orchestration.reporting.formatting import Formats
from orchestration.reporting.privacy import masked
from orchestration.reporting.quality_figures import JournalSample, StewardDecision
from orchestration.reporting.wording import Wording

REASONS_SHOWN = 15
PLACES_SHOWN = 4
DECISIONS_SHOWN = 10
# Decisions on values and groups; those on pairs of records stand with the merges.
VALUE_KINDS = ("override", "group_link", "outlier")


@dataclass(frozen=True)
class DecisionLine:
    """All decisions of one reason and action; `places` are (table and field, count), most first."""

    label: str
    reason_code: str
    action: str
    places: tuple[tuple[str, int], ...]
    n: int
    n_by_person: int
    last_decided_at: datetime | None
    samples: tuple[JournalSample, ...]


def decision_lines(
    decisions: Iterable[CleaningDecision], samples: Iterable[JournalSample], t: Wording
) -> list[DecisionLine]:
    """Decisions by reason and action, most first."""
    grouped: dict[tuple[str, str], list[CleaningDecision]] = defaultdict(list)
    for decision in decisions:
        grouped[(decision.reason_code, decision.action)].append(decision)
    shown: dict[tuple[str, str], list[JournalSample]] = defaultdict(list)
    for sample in samples:
        shown[(sample.reason_code, sample.action)].append(sample)
    lines = []
    for (reason_code, action), members in grouped.items():
        # A merge gives its evidence as the reason; its wording stands with the evidence.
        wording = t.or_raw("evidence", reason_code) if action == "merge" else reason_code
        counts: dict[str, int] = defaultdict(int)
        for each in members:
            counts[".".join(part for part in (each.table_name, each.field_name) if part)] += each.n_decisions
        moments = [each.last_decided_at for each in members if each.last_decided_at is not None]
        lines.append(
            DecisionLine(
                label=t.pick(members[0].label_fr, members[0].label_en, wording),
                reason_code=reason_code,
                action=action,
                places=tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
                n=sum(counts.values()),
                n_by_person=sum(each.n_decisions for each in members if each.actor != "rule"),
                last_decided_at=max(moments, default=None),
                samples=tuple(shown[(reason_code, action)]),
            )
        )
    return sorted(lines, key=lambda line: (-line.n, line.reason_code, line.action))


def told(decision: StewardDecision) -> dict[str, str]:
    """Author and reason of a decision as they may be shown."""
    return {"author": masked(decision.author), "reason": masked(decision.reason)}


def decisions_section(inputs: QualityInputs, t: Wording, f: Formats) -> dict[str, object]:
    lines = decision_lines(inputs.decisions, inputs.samples, t)
    n, n_by_person = sum(line.n for line in lines), sum(line.n_by_person for line in lines)
    by_people = [each for each in inputs.steward_decisions if each.kind in VALUE_KINDS]
    lead = t("quality.decisions.empty")
    if lines:
        lead = t.plural(
            "quality.decisions.lead",
            n,
            n=f.integer(n),
            rule=f.integer(n - n_by_person),
            person=f.integer(n_by_person),
            first=lines[0].label.rstrip("."),
            most=f.integer(lines[0].n),
        )
    return {
        "lead": lead,
        "lines": lines[:REASONS_SHOWN],
        "more": lines[REASONS_SHOWN:],
        "sampled": [(line, sample) for line in lines[:REASONS_SHOWN] for sample in line.samples],
        "places_shown": PLACES_SHOWN,
        "by_people": by_people[:DECISIONS_SHOWN],
        "n_by_people": len(by_people),
        "decided_on": inputs.run.as_of,
        "told": told,
    }
