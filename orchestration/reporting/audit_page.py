"""What the page behind the sales audit (sales_audit_detail) says: tiles, segment rows, charts, definitions as text.

What does not belong here: the one page (dashboard_page.py), HTML (templates) and the figures themselves, which come
computed from the marts.
The page describes; it never says that one figure causes another.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from orchestration.audit.traffic_light import Bars
from orchestration.reporting.bounds import exact_upper_95
from orchestration.reporting.charts import (
    RatedWeek,
    bridge,
    places_of,
    sparkline,
    stacked_months,
    weekly_rate,
)
from orchestration.reporting.figures import AuditInputs, Kpi, Measure, Segment, TouchLine
from orchestration.reporting.formatting import MISSING, Formats, add_months, month_start
from orchestration.reporting.light_reasons import light_reasons
from orchestration.reporting.line_checks import check_sentences
from orchestration.reporting.privacy import masked
from orchestration.reporting.sections.accounts import unreadable
from orchestration.reporting.sections.verdict import verdict_banner
from orchestration.reporting.wording import Wording

_DIMENSIONS = ("size_band", "channel")


@dataclass(frozen=True)
class Change:
    """Against one earlier month. `sense` is better, worse, level or none (no direction is better)."""

    against: str
    text: str
    sense: str


@dataclass(frozen=True)
class Tile:
    kpi: Kpi
    label: str
    value: str
    n: str
    period: str
    changes: tuple[Change, ...]
    spark: str
    trust: str
    note: str
    history: tuple[tuple[str, str], ...]
    question: str = ""


def quantity(value: Decimal | None, unit: str, places: int, currency: str, t: Wording, f: Formats) -> str:
    """A value of a KPI with its unit."""
    if value is None:
        return MISSING
    if unit == "rate":
        return f.percent(value, places)
    if unit == "money":
        return f.money_short(value, currency)
    if unit in ("hours", "days"):
        return f.with_unit(value, t(f"unit.{unit}"), places)
    return f.decimal(value, places)


def change(kpi: Kpi, n_months: int, t: Wording, f: Formats) -> Change:
    """The difference from `n_months` before: points for rates, per cent for volumes, else in the unit."""
    against = f.month_short(add_months(month_start(kpi.period), -n_months))
    now, then = kpi.measure.value, kpi.before(n_months)
    if now is None or then is None:
        return Change(against, MISSING, "none")
    step = now - then
    if kpi.unit == "rate":
        text = f.points(step, kpi.places)
    elif kpi.unit in ("count", "money"):
        if then <= 0:
            return Change(against, MISSING, "none")
        text = f.percent(step / then, 1, signed=True)
    elif kpi.unit in ("hours", "days"):
        text = f.with_unit(step, t(f"unit.{kpi.unit}"), kpi.places, signed=True)
    else:
        text = f.decimal(step, kpi.places, signed=True)
    if kpi.better == "none" or kpi.is_too_few:
        return Change(against, text, "none")
    if step == 0:
        return Change(against, text, "level")
    return Change(against, text, "better" if (step > 0) == (kpi.better == "up") else "worse")


def _n(measure: Measure, unit: str, currency: str, t: Wording, f: Formats) -> str:
    numerator, denominator = measure.numerator, measure.denominator
    if numerator is not None and denominator is not None:
        if unit == "money":
            return ""
        return t("audit.tile.ratio", numerator=f.integer(numerator), denominator=f.integer(denominator))
    if denominator is not None:
        return t("audit.tile.n", n=f.integer(denominator))
    return ""


def reason_text(code: str | None, t: Wording) -> str:
    return t.or_raw("reason", code or "not_computed")


def _tile(kpi: Kpi, inputs: AuditInputs, t: Wording, f: Formats) -> Tile:
    currency = inputs.run.reporting_currency

    def show(value: Decimal | None) -> str:
        return quantity(value, kpi.unit, kpi.places, currency, t, f)

    month = f.month_short(kpi.period)
    note = ""
    if kpi.measure.value is None:
        note = reason_text(kpi.measure.reason_code, t)
    elif kpi.is_too_few:
        note = t("audit.tile.too_few", n=f.integer(kpi.minimum_n))
    elif kpi.bar is not None:
        state = "over" if kpi.measure.value > kpi.bar else "within"
        note = t(f"audit.tile.bar_{state}", bar=f.exact_percent(kpi.bar))
        n, of = kpi.measure.numerator, kpi.measure.denominator
        upper = None if n is None or of is None else exact_upper_95(int(n), int(of))
        if upper is not None:
            note += t("audit.tile.upper_95", upper=f.percent(upper, kpi.places))
    elif kpi.measure.caveat_code:
        note = reason_text(kpi.measure.caveat_code, t)
    return Tile(
        kpi=kpi,
        label=t.pick(kpi.label_fr, kpi.label_en, kpi.name),
        value=show(kpi.measure.value),
        n=_n(kpi.measure, kpi.unit, currency, t, f),
        period=t("audit.tile.cohort", month=month) if kpi.is_cohort else month,
        changes=(change(kpi, 1, t, f), change(kpi, 12, t, f)),
        spark=sparkline([value for _, value in kpi.history], bar=kpi.bar) if kpi.history else "",
        trust=t(f"trust.{kpi.trust}.label"),
        note=note,
        history=tuple((f.month_short(month), show(value)) for month, value in kpi.history),
        question=t.pick(kpi.trust_question_fr, kpi.trust_question_en),
    )


def _segment_cell(
    measure: Measure, unit: str, places: int, minimum: int, t: Wording, f: Formats
) -> dict[str, object]:
    """A cell of the segment table; greyed when it rests on fewer leads than the minimum."""
    n = measure.denominator
    few = n is not None and n < minimum
    if measure.value is None:
        return {"text": MISSING, "title": reason_text(measure.reason_code, t), "few": True}
    title = t("audit.tile.n", n=f.integer(n)) if n is not None else ""
    return {"text": quantity(measure.value, unit, places, "", t, f), "title": title, "few": few}


def _line_cell(line: TouchLine | None, bars: Bars, t: Wording, f: Formats) -> dict[str, str] | None:
    """r with its interval, the colour and why; None where no lead of the segment was old enough."""
    if line is None:
        return None
    reasons = light_reasons(line.reasons, bars, t, f)
    if line.r is None:
        shown, title = MISSING, t.or_raw("lights.line", line.reason_code or "not_computed")
    else:
        shown, title = f.decimal(line.r, 2), t("lights.n", n=f.integer(line.n_leads))
        if line.r_low is not None and line.r_high is not None:
            title += t("lights.interval", low=f.decimal(line.r_low, 2), high=f.decimal(line.r_high, 2))
    return {
        "r": shown,
        "title": title,
        "day": f.integer(line.landmark_days),
        "colour": line.colour_code,
        "label": t.or_raw("lights.colour", line.colour_code),
        "reasons": reasons,
    }


def _segment_rows(segment: Segment, bars: Bars, t: Wording, f: Formats) -> dict[str, object]:
    return {
        "label": t.or_raw(segment.dimension, segment.code),
        "n": f.integer(segment.n_leads),
        "line": _line_cell(segment.line, bars, t, f),
        "cells": [
            _segment_cell(segment.cr, "rate", 1, bars.minimum_units, t, f),
            _segment_cell(segment.touches_per_lead, "touches_per_lead", 1, bars.minimum_units, t, f),
            _segment_cell(segment.ttf_hours, "hours", 1, bars.minimum_units, t, f),
            _segment_cell(segment.contacted_24h_rate, "rate", 1, bars.minimum_units, t, f),
        ],
    }


def _bridge_chart(inputs: AuditInputs, t: Wording, f: Formats) -> str:
    if inputs.bridge is None:
        return ""
    currency = inputs.run.reporting_currency
    last = len(inputs.bridge.steps) - 1
    # Seven labels share the width of a column of the page: thousands once an amount has six figures.
    thousands = max(abs(amount) for _, amount in inputs.bridge.steps) >= 100_000

    def text(index: int, amount: Decimal) -> str:
        signed = index not in (0, last)
        if thousands:
            return f.with_unit(amount / 1000, t("unit.thousand"), 1, signed=signed)
        return f.decimal(amount, 0, signed=signed)

    return bridge(
        [(t(f"mrr.{name}"), amount, text(i, amount)) for i, (name, amount) in enumerate(inputs.bridge.steps)],
        title=t(
            "audit.mrr.chart_title",
            month=f.month(inputs.bridge.period),
            opening=f.money(inputs.bridge.opening, currency),
            closing=f.money(inputs.bridge.closing, currency),
        ),
        name="mrr",
    )


def _revenue_chart(inputs: AuditInputs, t: Wording, f: Formats) -> str:
    if not inputs.revenue:
        return ""
    months = [
        (
            f.month_short(month.period),
            float((month.total or 0) - (month.new_business or 0)),
            float(month.new_business or 0),
        )
        for month in inputs.revenue  # a month without a sum is a gap, and a dash in the table
    ]
    top = max(low + high for _, low, high in months)
    unit, scale = "", 1
    if top >= 1000:
        unit, scale = (t("unit.million"), 1_000_000) if top >= 1_000_000 else (t("unit.thousand"), 1000)
    return stacked_months(
        months,
        title=t("audit.revenue.chart_title", currency=inputs.run.reporting_currency),
        name="revenue",
        tick=lambda amount: f.with_unit(amount / scale, unit, places_of(amount / scale)),
    )


def _complaint_chart(inputs: AuditInputs, t: Wording, f: Formats) -> str:
    if not any(week.rate is not None for week in inputs.complaints):
        return ""
    return weekly_rate(
        [
            RatedWeek(
                f.date_short(week.week_start_on)[:5] if f.language == "fr" else f"{week.week_start_on:%m-%d}",
                None if week.rate is None else float(week.rate),
                None if week.bar is None else float(week.bar),
                week.is_breach,
            )
            for week in inputs.complaints
        ],
        bar_label=lambda bar: t("audit.complaints.bar", bar=f.exact_percent(Decimal(str(bar)))),
        title=t("audit.complaints.chart_title"),
        name="complaints",
        tick=lambda rate: f.exact_percent(Decimal(str(rate))),
    )


def audit_context(inputs: AuditInputs, t: Wording, f: Formats) -> dict[str, object]:
    """Everything the template `sales_audit.html.jinja` reads."""
    is_held = inputs.verdict.code in ("hold", "not_decided")
    latest = inputs.revenue[-1] if inputs.revenue else None
    told = inputs.verdict.reasons_fr if t.language == "fr" else inputs.verdict.reasons_en
    known = [week for week in inputs.complaints if week.rate is not None]
    return {
        "inputs": inputs,
        "unreadable": unreadable(inputs.n_lines_unreadable, t, f),
        "run": inputs.run,
        "is_held": is_held,
        "reasons": [masked(sentence) for sentence in told],
        "banner": verdict_banner(inputs.verdict, inputs.run, t, f),
        "tiles": [_tile(kpi, inputs, t, f) for kpi in inputs.kpis],
        "segment_groups": [
            (
                dimension,
                [_segment_rows(s, inputs.bars, t, f) for s in inputs.segments if s.dimension == dimension],
            )
            for dimension in _DIMENSIONS
        ],
        "segment_minimum": inputs.bars.minimum_units,
        "line": _line_cell(inputs.line, inputs.bars, t, f),
        "checks": check_sentences(inputs.checks, inputs.bars, t, f) if inputs.checks else [],
        "bridge_chart": _bridge_chart(inputs, t, f),
        "revenue_chart": _revenue_chart(inputs, t, f),
        "latest_revenue": latest,
        "complaint_chart": _complaint_chart(inputs, t, f),
        "n_breaches": sum(1 for week in known if week.is_breach),
        "n_weeks": len(known),
    }
