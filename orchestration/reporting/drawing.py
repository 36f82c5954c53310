"""Drawings of the data-quality report as inline SVG: flows, small multiples, a waterfall.

Written element by element: text stays text, colours are CSS variables, and a few lines of geometry need no plotting
library. Series differ by shape as well as by colour, and each drawing has its table. What does not belong here: the
numbers' formats (callers pass finished labels), the tables (templates).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from xml.etree import ElementTree

_LEAST = 2.0  # px: what exists can be seen
_SLOT = 34.0  # px: two lines of a label


@dataclass(frozen=True)
class Node:
    """One side of a flow. label and note: its two lines; role: its colour."""

    label: str
    note: str
    role: str = "muted"


@dataclass(frozen=True)
class Flow:
    """A band from the source at index `left` to the fate at index `right`. told: the same as a sentence."""

    left: int
    right: int
    value: int
    told: str


@dataclass(frozen=True)
class Column:
    """One publication in a small multiple: the filled part, the hollow part on top of it (shares), what it is called.

    A share of None is a publication that has no figure.
    """

    label: str
    filled: Decimal | None
    hollow: Decimal = Decimal(0)
    told: str = ""


@dataclass(frozen=True)
class Step:
    """A line of a waterfall. is_total: drawn from zero; else from where the line before it ended."""

    label: str
    amount: Decimal
    text: str
    is_total: bool = False


def drawable(text: str, limit: int) -> str:
    """Text without control characters, cut to `limit` characters with an ellipsis."""
    plain = "".join(c for c in text if unicodedata.category(c)[0] != "C")
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


class _Canvas:
    """An SVG under construction; `name` makes its ids unique on the page."""

    def __init__(self, width: float, height: float, title: str, name: str, css: str = "chart") -> None:
        self.root = ElementTree.Element(
            "svg",
            {
                "viewBox": f"0 0 {_n(width)} {_n(height)}",
                "role": "img",
                "aria-labelledby": f"{name}-title",
                "class": css,
                "focusable": "false",
            },
        )
        ElementTree.SubElement(self.root, "title", {"id": f"{name}-title"}).text = drawable(title, 300)

    def text(
        self, x: float, y: float, content: str, anchor: str = "start", css: str = "", limit: int = 60
    ) -> None:
        values = {"x": _n(x), "y": _n(y), "text-anchor": anchor}
        ElementTree.SubElement(self.root, "text", values | ({"class": css} if css else {})).text = drawable(
            content, limit
        )

    def box(self, x: float, y: float, width: float, height: float, style: str, told: str = "") -> None:
        values = {"x": _n(x), "y": _n(y), "width": _n(width), "height": _n(height), "style": style}
        self._told(ElementTree.SubElement(self.root, "rect", values), told)

    def path(self, d: str, style: str, told: str = "") -> None:
        self._told(ElementTree.SubElement(self.root, "path", {"d": d, "style": style}), told)

    def _told(self, element: ElementTree.Element, told: str) -> None:
        if told:
            ElementTree.SubElement(element, "title").text = drawable(told, 200)

    def finished(self) -> str:
        return ElementTree.tostring(self.root, encoding="unicode")


def flows(
    left: Sequence[Node], right: Sequence[Node], links: Sequence[Flow], *, title: str, name: str
) -> str:
    """Bands from sources to fates, as thick as their records; never thinner than a line that can be seen."""
    width, bar, from_x, to_x = 900.0, 12.0, 170.0, 680.0
    total = sum(link.value for link in links) or 1
    scale = max(240.0, _SLOT * max(len(left), len(right)) * 0.6) / total
    drawn = [link for link in links if link.value]
    thick = {id(link): max(_LEAST, link.value * scale) for link in drawn}

    def tops(nodes: Sequence[Node], side: str) -> tuple[list[float], list[float], float]:
        heights = [
            sum(thick[id(link)] for link in drawn if getattr(link, side) == index)
            for index in range(len(nodes))
        ]
        at, y = [], 6.0
        for each in heights:
            slot = max(each, _SLOT)
            at.append(y + (slot - each) / 2)
            y += slot + 8
        return at, heights, y

    left_tops, left_heights, left_end = tops(left, "left")
    right_tops, right_heights, right_end = tops(right, "right")
    canvas = _Canvas(width, max(left_end, right_end), title, name)
    # The shorter side stands in the middle of the longer one.
    left_shift, right_shift = max(0.0, right_end - left_end) / 2, max(0.0, left_end - right_end) / 2
    left_y = [top + left_shift for top in left_tops]
    right_y = [top + right_shift for top in right_tops]
    bend = (to_x - from_x) / 2
    used_left, used_right = list(left_y), list(right_y)
    for link in sorted(drawn, key=lambda each: (each.left, each.right)):
        half = thick[id(link)] / 2
        y0, y1 = used_left[link.left] + half, used_right[link.right] + half
        used_left[link.left] += 2 * half
        used_right[link.right] += 2 * half
        x0, x1 = from_x + bar, to_x
        canvas.path(
            f"M{_n(x0)} {_n(y0)}C{_n(x0 + bend)} {_n(y0)} {_n(x1 - bend)} {_n(y1)} {_n(x1)} {_n(y1)}",
            f"fill:none;stroke:var(--{right[link.right].role});stroke-width:{_n(2 * half)};stroke-opacity:0.45",
            link.told,
        )
    for nodes, ys, heights, x, is_left in (
        (left, left_y, left_heights, from_x, True),
        (right, right_y, right_heights, to_x, False),
    ):
        for node, y, height in zip(nodes, ys, heights, strict=True):
            canvas.box(x, y, bar, max(height, 1.0), f"fill:var(--{node.role})")
            middle = y + height / 2
            text_x, anchor = (x - 10, "end") if is_left else (x + bar + 10, "start")
            canvas.text(text_x, middle - 2, node.label, anchor, "strong", 22)
            canvas.text(text_x, middle + 13, node.note, anchor, "muted", 40)
    return canvas.finished()


def columns(
    values: Sequence[Column], top: Decimal, *, top_label: str, title: str, name: str, slots: int
) -> str:
    """One small multiple: a column per publication, the last at the right edge; `top` is the scale that all share."""
    width, height, left, base, head = 300.0, 118.0, 44.0, 92.0, 10.0
    canvas = _Canvas(width, height, title, name, "chart multiple")
    for y in (base, head):
        canvas.path(f"M{_n(left)} {_n(y)}H{_n(width)}", "stroke:var(--line);stroke-width:1")
    canvas.text(left - 6, head + 4, top_label, "end", "muted", 12)
    canvas.text(left - 6, base + 4, "0", "end", "muted")
    step = (width - left) / slots
    scale = (base - head) / (float(top) or 1.0)
    first = slots - len(values)
    for index, each in enumerate(values):
        x = left + (first + index) * step + step * 0.16
        wide = step * 0.68
        if each.filled is None:
            canvas.text(x + wide / 2, base - 4, "–", "middle", "muted")
            continue
        filled, hollow = float(each.filled) * scale, float(each.hollow) * scale
        if hollow:
            tall = max(hollow, _LEAST)
            canvas.box(
                x + 0.75, base - filled - tall, wide - 1.5, tall,
                "fill:none;stroke:var(--muted);stroke-width:1.5;stroke-dasharray:2 2", each.told,
            )  # fmt: skip
        if filled:
            tall = max(filled, _LEAST)
            canvas.box(x, base - tall, wide, tall, "fill:var(--alarm)", each.told)
        if not filled and not hollow:
            canvas.path(f"M{_n(x)} {_n(base)}h{_n(wide)}", "stroke:var(--good);stroke-width:3", each.told)
    if values:
        canvas.text(width, height - 8, values[-1].label, "end", "muted", 14)
    if len(values) > 5:  # else both labels would meet
        canvas.text(left + first * step, height - 8, values[0].label, "start", "muted", 14)
    return canvas.finished()


def waterfall(steps: Sequence[Step], *, title: str, name: str) -> str:
    """Horizontal bars, one line each: totals from zero, movements from where the line before them ended."""
    width, line, from_x, to_x = 900.0, 30.0, 330.0, 740.0
    levels, level = [], Decimal(0)
    for step in steps:
        if step.is_total:
            levels.append((Decimal(0), step.amount))
            level = step.amount
        else:
            levels.append((level, level + step.amount))
            level += step.amount
    low = min([Decimal(0), *(min(pair) for pair in levels)])
    high = max([Decimal(0), *(max(pair) for pair in levels)])
    scale = (to_x - from_x) / (float(high - low) or 1.0)

    def at(value: Decimal) -> float:
        return from_x + float(value - low) * scale

    canvas = _Canvas(width, line * len(steps) + 8, title, name)
    canvas.path(f"M{_n(at(Decimal(0)))} 0V{_n(line * len(steps) + 8)}", "stroke:var(--line);stroke-width:1")
    for index, (step, (start, end)) in enumerate(zip(steps, levels, strict=True)):
        y = 4 + index * line
        role = "total" if step.is_total else "gain" if step.amount >= 0 else "loss"
        x, wide = at(min(start, end)), abs(at(end) - at(start))
        wide = max(wide, _LEAST) if step.amount else wide
        style = f"fill:var(--{role})"
        if role == "loss":  # hollow, so that the direction shows without its colour
            style = "fill:var(--surface);stroke:var(--loss);stroke-width:2"
        canvas.box(x, y + 5, wide, line - 12, style, f"{step.label}: {step.text}")
        if index + 1 < len(steps):
            canvas.path(f"M{_n(at(end))} {_n(y + line - 7)}V{_n(y + line + 5)}", "stroke:var(--muted)")
        css = "strong" if step.is_total else ""
        canvas.text(from_x - 14, y + line / 2 + 4, step.label, "end", css, 44)
        canvas.text(to_x + 14, y + line / 2 + 4, step.text, "start", css, 40)
    return canvas.finished()
