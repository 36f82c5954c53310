"""Whether the date patterns of a column can be read, and only in one way.

What does NOT belong here: reading dates by them (casting.py).
"""

from __future__ import annotations

import re

DATE_CODES = set("YymdHIMSpfgnbBaAjz%")


def check_formats(formats: list[str]) -> None:
    """ValueError for an unknown date code, a pattern without a whole date, and day-month beside month-day."""
    orders = set()
    for text in formats:
        if text == "iso":
            continue
        codes = re.findall(r"%(-?.)", text)
        if not codes:
            raise ValueError(f"{text!r} holds no date code: write iso or a pattern such as %Y-%m-%d")
        unknown = [c for c in codes if c.lstrip("-") not in DATE_CODES]
        if unknown:
            raise ValueError(f"unknown date code %{unknown[0]} in {text!r}")
        plain = [c.lstrip("-") for c in codes]
        has_day = "j" in plain or (set(plain) & set("d") and set(plain) & set("mbB"))
        if not (set(plain) & set("Yy") and has_day):
            raise ValueError(f"{text!r} gives no date: year, month and day are needed")
        if "d" in plain and "m" in plain:
            year = next((plain.index(y) for y in "Yy" if y in plain), len(plain))
            first = min(plain.index("d"), plain.index("m")) > year
            orders.add((first, plain.index("d") < plain.index("m")))
    if len({day_first for year_first, day_first in orders if not year_first}) > 1 or (
        len({day_first for year_first, day_first in orders if year_first}) > 1
    ):
        raise ValueError(
            "day-month and month-day formats in one list: 03/04 would be read both ways; declare the one "
            "in use"
        )
