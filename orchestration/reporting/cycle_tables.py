"""The tables of the dashboard and of the pages around it: rows of finished text (rows QU10, QU11, DA6, DA7, DA9).

What does not belong here: HTML, charts (dashboard_page.py). A block whose mart does not stand gives None: the template
says why it is empty.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from orchestration.reporting.cycle_figures import CycleInputs, LineFigures, Question, Rail, Threshold
from orchestration.reporting.formatting import MISSING, Formats
from orchestration.reporting.wording import Wording

ACCOUNTS_SHOWN = 10
#: Question -> how its figure is written; the others are plain numbers.
_FIGURES = {
    "ttf_in_target": Formats.percent,
    "slope_positive": Formats.points,
    "q1_share_rose": Formats.points,
    "touches_answered_more": Formats.percent,
    "complaints_under_bar": Formats.percent,
}
RAIL_ORDER = ("complaint", "unsubscribe", "bounce")


def tables(inputs: CycleInputs, t: Wording, f: Formats) -> dict[str, Any]:
    """Every table of the dashboard by its name in the template."""
    return {
        "sensitivity": _sensitivity(inputs, t, f),
        "sensitivity_note": _composition(inputs.line(), t, f),
        "funnel": _funnel(inputs, t, f),
        "q3": account_rows(inputs, "Q3", f),
        "q1": account_rows(inputs, "Q1", f),
        "outliers": outlier_rows(inputs, t, f),
        "rails": rail_rows(inputs, t, f),
        "thresholds": threshold_rows(inputs, t, f),
        "experiments": experiment_rows(inputs, t, f),
        "steps": step_rows(inputs, t, f),
        "quality": _quality(inputs, t, f),
        "questions": question_rows(inputs, t, f),
    }


def _line_row(
    label: str, line: LineFigures, t: Wording, f: Formats, *, naive: bool = False
) -> dict[str, Any]:
    reason = t.or_raw("lights.line", line.line_reason_code) if line.r is None else ""
    return {
        "label": label,
        "n": f.integer(line.n_leads),
        "cr": f.percent(line.conversion_rate, 1),
        "r": f.decimal(line.r, 2),
        "interval": ""
        if line.r_low is None
        else f"[{f.decimal(line.r_low, 2)}; {f.decimal(line.r_high, 2)}]",
        "slope": f.points(line.slope, 1),
        "q1": f.percent(line.q1_share_rate, 0),
        "ttf": MISSING,
        "colour": line.colour_code or "",
        "colour_label": t.or_raw("lights.colour", line.colour_code) if line.colour_code else "",
        "few": line.is_grey and bool(line.colour_code),
        "naive": naive,
        "reason": reason,
    }


def _sensitivity(inputs: CycleInputs, t: Wording, f: Formats) -> list[dict[str, Any]]:
    """Judged line, the same without the top 1 %, the other landmarks, the naive count, then each segment."""
    whole = inputs.line()
    if whole is None:
        return []
    rows = [
        _line_row(t("cycle.sensitivity.judged", day=f.integer(whole.landmark_days)), whole, t, f)
        | {"ttf": _median(inputs, whole, f)}
    ]
    dropped = _line_row(t("cycle.sensitivity.without_top"), whole, t, f)
    dropped |= {
        "n": f.integer(whole.n_leads - whole.n_top_dropped),
        "interval": "",
        "q1": MISSING,
        "cr": MISSING,
    }
    dropped |= {
        "colour": "",
        "r": f.decimal(whole.r_without_top, 2),
        "slope": f.points(whole.slope_without_top, 1),
    }
    if whole.sensitivity_reason_code:
        dropped["reason"] = t.or_raw("cycle.sensitivity.reason", whole.sensitivity_reason_code)
    elif whole.is_fragile:
        dropped["reason"] = t("cycle.sensitivity.fragile")
    rows.append(dropped)
    for design in inputs.other_designs():
        line = inputs.line(design)
        if line and design == "naive":
            rows.append(_line_row(t("cycle.sensitivity.naive"), line, t, f, naive=True))
        elif line:
            label = t("cycle.sensitivity.landmark", day=f.integer(line.landmark_days))
            rows.append(_line_row(label, line, t, f))
    for line in inputs.segments():
        if line.n_leads:
            row = _line_row(t.or_raw(line.segment_kind_code, line.segment_code), line, t, f)
            rows.append(row | {"ttf": _median(inputs, line, f)})
    return rows


def _median(inputs: CycleInputs, line: LineFigures, f: Formats) -> str:
    """Median hours to first contact beside the line of the same segment (rows DA4, QU13)."""
    response = inputs.response(line.segment_kind_code, line.segment_code)
    return f.decimal(response.median, 1) if response else MISSING


def _composition(line: LineFigures | None, t: Wording, f: Formats) -> str:
    """What the segments say about the whole (2.6); the figure inside the segments leads where they disagree."""
    if line is None:
        return ""
    if line.is_reversed or line.is_heterogeneous:
        code = "reversed" if line.is_reversed else "heterogeneous"
        cut = t.or_raw("cycle.cut", line.worst_cut_code or "segment")
        return t(f"cycle.composition.{code}", cut=cut, slope=f.points(line.within_slope, 1))
    return t("cycle.composition.same")


def _funnel(inputs: CycleInputs, t: Wording, f: Formats) -> list[dict[str, Any]]:
    """From leads to won opportunities; a step with a promise shows the share that kept it."""
    kpis = {kpi.name: kpi for kpi in inputs.audit.kpis}
    rows = []
    leads = kpis.get("leads_new")
    if leads is not None:
        rows.append(
            {
                "label": t("cycle.funnel.leads"),
                "n": f.integer(leads.measure.value),
                "rate": "",
                "note": f.month_short(leads.period),
            }
        )
    for name in ("contacted_24h_rate", "cr"):
        kpi = kpis.get(name)
        if kpi is None:
            continue
        rows.append(
            {
                "label": t(f"cycle.funnel.{name}"),
                "n": f.integer(kpi.measure.numerator),
                "rate": f.percent(kpi.measure.value, 1),
                "note": f.month_short(kpi.period),
            }
        )
    most = max((step.n_reached for step in inputs.audit.stages), default=0)
    for step in inputs.audit.stages:
        rows.append(
            {
                "label": t.or_raw("stage", step.stage_code),
                "n": f.integer(step.n_reached),
                "rate": f.percent(step.conversion, 1),
                "note": t("cycle.funnel.next") if step.conversion is not None else "",
                "width": round(100 * step.n_reached / most) if most else 0,
            }
        )
    return rows


def account_rows(inputs: CycleInputs, quadrant: str, f: Formats) -> list[dict[str, str]] | None:
    """The ten recurring accounts of a quadrant that stand first; None without the mart."""
    if inputs.accounts is None:
        return None
    chosen = sorted(
        (a for a in inputs.accounts if a.quadrant == quadrant), key=lambda a: (a.rank, a.account_id)
    )
    return [
        {
            "id": each.account_id,
            "touches": f.decimal(each.touches, 1),
            "rate": f.percent(each.rate, 0),
            "n": f.integer(each.n_leads),
        }
        for each in chosen[:ACCOUNTS_SHOWN]
    ]


def outlier_rows(inputs: CycleInputs, t: Wording, f: Formats) -> list[dict[str, str]] | None:
    """The top five: fact and action."""
    if inputs.outliers is None:
        return None
    return [
        {
            "rank": str(each.rank),
            "key": each.key,
            "fact": t(
                "cycle.outlier.fact",
                metric=t.or_raw("cycle.outlier_metric", each.metric_code),
                value=f.decimal(each.value, 0),
                reason=t.or_raw("cycle.outlier_reason", each.reason_code),
            ),
            "class": t.or_raw("cycle.outlier_class", each.class_code),
            "action": t.or_raw("cycle.outlier_action", each.action_code),
        }
        for each in inputs.outliers
    ]


def rail_rows(inputs: CycleInputs, t: Wording, f: Formats) -> list[dict[str, Any]] | None:
    """Each rail: its last week, and its weeks in breach among those shown."""
    if inputs.rails is None:
        return None
    rows = []
    for code in RAIL_ORDER:
        weeks: list[Rail] = [rail for rail in inputs.rails if rail.code == code]
        if not weeks:
            continue
        last = weeks[-1]
        n_breaches = sum(1 for rail in weeks if rail.status == "breach")
        rows.append(
            {
                "label": t.or_raw("cycle.rail", code),
                "week": f.date_short(last.week_start_on),
                "rate": f.percent(last.rate, 2),
                "n": t(
                    "audit.tile.ratio",
                    numerator=f.integer(last.n_events),
                    denominator=f.integer(last.n_units),
                ),
                "upper": f.percent(last.upper, 2),
                "bar": f.exact_percent(last.bar, 2),
                "state": last.status,
                "state_label": t.or_raw("cycle.rail_state", last.status),
                "breaches": f"{f.integer(n_breaches)} / {f.integer(len(weeks))}",
                "action": t.or_raw("cycle.rail_action", last.action),
                "then": ", ".join(
                    filter(
                        None,
                        (
                            t.or_raw("cycle.rail_action", last.action),
                            t.or_raw("cycle.rail_change", last.change),
                        ),
                    )
                ),
            }
        )
    return rows


def threshold_value(rule: str, value: Decimal | None, t: Wording, f: Formats) -> str:
    """A threshold with the unit its rule is in."""
    if value is None:
        return MISSING
    places = 0 if value == value.to_integral_value() else 1
    unit = {"ttf_max_hours": "unit.hours", "hot_cool_down_days": "unit.days"}.get(rule)
    return f.with_unit(value, t(unit) if unit else "", places)


def threshold_segment(each: Threshold, t: Wording) -> str:
    """The name of a segment; channel and size where it names both."""
    if each.kind == "channel_size":
        channel, _, size = each.segment.partition("/")
        return f"{t.or_raw('channel', channel)} · {t.or_raw('size_band', size)}"
    return t("cycle.whole") if each.kind == "all" else t.or_raw(each.kind, each.segment)


def _threshold_row(each: Threshold, t: Wording, f: Formats) -> dict[str, Any]:
    interval = ""
    if each.low is not None and each.high is not None:
        interval = (
            f"[{threshold_value(each.rule, each.low, t, f)}; {threshold_value(each.rule, each.high, t, f)}]"
        )
    value = threshold_value(each.rule, each.value, t, f)
    if each.window_days and each.value is not None:
        value = t("cycle.threshold_window", value=value, days=each.window_days)
    return {
        "segment": threshold_segment(each, t),
        "rule": t.or_raw("cycle.threshold_rule", each.rule),
        "value": value,
        "proposed": threshold_value(each.rule, each.proposed, t, f) if each.is_change else "",
        "interval": interval,
        "origin": t.or_raw("cycle.threshold_origin", each.origin),
        "reason": t.or_raw("cycle.threshold_reason", None if each.reason == "not_from_data" else each.reason),
        "is_change": each.is_change,
        "approved_by": each.approved_by or MISSING,
        "since": f.date_short(each.valid_from),
    }


def threshold_rows(inputs: CycleInputs, t: Wording, f: Formats) -> list[dict[str, Any]] | None:
    """Thresholds in force beside what the data propose, the changes first."""
    if inputs.thresholds is None:
        return None
    return [
        _threshold_row(each, t, f) for each in sorted(inputs.thresholds, key=lambda each: not each.is_change)
    ]


def experiment_rows(inputs: CycleInputs, t: Wording, f: Formats) -> list[dict[str, Any]] | None:
    """Experiments of the cycle with their read-out."""
    if inputs.experiments is None:
        return None
    rows = []
    for each in inputs.experiments:
        delta = f.points(each.delta, 1)
        if each.low is not None and each.high is not None:
            delta += f" [{f.points(each.low, 1)}; {f.points(each.high, 1)}]"
        rows.append(
            {
                "code": each.code,
                "state": t.or_raw("cycle.experiment_state", each.state),
                "colour": each.colour or "grey",
                "colour_label": t.or_raw("lights.colour", each.colour or "grey"),
                "delta": delta,
                "n": f.integer(each.n_leads),
                "reasons": ", ".join(
                    t.or_raw("cycle.experiment_reason", code) for code in (*each.reasons, *each.flags)
                ),
                "why": ", ".join(t.or_raw("cycle.experiment_reason", code) for code in each.reasons[:2]),
                "dates": f"{f.date_short(each.starts_on)} – {f.date_short(each.ends_on)}",
            }
        )
    return rows


def step_rows(inputs: CycleInputs, t: Wording, f: Formats) -> list[dict[str, Any]] | None:
    """The seven steps with their state and due date."""
    if inputs.steps is None:
        return None
    return [
        {
            "number": each.number,
            "label": t.or_raw("cycle.step", each.code),
            "state": each.state,
            "state_label": t.or_raw("cycle.step_state", each.state),
            "due": f.date_short(each.due_on),
            "owner": t.or_raw("cycle.role", each.owner),
        }
        for each in inputs.steps
    ]


def _quality(inputs: CycleInputs, t: Wording, f: Formats) -> list[dict[str, str]] | None:
    if inputs.quality is None:
        return None
    return [
        {
            "channel": t.or_raw("cycle.touch_channel", each.channel),
            "n": f.integer(each.n_touches),
            "answers": f.percent(each.answer_rate, 1),
            "meetings": f.percent(each.meeting_rate, 1),
        }
        for each in inputs.quality
    ]


def _answer(inputs: CycleInputs, asked: Question, t: Wording) -> str:
    """A computed answer; of the two that people give, what the framing note says."""
    note = inputs.note
    if note and asked.code == "so_what" and note.business_story:
        return note.business_story
    if note and asked.code == "scripts_by_quadrant" and note.scripts:
        return " ".join(f"{code.upper()} : {text}" for code, text in sorted(note.scripts.items()))
    return t.or_raw("cycle.answer", asked.answer)


def question_rows(inputs: CycleInputs, t: Wording, f: Formats) -> list[dict[str, Any]] | None:
    """The ten questions with their answers; a person's answer is shown as written."""
    if inputs.questions is None:
        return None
    rows = []
    for each in inputs.questions:
        show = _FIGURES.get(each.code, Formats.decimal)
        value = MISSING if each.value is None else show(f, each.value, 2)
        if each.value is not None and each.low is not None and each.high is not None:
            value += f" [{show(f, each.low, 2)}; {show(f, each.high, 2)}]"
        rows.append(
            {
                "number": each.number,
                "question": t.or_raw("cycle.question", each.code),
                "answer": _answer(inputs, each, t),
                "value": value,
                "n": f.integer(each.n),
                "reason": t.or_raw("cycle.question_reason", each.reason),
            }
        )
    return rows
