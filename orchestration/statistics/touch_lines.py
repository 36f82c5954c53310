"""Touches and conversion of each segment: line, quadrants, sensitivity, form, composition and light (audit 1.5, 1.6).

Two designs side by side. `naive` counts the effective touches of the whole window, which conversion itself cuts short
and long waiting fills; it is shown and never judged. `landmark_<d>` takes the leads still open d days after their
creation, their effective touches before that, and their conversion after it up to the end of the window (2.7).
Two periods: `month`, the last month whose leads all had their window, and `half_year`, the six months up to it.
What does NOT belong here: the statistics (orchestration.audit), sentences, approved thresholds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import duckdb
import pyarrow as pa

from orchestration.audit import composition, traffic_light
from orchestration.audit.points import Points
from orchestration.audit.quadrants import quadrants
from orchestration.audit.regression import Line, line
from orchestration.audit.sensitivity import Sensitivity, without_top
from orchestration.audit.shape import Shape, shape
from orchestration.settings import RunSettings
from orchestration.statistics.experiments import Tested

LANDMARKS = (3, 5, 10)
JUDGED = "landmark_5"
CUTS = {"channel": "channel_code", "size_band": "size_band_code", "team": "team_code", "rep": "rep_id"}

RATE = pa.decimal128(18, 10)
_KEYS = [
    ("period_code", pa.string()),
    ("period_start", pa.date32()),
    ("period_end", pa.date32()),
    ("design_code", pa.string()),
    ("segment_kind_code", pa.string()),
    ("segment_code", pa.string()),
]
SCHEMAS: Mapping[str, pa.Schema] = {
    "touch_lines": pa.schema(
        [
            *_KEYS,
            *[
                (name, pa.int64())
                for name in ("n_leads", "n_converted", "n_converted_before", "n_immature")
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
        ]
    ),
    "touch_points": pa.schema(
        [*_KEYS, ("n_touches", pa.int64()), ("n_leads", pa.int64()), ("n_converted", pa.int64())]
    ),
}  # fmt: skip
DESCRIPTIONS = {
    "touch_lines": "Relation of touches and conversion by period, design and segment, with its light.",
    "touch_points": "Leads by number of touches and outcome: the points of the scatter.",
}

# One pass over the touches of the period's leads. Where a day of conversion has no hour, one on the landmark's own day
# counts as before it: the lead leaves the landmark population, whatever its touches were.
_QUERY = """
with bounds as (
  select coalesce(max(last_month), $cycle_start) as last_month from (
    select cast(date_trunc('month', created_on) as date) as last_month, bool_and(is_matured) as is_done
    from metrics.fct_lead_cadences where is_dated group by 1) where is_done),
population as (
  select c.lead_id, c.channel_code, c.size_band_code, c.rep_id, coalesce(r.team_name, 'unknown') as team_code,
    c.created_at, l.converted_at, c.is_converted_in_window, c.n_effective_touches, c.is_matured,
    l.converted_on - c.created_on as days_to_conversion, l.is_created_day_only or l.is_converted_day_only as is_by_day,
    cast(date_trunc('month', c.created_on) as date) = b.last_month as is_month
  from metrics.fct_lead_cadences as c
  join master.fct_leads as l on l.lead_id = c.lead_id
  left join master.dim_reps as r on r.rep_id = c.rep_id
  cross join bounds as b
  where c.is_dated and c.created_on >= cast(b.last_month - interval 5 months as date)
    and c.created_on < cast(b.last_month + interval 1 month as date)
),
early as (
  select p.lead_id, {early}
  from population as p join master.fct_touches as t on t.lead_id = p.lead_id
  where t.is_effective and t.occurred_at >= p.created_at
    and t.occurred_at < p.created_at + interval {longest} days and t.occurred_at < $as_of
  group by p.lead_id
),
designs as (
  select 'naive' as design_code, p.*, p.n_effective_touches as x, p.is_converted_in_window as y,
    false as is_before
  from population as p
  {landmarks}
),
counted as (
  select design_code, is_month, {columns},
    case when is_matured and not is_before then x end as x,
    count(*) as n, count(*) filter (where y) as k,
    count(*) filter (where not is_matured) as n_immature,
    count(*) filter (where is_matured and is_before) as n_before
  from designs group by all
),
periods as (
  select 'month' as period_code, * from counted where is_month
  union all select 'half_year', * from counted
),
cuts as (
  select period_code, design_code, 'all' as kind, 'all' as segment, x, n, k, n_immature, n_before
  from periods
  {cuts}
)
select c.period_code, c.design_code, c.kind, c.segment, c.x, cast(sum(c.n) as bigint) as n,
  cast(sum(c.k) as bigint) as k, cast(sum(c.n_immature) as bigint) as n_immature,
  cast(sum(c.n_before) as bigint) as n_before,
  cast(case c.period_code when 'month' then b.last_month else b.last_month - interval 5 months end as date)
    as first_day,
  cast(b.last_month + interval 1 month as date) as end_day
