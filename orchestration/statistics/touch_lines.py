"""Touches and conversion of each segment: line, quadrants, sensitivity, form, composition and light (audit 1.5, 1.6).

Two designs side by side. `naive` counts the effective touches of the whole window, which conversion itself cuts short
and long waiting fills; it is shown and never judged. `landmark_<d>` takes the leads still open and not opted out d
days after their creation, their effective touches before that, and their conversion after it within the window (2.7).
Who stood on an exclusion list in the days whose touches count is in no design (DE14).
Two periods: `month`, the last month whose leads all had their window, and `half_year`, the six months up to it; the
share of Q1 is compared with the period of the same length before, where the leads reach so far back. Leads created
after the last month, up to the cycle's end, are too young and counted (`n_immature`).
What does NOT belong here: the statistics (orchestration.audit), sentences, approved thresholds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from orchestration.audit import composition, traffic_light
from orchestration.audit.points import Points
from orchestration.audit.quadrants import quadrants
from orchestration.audit.regression import Line, line
from orchestration.audit.sensitivity import Sensitivity, without_top
from orchestration.audit.shape import Shape, shape
from orchestration.audit.shares import newcombe
from orchestration.settings import RunSettings
from orchestration.statistics import audit_units, group_contrasts
from orchestration.statistics.audit_units import CUTS
from orchestration.statistics.experiments import Tested
from orchestration.statistics.figures import RATE, decimal, exact
from orchestration.statistics.frame import METHOD, Frame

_KEYS = [
    ("period_code", pa.string()),
    ("period_start", pa.date32()),
    ("period_end", pa.date32()),
    ("design_code", pa.string()),
    ("segment_kind_code", pa.string()),
    ("segment_code", pa.string()),
]
_ASIDE = ("n_converted_before", "n_refused_before", "n_excluded", "n_immature")
SCHEMAS: Mapping[str, pa.Schema] = {
    "touch_lines": pa.schema(
        [
            *_KEYS,
            *[
                (name, pa.int64())
                for name in ("n_leads", "n_converted", *_ASIDE)
            ],
            *[
                (name, RATE)
                for name in (
                    "touches_mean", "conversion_rate", "r", "r_low", "r_high", "rho", "p_value", "slope",
                    "slope_low", "slope_high", "intercept", "r_squared",
                )
            ],
            ("line_reason_code", pa.string()),
            *[(name, pa.int64()) for name in ("n_q1", "n_q2", "n_q3", "n_q4", "n_on_line")],
            ("q1_share_rate", RATE),
            ("top_limit", RATE),
            ("n_top_dropped", pa.int64()),
            ("r_without_top", RATE),
            ("slope_without_top", RATE),
            ("is_fragile", pa.bool_()),
            ("sensitivity_reason_code", pa.string()),
            ("form_code", pa.string()),
            ("form_best_code", pa.string()),
            ("form_knot", RATE),
            ("form_reason_code", pa.string()),
            ("is_reversed", pa.bool_()),
            ("is_attenuated", pa.bool_()),
            ("is_heterogeneous", pa.bool_()),
            ("within_slope", RATE),
            ("worst_cut_code", pa.string()),
            ("colour_code", pa.string()),
            ("colour_reason_codes", pa.string()),
            ("colour_flag_codes", pa.string()),
            ("experiment_code", pa.string()),
            ("p_value_adjusted", RATE),
            ("n_leads_before", pa.int64()),
            ("n_q1_before", pa.int64()),
            *[
                (name, RATE)
                for name in ("q1_share_before_rate", "q1_change", "q1_change_low", "q1_change_high")
            ],
            ("q1_change_reason_code", pa.string()),
        ]
    ),
    "touch_points": pa.schema(
        [*_KEYS, ("n_touches", pa.int64()), ("n_leads", pa.int64()), ("n_converted", pa.int64())]
    ),
    "touch_cuts": pa.schema(
        [
            *_KEYS[:-1],
            ("n_segments", pa.int64()),
            ("n_eligible_segments", pa.int64()),
            ("slope", RATE),
            ("within_slope", RATE),
            ("is_reversed", pa.bool_()),
            ("is_attenuated", pa.bool_()),
            ("heterogeneity_p", RATE),
            ("heterogeneity_p_adjusted", RATE),
            ("i_squared", RATE),
            ("is_heterogeneous", pa.bool_()),
            ("cut_reason_code", pa.string()),
            *group_contrasts.COLUMNS,
        ]
    ),
}  # fmt: skip
DESCRIPTIONS = {
    "touch_lines": "Relation of touches and conversion by period, design and segment, with its light.",
    "touch_cuts": "What the segments of each cut say about the line of the whole.",
    "touch_points": "Leads by number of touches and outcome: the points of the scatter.",
}

# Two periods, and beside each the one of the same length before it, of which only the quadrants are wanted (row QU19).
_QUERY = """
with designs as (
  select 'naive' as design_code, date_diff('month', created_month, last_month) as age, {columns},
    is_matured and created_month <= last_month as is_judged,
    n_effective_touches as x, is_converted_in_window as y, false as is_before, false as is_refused, is_listed
  from audit_units
  {landmarks}
),
counted as (
  select design_code, age, {columns},
    case when is_judged and not is_listed and not is_before and not is_refused then x end as x,
    count(*) as n, count(*) filter (where y) as k,
    count(*) filter (where not is_judged) as n_immature,
    count(*) filter (where is_judged and is_listed) as n_listed,
    count(*) filter (where is_judged and not is_listed and is_before) as n_before,
    count(*) filter (where is_judged and not is_listed and not is_before and is_refused) as n_refused
  from designs group by all
),
periods as (
  select 'month' as period_code, age = 1 as is_past, * from counted where age <= 1
  union all select 'half_year', age > 5, * from counted
),
cuts as (
  select period_code, is_past, design_code, age, 'all' as kind, 'all' as segment, x, n, k, n_immature, n_before,
    n_refused, n_listed from periods
  {cuts}
)
select c.period_code, c.is_past, c.design_code, c.kind, c.segment, c.x, cast(sum(c.n) as bigint) as n,
  cast(sum(c.k) as bigint) as k, cast(sum(c.n_immature) as bigint) as n_immature,
  cast(sum(c.n_before) as bigint) as n_before, cast(sum(c.n_refused) as bigint) as n_refused,
  cast(sum(c.n_listed) as bigint) as n_listed, bool_or(c.age >= 0) as is_of_period,
  cast(case c.period_code when 'month' then b.last_month else b.last_month - interval 5 months end as date)
    as first_day,
  cast(b.last_month + interval 1 month as date) as end_day,
  case c.period_code when 'month' then b.first_age >= 1 else b.first_age >= 11 end as is_full_before
