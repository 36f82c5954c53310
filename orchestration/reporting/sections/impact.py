"""Section 3: what cleaning changed, each KPI before and after, decision by decision.

What does not belong here: recomputing a KPI (`etalon impact` does that).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from orchestration.reporting.definitions import tile_settings
from orchestration.reporting.figures import QualityInputs
from orchestration.reporting.formatting import MISSING, Formats
from orchestration.reporting.quality_figures import KpiImpact
from orchestration.reporting.wording import Wording

ISSUES_SHOWN = 5
_PLACES = {
    "rate": 2, "money": 2, "hours": 2, "days": 1, "months": 1, "ratio": 2, "touches_per_lead": 3, "points": 1,
}  # fmt: skip


@dataclass(frozen=True)
class IssueLine:
    """One decision and what it did to the metric. effect: the difference in the metric's own unit, signed."""

    label: str
    code: str
    kind: str
    without: str
    effect: str
    n_rows: int


@dataclass(frozen=True)
class MetricImpact:
    label: str
    period: str
    published: str
    lines: tuple[IssueLine, ...]
    n_more: int
    n_unmoved: int


def shown_value(value: Decimal | None, unit: str, currency: str, t: Wording, f: Formats) -> str:
    """A figure in its unit."""
    if value is None:
        return MISSING
    if unit == "rate":
        return f.percent(value, _PLACES["rate"])
    if unit == "money":
        return f.money(value, currency, _PLACES["money"])
    if unit in ("hours", "days"):
        return f.with_unit(value, t(f"unit.{unit}"), _PLACES[unit])
    return f.decimal(value, _PLACES.get(unit, 0))


def _effect(each: KpiImpact, currency: str, t: Wording, f: Formats) -> str:
    is_missing = each.published is None or each.without is None
    return shown_effect(None if is_missing else each.effect, each.unit, currency, t, f)


def shown_effect(effect: Decimal | None, unit: str, currency: str, t: Wording, f: Formats) -> str:
    """A difference: rates in points, money in the reporting currency, the rest in the metric's unit."""
    if effect is None:
        return MISSING
    if unit == "rate":
        return f.points(effect, _PLACES["rate"])
    if unit == "money":
        return f.money(effect, currency, _PLACES["money"], signed=True)
    if unit in ("hours", "days"):
        return f.with_unit(effect, t(f"unit.{unit}"), _PLACES[unit], signed=True)
    return f.decimal(effect, _PLACES.get(unit, 0), signed=True)


def _issue(each: KpiImpact, t: Wording) -> str:
    told = t.pick(each.issue_fr, each.issue_en)
    return told or (
        t.or_raw("evidence", each.switch_code) if each.switch_kind == "merge" else each.switch_code
    )


def _moved(each: KpiImpact) -> bool:
    return each.effect != 0 or (each.published is None) != (each.without is None)


def _is_visible(each: KpiImpact) -> bool:
    """Whether the effect is more than a rounding of what is shown."""
    if each.published is None or each.without is None:
        return True
    places = _PLACES.get(each.unit, 0) + (2 if each.unit == "rate" else 0)
    return abs(each.effect) >= Decimal(5).scaleb(-places - 1)


def _relative(each: KpiImpact) -> Decimal:
    """Size of an effect beside its metric, by which metrics of different units are put in order."""
    return abs(each.effect) / abs(each.published) if each.published else abs(each.effect)


def metric_impacts(
    impacts: tuple[KpiImpact, ...], currency: str, t: Wording, f: Formats
) -> list[MetricImpact]:
    """Metrics in the order of the audit's tiles; of each, the decisions that moved it, the largest effect first."""
    grouped: dict[str, list[KpiImpact]] = defaultdict(list)
    for each in impacts:
        grouped[each.metric_name].append(each)
    order = [tile.name for tile in tile_settings()]
    names = sorted(grouped, key=lambda name: (order.index(name) if name in order else len(order), name))
    found = []
    for name in names:
        members = grouped[name]
        moved = sorted(
            (each for each in members if _moved(each)),
            key=lambda each: (-abs(each.effect), each.switch_kind, each.switch_code),
        )
        if not moved:
            continue
        told = [each for each in moved if _is_visible(each)][:ISSUES_SHOWN]
        lines = tuple(
            IssueLine(
                _issue(each, t),
                each.switch_code,
                each.switch_kind,
                shown_value(each.without, each.unit, currency, t, f),
                _effect(each, currency, t, f),
                each.n_rows,
            )
            for each in told
        )
        first = moved[0]
        found.append(
            MetricImpact(
                t.pick(first.metric_fr, first.metric_en, name),
                first.period,
                shown_value(first.published, first.unit, currency, t, f),
                lines,
                len(moved) - len(told),
                len(members) - len(moved),
            )
        )
    return found


def _absent(n_decisions: int | None, t: Wording, f: Formats) -> str:
    """That nothing was measured, and what measuring it costs."""
    if n_decisions is None:
        return t("quality.impact.absent")
    return t.plural("quality.impact.cost", n_decisions, n=f.integer(n_decisions))


def _lead(impacts: tuple[KpiImpact, ...], currency: str, t: Wording, f: Formats) -> str:
    moved = [each for each in impacts if _moved(each)]
    if not moved:
        return t("quality.impact.unmoved")
    largest = max(moved, key=lambda each: (_relative(each), each.metric_name, each.switch_code))
    return t(
        "quality.impact.lead",
        metric=t.pick(largest.metric_fr, largest.metric_en, largest.metric_name),
        issue=_issue(largest, t).rstrip("."),
        without=shown_value(largest.without, largest.unit, currency, t, f),
        published=shown_value(largest.published, largest.unit, currency, t, f),
        effect=_effect(largest, currency, t, f),
    )


def impact_section(inputs: QualityInputs, t: Wording, f: Formats) -> dict[str, object]:
    currency = inputs.run.reporting_currency
    metrics = metric_impacts(inputs.impacts or (), currency, t, f)
    all_metrics = {each.metric_name for each in inputs.impacts or ()}
    return {
        "lead": (
            _absent(inputs.n_decisions_to_measure, t, f)
            if inputs.impacts is None
            else _lead(inputs.impacts, currency, t, f)
        ),
        "is_there": inputs.impacts is not None,
        "metrics": metrics,
        "n_unmoved": len(all_metrics) - len(metrics),
    }
