"""The monthly note on one page: the figures as sentences, and what a person adds (rows PB8, FR15, EX9).

Generated sentences say "associated with"; a lesson is a person's text and shown as written.
What does not belong here: the figures (dashboard tiles read the same).
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from orchestration.reporting.audit_page import change
from orchestration.reporting.bounds import exact_upper_95
from orchestration.reporting.cycle_figures import CycleInputs
from orchestration.reporting.cycle_tables import question_rows
from orchestration.reporting.dashboard_page import segment_label, too_few, verdict_line
from orchestration.reporting.decision_page import page
from orchestration.reporting.documents import Cell, Grid, Part, cells
from orchestration.reporting.figures import Kpi
from orchestration.reporting.formatting import MISSING, Formats
from orchestration.reporting.intervals import wilson_95
from orchestration.reporting.privacy import masked
from orchestration.reporting.wording import Wording

LESSONS = 3
_SIGNIFICANT = Decimal("0.05")


def note_context(inputs: CycleInputs, t: Wording, f: Formats) -> dict[str, Any]:
    """Everything the template `cycle/document.html.jinja` reads for the monthly note."""
    parts = [
        Part("figures", t("cycle.note.figures"), figures(inputs, t, f), is_list=True),
        Part("segments", t("cycle.note.segments"), _segments(inputs, t, f), is_list=True),
        Part("guard", t("cycle.note.guard"), _guard(inputs, t, f), is_list=True),
        _questions(inputs, t, f),
        _lessons(inputs, t),
    ]
    return page(inputs, t, "monthly_note", parts, verdict_line(inputs, t, f))


def figures(inputs: CycleInputs, t: Wording, f: Formats) -> list[str]:
    """Conversion, delay of the first contact, touches, and how touches and conversion go together."""
    kpis = {kpi.name: kpi for kpi in inputs.audit.kpis}
    told = [_conversion(kpis.get("cr"), t, f), _delay(kpis.get("ttf_km_median"), t, f)]
    if inputs.spread and inputs.spread[-1].median is not None:
        last = inputs.spread[-1]
        told.append(
            t("cycle.note.touches", month=f.month(last.period), median=f.decimal(last.median, 1),
              low=f.decimal(last.first_quartile, 1), high=f.decimal(last.third_quartile, 1), n=f.integer(last.n))
        )  # fmt: skip
    told += _association(inputs, t, f)
    return [sentence for sentence in told if sentence]


def _since(kpi: Kpi, t: Wording, f: Formats) -> str:
    """`; +0.6 pp from May`, or nothing where the month before has no value."""
    before = change(kpi, 1, t, f)
    return "" if before.text == MISSING else t("cycle.note.since", change=before.text, month=before.against)


def _conversion(kpi: Kpi | None, t: Wording, f: Formats) -> str:
    if kpi is None:
        return ""
    n, of = kpi.measure.numerator, kpi.measure.denominator
    if kpi.measure.value is None or n is None or of is None:
        return t("cycle.note.no_conversion", month=f.month(kpi.period))
    ends = wilson_95(int(n), int(of))
    low, high = ends if ends else (None, None)
    return t(
        "cycle.note.conversion", month=f.month(kpi.period), k=f.integer(n), n=f.integer(of),
        rate=f.percent(kpi.measure.value, 1), low=f.percent(low, 1), high=f.percent(high, 1),
        since=_since(kpi, t, f),
    )  # fmt: skip


def _delay(kpi: Kpi | None, t: Wording, f: Formats) -> str:
    if kpi is None or kpi.measure.value is None:
        return t("cycle.note.no_delay")
    hours = f.with_unit(kpi.measure.value, t("unit.hours"), 1)
    return t(
        "cycle.note.delay",
        month=f.month(kpi.period),
        hours=hours,
        n=f.integer(kpi.n),
        since=_since(kpi, t, f),
    )


def _association(inputs: CycleInputs, t: Wording, f: Formats) -> list[str]:
    line = inputs.line()
    few = too_few(line, inputs.audit.bars, t, f)
    if line is None or few:
        return [few]
    if line.r is None or line.slope is None:
        return [t("cycle.note.no_line", reason=t.or_raw("lights.line", line.line_reason_code))]
    code = "associated" if line.p_value is not None and line.p_value < _SIGNIFICANT else "unproved"
    interval = (
        ""
        if line.r_low is None
        else t("lights.interval", low=f.decimal(line.r_low, 2), high=f.decimal(line.r_high, 2))
    )
    return [
        t(f"cycle.note.{code}", day=f.integer(line.landmark_days), r=f.decimal(line.r, 2), interval=interval,
          n=f.integer(line.n_leads), slope=f.points(line.slope, 1)),
        t("cycle.note.q1", q1=f.percent(line.q1_share_rate, 1), q3=f.integer(line.n_q3), n=f.integer(line.n_leads)),
    ]  # fmt: skip


def _segments(inputs: CycleInputs, t: Wording, f: Formats) -> list[str]:
    shown = [line for line in inputs.segments() if not too_few(line, inputs.audit.bars, t, f)]
    if not shown:
        return [t("cycle.note.no_segment")]
    return [
        t("cycle.note.segment", segment=segment_label(line, t), n=f.integer(line.n_leads),
          rate=f.percent(line.conversion_rate, 1), r=f.decimal(line.r, 2),
          light=t.or_raw("lights.colour", line.colour_code or "grey"))
        for line in shown
    ]  # fmt: skip


def _guard(inputs: CycleInputs, t: Wording, f: Formats) -> list[str]:
    told, bar = [], inputs.audit.complaint_bar
    kpi = next((kpi for kpi in inputs.audit.kpis if kpi.name == "complaint_rate"), None)
    if kpi is not None and kpi.measure.value is not None and kpi.measure.denominator:
        n, of = int(kpi.measure.numerator or 0), int(kpi.measure.denominator)
        told.append(
            t(f"cycle.note.complaints{'' if bar else '_without_bar'}", n=f.integer(n), of=f.integer(of),
              rate=f.percent(kpi.measure.value, 3), upper=f.percent(exact_upper_95(n, of), 3),
              bar=f.exact_percent(bar))
        )  # fmt: skip
    breaches = Counter(rail.code for rail in inputs.rails or () if rail.status == "breach")
    for code, n in sorted(breaches.items()):
        told.append(t.plural("cycle.note.breaches", n, rail=t.or_raw("cycle.rail", code), n=f.integer(n)))
    if inputs.rails and not breaches:
        told.append(t("cycle.note.no_breach"))
    if not inputs.experiments:
        told.append(t("cycle.absent.experiments"))
    for each in inputs.experiments or ():
        told.append(
            t("cycle.note.experiment", code=each.code, state=t.or_raw("cycle.experiment_state", each.state),
              light=t.or_raw("lights.colour", each.colour or "grey"))
        )  # fmt: skip
    return told


def _questions(inputs: CycleInputs, t: Wording, f: Formats) -> Part | None:
    """The ten questions of the express diagnosis (row QU18)."""
    rows = question_rows(inputs, t, f)
    if not rows:
        return None
    columns = (
        ("", t("cycle.column.question")), ("", t("cycle.column.answer")), ("n", t("cycle.column.value")), ("n", "n"),
    )  # fmt: skip
    made = [
        cells(
            f"{row['number']}. {row['question']}",
            Cell(masked(row["answer"]), note=row["reason"]),
            row["value"],
            row["n"],
        )
        for row in rows
    ]
    return Part("questions", t("cycle.note.questions"), grid=Grid(columns, made))


def _lessons(inputs: CycleInputs, t: Wording) -> Part:
    given = inputs.note.lessons[:LESSONS] if inputs.note else ()
    missing = LESSONS - len(given)
    told = [*map(masked, given), *([t("cycle.note.to_write")] if missing else [])]
    return Part("lessons", t("cycle.note.lessons"), told, is_list=True, blanks=missing)