from cuts as c cross join (
  select max(last_month) as last_month, max(date_diff('month', created_month, last_month)) as first_age
  from audit_units) as b
group by all order by all
"""
# Whole weeks, those that mart_management_express_questions_cycle takes: a week of which a day lies in the cycle, with
# all its days up to as_of, which send days end at.
_BREACHES = """
select coalesce(bool_or(delivered > 0 and complained > bar * delivered), false) from (
  select cast(date_trunc('week', sent_on) as date) as week, sum(n_complained) as complained,
    sum(n_delivered) as delivered, max(complaint_max_rate) as bar
  from metrics.fct_email_send_days group by 1)
where week > cast($cycle_start - interval 7 days as date) and week < $cycle_end
"""


@dataclass(frozen=True)
class Complaints:
    """Of the company's mails, which no segment stands above: a week over its bar, a rise that is shown."""

    is_breach: bool
    is_up: bool


@dataclass(frozen=True)
class Cell:
    """One period, design, cut and segment."""

    period: str
    design: str
    kind: str
    segment: str


def _sql(landmarks: Sequence[int]) -> str:
    columns = ", ".join(CUTS.values())
    designs = " ".join(
        f"union all select 'landmark_{d}', date_diff('month', created_month, last_month), {columns},"
        f" is_matured and created_month <= last_month, x_{d}, is_converted_in_window, is_before_{d},"
        f" is_refused_{d}, is_listed_{d} from audit_units"
        for d in landmarks
    )
    cuts = " ".join(
        f"union all select period_code, is_past, design_code, age, '{kind}', {column}, x, n, k, n_immature, n_before,"
        " n_refused, n_listed from periods"
        for kind, column in CUTS.items()
    )
    return _QUERY.format(landmarks=designs, cuts=cuts, columns=columns)


