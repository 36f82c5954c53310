"""Dates: which layouts all values of a column fit, counted over every row; day and month are proved or asked.

What does NOT belong here: zones (clocks.py).
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from ingest.assistant.columns import MISSING, MISSING_DATES
from ingest.assistant.questions import Said, said
from ingest.assistant.table import Table
from ingest.sql import literal

CLOCK = (
    r"(?P<gap>[T ])(?P<hour>\d{1,2}):\d{2}(?P<second>:\d{2}(?P<fraction>[.,]\d+)?)?(?P<half> ?[AaPp][Mm])?"
    r"(?P<zone> ?(?:Z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2}))?"
)
NUMERIC = re.compile(rf"(?P<a>\d{{1,4}})(?P<mark>[-/.])(?P<b>\d{{1,2}})(?P=mark)(?P<c>\d{{1,4}})(?:{CLOCK})?")
NAMED = re.compile(
    rf"\d{{1,2}}(?P<mark>[ -])(?P<month>[A-Za-z]{{3,9}})(?P<comma>,?)(?P=mark)(?P<year>\d{{2}}|\d{{4}})(?:{CLOCK})?"
)
MAX_LAYOUTS = 8
# Day and month in words of the order; what a claim says.
ORDERS = {"dmy": "day-month", "mdy": "month-day", "ymd": "year-month-day", "ydm": "year-day-month"}
# One date that only fits one order may be a slip of the pen: several of them, or a fair share, decide.
DECIDING, DECIDING_SHARE, STRAY_SHARE = 3, 0.01, 0.002
MAX_UNREAD = 0.05


@dataclass(frozen=True)
class DateProof:
    """Layouts of one column. formats: the proved list, None when day and month are not decided.

    options: lists that a person may choose from. order: `dmy`, `mdy`, `ymd` or '' when the values show none.
    """

    formats: tuple[str, ...] | None
    options: tuple[tuple[str, ...], ...]
    order: str
    is_local: bool
    has_clock: bool
    n_unread: int
    evidence: tuple[Said, ...]


def prove_dates(table: Table, at: int) -> DateProof | None:
    """The proof for one column whose values look like dates; None when no layout covers them."""
    column = table.column(at)
    shapes = table.rows(
        f"SELECT regexp_replace(regexp_replace({column}, '[0-9]', '9', 'g'), '[A-Za-z]+', 'A', 'g') AS shape, "
        f"count(*), min({column}) FROM {table.all_rows} WHERE {_filled(column)} GROUP BY 1 ORDER BY 2 DESC LIMIT 60"
    )
    total = sum(n for _, n, _ in shapes)
    layouts: dict[tuple[str, ...], int] = {}
    for _, n, example in shapes:
        orders = _patterns(example)
        if orders:
            layouts[orders] = layouts.get(orders, 0) + n
    kept = [orders for orders, _ in sorted(layouts.items(), key=lambda item: -item[1])][:MAX_LAYOUTS]
    if not kept or sum(layouts[o] for o in kept) < 0.8 * total:
        return None
    return _by_order(table, column, kept, total)


def _filled(column: str) -> str:
    missing = ", ".join(literal(text) for text in (*MISSING, *MISSING_DATES))
    return f"{column} NOT IN ({missing})"


def _patterns(example: str) -> tuple[str, ...]:
    """Formats that a value of this shape may have: `iso`, one pattern, or one a possible order."""
    compact = re.fullmatch(r"(19|20)\d{6}", example)
    if compact:
        return ("%Y%m%d",)
    found = NUMERIC.fullmatch(example)
    if found:
        if found["gap"] == "T" and len(found["a"]) != 4:
            return ()
        clock = _clock_pattern(found)
        if clock is None:
            return ()
        mark = found["mark"]
        if len(found["a"]) == 4:
            if (
                mark == "-"
                and len(found["c"]) <= 2
                and not found["half"]
                and ("," not in (found["fraction"] or ""))
            ):
                return ("iso",)
            return (f"%Y{mark}%m{mark}%d{clock}",) if len(found["c"]) <= 2 else ()
        if len(found["a"]) > 2 or len(found["c"]) == 3:
            return ()
        year = "%Y" if len(found["c"]) == 4 else "%y"
        patterns = [f"%d{mark}%m{mark}{year}{clock}", f"%m{mark}%d{mark}{year}{clock}"]
        if year == "%y":
            patterns.append(f"%y{mark}%m{mark}%d{clock}")
        return tuple(patterns)
    found = NAMED.fullmatch(example)
    if found:
        clock = _clock_pattern(found)
        month = "%b" if len(found["month"]) == 3 else "%B"
        year = "%Y" if len(found["year"]) == 4 else "%y"
        return (
            (f"%d{found['mark']}{month}{found['comma']}{found['mark']}{year}{clock}",)
            if clock is not None
            else ()
        )
    return ()


def _clock_pattern(found: re.Match[str]) -> str | None:
    if not found["gap"]:
        return ""
    if found["fraction"] and not found["fraction"].startswith("."):
        return None
    hour = "%I" if found["half"] else "%H"
    text = (
        f"{found['gap']}{hour}:%M" + (":%S" if found["second"] else "") + (".%f" if found["fraction"] else "")
    )
    if found["half"]:
        text += (" " if found["half"].startswith(" ") else "") + "%p"
    zone = found["zone"]
    if zone and zone.strip() in ("Z", "UTC"):
        return None  # strptime has no code for these letters outside ISO
    return text + ((" %z" if zone.startswith(" ") else "%z") if zone else "")


def _order(pattern: str) -> str:
    if pattern == "iso":
        return "ymd"
    codes = [c.lower() for c in re.findall(r"%([YymdbB])", pattern)]
    return "".join("m" if c == "b" else c for c in codes)


def _fits(text: str, pattern: str) -> str:
    """SQL test that a value is read by a format, as casting.py reads it."""
    if pattern == "iso":
        return (
            rf"regexp_full_match({text}, '\d{{4}}-\d{{1,2}}-\d{{1,2}}(?:[T ].*)?') AND "
            f"try_cast(left({text}, 10) AS DATE) IS NOT NULL"
        )
    parsed = f"try_strptime({text}, {literal(pattern)})"
    return f"coalesce(year({parsed}) BETWEEN 1000 AND 2999, false)"


def _by_order(table: Table, column: str, layouts: list[tuple[str, ...]], total: int) -> DateProof:
    flat = list(dict.fromkeys(itertools.chain.from_iterable(layouts)))
    orders = [o for o in ("dmy", "mdy", "ymd") if any(_order(p) == o for p in flat)]
    tests = {o: " OR ".join(f"({_fits('v', p)})" for p in flat if _order(p) == o) for o in orders}
    mask = " + ".join(f"CASE WHEN {tests[o]} THEN {1 << i} ELSE 0 END" for i, o in enumerate(orders))
    found = dict(
        table.rows(
            f"SELECT {mask} AS fits, sum(n)::BIGINT FROM (SELECT {column} AS v, count(*) AS n FROM {table.all_rows} "
            f"WHERE {_filled(column)} GROUP BY ALL) GROUP BY 1"
        )
    )
    fits = {o: sum(n for bits, n in found.items() if bits >> i & 1) for i, o in enumerate(orders)}
    alone = {o: found.get(1 << i, 0) for i, o in enumerate(orders)}
    several = sum(n for bits, n in found.items() if bits.bit_count() > 1)
    unread = found.get(0, 0)
    evidence = [said("date_layouts", formats=", ".join(flat), n=total, unread=unread)]
    by_order = {o: tuple(p for p in flat if _order(p) == o) for o in orders}
    has_clock = any("%H" in p or "%I" in p for p in flat) or _iso_clock(table, column, flat)
    # Values that name their offset need no zone.
    is_local = has_clock and _some_local(table, column, flat)
    if len(orders) > 1 or orders == ["dmy"] or orders == ["mdy"]:
        only = ", ".join(f"{alone[o]} {ORDERS[o]}" for o in orders)
        evidence.append(said("date_order", both=several, only=only))
    readable = total - unread
    proved = [
        o
        for o in orders
        if fits[o] == readable
        and not any(alone[p] for p in orders if p != o)
        and _decides(alone[o], several, readable)
    ]
    if len(orders) == 1:
        proved = orders
    elif set(orders) & {"dmy", "mdy"} and "ymd" in orders and not any("%y" in p for p in flat):
        proved = _beside_year_first(orders, fits, alone, several, readable)
    if proved and readable and unread <= MAX_UNREAD * total:
        parts = proved[0].split("+")
        formats = tuple(p for p in flat if _order(p) in parts)
        return DateProof(formats, (), parts[0], is_local, has_clock, unread, tuple(evidence))
    base = by_order.get("ymd", ()) if not any("%y" in p for p in flat) else ()
    options = tuple(
        by_order[o] + (base if o != "ymd" else ()) for o in sorted(orders, key=lambda o: -fits[o]) if fits[o]
    )
    return DateProof(None, options, "", is_local, has_clock, unread, tuple(evidence))


def _beside_year_first(
    orders: list[str], fits: dict[str, int], alone: dict[str, int], several: int, readable: int
) -> list[str]:
    """Year-first and day-first layouts in one column: each value shows which of the two it is."""
    rest = [o for o in orders if o != "ymd"]
    if alone["ymd"] + max(fits[o] for o in rest) != readable:
        return []
    deciding = [
        o for o in rest if _decides(alone[o], several, fits[o]) and not any(alone[p] for p in rest if p != o)
    ]
    return [f"{deciding[0]}+ymd"] if len(deciding) == 1 else []


def _decides(alone: int, several: int, readable: int) -> bool:
    """True when the dates that fit one order only are no stray among those that fit several."""
    if not several:
        return alone > 0
    share = alone / readable if readable else 0.0
    return share >= DECIDING_SHARE or (alone >= DECIDING and share >= STRAY_SHARE)


def _iso_clock(table: Table, column: str, flat: list[str]) -> bool:
    if "iso" not in flat:
        return False
    (found,) = table.row(f"SELECT count(*) FROM {table.sample} WHERE {column} LIKE '%:%'")
    return found > 0


def _some_local(table: Table, column: str, flat: list[str]) -> bool:
    """True when a value has a clock time and names no offset."""
    (found,) = table.row(
        f"SELECT count(*) FROM {table.all_rows} WHERE {column} LIKE '%:%' AND NOT "
        rf"regexp_matches({column}, '(?:Z|UTC|[+-]\d{{2}}(?::?\d{{2}})?)$')"
    )
    return found > 0
