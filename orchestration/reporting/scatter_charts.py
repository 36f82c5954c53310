"""Charts of the one-page audit: scatter with its line, small multiples, conversion by delay. As charts.py draws.

A place of the scatter is drawn as one mark for all leads with as many touches: filled from TRUSTED leads on, hollow
below, so that shape and not colour alone tells how much stands behind it.
What does not belong here: the line and its band (orchestration.audit), the numbers' formats (callers pass labels).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestration.reporting.charts import _ROLES, _draw, round_ticks
from orchestration.reporting.drawing import drawable

TRUSTED = 10  # leads behind a filled mark


@dataclass(frozen=True)
class Mark:
    """Leads at one x: their number, and the share that converted."""

    x: float
    share: float
    n: int


@dataclass(frozen=True)
class Scatter:
    """A segment's scatter. line: (slope, intercept); band: (x, low, high); corners: finished labels Q1 to Q4."""

    marks: Sequence[Mark]
    mean_x: float | None = None
    mean_y: float | None = None
    mean_x_label: str = ""
    mean_y_label: str = ""
    line: tuple[float, float] | None = None
    band: Sequence[tuple[float, float, float]] = ()
    corners: Sequence[str] = ()


@dataclass(frozen=True)
class Panel:
    """One small multiple. note: below its label; few: too few leads, drawn in grey without a line."""

    label: str
    note: str
    marks: Sequence[Mark]
    line: tuple[float, float] | None = None
    few: bool = False


def ceiling(marks: Sequence[Mark], *others: float | None) -> float:
    """The upper end of a share axis: round, above every mark that rests on enough leads, never above 1."""
    trusted = [each.share for each in marks if each.n >= TRUSTED] or [each.share for each in marks]
    top = max([*trusted, *(each for each in others if each is not None), 0.05]) * 1.3
    return min(1.0, top)


def _marks(axes, marks: Sequence[Mark], top: float, biggest: int, colour: str, scale: float) -> None:
    for is_trusted in (True, False):
        chosen = [each for each in marks if (each.n >= TRUSTED) == is_trusted]
        axes.scatter(
            [each.x for each in chosen],
            [min(each.share, top) for each in chosen],
            s=[9 + scale * each.n / biggest for each in chosen],
            facecolors=colour if is_trusted else "none",
            edgecolors=colour,
            linewidths=1.1,
            zorder=3,
            clip_on=False,
        )


def _share_axis(axes, top: float, tick: Callable[[float], str], size: float) -> None:
    axes.set_ylim(0, top)
    ticks = round_ticks(top)
    axes.set_yticks(ticks, [tick(value) for value in ticks], fontsize=size)
    axes.grid(axis="y", color=_ROLES["line"], linewidth=0.7)
    axes.set_axisbelow(True)


def _touch_ticks(last: float) -> list[int]:
    step = max(1, round(last / 8))
    return list(range(0, int(last) + 1, step))


def scatter(
    drawn: Scatter,
    *,
    title: str,
    name: str,
    x_label: str,
    y_label: str,
    tick: Callable[[float], str],
    width: int = 440,
    height: int = 214,
) -> str:
    """Contacts and conversion of the whole population: marks, line with band, mean lines, counts of the quadrants."""

    def paint(axes) -> None:
        biggest = max((each.n for each in drawn.marks), default=1)
        last = max((each.x for each in drawn.marks), default=1.0) + 0.45
        ends = [m * x + b for m, b in ([drawn.line] if drawn.line else []) for x in (0.0, last)]
        top = ceiling(drawn.marks, drawn.mean_y, *ends)
        axes.set_position((0.125, 38 / height, 0.86, 1 - 46 / height))
        axes.set_xlim(-0.45, last)
        _share_axis(axes, top, tick, 10)
        if drawn.band:
            xs = [x for x, _, _ in drawn.band]
            axes.fill_between(
                xs,
                [min(max(low, 0.0), top) for _, low, _ in drawn.band],
                [min(max(high, 0.0), top) for _, _, high in drawn.band],
                color=_ROLES["accent-soft"], alpha=0.45, linewidth=0,
            )  # fmt: skip
        if drawn.line:
            slope, intercept = drawn.line
            axes.plot([-0.45, last], [intercept - slope * 0.45, intercept + slope * last],
                      color=_ROLES["accent"], linewidth=2)  # fmt: skip
        _marks(axes, drawn.marks, top, biggest, _ROLES["accent"], 240)
        dashed = {"color": _ROLES["muted"], "linewidth": 1, "linestyle": (0, (4, 3))}
        if drawn.mean_x is not None and drawn.mean_y is not None:
            axes.axvline(drawn.mean_x, **dashed)
            axes.axhline(drawn.mean_y, **dashed)
            axes.text(drawn.mean_x, top * 0.995, " " + drawable(drawn.mean_x_label, 30), fontsize=9,
                      va="top", color=_ROLES["muted"])  # fmt: skip
            axes.text(last, drawn.mean_y, drawable(drawn.mean_y_label, 30), fontsize=9, ha="right",
                      va="bottom", color=_ROLES["muted"])  # fmt: skip
        if len(drawn.corners) == 4:
            places = (
                (0.985, 0.9, "right"),
                (0.015, 0.9, "left"),
                (0.015, 0.05, "left"),
                (0.985, 0.05, "right"),
            )
            for (x, y, side), text in zip(places, drawn.corners, strict=True):
                axes.text(x, y, drawable(text, 24), transform=axes.transAxes, ha=side, va="center",
                          fontsize=10.5, fontweight="bold", color=_ROLES["ink"])  # fmt: skip
        ticks = _touch_ticks(last)
        axes.set_xticks(ticks, [str(each) for each in ticks], fontsize=10)
        axes.set_xlabel(drawable(x_label, 80), fontsize=10, labelpad=3)
        axes.set_ylabel(drawable(y_label, 40), fontsize=10, labelpad=3)

    return _draw(width, height, title, name, paint)