def compute(
    con: duckdb.DuckDBPyConnection,
    settings: RunSettings,
    tested: Mapping[tuple[str, str], Tested] | None = None,
    frame: Frame = METHOD,
    *,
    are_complaints_up: bool = False,
) -> Mapping[str, pa.Table]:
    """Every table of SCHEMAS for the cycle, read from the warehouse.

    tested: cut and segment -> what the last experiment on it says; green asks for one. are_complaints_up: shown by
    `complaint_trends`. Raises duckdb.Error when master or metrics lack a table.
    """
    audit_units.prepare(con, settings, frame.landmarks)
    return figures(con, settings, tested, frame, are_complaints_up=are_complaints_up)


def figures(
    con: duckdb.DuckDBPyConnection,
    settings: RunSettings,
    tested: Mapping[tuple[str, str], Tested] | None = None,
    frame: Frame = METHOD,
    *,
    are_complaints_up: bool = False,
) -> Mapping[str, pa.Table]:
    """Every table of SCHEMAS from the temporary tables of `audit_units.prepare`; the rest as in `compute`."""
    tested = tested or {}
    rows = con.execute(_sql(frame.landmarks)).fetchall()
    breach = con.execute(
        _BREACHES, {"cycle_start": settings.cycle_start, "cycle_end": settings.cycle_end}
    ).fetchall()[0][0]
    complaints = Complaints(bool(breach), are_complaints_up)
    counts: dict[Cell, list[tuple[int, int, int]]] = defaultdict(list)
    past: dict[Cell, list[tuple[int, int, int]]] = defaultdict(list)
    aside: dict[Cell, list[int]] = defaultdict(lambda: [0] * len(_ASIDE))
    days: dict[str, tuple] = {}
    full_before: dict[str, bool] = {}
    of_period: set[Cell] = set()  # a segment that only has younger leads is none of it
    for (
        period,
        is_past,
        design,
        kind,
        segment,
        x,
        n,
        k,
        immature,
        before,
        refused,
        listed,
        is_of_period,
        first,
        end,
        is_full_before,
    ) in rows:
        cell = Cell(period, design, kind, segment)
        days[period], full_before[period] = (first, end), is_full_before
        if x is not None:
            (past if is_past else counts)[cell].append((x, n, k))
        if not is_past:
            for place, number in enumerate((before, refused, listed, immature)):
                aside[cell][place] += number
            if is_of_period:
                of_period.add(cell)
    cells = sorted(of_period, key=lambda c: (c.period, c.design, c.kind, c.segment))
    points = {cell: Points.of_outcomes(counts.get(cell, [])) for cell in cells}
    lines = {cell: line(points[cell]) for cell in cells}
    cuts = _cuts(points, lines, frame.bars)
    mixes = {of: _mix(found) for of, found in cuts.items()}
    adjusted = _adjusted_p(lines)
    found = [
        {
            **_keys(cell, days[cell.period]),
            **dict(zip(_ASIDE, aside[cell], strict=True)),
            **_figures(
                cell,
                points[cell],
                lines[cell],
                mixes.get((cell.period, cell.design)),
                complaints,
                tested.get((cell.kind, cell.segment)),
                frame,
            ),
            "p_value_adjusted": decimal(adjusted.get(cell)),
            **_shift(points[cell], Points.of_outcomes(past.get(cell, [])), full_before[cell.period]),
        }
        for cell in cells
    ]
    scatter = [
        {**_keys(cell, days[cell.period]), "n_touches": x, "n_leads": n, "n_converted": k}
        for cell in cells
        for x, n, k in sorted(counts.get(cell, []))
    ]
    parts = [
        {
            **_keys(Cell(*of, kind, ""), days[of[0]]),
            **_cut(cut, lines[Cell(*of, "all", "all")]),
            **group_contrasts.of_cut(cut.segments, lines[Cell(*of, "all", "all")].mean_x, frame.bars),
        }
        for of, found_cuts in sorted(cuts.items())
        for kind, cut in found_cuts.items()
    ]
    tables = {"touch_lines": found, "touch_points": scatter, "touch_cuts": parts}
    return {
        name: pa.Table.from_pylist(
            [{column: row[column] for column in SCHEMAS[name].names} for row in tables[name]],
            schema=SCHEMAS[name],
        )
        for name in SCHEMAS
    }


def _keys(cell: Cell, days: tuple) -> dict[str, object]:
    return {
        "period_code": cell.period,
        "period_start": days[0],
        "period_end": days[1],
        "design_code": cell.design,
        "segment_kind_code": cell.kind,
        "segment_code": cell.segment,
    }


