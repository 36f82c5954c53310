"""Part of section 7: the figures of past months that moved since the publication before, cause by cause, and the
segments that moved most.

What does not belong here: finding the causes (orchestration.bridge).
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.reporting.figures import QualityInputs
from orchestration.reporting.formatting import MISSING, Formats
from orchestration.reporting.quality_figures import FigureMove, SegmentMove
from orchestration.reporting.sections.impact import shown_effect, shown_value
from orchestration.reporting.wording import Wording

FIGURES_SHOWN = 12


@dataclass(frozen=True)
class CauseLine:
    """One cause of one figure."""

    label: str
    units: str
    effect: str


@dataclass(frozen=True)
class MovedFigure:
    """A figure before and after, and the causes between; their effects add up to the difference."""

    label: str
    period: str
    before: str
    after: str
    lines: tuple[CauseLine, ...]


def _moved(each: FigureMove, currency: str, t: Wording, f: Formats) -> MovedFigure:
    lines = tuple(
        CauseLine(
            t.or_raw("quality.moves.cause", code),
            MISSING if n_units is None else f.integer(n_units),
            shown_effect(effect, each.unit, currency, t, f),
        )
        for code, effect, n_units in each.causes
    )
    return MovedFigure(
        t.pick(each.metric_fr, each.metric_en, each.metric_name),
        each.period,
        shown_value(each.before, each.unit, currency, t, f),
        shown_value(each.after, each.unit, currency, t, f),
        lines,
    )


@dataclass(frozen=True)
class MovedSegment:
    """A segment that moved, before and after."""

    label: str
    period: str
    segment: str
    cause: str
    before: str
    after: str


def _segment(each: SegmentMove, currency: str, t: Wording, f: Formats) -> MovedSegment:
    kind, cause = t.or_raw("quality.moves.kind", each.kind), t.or_raw("quality.moves.cause", each.cause)
    return MovedSegment(
        t.pick(each.metric_fr, each.metric_en, each.metric_name),
        each.period,
        t("quality.moves.segment", kind=kind, segment=t.or_raw(each.kind, each.segment)),
        cause if each.movement == "within" else t.or_raw("quality.moves", each.movement, cause=cause),
        shown_value(each.before, each.unit, currency, t, f),
        shown_value(each.after, each.unit, currency, t, f),
    )


def _segments(inputs: QualityInputs, t: Wording, f: Formats) -> dict[str, object]:
    moves = inputs.segment_moves
    shown = tuple(_segment(each, inputs.run.reporting_currency, t, f) for each in moves)
    return {"segments": shown, "n_more_segments": inputs.n_segments_moved - len(shown)}


def moves_part(inputs: QualityInputs, t: Wording, f: Formats) -> dict[str, object]:
    """What the template `quality/moves.html.jinja` reads; the latest months first."""
    moves = inputs.moves
    if moves is None:
        return {"lead": t("quality.moves.absent"), "figures": (), "segments": ()}
    if not moves:
        return {"lead": t("quality.moves.none"), "figures": ()} | _segments(inputs, t, f)
    ordered = sorted(moves, key=lambda each: each.metric_name)
    ordered.sort(key=lambda each: each.period, reverse=True)
    shown = ordered[:FIGURES_SHOWN]
    return {
        "lead": t.plural(
            "quality.moves.lead",
            len(moves),
            n=f.integer(len(moves)),
            publication=inputs.moved_since or MISSING,
        ),
        "figures": [_moved(each, inputs.run.reporting_currency, t, f) for each in shown],
        "n_more": len(ordered) - len(shown),
    } | _segments(inputs, t, f)
