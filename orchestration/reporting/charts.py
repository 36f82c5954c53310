"""Charts of the sales audit as inline SVG: text stays text, colours are variables, bytes do not depend on the machine.

What does not belong here: the numbers' formats (callers pass finished labels) and the table that stands
behind each chart (templates). Labels may come from data: they are drawn literally (no mathtext) and
serialised by an XML writer, so markup in them stays text.

matplotlib draws with one stand-in colour per role; the role's CSS variable replaces it afterwards, which lets
one drawing follow the light and the dark theme.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from xml.etree import ElementTree

from orchestration.reporting.drawing import drawable

_ROLES = {
    "ink": "#010203",
    "muted": "#020304",
    "line": "#030405",
    "accent": "#040506",
    "accent-soft": "#050607",
    "gain": "#0c0d0e",
    "loss": "#0d0e0f",
    "total": "#0e0f10",
    "alarm": "#0f1011",
}
_SVG = "{http://www.w3.org/2000/svg}"


def round_ticks(limit: float) -> list[float]:
    """Up to six round values from 0 to `limit`."""
    if limit <= 0:
        return [0.0]
    for exponent in range(-8, 16):
        for mantissa in (1.0, 2.0, 5.0):
            step = mantissa * 10.0**exponent
            if limit / step < 6:
                return [index * step for index in range(int(limit / step + 1e-9) + 1)]
    return [0.0, limit]


def places_of(value: float) -> int:
    """Decimals that a tick's label needs: 2 for 0.25, none for 4."""
    return next((places for places in range(4) if abs(value - round(value, places)) < 1e-9), 4)


def _settings() -> dict[str, object]:
    return {
        "svg.fonttype": "none",
        "svg.hashsalt": "etalon",
        "font.family": "DejaVu Sans",
        "font.size": 11,
        "text.parse_math": False,
        "axes.edgecolor": _ROLES["line"],
        "axes.linewidth": 0.8,
        "axes.labelcolor": _ROLES["muted"],
        "text.color": _ROLES["ink"],
        "xtick.color": _ROLES["muted"],
        "ytick.color": _ROLES["muted"],
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "hatch.linewidth": 0.8,
    }