@dataclass(frozen=True)
class Mix:
    """What the cuts of one period and design say about its whole; worst: the cut to show first."""

    is_reversed: bool
    is_attenuated: bool
    is_heterogeneous: bool
    within_slope: float | None
    worst: str | None


@dataclass(frozen=True)
class Cut:
    """One cut with its segments and, over all cuts of its whole, its adjusted test of one slope for all."""

    composition: composition.Composition
    segments: Mapping[str, Points]
    p_adjusted: float | None
    is_heterogeneous: bool


def _cuts(
    points: Mapping[Cell, Points], lines: Mapping[Cell, Line], bars: traffic_light.Bars
) -> dict[tuple[str, str], dict[str, Cut]]:
    """(period, design) -> cut -> what its segments say about the whole."""
    segments: dict[tuple[str, str, str], dict[str, Points]] = defaultdict(dict)
    for cell, counted in points.items():
        segments[cell.period, cell.design, cell.kind][cell.segment] = counted
    found = {}
    for cell, whole in lines.items():
        if cell.kind != "all":
            continue
        parts = {kind: segments[cell.period, cell.design, kind] for kind in CUTS}
        cuts = {
            kind: composition.composition(
                whole, part, {each: lines[Cell(cell.period, cell.design, kind, each)] for each in part}, bars
            )
            for kind, part in parts.items()
        }
        mixed = composition.heterogeneous(cuts)
        adjusted = composition.adjusted({kind: cut.heterogeneity_p for kind, cut in cuts.items()})
        found[cell.period, cell.design] = {
            kind: Cut(cuts[kind], parts[kind], adjusted.get(kind), mixed[kind]) for kind in CUTS
        }
    return found


def _mix(cuts: Mapping[str, Cut]) -> Mix:
    told = {kind: cut.composition for kind, cut in cuts.items()}
    worst = min(
        cuts,
        key=lambda k: (not told[k].is_reversal, not cuts[k].is_heterogeneous, not told[k].is_attenuated),
    )
    is_worse = told[worst].is_reversal or cuts[worst].is_heterogeneous or told[worst].is_attenuated
    return Mix(
        is_reversed=any(c.is_reversal for c in told.values()),
        is_attenuated=any(c.is_attenuated for c in told.values()),
        is_heterogeneous=any(cut.is_heterogeneous for cut in cuts.values()),
        within_slope=told[worst].within_slope if is_worse else None,
        worst=worst if is_worse else None,
    )


def _cut(cut: Cut, whole: Line) -> dict[str, object]:
    """The columns of touch_cuts beyond its keys."""
    told = cut.composition
    return {
        "n_segments": len(cut.segments),
        "n_eligible_segments": told.n_eligible,
        "slope": decimal(whole.slope),
        "within_slope": decimal(told.within_slope),
        "is_reversed": told.is_reversal,
        "is_attenuated": told.is_attenuated,
        "heterogeneity_p": decimal(told.heterogeneity_p),
        "heterogeneity_p_adjusted": decimal(cut.p_adjusted),
        "i_squared": decimal(told.i_squared),
        "is_heterogeneous": cut.is_heterogeneous,
        "cut_reason_code": None if told.n_eligible >= 2 else "under_two_segments",
    }


def _adjusted_p(lines: Mapping[Cell, Line]) -> dict[Cell, float]:
    """p-value of each line adjusted over the segments of its cut (Benjamini and Hochberg)."""
    found: dict[Cell, float] = {}
    families: dict[tuple[str, str, str], dict[Cell, float | None]] = defaultdict(dict)
    for cell, fitted in lines.items():
        families[cell.period, cell.design, cell.kind][cell] = fitted.p
    for family in families.values():
        found |= composition.adjusted(family)
    return found


