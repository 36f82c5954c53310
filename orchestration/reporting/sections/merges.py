"""Section 6: merges accepted, questions that nobody could answer yet, merges undone.

What does not belong here: why two records match (`etalon steward show`).
"""

from __future__ import annotations

from orchestration.reporting.figures import QualityInputs
from orchestration.reporting.formatting import Formats
from orchestration.reporting.sections.decisions import DECISIONS_SHOWN, VALUE_KINDS, told
from orchestration.reporting.wording import Wording


def merges_section(inputs: QualityInputs, t: Wording, f: Formats) -> dict[str, object]:
    n_attached = sum(count.n_source_rows - count.n_golden for count in inputs.entities)
    counted = [each.merged for each in inputs.accounts if each.merged is not None]
    n_merged = sum(counted) if counted else n_attached  # each record once, as in the account of records
    n_waiting = sum(each.n_items for each in inputs.reviews)
    n_postponed = sum(each.n_postponed for each in inputs.reviews)
    on_pairs = [each for each in inputs.steward_decisions if each.kind not in VALUE_KINDS]
    n_undone = sum(1 for each in on_pairs if each.status == "undone" or each.kind == "unmerge")
    known = bool(inputs.entities or inputs.merges)
    lead = t("quality.merges.empty")
    if known:
        lead = t(
            "quality.merges.lead",
            merged=f.integer(n_merged),
            waiting=f.integer(n_waiting),
            postponed=f.integer(n_postponed),
            undone=f.integer(n_undone),
        )
    return {
        "lead": lead,
        "is_there": known,
        "entities": inputs.entities,
        "has_both": n_attached != n_merged,
        "figures": [
            ("merged", n_merged),
            ("waiting", n_waiting),
            ("postponed", n_postponed),
            ("undone", n_undone),
        ],
        "merges": sorted(inputs.merges, key=lambda m: (m.entity, m.decision, -m.n_edges, m.evidence_code)),
        "reviews": inputs.reviews,
        "decisions": on_pairs[:DECISIONS_SHOWN],
        "n_decisions": len(on_pairs),
        "changes": inputs.id_changes,
        "told": told,
    }
