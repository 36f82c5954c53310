"""The decision page: colour, reasons, thresholds old and new, who approved (rows DE20, DE22, FR2, FR15).

What does not belong here: deciding. The light comes from the statistics step, an approval from a person.
"""

from __future__ import annotations

from typing import Any

from orchestration.reporting.cycle_figures import CycleInputs
from orchestration.reporting.cycle_tables import experiment_rows, rail_rows, threshold_rows
from orchestration.reporting.dashboard_page import segment_label, verdict_line
from orchestration.reporting.documents import Cell, Grid, Part, cells
from orchestration.reporting.formatting import MISSING, Formats
from orchestration.reporting.light_reasons import light_reasons
from orchestration.reporting.privacy import masked
from orchestration.reporting.wording import Wording

#: The charter lists every threshold in force.
THRESHOLDS_SHOWN = 11


def decision_context(inputs: CycleInputs, t: Wording, f: Formats) -> dict[str, Any]:
    """Everything the template `cycle/document.html.jinja` reads for the decision page."""
    return page(
        inputs, t, "decision", [_sought(inputs, t, f), _segments(inputs, t, f), thresholds_part(inputs, t, f),
                                experiments_part(inputs, t, f), rails_part(inputs, t, f), _next(inputs, t, f)],
        verdict_line(inputs, t, f),
    )  # fmt: skip


def page(
    inputs: CycleInputs, t: Wording, name: str, parts: list[Part | None], verdict: dict[str, str] | None
) -> dict[str, Any]:
    """The context of one document: name, title, links to the pages beside it, parts that have something to say."""
    others = (
        *(
            "sales_audit",
            "decision",
            "contact_charter",
            "monthly_note",
            "standup",
            "pipeline_review",
            "index",
        ),
    )
    return {
        "inputs": inputs.audit,
        "run": inputs.audit.run,
        "name": name,
        "title": t(f"cycle.page.{name}"),
        "links": [(other, t(f"cycle.page.{other}")) for other in others if other != name],
        "verdict": verdict,
        "parts": [part for part in parts if part],
    }


def _sought(inputs: CycleInputs, t: Wording, f: Formats) -> Part:
    note = inputs.note
    if note is None or not note.decision_sought:
        return Part("sought", t("cycle.decision.sought"), (t("cycle.decision.no_note"),))
    sentences = [masked(note.decision_sought)]
    if note.approved_by:
        sentences.append(t("cycle.decision.framed", name=note.approved_by, day=f.date(note.approved_on)))
    return Part("sought", t("cycle.decision.sought"), sentences)


def _segments(inputs: CycleInputs, t: Wording, f: Formats) -> Part:
    whole = inputs.line()
    lines = [*([whole] if whole else []), *inputs.segments()]
    rows = []
    for line in lines:
        if not line.n_leads:
            continue
        colour = line.colour_code or "grey"
        interval = (
            MISSING if line.r_low is None else f"{f.decimal(line.r_low, 2)}; {f.decimal(line.r_high, 2)}"
        )
        reasons = light_reasons(line.reasons, inputs.audit.bars, t, f)
        light = Cell(t.or_raw("lights.colour", colour), light=colour)
        rows.append(
            cells(segment_label(line, t), f.integer(line.n_leads), f.percent(line.conversion_rate, 1),
                  f.decimal(line.r, 2), interval, light, reasons)
        )  # fmt: skip
    if not rows:
        return Part("lights", t("cycle.decision.lights"), (t("cycle.absent.lines"),))
    columns = (
        ("", t("column.segment")), ("n", t("column.leads")), ("n", t("column.cr")), ("n", "r"),
        ("n", t("cycle.column.interval")), ("", t("cycle.column.light")), ("", t("column.reason")),
    )  # fmt: skip
    return Part("lights", t("cycle.decision.lights"), grid=Grid(columns, rows))


def thresholds_part(inputs: CycleInputs, t: Wording, f: Formats) -> Part:
    """Thresholds in force, proposed, and who approved: the changes first, as many as one page holds."""
    every = threshold_rows(inputs, t, f) or []
    rows = every[:THRESHOLDS_SHOWN]
    title = t("cycle.title.thresholds")
    if not rows:
        return Part("thresholds", title, (t("cycle.absent.thresholds"),))
    columns = (
        ("", t("column.segment")), ("", t("cycle.column.rule")), ("n", t("cycle.column.current")),
        ("n", t("cycle.column.proposed")), ("n", t("cycle.column.interval")), ("", t("cycle.column.origin")),
        ("", t("cycle.column.approved_by")),
    )  # fmt: skip
    more = t("cycle.more_in_charter", shown=len(rows), n=len(every)) if len(every) > len(rows) else ""
    return Part(
        "thresholds",
        title,
        (more,) if more else (),
        grid=Grid(
            columns,
            [
                cells(row["segment"], row["rule"], row["value"],
                      ("→ " if row["is_change"] else "") + row["proposed"], row["interval"] or row["reason"],
                      row["origin"], Cell(row["approved_by"], note="" if row["since"] == MISSING else row["since"]))
                for row in rows
            ],
        ),
    )  # fmt: skip


def experiments_part(inputs: CycleInputs, t: Wording, f: Formats) -> Part:
    """Experiments with their read-out."""
    rows, title = experiment_rows(inputs, t, f), t("cycle.title.experiments")
    if not rows:
        return Part("experiments", title, (t("cycle.absent.experiments"),))
    columns = (
        ("", t("cycle.column.experiment")), ("", t("column.state")), ("n", t("cycle.column.number")),
        ("n", t("cycle.column.delta")), ("", t("cycle.column.light")), ("", t("column.reason")),
    )  # fmt: skip
    return Part(
        "experiments",
        title,
        grid=Grid(
            columns,
            [
                cells(Cell(row["code"], note=row["dates"]), row["state"], row["n"], row["delta"],
                      Cell(row["colour_label"], light=row["colour"]), row["reasons"])
                for row in rows
            ],
        ),
    )  # fmt: skip


def rails_part(inputs: CycleInputs, t: Wording, f: Formats) -> Part:
    """Guard rails of the last week."""
    rows, title = rail_rows(inputs, t, f), t("cycle.title.rails")
    if not rows:
        return Part("rails", title, (t("cycle.absent.rails"),))
    lights = {"breach": "red", "within": "pass", "not_proved": "amber"}
    columns = (
        ("", t("cycle.column.rail")), ("n", t("column.rate")), ("n", t("cycle.column.upper")),
        ("n", t("cycle.column.bar")), ("", t("column.state")), ("n", t("cycle.column.breaches")),
    )  # fmt: skip
    return Part(
        "rails",
        title,
        (f"{t('cycle.rails_week')}.",),
        grid=Grid(
            columns,
            [
                cells(Cell(row["label"], note=row["week"]), Cell(row["rate"], note=row["n"]), row["upper"],
                      row["bar"], Cell(row["state_label"], light=lights.get(row["state"], "grey"), note=row["then"]),
                      row["breaches"])
                for row in rows
            ],
        ),
    )  # fmt: skip


def _next(inputs: CycleInputs, t: Wording, f: Formats) -> Part:
    note = inputs.note
    if note and note.business_story:
        return Part("next", t("cycle.decision.next"), (masked(note.business_story),), blanks=1)
    return Part("next", t("cycle.decision.next"), (t("cycle.decision.to_write"),), blanks=3)