def _shift(points: Points, before: Points, is_full_before: bool) -> dict[str, object]:
    """Share of Q1 in the period before, around its own means, and the change with its interval (row QU19).

    is_full_before: the company's leads reach back to the first month of that period.
    """
    now, then = quadrants(points), quadrants(before)
    told: dict[str, object] = {
        "n_leads_before": then.n,
        "n_q1_before": then.q1,
        "q1_share_before_rate": exact(then.q1_share),
        "q1_change": None,
        "q1_change_low": None,
        "q1_change_high": None,
        "q1_change_reason_code": None,
    }
    if now.q1_share is None or then.q1_share is None:
        return told | {"q1_change_reason_code": "no_leads" if now.q1_share is None else "no_leads_before"}
    if not is_full_before:
        return told | {"q1_change_reason_code": "no_full_period_before"}
    low, high = newcombe(now.q1, now.n, then.q1, then.n)
    return told | {
        "q1_change": exact(now.q1_share - then.q1_share),
        "q1_change_low": decimal(low),
        "q1_change_high": decimal(high),
    }


def _figures(
    cell: Cell,
    points: Points,
    fitted: Line,
    mix: Mix | None,
    complaints: Complaints,
    tested: Tested | None,
    frame: Frame,
) -> dict[str, object]:
    """The columns of touch_lines beyond its keys and the leads set aside."""
    corners = quadrants(points)
    top = without_top(points, fitted, frame.bars)
    enough = frame.bars.is_enough(fitted.n, fitted.n_events)
    form = shape(points) if enough else Shape(None, None, {}, None, "insufficient")
    whole = mix if cell.kind == "all" else None
    return {
        "n_leads": fitted.n,
        "n_converted": fitted.n_events,
        "touches_mean": exact(fitted.mean_x),
        "conversion_rate": exact(fitted.mean_y),
        "r": decimal(fitted.r),
        "r_low": decimal(fitted.r_low),
        "r_high": decimal(fitted.r_high),
        "rho": decimal(fitted.rho),
        "p_value": decimal(fitted.p),
        "slope": decimal(fitted.slope),
        "slope_low": decimal(fitted.slope_low),
        "slope_high": decimal(fitted.slope_high),
        "intercept": decimal(fitted.intercept),
        "r_squared": decimal(fitted.r_squared),
        "line_reason_code": fitted.reason,
        "n_q1": corners.q1,
        "n_q2": corners.q2,
        "n_q3": corners.q3,
        "n_q4": corners.q4,
        "n_on_line": corners.on_line,
        "q1_share_rate": exact(corners.q1_share),
        "top_limit": exact(top.limit),
        "n_top_dropped": top.n_dropped,
        "r_without_top": decimal(top.without.r if top.without else None),
        "slope_without_top": decimal(top.without.slope if top.without else None),
        "is_fragile": top.is_fragile,
        "sensitivity_reason_code": top.reason,
        "form_code": form.form,
        "form_best_code": form.best,
        "form_knot": decimal(form.knot),
        "form_reason_code": form.reason,
        "is_reversed": whole.is_reversed if whole else None,
        "is_attenuated": whole.is_attenuated if whole else None,
        "is_heterogeneous": whole.is_heterogeneous if whole else None,
        "within_slope": decimal(whole.within_slope) if whole else None,
        "worst_cut_code": whole.worst if whole else None,
        **_judged(cell, fitted, top, whole, complaints, tested, frame),
    }


def _judged(
    cell: Cell,
    fitted: Line,
    top: Sensitivity,
    mix: Mix | None,
    complaints: Complaints,
    tested: Tested | None,
    frame: Frame,
) -> dict[str, object]:
    """Colour, reasons and flags of the judged design; none for the designs that are only shown."""
    if cell.design != frame.judged_design:
        return dict.fromkeys(("colour_code", "colour_reason_codes", "colour_flag_codes", "experiment_code"))
    judged = traffic_light.light(
        traffic_light.Evidence(
            n=fitted.n,
            n_events=fitted.n_events,
            r=decimal(fitted.r),
            is_fragile=top.is_fragile,
            is_reversed=bool(mix and mix.is_reversed),
            is_heterogeneous=bool((mix and mix.is_heterogeneous) or (tested and tested.is_heterogeneous)),
            has_complaint_breach=complaints.is_breach,
            are_complaints_up=complaints.is_up,
            complaints=tested.complaints if tested else None,
            experiment=tested.experiment if tested else None,
            delta_points=tested.delta_points if tested else None,
            is_gain_proved=bool(tested and tested.is_gain_proved),
            power=tested.power if tested else None,
        ),
        frame.bars,
    )
    return {
        "colour_code": judged.colour,
        "colour_reason_codes": ",".join(judged.reasons),
        "colour_flag_codes": ",".join(judged.flags) or None,
        "experiment_code": tested.experiment_code if tested else None,
    }
