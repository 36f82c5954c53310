"""What the one-page sales audit says: verdict, six tiles, charts and tables as finished text (rows DA1-DA10, VI1-VI9).

What does not belong here: HTML (templates), figures (marts), the long page behind it (audit_page.py).
Touches and conversion are associated here; only an experiment says more, and then the page says that it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from orchestration.audit.band import band
from orchestration.audit.points import Points
from orchestration.audit.regression import line as fit
from orchestration.audit.traffic_light import Bars
from orchestration.reporting.audit_page import Change, change, reason_text
from orchestration.reporting.bounds import exact_upper_95
from orchestration.reporting.charts import sparkline
from orchestration.reporting.cycle_figures import Bucket, CycleInputs, LineFigures
from orchestration.reporting.cycle_tables import tables
from orchestration.reporting.figures import TRUSTS, Kpi
from orchestration.reporting.formatting import MISSING, Formats, add_months, month_start
from orchestration.reporting.intervals import wilson_95
from orchestration.reporting.light_reasons import light_reasons
from orchestration.reporting.privacy import masked
from orchestration.reporting.scatter_charts import (
    Delay,
    Mark,
    Panel,
    Scatter,
    multiples,
    rates_by_delay,
    scatter,
)
from orchestration.reporting.sections.accounts import unreadable
from orchestration.reporting.sections.verdict import verdict_banner
from orchestration.reporting.wording import Wording

THRESHOLDS_SHOWN = 7  # what one sheet of paper holds; the contact charter shows all


@dataclass(frozen=True)
class DashboardTile:
    """One of the six tiles, every text finished. few: shown in grey."""

    label: str
    value: str
    lines: tuple[str, ...]
    target: str
    changes: tuple[Change, ...]
    spark: str
    trust: str
    trust_label: str
    few: bool


def dashboard_context(inputs: CycleInputs, t: Wording, f: Formats) -> dict[str, object]:
    """Everything the template `sales_audit.html.jinja` reads."""
    audit = inputs.audit
    told = audit.verdict.reasons_fr if t.language == "fr" else audit.verdict.reasons_en
    whole = inputs.line()
    return {
        "inputs": audit,
        "run": audit.run,
        "unreadable": unreadable(audit.n_lines_unreadable, t, f),
        "is_held": audit.verdict.code in ("hold", "not_decided"),
        "reasons": [masked(sentence) for sentence in told],
        "banner": verdict_banner(audit.verdict, audit.run, t, f),
        "verdict": verdict_line(inputs, t, f),
        "tiles": _tiles(inputs, t, f) if audit.kpis else [],
        "scatter": _scatter(whole, audit.bars, t, f),
        "scatter_empty": too_few(whole, audit.bars, t, f),
        "points": _point_rows(whole, t, f),
        "line_facts": _line_facts(whole, t, f),
        "delays": _delays(inputs, t, f),
        "delay_rows": _delay_rows(inputs, t, f),
        "multiples": _multiples(inputs, whole, t, f),
        "multiples_note": t(
            "cycle.chart.multiples_note",
            minimum=f.integer(audit.bars.minimum_units),
            minimum_events=f.integer(audit.bars.minimum_events),
        ),
        "thresholds_shown": THRESHOLDS_SHOWN,
        "multiple_rows": _multiple_rows(inputs, t, f),
        "period": _period(inputs, t, f),
        **tables(inputs, t, f),
    }


def verdict_line(inputs: CycleInputs, t: Wording, f: Formats) -> dict[str, str]:
    """Colour of the cycle, what follows from it, and why: codes of the light as sentences."""
    whole = inputs.line()
    if whole is None:
        return {
            "colour": "grey",
            "label": t("lights.colour.grey"),
            "sentence": t("cycle.verdict.none"),
            "why": "",
        }
    colour = whole.colour_code or "grey"
    reasons = light_reasons(whole.reasons, inputs.audit.bars, t, f)
    figure = ""
    if whole.r is not None:
        figure = t("cycle.verdict.figure", r=f.decimal(whole.r, 2), n=f.integer(whole.n_leads))
        if whole.r_low is not None and whole.r_high is not None:
            figure += t("lights.interval", low=f.decimal(whole.r_low, 2), high=f.decimal(whole.r_high, 2))
    return {
        "colour": colour,
        "label": t.or_raw("lights.colour", colour),
        "sentence": t(f"cycle.verdict.{colour}"),
        "why": "; ".join(filter(None, (reasons, figure))),
    }


# -- tiles -------------------------------------------------------------------------------------------------------


def _tiles(inputs: CycleInputs, t: Wording, f: Formats) -> list[DashboardTile]:
    kpis = {kpi.name: kpi for kpi in inputs.audit.kpis}
    whole = inputs.line()
    made = [
        _kpi_tile(kpis.get("ttf_km_median"), t("cycle.tile.ttf"), t, f, target=_ttf_target(inputs, t, f)),
        _spread_tile(inputs, kpis.get("touches_per_lead"), t, f),
        _kpi_tile(kpis.get("cr"), t("cycle.tile.cr"), t, f, target=t("cycle.tile.no_target")),
        _r_tile(inputs, whole, kpis.get("cr"), t, f),
        _q1_tile(inputs, whole, kpis.get("cr"), t, f),
        _kpi_tile(kpis.get("complaint_rate"), t("cycle.tile.complaints"), t, f,
                  target=_complaint_target(inputs, t, f)),
    ]  # fmt: skip
    return [tile for tile in made if tile]


def _complaint_target(inputs: CycleInputs, t: Wording, f: Formats) -> str:
    bar = inputs.audit.complaint_bar
    return t("cycle.tile.no_target") if bar is None else t("cycle.tile.at_most", value=f.exact_percent(bar))


def _ttf_target(inputs: CycleInputs, t: Wording, f: Formats) -> str:
    """The bar of the first contact, and the share of all leads that met it (row DE4)."""
    month = inputs.response(period="month")
    if month is None or month.target_max is None or month.target_min is None:
        return t("cycle.tile.no_target")
    hours = f.with_unit(month.target_max, t("unit.hours"), 0)
    if month.target_min != month.target_max:
        hours = t("cycle.tile.from_to", low=f.integer(month.target_min), high=hours)
    if month.met_rate is None:
        return t("cycle.tile.at_most", value=hours)
    return t("cycle.tile.met", value=hours, share=f.percent(month.met_rate, 0))


def _shown(kpi: Kpi, value: Decimal | None, t: Wording, f: Formats) -> str:
    if value is None:
        return MISSING
    if kpi.unit == "rate":
        return f.percent(value, kpi.places)
    if kpi.unit == "hours":
        return f.with_unit(value, t("unit.hours"), kpi.places)
    return f.decimal(value, kpi.places)


def _kpi_tile(kpi: Kpi | None, label: str, t: Wording, f: Formats, *, target: str) -> DashboardTile | None:
    """A tile of a published metric: its interval or bound where it is a rate, the number behind it."""
    if kpi is None:
        return None
    month = f.month_short(kpi.period)
    lines = [t("audit.tile.cohort", month=month) if kpi.is_cohort else month]
    n, of = kpi.measure.numerator, kpi.measure.denominator
    if kpi.measure.value is None:
        lines.append(reason_text(kpi.measure.reason_code, t))
    elif kpi.unit == "rate" and n is not None and of is not None:
        lines[0] += " · " + t("audit.tile.ratio", numerator=f.integer(n), denominator=f.integer(of))
        if kpi.bar is not None:
            upper = exact_upper_95(int(n), int(of))
            lines.append(t("cycle.tile.upper", upper=f.percent(upper, kpi.places)))
        else:
            ends = wilson_95(int(n), int(of))
            if ends:
                lines.append(t("cycle.tile.interval", low=f.percent(ends[0], 1), high=f.percent(ends[1], 1)))
    elif of is not None:
        lines[0] += " · " + t("audit.tile.n", n=f.integer(of))
    if kpi.is_too_few:
        lines.append(t("audit.tile.too_few", n=f.integer(kpi.minimum_n)))
    return DashboardTile(
        label=label,
        value=_shown(kpi, kpi.measure.value, t, f),
        lines=tuple(lines),
        target=target,
        changes=(change(kpi, 1, t, f), change(kpi, 12, t, f)),
        spark=sparkline([value for _, value in kpi.history], bar=kpi.bar) if kpi.history else "",
        trust=kpi.trust,
        trust_label=t(f"trust.{kpi.trust}.label"),
        few=kpi.is_too_few or kpi.measure.value is None,
    )


def _step(now: Decimal | None, then: Decimal | None, month: str, text, better: str) -> Change:
    """Against an earlier value; `text` writes the difference."""
    if now is None or then is None:
        return Change(month, MISSING, "none")
    if better == "none" or now == then:
        return Change(month, text(now - then), "none" if better == "none" else "level")
    return Change(month, text(now - then), "better" if (now > then) == (better == "up") else "worse")


def _spread_tile(inputs: CycleInputs, kpi: Kpi | None, t: Wording, f: Formats) -> DashboardTile | None:
    if not inputs.spread:
        return None
    last = inputs.spread[-1]
    lines = [
        f"{t('audit.tile.cohort', month=f.month_short(last.period))} · {t('audit.tile.n', n=f.integer(last.n))}"
    ]
    if last.median is None:
        lines.append(reason_text(last.reason_code, t))
    else:
        lines.append(
            t("cycle.tile.iqr", low=f.decimal(last.first_quartile, 1), high=f.decimal(last.third_quartile, 1))
        )
    minimum = inputs.audit.bars.minimum_units
    few = last.n < minimum or last.median is None
    if last.median is not None and few:
        lines.append(t("audit.tile.too_few", n=f.integer(minimum)))
    changes = []
    for back in (1, 12):
        before = inputs.spread[-1 - back].median if len(inputs.spread) > back else None
        month = f.month_short(add_months(month_start(last.period), -back))
        changes.append(_step(last.median, before, month, lambda d: f.decimal(d, 1, signed=True), "none"))
    trust = kpi.trust if kpi else "not_assessed"
    return DashboardTile(
        label=t("cycle.tile.touches"),
        value=f.decimal(last.median, 1),
        lines=tuple(lines),
        target=t("cycle.tile.by_segment"),
        changes=tuple(changes),
        spark=sparkline([month.median for month in inputs.spread]),
        trust=trust,
        trust_label=t(f"trust.{trust}.label"),
        few=few,
    )


def _worst_trust(inputs: CycleInputs) -> str:
    """r and Q1 rest on touches and conversions: the lesser trust of the two."""
    found = [kpi.trust for kpi in inputs.audit.kpis if kpi.name in ("cr", "touches_per_lead")]
    order = {code: place for place, code in enumerate(("unreliable", "not_assessed", "caution", "reliable"))}
    return min(found, key=lambda code: order.get(code, 0), default=TRUSTS[-1])


def _history(inputs: CycleInputs, now: Decimal | None, name: str) -> list[Decimal | None]:
    cycle = month_start(inputs.audit.run.cycle)
    known = {each.cycle: getattr(each, name) for each in inputs.former}
    before = [known.get(f"{add_months(cycle, -back):%Y-%m}") for back in range(12, 0, -1)]
    return [*before, now]


def _line_tile(
    inputs: CycleInputs, line: LineFigures, values: list[Decimal | None], text, **given: object
) -> DashboardTile:
    cycle = month_start(inputs.audit.run.cycle)
    f = given.pop("f")
    changes = tuple(
        _step(values[-1], values[-1 - back], f.month_short(add_months(cycle, -back)), text, "up")
        for back in (1, 12)
    )
    spark = sparkline(values) if sum(value is not None for value in values) > 1 else ""
    return DashboardTile(changes=changes, spark=spark, few=line.is_grey, **given)


def _r_tile(
    inputs: CycleInputs, line: LineFigures | None, kpi: Kpi | None, t: Wording, f: Formats
) -> DashboardTile | None:
    if line is None:
        return None
    lines = [f"{t('cycle.tile.half_year')} · {t('audit.tile.n', n=f.integer(line.n_leads))}"]
    if line.r is None:
        lines.append(t.or_raw("lights.line", line.line_reason_code))
    else:
        if line.r_low is not None:
            lines.append(
                t("cycle.tile.interval", low=f.decimal(line.r_low, 2), high=f.decimal(line.r_high, 2))
            )
        lines.append(
            t("cycle.tile.slope", slope=f.points(line.slope, 1),
              low=f.decimal(_percent(line.slope_low), 1, signed=True),
              high=f.decimal(_percent(line.slope_high), 1, signed=True), r_squared=f.decimal(line.r_squared, 3))
        )  # fmt: skip
    trust = _worst_trust(inputs)
    return _line_tile(
        inputs, line, _history(inputs, line.r, "r"), lambda d: f.decimal(d, 2, signed=True),
        f=f, label=t("cycle.tile.r"), value=f.decimal(line.r, 2), lines=tuple(lines),
        target=t("cycle.tile.at_least", value=f.exact(inputs.audit.bars.r_green, 2)), trust=trust,
        trust_label=t(f"trust.{trust}.label"),
    )  # fmt: skip


def _percent(value: Decimal | None) -> Decimal | None:
    return None if value is None else value * 100


def _q1_tile(
    inputs: CycleInputs, line: LineFigures | None, kpi: Kpi | None, t: Wording, f: Formats
) -> DashboardTile | None:
    if line is None:
        return None
    lines = [
        f"{t('cycle.tile.half_year')} · "
        + t("audit.tile.ratio", numerator=f.integer(line.n_q1), denominator=f.integer(line.n_leads))
    ]
    ends = wilson_95(line.n_q1, line.n_leads)
    if ends:
        lines.append(t("cycle.tile.interval", low=f.percent(ends[0], 1), high=f.percent(ends[1], 1)))
    lines.append(t("cycle.tile.on_line", n=f.integer(line.n_on_line)))
    trust = _worst_trust(inputs)
    return _line_tile(
        inputs, line, _history(inputs, line.q1_share_rate, "q1_share"), lambda d: f.points(d, 1),
        f=f, label=t("cycle.tile.q1"), value=f.percent(line.q1_share_rate, 1), lines=tuple(lines),
        target=t("cycle.tile.no_target"), trust=trust, trust_label=t(f"trust.{trust}.label"),
    )  # fmt: skip


# -- charts ------------------------------------------------------------------------------------------------------


def too_few(line: LineFigures | None, bars: Bars, t: Wording, f: Formats) -> str:
    """Why a scatter is not shown; '' when it is. bars: of the framing note of the cycle."""
    if line is None:
        return t("cycle.empty.lines")
    if bars.is_enough(line.n_leads, line.n_converted):
        return ""
    return t(
        "cycle.empty.few", n=f.integer(line.n_leads), events=f.integer(line.n_converted),
        minimum=f.integer(bars.minimum_units), minimum_events=f.integer(bars.minimum_events),
    )  # fmt: skip


def _marks(line: LineFigures) -> list[Mark]:
    return [Mark(float(p.n_touches), p.n_converted / p.n_leads, p.n_leads) for p in line.points if p.n_leads]


def _scatter(line: LineFigures | None, bars: Bars, t: Wording, f: Formats) -> str:
    if line is None or too_few(line, bars, t, f) or not line.points:
        return ""
    marks = _marks(line)
    drawn = (
        None if line.slope is None or line.intercept is None else (float(line.slope), float(line.intercept))
    )
    places = [step * (max(mark.x for mark in marks) + 0.9) / 40 - 0.45 for step in range(41)]
    fitted = fit(Points.of_outcomes((p.n_touches, p.n_leads, p.n_converted) for p in line.points))
    bounds = band(fitted, places) if drawn else None
    corners = (line.n_q1, line.n_q2, line.n_q3, line.n_q4)
    return scatter(
        Scatter(
            marks=marks,
            mean_x=None if line.touches_mean is None else float(line.touches_mean),
            mean_y=None if line.conversion_rate is None else float(line.conversion_rate),
            mean_x_label=t("cycle.chart.mean_touches", value=f.decimal(line.touches_mean, 2)),
            mean_y_label=t("cycle.chart.mean_cr", value=f.percent(line.conversion_rate, 1)),
            line=drawn,
            band=[(x, low, high) for x, (low, high) in zip(places, bounds, strict=True)] if bounds else (),
            corners=[f"Q{index} · {f.integer(n)}" for index, n in enumerate(corners, start=1)],
        ),
        title=t("cycle.chart.scatter_title", n=f.integer(line.n_leads), r=f.decimal(line.r, 2)),
        name="scatter",
        x_label=t("cycle.chart.touches_axis", day=f.integer(line.landmark_days)),
        y_label=t("cycle.chart.share_axis"),
        tick=lambda share: f.percent(share, 0),
    )


def _point_rows(line: LineFigures | None, t: Wording, f: Formats) -> list[tuple[str, str, str, str]]:
    if line is None:
        return []
    return [
        (
            f.integer(p.n_touches), f.integer(p.n_leads), f.integer(p.n_converted),
            f.percent(Decimal(p.n_converted) / p.n_leads if p.n_leads else None, 1),
        )
        for p in line.points
    ]  # fmt: skip


def _line_facts(line: LineFigures | None, t: Wording, f: Formats) -> str:
    """The second line of the scatter: what was left out, form, intercept."""
    if line is None:
        return ""
    told = [
        t(
            "cycle.chart.before",
            day=f.integer(line.landmark_days),
            n=f.integer(line.n_converted_before),
            refused=f.integer(line.n_refused_before),
            excluded=f.integer(line.n_excluded),
            immature=f.integer(line.n_immature),
        )
    ]
    if line.intercept is not None:
        told.append(t("cycle.chart.intercept", value=f.percent(line.intercept, 1)))
    code = line.form_code or line.form_reason_code
    if code:
        told.append(t("cycle.chart.form", form=t.or_raw("cycle.form", code)))
    return " ".join(told)


def _period(inputs: CycleInputs, t: Wording, f: Formats) -> str:
    if inputs.line_first_day is None or inputs.line_end_day is None:
        return ""
    last = add_months(inputs.line_end_day, -1)
    return t("cycle.chart.period", first=f.month_short(inputs.line_first_day), last=f.month_short(last))


def segment_label(line: LineFigures, t: Wording) -> str:
    """The name of a segment; of the whole company where there is no cut."""
    if line.segment_kind_code == "all":
        return t("cycle.whole")
    return t.or_raw(line.segment_kind_code, line.segment_code)


def _multiples(inputs: CycleInputs, whole: LineFigures | None, t: Wording, f: Formats) -> str:
    shown = [line for line in inputs.segments() if line.n_leads][:8]
    if not shown:
        return ""
    pooled = None
    if whole is not None and whole.slope is not None and whole.intercept is not None:
        pooled = (float(whole.slope), float(whole.intercept))
    panels, bars = [], inputs.audit.bars
    for line in shown:
        few = bool(too_few(line, bars, t, f))
        note = t("audit.tile.n", n=f.integer(line.n_leads))
        if few:
            note = t("cycle.chart.few", n=f.integer(line.n_leads), k=f.integer(line.n_converted))
        elif line.r is not None:
            note = f"r {f.decimal(line.r, 2)} · {note}"
        own = None if line.slope is None else (float(line.slope), float(line.intercept or 0))
        panels.append(Panel(segment_label(line, t), note, _marks(line), own, few))
    return multiples(
        panels, pooled, title=t("cycle.chart.multiples_title"), name="multiples",
        x_label=t("cycle.chart.touches_axis", day=f.integer(shown[0].landmark_days)),
        y_label=t("cycle.chart.share_axis"),
        tick=lambda share: f.percent(share, 0),
    )  # fmt: skip


def _multiple_rows(inputs: CycleInputs, t: Wording, f: Formats) -> list[tuple[str, ...]]:
    return [
        (segment_label(line, t), *row)
        for line in inputs.segments()
        if line.n_leads
        for row in _point_rows(line, t, f)
    ]


def _delays(inputs: CycleInputs, t: Wording, f: Formats) -> str:
    rated = [each for each in inputs.buckets or () if each.rate is not None]
    if not rated:
        return ""
    n, k = sum(each.n_leads for each in rated), sum(each.n_converted for each in rated)

    def number(value: Decimal | None) -> float | None:
        return None if value is None else float(value)

    month = inputs.response(period="month")
    target = None
    if month is not None and month.target_max is not None and month.target_min == month.target_max:
        edges = [each.until_hours for each in rated]
        target = edges.index(month.target_max) if month.target_max in edges else None
    return rates_by_delay(
        [Delay(_delay_label(b, t, f), number(b.rate), number(b.low), number(b.high), b.n_leads) for b in rated],
        k / n, mean_label=t("cycle.chart.mean_cr", value=f.percent(Decimal(k) / n, 1)),
        title=t("cycle.chart.delay_title"), name="delays", y_label=t("cycle.chart.share_axis"),
        tick=lambda share: f.percent(share, 0),
        n_label=lambda count: t("audit.tile.n", n=f.integer(count)),
        target_after=target, target_label=t("cycle.chart.target"),
    )  # fmt: skip


def _delay_label(bucket: Bucket, t: Wording, f: Formats) -> str:
    hours = bucket.until_hours
    if hours is None:
        return t.or_raw("cycle.delay", bucket.code)
    if hours >= 48 and hours % 24 == 0:
        return f"≤ {f.with_unit(hours / 24, t('unit.days'), 0)}"
    return f"≤ {f.with_unit(hours, t('unit.hours'), 0)}"


def _delay_rows(inputs: CycleInputs, t: Wording, f: Formats) -> list[tuple[str, str, str, str]]:
    return [
        (
            _delay_label(each, t, f),
            f.integer(each.n_leads),
            f.integer(each.n_converted),
            f.percent(each.rate, 1),
        )
        for each in inputs.buckets or ()
    ]


__all__ = ["DashboardTile", "dashboard_context", "segment_label", "too_few", "verdict_line"]