def _draw(width: int, height: int, title: str, name: str, paint: Callable) -> str:
    """Run `paint(axes)` on an empty figure of `width` x `height` CSS pixels and return the finished SVG."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    # The defaults first: a matplotlibrc on the machine must not change a report.
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **_settings()}):
        figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        canvas = FigureCanvasSVG(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.patch.set_visible(False)
        figure.patch.set_visible(False)
        paint(axes)
        buffer = io.BytesIO()
        canvas.print_svg(buffer, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _finish(buffer.getvalue(), title, name)


def _finish(svg: bytes, title: str, name: str) -> str:
    root = ElementTree.fromstring(svg)  # noqa: S314 - written by matplotlib just above
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{_SVG}metadata", f"{_SVG}style"):
                parent.remove(child)
    for node in root.iter():
        node.tag = node.tag.removeprefix(_SVG)
        for key in list(node.attrib):
            if key.startswith("{"):
                node.set("href" if key.endswith("href") else key.rpartition("}")[2], node.attrib.pop(key))
        identity = node.attrib.pop("id", None)
        if identity and node.tag in ("clipPath", "path", "pattern"):
            node.set("id", f"{name}-{identity}")
        for key, value in node.attrib.items():
            if key == "href":
                node.set(key, value.replace("#", f"#{name}-"))
            elif "url(#" in value:
                node.set(key, value.replace("url(#", f"url(#{name}-"))
    root.attrib = {
        "viewBox": root.get("viewBox", ""),
        "role": "img",
        "aria-labelledby": f"{name}-title",
        "class": "chart",
        "focusable": "false",
    }
    heading = ElementTree.Element("title", {"id": f"{name}-title"})
    heading.text = drawable(title, 300)
    root.insert(0, heading)
    text = ElementTree.tostring(root, encoding="unicode")
    for role, colour in _ROLES.items():
        text = text.replace(colour, f"var(--{role})")
    return re.sub(r">\s+<", "><", text)


def bridge(
    steps: Sequence[tuple[str, Decimal, str]],
    *,
    title: str,
    name: str,
    width: int = 380,
    height: int = 150,
) -> str:
    """A waterfall: (label, amount, finished label) per step, the first and the last step are totals.

    The amount axis is cut below the lowest level when the movements are small beside the opening, so that
    they can be seen; totals are then drawn open at their foot.
    """
    levels, level = [], 0.0
    for index, (_, amount, _) in enumerate(steps):
        if index in (0, len(steps) - 1):
            level = float(amount)
            levels.append((0.0, level, "total"))
        else:
            start, level = level, level + float(amount)
            levels.append((start, level, "gain" if amount >= 0 else "loss"))
    tops = [max(a, b) for a, b, _ in levels]
    feet = [min(a, b) for a, b, role in levels if role != "total"] + [levels[0][1], levels[-1][1]]
    low, high = min(feet), max(tops)
    span = high - low
    floor = 0.0 if low <= 0 or span > 0.5 * high else max(0.0, low - max(span * 0.6, high * 0.02))
    ceiling = high + ((high - floor) or 1.0) * 0.16

    def paint(axes) -> None:
        axes.set_position((0.01, 24 / height, 0.98, 1 - 26 / height))
        for index, ((_, _, text), (start, end, role)) in enumerate(zip(steps, levels, strict=True)):
            base = floor if role == "total" else min(start, end)
            axes.bar(index, max(start, end) - base, 0.62, bottom=base, color=_ROLES[role], linewidth=0)
            if role == "total" and floor > 0:
                cut = floor + (ceiling - floor) * 0.05
                axes.plot([index - 0.36, index + 0.36], [cut, cut + (ceiling - floor) * 0.03],
                          color=_ROLES["line"], linewidth=2.5)  # fmt: skip
            axes.text(index, max(start, end) + (ceiling - floor) * 0.02, drawable(text, 30),
                      ha="center", va="bottom", fontsize=10)  # fmt: skip
            if index < len(steps) - 1:
                axes.plot([index + 0.31, index + 0.69], [end, end], color=_ROLES["muted"], linewidth=0.7)
        axes.set_xlim(-0.55, len(steps) - 0.45)
        axes.set_ylim(floor, ceiling)
        axes.set_yticks([])
        axes.set_xticks(range(len(steps)), [drawable(label, 14) for label, _, _ in steps], fontsize=9.5)

    return _draw(width, height, title, name, paint)


def waterfall(
    steps: Sequence[tuple[str, float]], *, total: str, title: str, name: str, width: int = 760
) -> str:
    """Horizontal steps from 0 to their sum, one (label, amount) a line, and the sum as last line."""
    height = 40 + 26 * (len(steps) + 1)
    levels, level = [], 0.0
    for _, amount in steps:
        levels.append((level, level + amount, "gain" if amount >= 0 else "loss"))
        level += amount
    levels.append((0.0, level, "total"))
    labels = [*(label for label, _ in steps), total]
    amounts = [*(amount for _, amount in steps), level]
    low, high = min(0.0, *(min(a, b) for a, b, _ in levels)), max(0.0, *(max(a, b) for a, b, _ in levels))
    span = (high - low) or 1.0

    def paint(axes) -> None:
        axes.set_position((0.48, 8 / height, 0.44, 1 - 16 / height))
        for index, (start, end, role) in enumerate(levels):
            axes.barh(-index, abs(end - start), 0.62, left=min(start, end), color=_ROLES[role], linewidth=0)
            at = max(start, end) + span * 0.015
            axes.text(at, -index, f"{amounts[index]:+.1f}", va="center", fontsize=9.5, clip_on=False)
            if index < len(steps):
                axes.plot([end, end], [-index - 0.31, -index - 0.69], color=_ROLES["muted"], linewidth=0.7)
        axes.axvline(0, color=_ROLES["line"], linewidth=0.8)
        axes.set_xlim(low - span * 0.02, high + span * 0.02)
        axes.set_ylim(-len(steps) - 0.6, 0.6)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.set_yticks([-index for index in range(len(labels))], [drawable(label, 60) for label in labels])

    return _draw(width, height, title, name, paint)


def stacked_months(
    months: Sequence[tuple[str, float, float]],
    *,
    title: str,
    name: str,
    tick: Callable[[float], str],
    width: int = 380,
    height: int = 150,
) -> str:
    """Columns per month: (label, lower part, upper part); the last column is the cycle's."""

    def paint(axes) -> None:
        top = max((low + high for _, low, high in months), default=0.0) or 1.0
        axes.set_position((0.13, 24 / height, 0.86, 1 - 32 / height))
        positions = range(len(months))
        lower = [low for _, low, _ in months]
        upper = [high for _, _, high in months]
        axes.bar(positions, lower, 0.66, color=_ROLES["accent-soft"], linewidth=0)
        axes.bar(positions, upper, 0.66, bottom=lower, color=_ROLES["accent"], linewidth=0)
        axes.set_ylim(min(0.0, *lower) if lower else 0.0, top * 1.05)
        ticks = round_ticks(top * 1.02)
        axes.set_yticks(ticks, [tick(value) for value in ticks], fontsize=9.5)
        axes.grid(axis="y", color=_ROLES["line"], linewidth=0.8)
        axes.set_axisbelow(True)
        shown = [index for index in positions if (len(months) - 1 - index) % 3 == 0]
        axes.set_xticks(shown, [drawable(months[index][0], 14) for index in shown], fontsize=9.5)

    return _draw(width, height, title, name, paint)


