"""Section 4: what to fix at the source, owner by owner, what moves most first.

What does not belong here: the whole list (`etalon worklist`), who a record is about.
"""

from __future__ import annotations

from decimal import Decimal

from expectations.owners import owner_name
from orchestration.reporting.figures import QualityInputs
from orchestration.reporting.formatting import MISSING, Formats
from orchestration.reporting.wording import Wording

# What hangs on a record that moves no money (orchestration/worklists).
_COUNTED = ("touches", "leads", "records")


def at_stake(value: Decimal | None, unit: str, t: Wording, f: Formats) -> str:
    """Money when the unit is a currency, else a number and what it counts."""
    if value is None:
        return MISSING
    if len(unit) == 3 and unit.isupper():
        return f.money(value, unit)
    places = 0 if value == value.to_integral_value() else 2
    counted = t.plural(f"impact_unit.{unit}", int(value)) if unit in _COUNTED else unit
    return f.with_unit(value, counted, places)


def worklist_section(inputs: QualityInputs, t: Wording, f: Formats) -> dict[str, object]:
    work = inputs.work or ()
    n_open, n_closed = sum(each.n_open for each in work), sum(each.n_closed for each in work)
    if inputs.work is None:
        lead = t("quality.worklist.absent")
    elif not n_open:
        lead = t("quality.worklist.empty")
    else:
        first = max(work, key=lambda each: (each.n_open, each.owner))
        lead = t.plural(
            "quality.worklist.lead",
            n_open,
            n=f.integer(n_open),
            closed=f.integer(n_closed),
            owner=owner_name(first.owner, t.language) or t("quality.worklist.nobody"),
            most=f.integer(first.n_open),
        )
    return {
        "lead": lead,
        "is_there": inputs.work is not None,
        "owners": work,
        "impact": lambda value, unit: at_stake(value, unit, t, f),
        "impacts": lambda owner: (
            ", ".join(at_stake(value, unit, t, f) for unit, value in owner.impact) or MISSING
        ),
        "problem": lambda item: t.pick(item.label_fr, item.label_en, item.rule_id),
    }
