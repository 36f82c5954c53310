"""The contact charter: thresholds by segment and exceptions, J0 to J30, as one dated document (rows DE18, DE24).

What does not belong here: the rules themselves. Thresholds come from the mart, exceptions from the contact policy in
force on the last day of the cycle.
"""

from __future__ import annotations

from typing import Any

from orchestration.reporting.cycle_blocks import ACTION_RULES
from orchestration.reporting.cycle_figures import CycleInputs, Threshold
from orchestration.reporting.cycle_tables import threshold_segment, threshold_value
from orchestration.reporting.decision_page import page
from orchestration.reporting.documents import Cell, Grid, Part, cells
from orchestration.reporting.formatting import Formats
from orchestration.reporting.wording import Wording


def charter_context(inputs: CycleInputs, t: Wording, f: Formats) -> dict[str, Any]:
    """Everything the template `cycle/document.html.jinja` reads for the charter."""
    return page(
        inputs,
        t,
        "contact_charter",
        [_dated(inputs, t, f), _thresholds(inputs, t, f), _exceptions(inputs, t, f)],
        None,
    )


def _dated(inputs: CycleInputs, t: Wording, f: Formats) -> Part:
    policy = inputs.policy
    told = [t("cycle.charter.lead", month=f.month(inputs.audit.run.cycle))]
    if policy is not None:
        told.append(
            t("cycle.charter.version", version=policy.version, author=policy.author, basis=policy.basis)
        )
    return Part("validity", t("cycle.charter.validity"), told)


def _thresholds(inputs: CycleInputs, t: Wording, f: Formats) -> Part:
    """One row a segment, one column a rule that any segment has; the days of a window stand beside the number."""
    title = t("cycle.charter.by_segment")
    held = [each for each in inputs.thresholds or () if each.value is not None]
    if not held:
        return Part("segments", title, (t("cycle.absent.thresholds"),))
    rules = [rule for rule in ACTION_RULES if any(each.rule == rule for each in held)]
    segments = list(dict.fromkeys((each.kind, each.segment) for each in held))
    rows = []
    for kind, segment in segments:
        mine = {each.rule: each for each in held if (each.kind, each.segment) == (kind, segment)}
        some = next(iter(mine.values()))
        approved = sorted({each.approved_by for each in mine.values() if each.approved_by})
        since = max((each.valid_from for each in mine.values() if each.valid_from), default=None)
        rows.append(
            cells(
                threshold_segment(some, t),
                *(_value(mine.get(rule), t, f) for rule in rules),
                Cell(", ".join(approved) or t.or_raw("cycle.threshold_origin", some.origin),
                     note=f.date_short(since) if since else ""),
            )
        )  # fmt: skip
    columns = [("", t("column.segment")), *(("n", t.or_raw("cycle.threshold_rule", rule)) for rule in rules)]
    return Part("segments", title, grid=Grid([*columns, ("", t("cycle.column.approved_by"))], rows))


def _value(each: Threshold | None, t: Wording, f: Formats) -> Cell:
    if each is None:
        return Cell("")
    note = t("cycle.threshold_days", days=each.window_days) if each.window_days else ""
    return Cell(threshold_value(each.rule, each.value, t, f), note=note)


def _exceptions(inputs: CycleInputs, t: Wording, f: Formats) -> Part:
    """What stops or slows contacts, whatever the segment."""
    values = inputs.policy.values if inputs.policy else {}
    numbers = {name: f.integer(value) for name, value in values.items()}
    rows = [
        cells(t(f"cycle.charter.when.{code}"), t(f"cycle.charter.then.{code}"))
        for code in ("opt_out", "escalation")
    ]
    for code, needed in (
        ("cool_down", ("cool_down_touches", "cool_down_days")),
        ("account_cap", ("account_max_touches", "account_window_hours")),
        ("mail_cap", ("mail_max_a_day",)),
        ("hours", ("send_from_hour", "send_until_hour")),
    ):
        if all(name in numbers for name in needed):
            given = {name: numbers[name] for name in needed}
            rows.append(cells(t(f"cycle.charter.when.{code}"), t(f"cycle.charter.then.{code}", **given)))
    bar = inputs.audit.complaint_bar
    if bar is not None:
        told = t("cycle.charter.then.complaints", bar=f.exact_percent(bar))
        rows.append(cells(t("cycle.charter.when.complaints"), told))
    columns = (("", t("cycle.charter.case")), ("", t("cycle.charter.rule")))
    return Part("exceptions", t("cycle.charter.exceptions"), grid=Grid(columns, rows))
