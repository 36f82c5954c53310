"""Section 7: the last twelve publications, one small drawing per dimension and per source, all on one scale each.

What does not belong here: the history itself (published/registry).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from orchestration.reporting.drawing import Column, columns
from orchestration.reporting.figures import DIMENSIONS, QualityInputs
from orchestration.reporting.formatting import MISSING, Formats
from orchestration.reporting.history_inputs import PUBLICATIONS_SHOWN
from orchestration.reporting.quality_figures import DimensionPoint, SourcePoint
from orchestration.reporting.sections.moves import moves_part
from orchestration.reporting.wording import Wording

_SCALES = tuple(Decimal(text) for text in ("0.01", "0.02", "0.05", "0.1", "0.2", "0.3", "0.5", "0.75", "1"))


@dataclass(frozen=True)
class Multiple:
    """One dimension or source: its drawing, and the same as cells of a table, one per publication."""

    label: str
    drawing: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Publication:
    sequence: int
    published_as: str
    cycle: str


def _top(shares: Iterable[Decimal]) -> Decimal:
    """The smallest round scale that holds every share."""
    highest = max(shares, default=Decimal(0))
    return next((scale for scale in _SCALES if scale >= highest), _SCALES[-1])


def publications(points: Iterable[DimensionPoint | SourcePoint]) -> list[Publication]:
    """Every publication of the history, oldest first."""
    found = {each.sequence: Publication(each.sequence, each.published_as, each.cycle) for each in points}
    return [found[sequence] for sequence in sorted(found)][-PUBLICATIONS_SHOWN:]


def _dimensions(
    points: tuple[DimensionPoint, ...], shown: list[Publication], t: Wording, f: Formats
) -> tuple[list[Multiple], str]:
    top = _top(each.at_fault + each.unassessed for each in points)
    at = {(each.dimension, each.sequence): each for each in points}
    names = {each.dimension for each in points}
    ordered = [name for name in DIMENSIONS if name in names] + sorted(names - set(DIMENSIONS))
    found = []
    for number, name in enumerate(ordered):
        label = t.or_raw("dimension", name)
        members = [at.get((name, each.sequence)) for each in shown]
        said = tuple(
            MISSING
            if point is None
            else t(
                "quality.trends.cell",
                failed=f.integer(point.n_fail + point.n_warn + point.n_waived),
                unassessed=f.integer(point.n_not_assessed),
                checks=f.integer(point.n_checks),
            )
            for point in members
        )
        values = [
            Column(
                f.month_short(each.cycle),
                point.at_fault if point else None,
                point.unassessed if point else Decimal(0),
                f"{each.published_as}: {text}",
            )
            for each, point, text in zip(shown, members, said, strict=True)
        ]
        drawn = columns(
            values, top, top_label=f.percent(top, 0), name=f"dimension-{number}", slots=PUBLICATIONS_SHOWN,
            title=t("quality.trends.dimension_title", dimension=label),
        )  # fmt: skip
        found.append(Multiple(label, drawn, said))
    return found, f.percent(top, 0)


def _sources(
    points: tuple[SourcePoint, ...], shown: list[Publication], t: Wording, f: Formats
) -> tuple[list[Multiple], str]:
    top = _top(each.set_aside for each in points)
    at = {(each.source_instance, each.sequence): each for each in points}
    found = []
    for number, name in enumerate(sorted({each.source_instance for each in points})):
        members = [at.get((name, each.sequence)) for each in shown]
        said = tuple(MISSING if point is None else f.share(point.set_aside) for point in members)
        values = [
            Column(
                f.month_short(each.cycle),
                point.set_aside if point else None,
                told=f"{each.published_as}: {text}",
            )
            for each, point, text in zip(shown, members, said, strict=True)
        ]
        drawn = columns(
            values, top, top_label=f.percent(top, 0), name=f"source-{number}", slots=PUBLICATIONS_SHOWN,
            title=t("quality.trends.source_title", source=name),
        )  # fmt: skip
        found.append(Multiple(name, drawn, said))
    return found, f.percent(top, 0)


def _lead(points: tuple[DimensionPoint, ...], shown: list[Publication], t: Wording, f: Formats) -> str:
    """Checks at fault in the last publication beside the one before it."""

    def at_fault(publication: Publication) -> int:
        return sum(
            each.n_fail + each.n_warn + each.n_waived
            for each in points
            if each.sequence == publication.sequence
        )

    if len(shown) < 2:
        return t("quality.trends.first")
    now, before = at_fault(shown[-1]), at_fault(shown[-2])
    key = "level" if now == before else "worse" if now > before else "better"
    return t(
        f"quality.trends.{key}",
        n=f.integer(len(shown)),
        now=f.integer(now),
        before=f.integer(before),
        month=f.month(shown[-1].cycle),
    )


def trends_section(inputs: QualityInputs, t: Wording, f: Formats) -> dict[str, object]:
    history = inputs.history
    if history is None or not (history.dimensions or history.sources):
        return {"lead": t("quality.trends.absent"), "is_there": False, "moves": moves_part(inputs, t, f)}
    shown = publications((*history.dimensions, *history.sources))
    dimensions, dimension_top = _dimensions(history.dimensions, shown, t, f)
    sources, source_top = _sources(history.sources, shown, t, f)
    return {
        "lead": _lead(history.dimensions, shown, t, f),
        "is_there": True,
        "publications": shown,
        "dimensions": dimensions,
        "dimension_top": dimension_top,
        "sources": sources,
        "source_top": source_top,
        "moves": moves_part(inputs, t, f),
    }
