"""A score as a waterfall: text bars for a terminal, an SVG or HTML file for everybody else.

No value of a record is drawn, only comparisons and their weights.
What does NOT belong here: the weights (matching/linkage/explanation.py), the drawing (reporting/charts.py).
"""

from __future__ import annotations

import html
from pathlib import Path

from orchestration.matching.linkage.explanation import Explanation, wording
from orchestration.stewardship.errors import StewardshipError
from orchestration.stewardship.words import words

ENDINGS = (".html", ".svg")
_BAR = 36
_COLOURS = (
    ":root{--ink:#1b1f24;--muted:#57606a;--line:#d0d7de;--gain:#1a7f5a;--loss:#b3541e;--total:#35507a;--paper:#fff}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--muted:#9aa4af;--line:#3d444d;--gain:#4fb58c;"
    "--loss:#e0894f;--total:#8fb0e0;--paper:#0d1117}}"
)

_PAGE = (
    "body{font:15px/1.5 sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:2rem auto}"
)


def labelled_steps(explanation: Explanation, language: str) -> list[tuple[str, float]]:
    """(comparison: level in words, weight) of each step."""
    names, levels = wording()[language]["comparisons"], wording()[language]["levels"]
    return [
        (
            f"{names.get(step.comparison, step.comparison)}: {levels.get(step.level, step.level)}",
            step.weight + step.rarity,
        )
        for step in explanation.steps
    ]


def text_waterfall(explanation: Explanation, language: str) -> list[str]:
    """One line per step and one for the sum: label, weight, and a bar from the sum before to the sum after."""
    steps = labelled_steps(explanation, language)
    spans, level = [], 0.0
    for _, weight in steps:
        spans.append((level, level + weight))
        level += weight
    lines = [*steps, (words("total", language), level)]
    spans.append((0.0, level))
    low, high = min(min(span) for span in spans), max(max(span) for span in spans)
    scale = _BAR / ((high - low) or 1.0)
    width = max(len(label) for label, _ in lines)
    drawn = []
    for (label, weight), (start, end) in zip(lines, spans, strict=True):
        first, last = sorted((round((start - low) * scale), round((end - low) * scale)))
        bar = ("█" if weight >= 0 else "▒") * max(last - first, 1)
        drawn.append(f"{label:<{width}} {weight:+7.1f}  {' ' * min(first, _BAR - 1)}{bar}")
    return drawn


def write_picture(explanation: Explanation, item_id: str, path: Path, language: str) -> None:
    """Write the waterfall as <path>.svg or .html. Raises StewardshipError E-STW-013 for another ending."""
    if path.suffix.lower() not in ENDINGS:
        raise StewardshipError("E-STW-013", path.name, is_usage=True, possible=", ".join(ENDINGS))
    from orchestration.reporting.charts import waterfall

    title = words("picture_title", language, item=item_id, weight=f"{explanation.weight:.1f}")
    svg = waterfall(
        labelled_steps(explanation, language), total=words("total", language), title=title, name="waterfall"
    )
    if path.suffix.lower() == ".svg":
        opening = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        text = svg.replace("<svg", opening, 1).replace("<title", f"<style>{_COLOURS}</style><title", 1)
    else:
        told = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in explanation.sentences(language))
        style = f"{_COLOURS}{_PAGE}"
        text = (
            f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{html.escape(title)}</title>'
            f"<style>{style}</style><h1>{html.escape(title)}</h1>{svg}<ol>{told}</ol></html>\n"
        )
    path.write_text(text, encoding="utf-8")
