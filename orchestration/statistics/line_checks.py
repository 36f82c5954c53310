"""Second looks at the judged line of each segment: what it owes to triage, to form, to chance (audit 2.2, 2.5, 2.7).

One row per segment of the half year. Beside the raw slope stands the slope with score, segment, seller, source and
time to first contact held equal, and what a hidden factor could still do to it; the points per touch of a logistic
curve; the ratio of the hazards with one more touch; how often resampled accounts choose the same form. Errors let the
leads of one account go together; a lead without an account stands for itself.
The score is the one that the CRM holds today, which may have followed the outcome: with it the adjusted line is, if
anything, too low. Leads without a touch before the landmark are a class of the time to first contact, so that the
adjusted slope speaks of the touches after the first one.
What does NOT belong here: the light, which no adjustment turns green; a statistic (orchestration.audit).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.audit.adjusted import AdjustedSlope, Units, adjusted_slope, numbered
from orchestration.audit.form_checks import UTest, drawn_counts, form_share, u_test
from orchestration.audit.hazard_model import Hazard, PersonTouches, hazard
from orchestration.audit.points import Points
from orchestration.audit.shape import plateau_knots, shape
from orchestration.audit.thresholds import TTF_EDGES
from orchestration.settings import RunSettings
from orchestration.statistics.audit_units import is_judged
from orchestration.statistics.figures import RATE, decimal
from orchestration.statistics.frame import METHOD, Frame
from orchestration.statistics.marginal_effect import MarginalEffect, marginal_effect
from orchestration.statistics.thresholds import read_rows
from orchestration.statistics.touch_yields import Segment

#: Cuts of the rows, and the column that names their segments.
CUTS = {"channel": "channel_code", "size_band": "size_band_code", "team": "team_code"}
#: No lead is told apart beyond so many touches, as in `touch_yields`.
_MOST = 60
_TENTHS = tuple(tenth / 10 for tenth in range(1, 10))
_HOUR = 3_600_000_000
_DAY = 24 * _HOUR

_FIGURES = {
    "adjusted": (
        ("covariate_codes", pa.string()),
        *((name, RATE) for name in ("slope", "slope_low", "slope_high")),
        ("slope_reason_code", pa.string()),
        ("is_leverage_one", pa.bool_()),
        *((f"adjusted_slope{end}", RATE) for end in ("", "_low", "_high")),
        ("adjusted_p_value", RATE),
        ("adjusted_reason_code", pa.string()),
        ("robustness_rate", RATE),
        ("robustness_bound_rate", RATE),
        ("benchmark_code", pa.string()),
        ("benchmark_slope", RATE),
        ("is_cancelled", pa.bool_()),
    ),
    "marginal": (
        *((f"marginal_effect{end}", RATE) for end in ("", "_low", "_high")),
        ("marginal_effect_reason_code", pa.string()),
    ),
    "hazard": (
        ("n_touches_at_risk", pa.int64()),
        ("n_touch_events", pa.int64()),
        *((f"hazard_ratio{end}", RATE) for end in ("", "_low", "_high")),
        ("hazard_p_value", RATE),
        ("hazard_reason_code", pa.string()),
    ),
    "form": (
        ("form_best_code", pa.string()),
        ("form_share_rate", RATE),
        ("form_reason_code", pa.string()),
        *((f"plateau_knot{end}", RATE) for end in ("", "_low", "_high")),
        ("plateau_reason_code", pa.string()),
        ("u_test_code", pa.string()),
        ("u_test_p_value", RATE),
        ("u_test_reason_code", pa.string()),
    ),
}
SCHEMAS: Mapping[str, pa.Schema] = {
    "line_checks": pa.schema(
        [
            ("period_start", pa.date32()),
            ("period_end", pa.date32()),
            ("design_code", pa.string()),
            ("segment_kind_code", pa.string()),
            ("segment_code", pa.string()),
            *[(name, pa.int64()) for name in ("n_leads", "n_converted", "n_accounts")],
            *[column for columns in _FIGURES.values() for column in columns],
        ]
    )
}
DESCRIPTIONS = {
    "line_checks": "Second looks at the judged line of each segment: triage, hidden factors, form."
}

_LEADS = """
select u.unit, {x} as x, u.is_converted_in_window as y, {is_judged} as is_judged,
  case when u.account_id = 'unknown' then u.lead_id else u.account_id end as account_id,
  u.channel_code, u.size_band_code, u.team_code, u.rep_id, coalesce(c.source_code, 'unknown') as source_code,
  cast(l.lead_score as double) as score, epoch_us(u.created_at) as created_us,
  case when u.converted_at < $as_of then epoch_us(greatest(u.converted_at, u.created_at)) end as converted_us,
  epoch_us(least(u.refused_at, u.listed_at)) as stopped_us,
  coalesce(u.days_to_conversion, 0) >= 0 and not u.is_listed_at_first and not u.is_refused_at_first as is_at_risk