from cuts as c cross join bounds as b
group by all order by all
"""
_BREACHES = """
select coalesce(bool_or(complained * 1000 > 2 * delivered), false) from (
  select date_trunc('week', sent_on) as week, sum(n_complained) as complained, sum(n_delivered) as delivered
  from metrics.fct_email_send_days where sent_on >= $cycle_start and sent_on < $cycle_end group by 1)
"""


@dataclass(frozen=True)
class Cell:
    """One period, design, cut and segment."""

    period: str
    design: str
    kind: str
    segment: str


def _sql() -> str:
    early = ", ".join(
        f"count(*) filter (where t.occurred_at < p.created_at + interval {d} days) as x_{d}"
        for d in LANDMARKS
    )
    landmarks = " ".join(
        f"union all select 'landmark_{d}', p.*, coalesce(e.x_{d}, 0), p.is_converted_in_window,"
        " coalesce(p.is_converted_in_window and case when p.is_by_day"
        f" then p.days_to_conversion <= {d} else p.converted_at < p.created_at + interval {d} days end, false)"
        " from population as p left join early as e on e.lead_id = p.lead_id"
        for d in LANDMARKS
    )
    cuts = " ".join(
        f"union all select period_code, design_code, '{kind}', coalesce({column}, 'unknown'), x, n, k, n_immature,"
        " n_before from periods"
        for kind, column in CUTS.items()
    )
    return _QUERY.format(
        early=early, landmarks=landmarks, cuts=cuts, columns=", ".join(CUTS.values()), longest=max(LANDMARKS)
    )


def compute(
    con: duckdb.DuckDBPyConnection,
    settings: RunSettings,
    tested: Mapping[tuple[str, str], Tested] | None = None,
) -> Mapping[str, pa.Table]:
    """touch_lines and touch_points of the cycle. Raises duckdb.Error when master or metrics lack a table.

    tested: cut and segment -> what the last experiment on it says; green asks for one.
    """
    tested = tested or {}
    bind = {"as_of": settings.as_of, "cycle_start": settings.cycle_start}
    rows = con.execute(_sql(), bind).fetchall()
    breach = con.execute(
        _BREACHES, {"cycle_start": settings.cycle_start, "cycle_end": settings.cycle_end}
    ).fetchall()[0][0]
    counts: dict[Cell, list[tuple[int, int, int]]] = defaultdict(list)
    aside: dict[Cell, list[int]] = defaultdict(lambda: [0, 0])
    days: dict[str, tuple] = {}
    for period, design, kind, segment, x, n, k, immature, before, first, end in rows:
        cell = Cell(period, design, kind, segment)
        days[period] = (first, end)
        if x is not None:
            counts[cell].append((x, n, k))
        for place, number in enumerate((before, immature)):
            aside[cell][place] += number
    cells = sorted(set(counts) | set(aside), key=lambda c: (c.period, c.design, c.kind, c.segment))
    points = {cell: Points.of_outcomes(counts.get(cell, [])) for cell in cells}
    lines = {cell: line(points[cell]) for cell in cells}
    mixes = _mixes(points, lines)
    figures = [
        {
            **_keys(cell, days[cell.period]),
            **dict(zip(("n_converted_before", "n_immature"), aside[cell], strict=True)),
            **_figures(
                cell,
                points[cell],
                lines[cell],
                mixes.get((cell.period, cell.design)),
                bool(breach),
                tested.get((cell.kind, cell.segment)),
            ),
        }
        for cell in cells
    ]
    scatter = [
        {**_keys(cell, days[cell.period]), "n_touches": x, "n_leads": n, "n_converted": k}
        for cell in cells
        for x, n, k in sorted(counts.get(cell, []))
    ]
    return {
        "touch_lines": pa.Table.from_pylist(figures, schema=SCHEMAS["touch_lines"]),
        "touch_points": pa.Table.from_pylist(scatter, schema=SCHEMAS["touch_points"]),
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


def _mixes(points: Mapping[Cell, Points], lines: Mapping[Cell, Line]) -> dict[tuple[str, str], Mix]:
    found = {}
    for cell, whole in lines.items():
        if cell.kind != "all":
            continue
        cuts = {
            kind: composition.composition(
                whole,
                {c.segment: points[c] for c in points
                 if (c.period, c.design, c.kind) == (cell.period, cell.design, kind)},
            )
            for kind in CUTS
        }  # fmt: skip
        mixed = composition.heterogeneous(cuts)
        ranked = sorted(
            cuts, key=lambda k: (not cuts[k].is_reversal, not mixed[k], not cuts[k].is_attenuated)
        )
        worst = ranked[0]
        told = cuts[worst].is_reversal or mixed[worst] or cuts[worst].is_attenuated
        found[cell.period, cell.design] = Mix(
            is_reversed=any(c.is_reversal for c in cuts.values()),
            is_attenuated=any(c.is_attenuated for c in cuts.values()),
            is_heterogeneous=any(mixed.values()),
            within_slope=cuts[worst].within_slope if told else None,
            worst=worst if told else None,
        )
    return found


def _figures(
    cell: Cell, points: Points, fitted: Line, mix: Mix | None, breach: bool, tested: Tested | None
) -> dict[str, object]:
    """The columns of touch_lines beyond its keys and the leads set aside."""
    corners = quadrants(points)
    top = without_top(points, fitted)
    enough = fitted.n >= composition.MINIMUM_UNITS and fitted.n_events >= composition.MINIMUM_EVENTS
    form = shape(points) if enough else Shape(None, None, {}, None, "insufficient")
    whole = mix if cell.kind == "all" else None
    return {
        "n_leads": fitted.n,
        "n_converted": fitted.n_events,
        "touches_mean": _exact(fitted.mean_x),
        "conversion_rate": _exact(fitted.mean_y),
        "r": _decimal(fitted.r),
        "r_low": _decimal(fitted.r_low),
        "r_high": _decimal(fitted.r_high),
        "rho": _decimal(fitted.rho),
        "p_value": _decimal(fitted.p),
        "slope": _decimal(fitted.slope),
        "slope_low": _decimal(fitted.slope_low),
        "slope_high": _decimal(fitted.slope_high),
        "intercept": _decimal(fitted.intercept),
        "r_squared": _decimal(fitted.r_squared),
        "line_reason_code": fitted.reason,
        "n_q1": corners.q1,
        "n_q2": corners.q2,
        "n_q3": corners.q3,
        "n_q4": corners.q4,
        "n_on_line": corners.on_line,
        "q1_share_rate": _exact(corners.q1_share),
        "top_limit": _exact(top.limit),
        "n_top_dropped": top.n_dropped,
        "r_without_top": _decimal(top.without.r if top.without else None),
        "slope_without_top": _decimal(top.without.slope if top.without else None),
        "is_fragile": top.is_fragile,
        "sensitivity_reason_code": top.reason,
        "form_code": form.form,
        "form_best_code": form.best,
        "form_knot": _decimal(form.knot),
        "form_reason_code": form.reason,
        "is_reversed": whole.is_reversed if whole else None,
        "is_attenuated": whole.is_attenuated if whole else None,
        "is_heterogeneous": whole.is_heterogeneous if whole else None,
        "within_slope": _decimal(whole.within_slope) if whole else None,
        "worst_cut_code": whole.worst if whole else None,
        **_judged(cell, fitted, top, whole, breach, tested),
    }


def _judged(
    cell: Cell, fitted: Line, top: Sensitivity, mix: Mix | None, breach: bool, tested: Tested | None
) -> dict[str, object]:
    """Colour, reasons and flags of the judged design; none for the designs that are only shown."""
    if cell.design != JUDGED:
        return dict.fromkeys(("colour_code", "colour_reason_codes", "colour_flag_codes", "experiment_code"))
    judged = traffic_light.light(
        traffic_light.Evidence(
            n=fitted.n,
            n_events=fitted.n_events,
            r=_decimal(fitted.r),
            is_fragile=top.is_fragile,
            is_reversed=bool(mix and mix.is_reversed),
            is_heterogeneous=bool((mix and mix.is_heterogeneous) or (tested and tested.is_heterogeneous)),
            has_complaint_breach=breach,
            complaints=tested.complaints if tested else None,
            experiment=tested.experiment if tested else None,
            delta_points=tested.delta_points if tested else None,
            is_gain_proved=bool(tested and tested.is_gain_proved),
            power=tested.power if tested else None,
        )
    )
    return {
        "colour_code": judged.colour,
        "colour_reason_codes": ",".join(judged.reasons),
        "colour_flag_codes": ",".join(judged.flags) or None,
        "experiment_code": tested.experiment_code if tested else None,
    }


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(value)).quantize(Decimal("1e-10"))


def _exact(value: Fraction | None) -> Decimal | None:
    if value is None:
        return None
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal("1e-10"))
