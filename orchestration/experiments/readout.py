"""Figures of one experiment from its counts: arms, differences, checks, verdict, weekly looks (rows EX4-EX7, DE21).

Counts come as Arrow tables of one experiment, units and leads already in their arms. What does NOT belong here: the
queries (statistics.experiments), the tests themselves (effects, srm, balance, guards, sequential).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from orchestration.audit.traffic_light import METHOD_BARS
from orchestration.experiments import balance, design, effects, guards, sequential, srm
from orchestration.experiments.effects import Difference, Share
from orchestration.experiments.kept import FINISHED, READY
from orchestration.experiments.protocol import Protocol
from orchestration.experiments.verdict import Findings, Verdict, verdict
from orchestration.reporting.bounds import exact_upper_95
from orchestration.settings import RunSettings

#: Mails to a lead that the sequence of a guard rail expects; it is tightest there and holds everywhere.
MAILS_PER_LEAD = 10
PLANNED, RUNNING, MATURING = "planned", "running", "windows_open"
_BREAKS = 0.05
_TABLES = ("clusters", "waits", "lead_weeks", "mail_weeks", "mail_clusters", "units")
_MAILS = ("n_sent", "n_delivered", "n_complained", "n_unsubscribed", "n_bounced")
_RAILS = {"complaints": ("n_complained", "n_delivered"), "unsubscribes": ("n_unsubscribed", "n_delivered"),
          "bounces": ("n_bounced", "n_sent")}  # fmt: skip


@dataclass(frozen=True)
class Opened:
    """An experiment as a cycle sees it. told: what the run kept of it."""

    protocol: Protocol
    told: Mapping[str, Any]
    window_days: int
    cycle_end: dt.date

    @classmethod
    def of(cls, told: Mapping[str, Any], settings: RunSettings) -> Opened:
        """From what keep_experiments() wrote."""
        nobody = {"hypothesis": "-", "owners": {"runs": "-", "decides": "-", "watches": "-"}}
        protocol = Protocol.model_validate({**nobody, **told["protocol"]})
        return cls(protocol, told, settings.conversion_window_days, settings.cycle_end)

    @property
    def started(self) -> bool:
        return self.cycle_end > self.protocol.start_on

    @property
    def last_on(self) -> dt.date:
        """First day on which every window is over."""
        return self.protocol.end_on + dt.timedelta(days=self.window_days)

    @property
    def status(self) -> str:
        """FINISHED, or why there is no verdict at this cycle."""
        if self.told["standing"] != READY:
            return self.told["standing"]
        if not self.started:
            return PLANNED
        if self.cycle_end < self.protocol.end_on:
            return RUNNING
        return FINISHED if self.cycle_end >= self.last_on else MATURING

    @property
    def weeks(self) -> list[tuple[dt.date, dt.date]]:
        """(first day, day after the last) of each week in which the experiment acts, the last one cut short."""
        starts = [
            self.protocol.start_on + dt.timedelta(days=7 * k) for k in range((self.protocol.days + 6) // 7)
        ]
        return [(first, min(first + dt.timedelta(days=7), self.protocol.end_on)) for first in starts]


@dataclass(frozen=True)
class Cells:
    """Counts of one experiment; the columns are those of the queries of statistics.experiments.

    complaint_ceiling: complaints of the test arm above it are a breach, strictly; None without a bar in force.
    """

    clusters: pa.Table
    waits: pa.Table
    lead_weeks: pa.Table
    mail_weeks: pa.Table
    mail_clusters: pa.Table
    units: pa.Table
    exposed: Mapping[str, int]
    n_contaminated: int
    complaint_ceiling: Decimal | None = None

    @classmethod
    def of(cls, found: Mapping[str, Mapping[str, pa.Table]], code: str) -> Cells:
        """Those of one experiment; found: result of each query by experiment."""
        none: dict[str, pa.Table] = {}
        exposed, contaminated, ceilings = (
            found[name].get(code) for name in ("exposed", "contaminated", "ceilings")
        )
        tables = {name: found[name].get(code) for name in _TABLES}
        return cls(
            **{name: pa.table(none) if table is None else table for name, table in tables.items()},
            exposed=dict(zip(exposed["arm_code"].to_pylist(), exposed["n"].to_pylist(), strict=True))
            if exposed is not None
            else {},
            n_contaminated=sum(contaminated["n"].to_pylist()) if contaminated is not None else 0,
            complaint_ceiling=ceilings["complaint_max_rate"][0].as_py() if ceilings is not None else None,
        )

    def arm(self, table: str, arm: str) -> pa.Table:
        """Rows of one arm."""
        rows: pa.Table = getattr(self, table)
        return rows.filter(pa.array(texts(rows, "arm_code") == arm)) if rows.num_rows else rows


def texts(table: pa.Table, name: str) -> np.ndarray:
    """A column of texts, nulls as the text None."""
    if not table.num_rows:
        return np.zeros(0, dtype=str)
    return table[name].to_numpy(zero_copy_only=False).astype(str)


def numbers(table: pa.Table, name: str) -> np.ndarray:
    """A column of numbers as floats, nulls as NaN; none without rows."""
    if not table.num_rows:
        return np.zeros(0)
    return table[name].cast(pa.float64()).to_numpy(zero_copy_only=False)


def total(table: pa.Table, name: str) -> int:
    """Sum of a column of counts; 0 without rows."""
    return int(numbers(table, name).sum())


def share(cells: Cells, arm: str) -> Share:
    """Conversions of the matured leads of an arm, with its design effect."""
    rows = cells.arm("clusters", arm)
    x, n = numbers(rows, "x"), numbers(rows, "n")
    return Share(int(x.sum()), int(n.sum()), effects.design_effect(x[n > 0], n[n > 0]))


def mail_shares(cells: Cells, protocol: Protocol, metric: str) -> tuple[Share, Share]:
    """Events of the mails of (test, control), with their design effect: an account that complains may do so often.

    The greater of the two counts for both: an arm without an event tells nothing of how alike its mails are.
    """
    above, below = _RAILS[metric]
    found = []
    for arm in (protocol.test, protocol.control):
        rows = cells.arm("mail_clusters", arm)
        x, n = numbers(rows, above), numbers(rows, below)
        found.append(Share(int(x.sum()), int(n.sum()), effects.design_effect(x[n > 0], n[n > 0])))
    effect = max(each.effect for each in found)
    return replace(found[0], effect=effect), replace(found[1], effect=effect)


def experiment_row(opened: Opened, cells: Cells | None) -> dict[str, Any]:
    """The row of `experiments`. cells: None where nothing may be counted."""
    protocol, told = opened.protocol, opened.told
    kind, segment = protocol.cut
    row: dict[str, Any] = {
        "experiment_code": protocol.code,
        "protocol_sha256": told["registered_sha256"] or told["protocol_sha256"],
        "registered_on": told["registered_on"] and dt.date.fromisoformat(told["registered_on"]),
        "start_on": protocol.start_on,
        "end_on": protocol.end_on,
        "unit_code": protocol.unit,
        "segment_kind_code": kind,
        "segment_code": segment,
        "control_arm_code": protocol.control,
        "test_arm_code": protocol.test,
        "status_code": opened.status,
        "success_points": protocol.success_points,
        "n_leads_planned": protocol.leads_per_arm,
    }
    found = Findings(opened.status)
    if cells is not None:
        counted, found = _read(opened, cells)
        row |= counted
    return row | _judged(verdict(found), found)


def _read(opened: Opened, cells: Cells) -> tuple[dict[str, Any], Findings]:
    """Figures; the difference and all that follows from it only once the experiment is finished."""
    protocol = opened.protocol
    test, control = share(cells, protocol.test), share(cells, protocol.control)
    row: dict[str, Any] = {
        "n_assigned_units": cells.units.num_rows,
        "n_contaminated_units": cells.n_contaminated,
        "n_test_leads": test.n,
        "n_test_converted": test.x,
        "n_control_leads": control.n,
        "n_control_converted": control.x,
        "n_immature": total(cells.clusters, "n_immature"),
    } | _ratios(protocol, cells)
    if opened.status != FINISHED:
        return row, Findings(opened.status)
    alpha = float(protocol.alpha)
    pooled = effects.difference(test, control, alpha)
    pairs = _strata(cells, protocol, test, control) if protocol.strata else []
    primary = effects.stratified(pairs, alpha) if len(pairs) > 1 else pooled
    uneven = effects.heterogeneity_p(pairs)
    rails = {
        rail.metric: _rail(cells, protocol, rail.metric, rail.margin_points) for rail in protocol.guard_rails
    }
    worst = _worst_difference(cells, protocol)
    base, gain = float(control.rate or 0), float(protocol.success_points) / 100
    power = design.power_at(test.effective[1], control.effective[1], base, gain, alpha)
    found = Findings(
        status=FINISHED,
        n_test=test.n,
        n_control=control.n,
        delta=primary.delta if isinstance(primary.delta, Fraction) else None,
        low=primary.low,
        high=primary.high,
        bar_points=max(protocol.success_points, METHOD_BARS.delta_points),
        complaints=rails["complaints"].status,
        guard_rail=guards.gravest([each.status for each in rails.values()]),
        is_mismatch=bool(row["is_ratio_mismatch"]),
        is_balanced=None if worst is None else bool(worst < balance.BAR),
        is_heterogeneous=uneven is not None and uneven < _BREAKS,
        is_contaminated=cells.n_contaminated > 0 or cells.exposed.get(protocol.control, 0) > 0,
        power=power,
        least_per_arm=design.METHOD_LEADS_PER_ARM,
    )
    row |= {
        "test_rate": exact(test.rate),
        "control_rate": exact(control.rate),
        "delta_points": points(primary.delta),
        "delta_low_points": points(primary.low),
        "delta_high_points": points(primary.high),
        "method_code": primary.method,
        "p_value": decimal(primary.p),
        "p_method_code": primary.p_method,
        "pooled_points": points(pooled.delta),
        "newcombe_low_points": points(pooled.low),
        "newcombe_high_points": points(pooled.high),
        "test_design_effect": decimal(test.effect),
        "control_design_effect": decimal(control.effect),
        "worst_difference": decimal(worst),
        "heterogeneity_p_value": decimal(uneven),
        "power_rate": decimal(power),
        "detectable_points": points(design.detectable(test.effective[1], control.effective[1], base, alpha)),
        "complaints_points": points(rails["complaints"].delta),
        "complaints_high_points": points(rails["complaints"].high),
    }
    if pooled.reason is None:
        low, high = effects.interval(test, control, alpha, "agresti-caffo")
        row |= {"agresti_low_points": points(low), "agresti_high_points": points(high)}
    return row | _adjusted(cells, protocol, alpha) | _secondary(cells, protocol, alpha), found


def _judged(said: Verdict, found: Findings) -> dict[str, Any]:
    is_read = found.status == FINISHED
    return {
        "is_balanced": said.is_balanced,
        "is_heterogeneous": said.is_heterogeneous,
        "complaints_code": found.complaints if is_read else None,
        "guard_rail_code": said.guard_rail,
        "is_bar_met": said.bar_met,
        "is_proved": said.is_proved,
        "is_valid": said.is_valid,
        "colour_code": said.colour,
        "reason_codes": ",".join(said.reasons),
        "flag_codes": ",".join(said.flags) or None,
    }


def _ratios(protocol: Protocol, cells: Cells) -> dict[str, Any]:
    """Arms as drawn, and arms as they bring leads: a unit without a lead cannot be read."""
    drawn = [arm for arm in protocol.arms if arm.weight > 0]
    weights = [arm.weight for arm in drawn]
    assigned = srm.sample_ratio(_by_stratum(cells.units, drawn), weights)
    matured = cells.clusters
    if matured.num_rows:
        matured = matured.filter(pa.array(numbers(matured, "n") > 0))
    seen = srm.sample_ratio(_by_stratum(matured, drawn), weights)
    return {
        "assigned_ratio_p_value": decimal(assigned.p_value),
        "ratio_p_value": decimal(seen.p_value),
        "is_ratio_mismatch": assigned.is_mismatch or seen.is_mismatch,
    }


def _by_stratum(table: pa.Table, drawn: list[Any]) -> dict[str, list[int]]:
    if not table.num_rows:
        return {}
    arms, strata = texts(table, "arm_code"), texts(table, "stratum_code")
    return {
        name: [int(((arms == arm.code) & (strata == name)).sum()) for arm in drawn]
        for name in np.unique(strata).tolist()
    }


def adjust(rows: list[dict[str, Any]]) -> None:
    """Add p_value_adjusted: of all experiments with a verdict, after Benjamini and Hochberg."""
    known = [row for row in rows if row.get("p_value") is not None]
    if known:
        adjusted = multipletests([float(row["p_value"]) for row in known], method="fdr_bh")[1]
        for row, p in zip(known, adjusted, strict=True):
            row["p_value_adjusted"] = decimal(float(p))


def _strata(cells: Cells, protocol: Protocol, test: Share, control: Share) -> list[tuple[Share, Share]]:
    """(test, control) of every stratum, with the design effects of the whole arms."""
    sides = []
    for arm, whole in ((protocol.test, test), (protocol.control, control)):
        rows = cells.arm("clusters", arm)
        names, x, n = texts(rows, "stratum_code"), numbers(rows, "x"), numbers(rows, "n")
        sides.append(
            {name: Share(int(x[names == name].sum()), int(n[names == name].sum()), whole.effect)
             for name in np.unique(names).tolist()}
        )  # fmt: skip
    nothing = Share(0, 0)
    return [
        (sides[0].get(name, nothing), sides[1].get(name, nothing)) for name in sorted({*sides[0], *sides[1]})
    ]


def _worst_difference(cells: Cells, protocol: Protocol) -> float | None:
    """Greatest standardised difference of what was known of the units when arms were drawn."""
    test, control = (cells.arm("units", arm) for arm in (protocol.test, protocol.control))
    found = [
        balance.standardised_difference(numbers(test, name), numbers(control, name))
        for name in ("n_prior_leads", "n_prior_conversions")
    ]
    found.append(balance.worst_of_shares(texts(test, "stratum_code"), texts(control, "stratum_code")))
    known = [abs(value) for value in found if value is not None]
    return max(known) if known else None


def _rail(cells: Cells, protocol: Protocol, metric: str, margin_points: Decimal) -> guards.Guard:
    test, control = mail_shares(cells, protocol, metric)
    ceiling = cells.complaint_ceiling if metric == "complaints" else None
    return guards.guard(test, control, margin_points / 100, ceiling)


def _adjusted(cells: Cells, protocol: Protocol, alpha: float) -> dict[str, Any]:
    """CUPED on the conversion of units by what was known of them before."""
    if protocol.covariate is None:
        return {}
    arms = []
    for arm in (protocol.test, protocol.control):
        rows = cells.arm("clusters", arm)
        n = numbers(rows, "n")
        arms.append((numbers(rows, "x")[n > 0] / n[n > 0], numbers(rows, f"n_{protocol.covariate}")[n > 0]))
    found = effects.cuped(arms[0], arms[1], alpha)
    return {
        "cuped_points": points(found.difference.delta),
        "cuped_low_points": points(found.difference.low),
        "cuped_high_points": points(found.difference.high),
        "cuped_variance_ratio": decimal(found.variance_ratio),
    }


def _secondary(cells: Cells, protocol: Protocol, alpha: float) -> dict[str, Any]:
    """Meetings by lead and the log-rank test of first contact, their p-values adjusted after Holm."""
    found: dict[str, float | None] = {}
    row: dict[str, Any] = {}
    if "meetings" in protocol.secondary:
        sides = []
        for arm in (protocol.test, protocol.control):
            rows = cells.arm("clusters", arm)
            n = numbers(rows, "n")
            sides.append((numbers(rows, "n_meetings")[n > 0], n[n > 0]))
        met = effects.ratio(sides[0], sides[1], alpha)
        row = {
            "meetings_delta": decimal(met.delta),
            "meetings_low": decimal(met.low),
            "meetings_high": decimal(met.high),
        }
        found["meetings_p_value"] = met.p
    if "ttf" in protocol.secondary:
        found["ttf_p_value"] = _log_rank(cells, protocol)
    known = [name for name, p in found.items() if p is not None]
    if known:
        adjusted = multipletests([found[name] for name in known], method="holm")[1]
        row |= {name: decimal(float(p)) for name, p in zip(known, adjusted, strict=True)}
    return row


def _log_rank(cells: Cells, protocol: Protocol) -> float | None:
    from orchestration.statistics.cohort_tests import log_rank

    (test, was), (control, had) = (_waits(cells, arm) for arm in (protocol.test, protocol.control))
    if not (len(test) and len(control)) or not (was.any() or had.any()):
        return None
    member = np.repeat([True, False], [len(test), len(control)])
    p = log_rank(np.concatenate([test, control]), np.concatenate([was, had]), member).p_value
    return None if np.isnan(p) else p


def _waits(cells: Cells, arm: str) -> tuple[np.ndarray, np.ndarray]:
    """Hours to the first contact, and whether it came, lead by lead."""
    rows = cells.arm("waits", arm)
    n = numbers(rows, "n").astype(int)
    came = numbers(rows, "is_contacted").astype(bool)
    return np.repeat(numbers(rows, "ttf_hours"), n), np.repeat(came, n)


def arm_rows(opened: Opened, cells: Cells) -> list[dict[str, Any]]:
    """The rows of `experiment_arms`: one per arm of the protocol, those of weight zero too."""
    protocol = opened.protocol
    weight = sum((arm.weight for arm in protocol.arms), Decimal(0))
    found = []
    for arm in protocol.arms:
        rows, mails = cells.arm("clusters", arm.code), cells.arm("mail_weeks", arm.code)
        counts = share(cells, arm.code)
        low, high = _wilson(counts)
        touches, meetings = total(rows, "n_touches"), total(rows, "n_meetings")
        delivered, complained = total(mails, "n_delivered"), total(mails, "n_complained")
        found.append({
            "experiment_code": protocol.code, "arm_code": arm.code, "is_control": arm.is_control,
            "weight_rate": exact(Fraction(arm.weight) / Fraction(weight)),
            "n_assigned_units": cells.arm("units", arm.code).num_rows,
            "n_exposed_units": cells.exposed.get(arm.code, 0) if protocol.exposure_campaign else None,
            "n_units_with_leads": int((numbers(rows, "n") > 0).sum()), "n_leads": counts.n,
            "n_immature": total(rows, "n_immature"), "n_converted": counts.x,
            "conversion_rate": exact(counts.rate), "conversion_low": decimal(low), "conversion_high": decimal(high),
            **_first_contact(cells, arm.code),
            "n_touches": touches, "n_meetings": meetings,
            "meetings_per_touch_rate": exact(Fraction(meetings, touches)) if touches else None,
            "meetings_reason_code": None if touches else "no_touches" if counts.n else "no_matured_leads",
            **{name: total(mails, name) for name in _MAILS},
            "complaint_rate": exact(Fraction(complained, delivered)) if delivered else None,
            "complaint_upper_rate": exact_upper_95(complained, delivered),
            "reason_code": None if counts.n else "no_matured_leads",
        })  # fmt: skip
    return found


def _wilson(counts: Share) -> tuple[float | None, float | None]:
    if not counts.n:
        return None, None
    low, high = proportion_confint(*counts.effective, method="wilson")
    return float(low), float(high)


def _first_contact(cells: Cells, arm: str) -> dict[str, Any]:
    """Kaplan-Meier median of the hours to the first contact with its 95 % interval (statsmodels)."""
    hours, came = _waits(cells, arm)
    none = dict.fromkeys(("ttf_median_hours", "ttf_low_hours", "ttf_high_hours"))
    if not came.any():
        return {**none, "ttf_reason_code": "no_contact" if len(hours) else "no_matured_leads"}
    from statsmodels.duration.survfunc import SurvfuncRight

    curve = SurvfuncRight(hours, came.astype(int))
    median = float(curve.quantile(0.5))
    if not np.isfinite(median):
        return {**none, "ttf_reason_code": "median_not_reached"}
    with np.errstate(divide="ignore", invalid="ignore"):  # a curve of few steps has an open bound
        low, high = curve.quantile_ci(0.5)
    return {
        "ttf_median_hours": decimal(median),
        "ttf_low_hours": decimal(low),
        "ttf_high_hours": decimal(high),
        "ttf_reason_code": None,
    }


def week_rows(opened: Opened, cells: Cells) -> list[dict[str, Any]]:
    """The rows of `experiment_weeks`: everything known at the end of each week up to the cycle's end.

    Conversion counts leads so far and their conversions so far, which is alike in both arms; guard rails count mails.
    """
    protocol = opened.protocol
    last = (opened.last_on - protocol.start_on).days
    looks = [protocol.start_on + dt.timedelta(days=7 * (k + 1)) for k in range((last + 6) // 7)]
    effects_so_far = [_effect_so_far(cells, arm) for arm in (protocol.test, protocol.control)]
    alike = {rail.metric: mail_shares(cells, protocol, rail.metric)[0] for rail in protocol.guard_rails}
    found = []
    for week, look_on in enumerate(looks):
        if look_on > opened.cycle_end:
            break
        pair = [
            Share(*_so_far(cells, arm, week), effect=effect)
            for arm, effect in zip((protocol.test, protocol.control), effects_so_far, strict=True)
        ]
        found.append(_look(opened, look_on, "cr", pair, 2 * protocol.leads_per_arm))
        if week >= len(opened.weeks):
            continue
        for rail in protocol.guard_rails:
            above, below = _RAILS[rail.metric]
            mails = [
                Share(
                    *(_mails_so_far(cells, arm, name, week) for name in (above, below)),
                    effect=alike[rail.metric].effect,
                )
                for arm in (protocol.test, protocol.control)
            ]
            expected = 2 * protocol.leads_per_arm * MAILS_PER_LEAD
            found.append(_look(opened, look_on, rail.metric, mails, expected))
    return found


def _look(
    opened: Opened, look_on: dt.date, metric: str, pair: list[Share], expected: float
) -> dict[str, Any]:
    seen = sequential.look(pair[0], pair[1], expected, float(opened.protocol.alpha))
    return {
        "experiment_code": opened.protocol.code,
        "look_on": look_on,
        "metric_code": metric,
        "n_test": pair[0].n,
        "n_test_events": pair[0].x,
        "n_control": pair[1].n,
        "n_control_events": pair[1].x,
        "delta_points": points(seen.delta),
        "low_points": points(seen.low),
        "high_points": points(seen.high),
        "signal_code": _signal(metric, seen),
        "reason_code": seen.reason,
    }


def _signal(metric: str, seen: Difference) -> str:
    """harm stops the experiment; better does not, as only harm may end it early."""
    if seen.low is None or seen.high is None:
        return "not_known"
    worse, better = (seen.high < 0, seen.low > 0) if metric == "cr" else (seen.low > 0, seen.high < 0)
    return "harm" if worse else "better" if better else "none"


def _so_far(cells: Cells, arm: str, week: int) -> tuple[int, int]:
    rows = cells.arm("lead_weeks", arm)
    n, began, event = numbers(rows, "n"), numbers(rows, "week"), numbers(rows, "event_week")
    return int(n[(began <= week) & (event <= week)].sum()), int(n[began <= week].sum())


def _effect_so_far(cells: Cells, arm: str) -> float:
    """Design effect of all leads so far: the units of open windows are as alike as those of closed ones."""
    rows = cells.arm("clusters", arm)
    return effects.design_effect(numbers(rows, "x_so_far"), numbers(rows, "n_so_far"))


def _mails_so_far(cells: Cells, arm: str, name: str, week: int) -> int:
    rows = cells.arm("mail_weeks", arm)
    return int(numbers(rows, name)[numbers(rows, "week") <= week].sum())


def decimal(value: float | Fraction | None) -> Decimal | None:
    """Ten decimals; null where there is no finite figure."""
    if value is None or not np.isfinite(float(value)):
        return None
    return Decimal(repr(float(value))).quantize(Decimal("1e-10"))


def exact(value: Fraction | None) -> Decimal | None:
    """A fraction to ten decimals."""
    if value is None:
        return None
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal("1e-10"))


def points(value: Fraction | float | None) -> Decimal | None:
    """A share as points: 0.02 is 2."""
    if isinstance(value, Fraction):
        return exact(value * 100)
    return None if value is None else decimal(value * 100)