from audit_units as u
join (select lead_id, source_code from metrics.fct_lead_cadences) as c on c.lead_id = u.lead_id
join (select lead_id, lead_score from master.fct_leads) as l on l.lead_id = u.lead_id
where u.is_matured and u.created_month <= u.last_month
  and u.created_month >= cast(u.last_month - interval 5 months as date)
order by u.unit
"""
# The touches whose next one is awaited, and those of the horizon behind the window, which a conversion may follow:
# effective, before the conversion.
_TOUCHES = """
select t.unit, epoch_us(t.occurred_at) as at_us
from audit_touches as t join audit_units as u on u.unit = t.unit
where t.is_effective and u.is_matured and u.created_month <= u.last_month
  and u.created_month >= cast(u.last_month - interval 5 months as date)
  and t.occurred_at < u.created_at + ($window + $horizon) * interval 1 day
  and (u.converted_at is null or u.converted_at >= $as_of
    or t.occurred_at < greatest(u.converted_at, u.created_at))
order by t.unit, t.occurred_at
"""
_PERIOD = """
select cast(max(last_month) - interval 5 months as date), cast(max(last_month) + interval 1 month as date)
from audit_units
"""


@dataclass(frozen=True)
class Days:
    """Days after creation whose touches count, and after a touch in which a conversion follows it."""

    window: int
    horizon: int


@dataclass(frozen=True)
class Leads:
    """Matured leads of the half year in the order of their units, one array element each.

    x, y: touches before the landmark, converted in the window. judged: in the population of the landmark. at_risk:
    may convert after a touch: neither converted on a day before its creation, nor listed or refusing from the first.
    converted_us, stopped_us: instants, -1 for none; the first refusal or entry on a list stops a lead.
    codes: column -> class, named in `names`.
    """

    unit: np.ndarray
    x: np.ndarray
    y: np.ndarray
    judged: np.ndarray
    at_risk: np.ndarray
    score: np.ndarray
    created_us: np.ndarray
    converted_us: np.ndarray
    stopped_us: np.ndarray
    codes: Mapping[str, np.ndarray]
    names: Mapping[str, list[str]]

    def segments(self) -> Iterator[tuple[str, str, np.ndarray]]:
        """(cut, segment, mask), the whole first, then by cut and name."""
        yield "all", "all", np.ones(len(self.unit), dtype=bool)
        for kind, column in CUTS.items():
            for code, name in sorted(enumerate(self.names[column]), key=lambda each: each[1]):
                yield kind, name, self.codes[column] == code


def figures(
    con: duckdb.DuckDBPyConnection, settings: RunSettings, frame: Frame = METHOD
) -> Mapping[str, pa.Table]:
    """line_checks from the temporary tables of `audit_units.prepare`.

    Raises duckdb.Error when master or metrics lack a table, LookupError without the horizon that Etalon ships.
    """
    day = frame.judged_day
    leads = _leads(con, settings, day)
    schema = SCHEMAS["line_checks"]
    if not len(leads.unit):
        return {"line_checks": schema.empty_table()}
    start, end = con.execute(_PERIOD).fetchall()[0]
    rows = read_rows(con, settings.cycle_end - timedelta(days=1))
    horizon = min(
        int(rows.parameter("yield_horizon_days", Segment("all", "all", "all"))),
        settings.conversion_window_days,
    )
    window = settings.conversion_window_days
    bind = {"as_of": settings.as_of, "window": window, "horizon": horizon}
    touches = con.execute(_TOUCHES, bind).fetchnumpy()
    lead, at_us = np.searchsorted(leads.unit, touches["unit"]), np.asarray(touches["at_us"], dtype=np.int64)
    as_of_us = np.datetime64(settings.as_of, "us").astype(np.int64)
    at_risk, of_lead = _at_risk(leads, lead, at_us, Days(window, horizon), int(as_of_us))
    units = _units(leads, lead, at_us, day)
    drawn = _Drawn.of(leads)
    found = []
    for kind, segment, mask in leads.segments():
        kept = mask & leads.judged
        part = units.where(kept)
        points = _points(part)
        enough = frame.bars.is_enough(points.n, points.n_events)
        found.append(
            {
                "period_start": start,
                "period_end": end,
                "design_code": frame.judged_design,
                "segment_kind_code": kind,
                "segment_code": segment,
                "n_leads": points.n,
                "n_converted": points.n_events,
                "n_accounts": int(part.group.max(initial=-1)) + 1,
                **_adjusted(part, is_enough=enough),
                "is_leverage_one": _is_leverage_one(points),
                **_marginal(part, is_enough=enough),
                **_hazard(hazard(at_risk, (mask & leads.at_risk)[of_lead], frame.bars.minimum_events)),
                **_forms(part, points, drawn, mask, is_enough=enough),
            }
        )
    return {"line_checks": pa.Table.from_pylist(found, schema=schema)}


def _leads(con: duckdb.DuckDBPyConnection, settings: RunSettings, day: int) -> Leads:
    query = _LEADS.format(x=f"u.x_{day}", is_judged=is_judged(day))
    read = con.sql(query, params={"as_of": settings.as_of}).to_arrow_table()
    codes, names = {}, {}
    for column in ("account_id", "rep_id", "source_code", *CUTS.values()):
        encoded = read[column].combine_chunks().dictionary_encode()
        codes[column] = encoded.indices.to_numpy().astype(np.int64)
        names[column] = encoded.dictionary.to_pylist()

    def column(name: str, kind: type, empty: float = 0) -> np.ndarray:
        return read[name].fill_null(empty).to_numpy().astype(kind)

    return Leads(
        unit=column("unit", np.int64),
        x=column("x", np.int64),
        y=read["y"].to_numpy().astype(np.int64),
        judged=read["is_judged"].to_numpy().astype(bool),
        at_risk=read["is_at_risk"].to_numpy().astype(bool),
        score=column("score", np.float64, float("nan")),
        created_us=column("created_us", np.int64),
        converted_us=column("converted_us", np.int64, -1),
        stopped_us=column("stopped_us", np.int64, -1),
        codes=codes,
        names=names,
    )


def _at_risk(
    leads: Leads, lead: np.ndarray, at_us: np.ndarray, days: Days, as_of_us: int
) -> tuple[PersonTouches, np.ndarray]:
    """(person-touches of the window whose horizon is over, lead of each); touch 0 is the creation of the lead.

    Nobody is at risk after a refusal or an entry on a list. lead, at_us: of each touch, by lead and instant, those of
    the horizon behind the window included: a conversion after one of them follows none of the window.
    """
    n, stopped = len(leads.unit), leads.stopped_us
    before = (stopped[lead] < 0) | (at_us < stopped[lead])
    lead, at_us = lead[before], at_us[before]
    owner = np.concatenate([np.arange(n), lead])
    order = np.argsort(owner, kind="stable")  # the creation, then the touches as they came
    owner = owner[order]
    at = np.concatenate([leads.created_us, at_us])[order]
    first = np.concatenate([[True], owner[1:] != owner[:-1]])
    touches = np.arange(len(owner)) - np.maximum.accumulate(np.where(first, np.arange(len(owner)), 0))
    is_last = np.concatenate([first[1:], [True]])
    converted = np.where((stopped < 0) | (leads.converted_us < stopped), leads.converted_us, -1)[owner]
    horizon = days.horizon * _DAY
    event = is_last & (converted >= 0) & (converted <= at + horizon)
    kept = (at + horizon <= as_of_us) & (at < leads.created_us[owner] + days.window * _DAY)
    rows = PersonTouches(
        touches=np.minimum(touches[kept], _MOST),
        event=event[kept].astype(np.int64),
        day=(at - leads.created_us[owner])[kept] // _DAY,
        group=leads.codes["account_id"][owner[kept]],
        levels=[leads.codes[name][owner[kept]] for name in ("channel_code", "size_band_code")],
    )
    return rows, owner[kept]


def _units(leads: Leads, lead: np.ndarray, at_us: np.ndarray, day: int) -> Units:
    """All leads with what is known of their triage."""
    n = len(leads.unit)
    is_first = np.concatenate([[True], lead[1:] != lead[:-1]]) if len(lead) else np.zeros(0, dtype=bool)
    waited = np.full(n, np.iinfo(np.int64).max)
    waited[lead[is_first]] = at_us[is_first] - leads.created_us[lead[is_first]]
    edges = np.array([int(edge * _HOUR) for edge in TTF_EDGES if edge * _HOUR < day * _DAY])
    # 0: none before the landmark
    contact = np.where(waited < day * _DAY, np.searchsorted(edges, waited, side="left") + 1, 0)
    known = leads.score[~np.isnan(leads.score)]
    limits = np.unique(np.quantile(known, _TENTHS)) if len(known) else np.zeros(0)
    score = np.where(np.isnan(leads.score), 0, np.searchsorted(limits, leads.score, side="right") + 1)
    size = len(leads.names["size_band_code"])
    return Units(
        x=leads.x,
        y=leads.y,
        group=leads.codes["account_id"],
        covariates={
            "first_contact": contact.astype(np.int64),
            "score": score.astype(np.int64),
            "segment": numbered(leads.codes["channel_code"] * size + leads.codes["size_band_code"]),
            "seller": leads.codes["rep_id"],
            "source": leads.codes["source_code"],
        },
    )


def _points(units: Units) -> Points:
    n = np.bincount(units.x)
    k = np.bincount(units.x, weights=units.y)
    return Points.of_outcomes((x, int(n[x]), int(k[x])) for x in np.flatnonzero(n).tolist())


def _is_leverage_one(points: Points) -> bool:
    """All units but one have the same x (Anscombe's fourth set)."""
    counts = [units for _, units, _ in points.outcomes()]
    return len(counts) == 2 and min(counts) == 1 and points.n > 2


def _adjusted(units: Units, *, is_enough: bool) -> dict[str, object]:
    raw = adjusted_slope(Units(units.x, units.y, units.group, {}))
    told = (
        adjusted_slope(units, made_of_touches=("first_contact",))
        if is_enough
        else AdjustedSlope(reason="insufficient")
    )
    hidden = told.hidden
    return {
        "covariate_codes": ",".join(sorted(units.covariates)) or None,
        "slope": decimal(raw.slope),
        "slope_low": decimal(raw.low),
        "slope_high": decimal(raw.high),
        "slope_reason_code": raw.reason,
        "adjusted_slope": decimal(told.slope),
        "adjusted_slope_low": decimal(told.low),
        "adjusted_slope_high": decimal(told.high),
        "adjusted_p_value": decimal(told.p),
        "adjusted_reason_code": told.reason,
        "robustness_rate": decimal(hidden.robustness if hidden else None),
        "robustness_bound_rate": decimal(hidden.robustness_of_bound if hidden else None),
        "benchmark_code": hidden.benchmark if hidden else None,
        "benchmark_slope": decimal(hidden.benchmark_slope if hidden else None),
        "is_cancelled": hidden.is_cancelled if hidden else None,
    }


def _marginal(units: Units, *, is_enough: bool) -> dict[str, object]:
    found = (
        marginal_effect(units.x, units.y, units.group) if is_enough else MarginalEffect(reason="insufficient")
    )
    return {
        "marginal_effect": decimal(found.effect),
        "marginal_effect_low": decimal(found.low),
        "marginal_effect_high": decimal(found.high),
        "marginal_effect_reason_code": found.reason,
    }


def _hazard(found: Hazard) -> dict[str, object]:
    return {
        "n_touches_at_risk": found.n,
        "n_touch_events": found.n_events,
        "hazard_ratio": decimal(found.ratio),
        "hazard_ratio_low": decimal(found.low),
        "hazard_ratio_high": decimal(found.high),
        "hazard_p_value": decimal(found.p),
        "hazard_reason_code": found.reason,
    }


@dataclass(frozen=True)
class _Drawn:
    """Resampled accounts by cell: the leads of one segment, number of touches and outcome.

    counts: (draws, cells). cell: of each lead, -1 outside the population. x, y: of each cell.
    """

    counts: np.ndarray
    cell: np.ndarray
    x: np.ndarray
    y: np.ndarray

    @staticmethod
    def of(leads: Leads) -> _Drawn:
        """Drawn once for all segments, from a seed that the counts give."""
        judged = leads.judged
        packed = leads.x * 2 + leads.y
        top = 2 * (int(leads.x.max()) + 1)
        for column in CUTS.values():
            packed = packed + top * leads.codes[column]
            top *= len(leads.names[column])
        distinct, place = np.unique(packed[judged], return_inverse=True)
        sizes = np.bincount(place, minlength=len(distinct))
        seed = int.from_bytes(hashlib.sha256(distinct.tobytes() + sizes.tobytes()).digest()[:8], "big")
        cell = np.full(len(packed), -1)
        cell[judged] = place
        inner = distinct % (2 * (int(leads.x.max()) + 1))
        counts = drawn_counts(place, numbered(leads.codes["account_id"][judged]), len(distinct), seed)
        return _Drawn(counts, cell, inner // 2, inner % 2)

    def of_segment(self, mask: np.ndarray, x: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """(units, units with the outcome) by draw and number of touches, of the leads of a mask."""
        cells = np.unique(self.cell[mask & (self.cell >= 0)])
        place = (self.x[cells][:, None] == np.array(x)[None, :]).astype(float)
        drawn = self.counts[:, cells]
        return drawn @ place, (drawn * self.y[cells]) @ place


def _forms(
    units: Units, points: Points, drawn: _Drawn, mask: np.ndarray, *, is_enough: bool
) -> dict[str, object]:
    if not is_enough:
        reasons = ("form_reason_code", "plateau_reason_code", "u_test_reason_code")
        return dict.fromkeys((name for name, _ in _FIGURES["form"])) | dict.fromkeys(reasons, "insufficient")
    form = shape(points)
    share = knots = None
    if form.best is not None:
        n, k = drawn.of_segment(mask, [int(x) for x, _, _ in points.outcomes()])
        share = form_share(points, form.best, n, k)
        knots = plateau_knots(points) if form.best == "plateau" else None
    bend: UTest = u_test(units.x, units.y, units.group)
    return {
        "form_best_code": form.best,
        "form_share_rate": decimal(share),
        "form_reason_code": form.reason,
        "plateau_knot": decimal(knots[0] if knots else None),
        "plateau_knot_low": decimal(knots[1] if knots else None),
        "plateau_knot_high": decimal(knots[2] if knots else None),
        "plateau_reason_code": None if knots else form.reason or "not_a_plateau",
        "u_test_code": bend.form,
        "u_test_p_value": decimal(bend.p),
        "u_test_reason_code": bend.reason,
    }
