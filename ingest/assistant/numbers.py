"""Numbers: which sign is the decimal mark and which groups thousands, proved by values that read one way only.

What does NOT belong here: which column is an amount (contract_match.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from ingest.assistant.columns import MISSING
from ingest.assistant.questions import Said, said
from ingest.assistant.table import Table
from ingest.sql import literal

SIGNS = ("€", "$", "£", "%", "EUR", "USD", "GBP")
SPACES = " \u00a0\u202f"


@dataclass(frozen=True)
class NumberProof:
    """Notation of one column. decimal: "," or "." when proved, None when not; is_open: somebody must decide.

    thousands: the proved grouping sign. strip: signs beside the digits.
    """

    decimal: str | None
    thousands: str | None
    strip: tuple[str, ...]
    is_open: bool
    is_whole: bool
    evidence: tuple[Said, ...]


def prove_numbers(table: Table, at: int) -> NumberProof:
    """The proof for one column, counted over all rows."""
    column = table.column(at)
    missing = ", ".join(literal(m) for m in MISSING)
    bare = "v"
    for sign in SIGNS:
        bare = f"replace({bare}, {literal(sign)}, '')"
    tests = {
        "comma": r"regexp_full_match(b, '[+-]?(?:\d+,\d{0,2}|\d+,\d{4,}|0+,\d+|\d{4,},\d+|,\d+)') "
        r"OR regexp_full_match(b, '[+-]?\d{1,3}(?:[. ]\d{3})+,\d*')",
        "point": r"regexp_full_match(b, '[+-]?(?:\d+[.]\d{0,2}|\d+[.]\d{4,}|0+[.]\d+|\d{4,}[.]\d+|[.]\d+)') "
        r"OR regexp_full_match(b, '[+-]?\d{1,3}(?:[, ]\d{3})+[.]\d*')",
        "either_comma": r"regexp_full_match(b, '[+-]?[1-9]\d{0,2},\d{3}')",
        "either_point": r"regexp_full_match(b, '[+-]?[1-9]\d{0,2}[.]\d{3}')",
        "groups_comma": r"regexp_full_match(b, '[+-]?\d{1,3}(?:,\d{3}){2,}(?:[.]\d*)?') "
        r"OR regexp_full_match(b, '[+-]?\d{1,3}(?:,\d{3})+[.]\d*')",
        "groups_point": r"regexp_full_match(b, '[+-]?\d{1,3}(?:[.]\d{3}){2,}(?:,\d*)?') "
        r"OR regexp_full_match(b, '[+-]?\d{1,3}(?:[.]\d{3})+,\d*')",
        "groups_space": r"regexp_full_match(b, '[+-]?\d{1,3}(?: \d{3})+(?:[.,]\d*)?')",
        "whole": r"regexp_full_match(b, '[+-]?\d+')",
        **{f"sign{i}": f"contains(v, {literal(s)})" for i, s in enumerate(SIGNS)},
    }
    sums = ", ".join(f"coalesce(sum(n) FILTER ({test}), 0)::BIGINT" for test in tests.values())
    plain = f"trim(translate({bare}, {literal(SPACES)}, '   '))"
    total, *found = table.row(
        f"SELECT coalesce(sum(n), 0)::BIGINT, {sums} FROM (SELECT v, n, {plain} AS b FROM (SELECT {column} AS v, "
        f"count(*) AS n FROM {table.all_rows} WHERE {column} NOT IN ({missing}) GROUP BY ALL))"
    )
    n = dict(zip(tests, found, strict=True))
    strip = tuple(s for i, s in enumerate(SIGNS) if n[f"sign{i}"])
    evidence = [
        said("number_votes", n=total, comma=n["comma"], point=n["point"], either=n["either_comma"] + n["either_point"],
             whole=n["whole"])
    ]  # fmt: skip
    if n["groups_space"]:
        evidence.append(said("grouped_by_spaces", n=n["groups_space"]))
    if strip:
        evidence.append(said("signs_beside", signs=" ".join(strip)))
    comma = n["comma"] + n["groups_point"]
    point = n["point"] + n["groups_comma"]
    either = n["either_comma"] + n["either_point"]
    thousands = " " if n["groups_space"] else None
    if comma and not point:
        grouped = bool(n["groups_point"] or n["either_point"])
        return NumberProof(
            ",", "." if grouped else thousands, strip, grouped and bool(thousands), False, tuple(evidence)
        )
    if point and not comma:
        grouped = bool(n["groups_comma"] or n["either_comma"])
        return NumberProof(
            ".", "," if grouped else thousands, strip, grouped and bool(thousands), False, tuple(evidence)
        )
    if not either and not comma and not point:
        return NumberProof(None, thousands, strip, False, True, tuple(evidence))
    return NumberProof(None, thousands, strip, True, False, tuple(evidence))