def multiples(
    panels: Sequence[Panel],
    pooled: tuple[float, float] | None,
    *,
    title: str,
    name: str,
    x_label: str,
    y_label: str,
    tick: Callable[[float], str],
    width: int = 520,
    height: int = 228,
) -> str:
    """The same scatter by segment on one scale: the segment's own line whole, that of all leads dashed."""
    across = 4
    down = max(1, -(-len(panels) // across))

    def paint(axes) -> None:
        figure = axes.figure
        axes.set_axis_off()
        every = [mark for panel in panels for mark in panel.marks]
        biggest = max((each.n for each in every), default=1)
        last = max((each.x for each in every), default=1.0) + 0.45
        top = ceiling(every, pooled[1] if pooled else None)
        left, gap, foot = 46 / width, 8 / width, 30 / height
        wide = (1 - left - gap * (across - 1) - 4 / width) / across
        tall = (1 - foot) / down
        drawn = {"fontsize": 9, "color": _ROLES["muted"]}
        axes.text(0.5, 1 / height, drawable(x_label, 80), ha="center", va="bottom", **drawn)
        axes.text(1 / width, 0.5, drawable(y_label, 40), ha="left", va="center", rotation=90, **drawn)
        for index, panel in enumerate(panels):
            row, column = divmod(index, across)
            at = (
                left + column * (wide + gap),
                1 - (row + 1) * tall + 6 / height,
                wide,
                tall - 40 / height,
            )
            own = figure.add_axes(at)
            own.patch.set_visible(False)
            own.set_xlim(-0.6, last)
            _share_axis(own, top, tick if column == 0 else lambda value: "", 8.5)
            colour = _ROLES["muted"] if panel.few else _ROLES["accent"]
            if pooled:
                slope, intercept = pooled
                own.plot([-0.6, last], [intercept - 0.6 * slope, intercept + slope * last],
                         color=_ROLES["muted"], linewidth=1, linestyle=(0, (3, 2)))  # fmt: skip
            if panel.line and not panel.few:
                slope, intercept = panel.line
                own.plot([-0.6, last], [intercept - 0.6 * slope, intercept + slope * last],
                         color=colour, linewidth=1.8)  # fmt: skip
            _marks(own, panel.marks, top, biggest, colour, 70)
            own.text(0, 1.14, drawable(panel.label, 22), transform=own.transAxes, fontsize=9.5,
                     fontweight="bold", va="bottom", color=_ROLES["ink"])  # fmt: skip
            own.text(0, 1.02, drawable(panel.note, 34), transform=own.transAxes, fontsize=8.5, va="bottom",
                     color=_ROLES["muted"])  # fmt: skip
            is_lowest = index + across >= len(panels)
            ticks = [each for each in _touch_ticks(last) if is_lowest]
            own.set_xticks(ticks, [str(each) for each in ticks], fontsize=8.5)

    return _draw(width, height, title, name, paint)


@dataclass(frozen=True)
class Delay:
    """Leads first contacted within one span: share converted with its interval, and their number."""

    label: str
    share: float | None
    low: float | None
    high: float | None
    n: int


def rates_by_delay(
    delays: Sequence[Delay],
    mean: float | None,
    *,
    mean_label: str,
    title: str,
    name: str,
    y_label: str,
    tick: Callable[[float], str],
    n_label: Callable[[int], str],
    target_after: int | None = None,
    target_label: str = "",
    width: int = 340,
    height: int = 222,
) -> str:
    """Conversion by delay of the first contact, with 95 % intervals. target_after: index of the last span in target."""

    def paint(axes) -> None:
        highs = [each.high for each in delays if each.high is not None and each.n >= TRUSTED]
        top = min(1.0, max([*highs, mean or 0.0, 0.05]) * 1.15)
        axes.set_position((0.16, 50 / height, 0.83, 1 - 58 / height))
        axes.set_ylabel(drawable(y_label, 40), fontsize=10, labelpad=3)
        axes.set_xlim(-0.6, len(delays) - 0.4)
        _share_axis(axes, top, tick, 10)
        for index, each in enumerate(delays):
            if each.share is None:
                continue
            if each.low is not None and each.high is not None:
                axes.plot(
                    [index, index], [each.low, min(each.high, top)], color=_ROLES["muted"], linewidth=1.4
                )
            axes.scatter([index], [min(each.share, top)], s=44,
                         facecolors=_ROLES["accent"] if each.n >= TRUSTED else "none",
                         edgecolors=_ROLES["accent"], linewidths=1.2, zorder=3, clip_on=False)  # fmt: skip
        if mean is not None:
            axes.axhline(mean, color=_ROLES["muted"], linewidth=1, linestyle=(0, (4, 3)))
            axes.text(len(delays) - 0.42, mean, drawable(mean_label, 24), fontsize=9, ha="right", va="bottom",
                      color=_ROLES["muted"])  # fmt: skip
        if target_after is not None:
            axes.axvline(target_after + 0.5, color=_ROLES["alarm"], linewidth=1)
            axes.text(target_after + 0.55, top * 0.99, drawable(target_label, 24), fontsize=9, va="top",
                      color=_ROLES["alarm"])  # fmt: skip
        labels = [f"{drawable(each.label, 12)}\n{drawable(n_label(each.n), 12)}" for each in delays]
        axes.set_xticks(range(len(delays)), labels, fontsize=8.5, linespacing=1.25)

    return _draw(width, height, title, name, paint)