@dataclass(frozen=True)
class RatedWeek:
    """A week of a rate, 0 to 1. bar: in force that week; None without a rate, without a bar."""

    label: str
    rate: float | None
    bar: float | None = None
    is_breach: bool = False


def weekly_rate(
    weeks: Sequence[RatedWeek],
    *,
    bar_label: Callable[[float], str],
    title: str,
    name: str,
    tick: Callable[[float], str],
    width: int = 380,
    height: int = 130,
) -> str:
    """One point per week and the bars in force as labelled lines; a breach is a diamond, so its shape tells too."""

    def paint(axes) -> None:
        known = [(index, week.rate) for index, week in enumerate(weeks) if week.rate is not None]
        barred = [(index, week.bar) for index, week in enumerate(weeks) if week.bar is not None]
        bars = [bar for _, bar in barred]
        runs = [(bar, [index for index, _ in run]) for bar, run in groupby(barred, key=lambda each: each[1])]
        top = max([0.0, *(rate for _, rate in known), *bars]) * 1.25 or 1
        axes.set_position((0.13, 24 / height, 0.86, 1 - 30 / height))
        axes.vlines(
            [i for i, _ in known], 0, [rate for _, rate in known], color=_ROLES["accent-soft"], linewidth=3
        )
        within = [(i, rate) for i, rate in known if not weeks[i].is_breach]
        above = [(i, rate) for i, rate in known if weeks[i].is_breach]
        # a week without a complaint lies on the axis: its dot is drawn whole
        drawn = {"zorder": 3, "clip_on": False}
        axes.scatter([i for i, _ in within], [r for _, r in within], s=22, color=_ROLES["accent"], **drawn)
        axes.scatter(
            [i for i, _ in above], [r for _, r in above], s=34, marker="D", color=_ROLES["alarm"], **drawn
        )
        for bar, held in runs:
            first, last = (held[0] - 0.5, held[-1] + 0.5) if len(runs) > 1 else (-0.6, len(weeks) - 0.4)
            axes.hlines(bar, first, last, color=_ROLES["alarm"], linewidth=1, linestyle=(0, (4, 3)))
            axes.text(
                max(first, -0.4), bar + top * 0.02, drawable(bar_label(bar), 40), fontsize=9.5, va="bottom",
                color=_ROLES["alarm"],
            )  # fmt: skip
        axes.set_xlim(-0.6, max(len(weeks), 1) - 0.4)
        axes.set_ylim(0, top)
        ticks = [0, max(bars)] if bars else [0]  # bars close to each other are told by their labels
        axes.set_yticks(ticks, [tick(value) for value in ticks], fontsize=9.5)
        shown = [index for index in range(len(weeks)) if (len(weeks) - 1 - index) % 4 == 0]
        axes.set_xticks(shown, [drawable(weeks[index].label, 14) for index in shown], fontsize=9.5)

    return _draw(width, height, title, name, paint)


def sparkline(values: Sequence[Decimal | None], *, bar: Decimal | None = None) -> str:
    """A line over equal steps, gaps where a value is missing, a dot on the last one. Numbers only, no text.

    Decorative for a screen reader: the tile's table says the same values.
    """
    known = [float(value) for value in values if value is not None]
    if not known:
        return ""
    scale = [*known, float(bar)] if bar is not None else known
    low, high = min(scale), max(scale)
    width, height, edge = 120, 26, 3
    step = (width - 2 * edge) / max(len(values) - 1, 1)

    def at(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return height - edge - share * (height - 2 * edge)

    parts, run = [], []
    for index, value in enumerate(values):
        if value is None:
            parts, run = [*parts, run], []
        else:
            run = [*run, (edge + index * step, at(float(value)))]
    lines = [points for points in [*parts, run] if points]
    # The box is stretched to the tile: a dot is a line without length, whose round cap is not stretched.
    drawn = "".join(
        f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'
        if len(points) > 1
        else f'<path class="lone" d="M{points[0][0]:.1f} {points[0][1]:.1f}h0"/>'
        for points in lines
    )
    limit = last = ""
    if bar is not None:
        limit = f'<path class="bar" d="M0 {at(float(bar)):.1f}h{width}"/>'
    if values[-1] is not None:
        x, y = edge + (len(values) - 1) * step, at(float(values[-1]))
        last = f'<path class="last" d="M{x:.1f} {y:.1f}h0"/>'
    frame = f'class="spark" viewBox="0 0 {width} {height}" preserveAspectRatio="none"'
    return f'<svg {frame} aria-hidden="true" focusable="false">{limit}{drawn}{last}</svg>'
