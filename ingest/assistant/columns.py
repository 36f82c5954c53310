"""One profile a column: how full, how many values, what type its values have. Aggregates of DuckDB only.

What does NOT belong here: dates and numbers in detail (dates.py, numbers.py), and matching to a contract.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.assistant.questions import Said, said
from ingest.assistant.table import Table
from ingest.sql import literal

WORDS_TRUE = ("true", "yes", "oui", "vrai", "y", "o", "1", "t")
WORDS_FALSE = ("false", "no", "non", "faux", "n", "0", "f")
# Texts that mean "no value" in every system that writes them; others are a person's decision.
MISSING = ("NULL", "null", "N/A", "n/a", "#N/A", "NaN", "\\N", "-", "--", "(vide)", "(blank)", "N.C.", "NC")
MISSING_DATES = ("0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "00000000", "0001-01-01")
ENUM_VALUES = 40


def _whole(pattern: str, text: str = "v") -> str:
    return f"regexp_full_match({text}, {literal(pattern)})"


_WORDS = ", ".join(literal(word) for word in (*WORDS_TRUE, *WORDS_FALSE))
_GROUPS = r"[0-9]*(?:[ .,\x{00a0}\x{202f}][0-9]+)*"
_COMPACT_DAY = r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_NUMERIC_DAY = r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}(?:[T ].*)?"
_NAMED_DAY = (
    r"(?i)[0-9]{1,2}[ -](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[ ,-]+[0-9]{2,4}(?: .*)?"
)
_DIGITS = "length(regexp_replace(v, '[^0-9]', '', 'g'))"
# SQL test of each type on a value v.
VOTES = {
    "boolean": f"lower(v) IN ({_WORDS})",
    "email": _whole(r"[^@\s]+@[^@\s]+\.[^@\s.]+"),
    "epoch": _whole(r"1[0-9]{9}(?:[.][0-9]+)?|1[0-9]{12}"),
    "excel_serial": _whole(r"[345][0-9]{4}(?:[.][0-9]+)?"),
    "integer": _whole(r"[+-]?[0-9]{1,18}"),
    "number": _whole(rf"[+-]?[€$£]? ?{_GROUPS} ?(?:[€$£%]|EUR|USD|GBP)?") + " AND regexp_matches(v, '[0-9]')",
    "date": " OR ".join(_whole(pattern) for pattern in (_NUMERIC_DAY, _COMPACT_DAY, _NAMED_DAY)),
    "phone": _whole(r"(?:\+|00)?[0-9 ().\x{00a0}/-]{7,22}")
    + rf" AND {_DIGITS} BETWEEN 8 AND 15 AND regexp_matches(v, '^(?:\+|0|\()|[ .-]')",
    "registration": _whole("[0-9]{9}|[0-9]{14}", "replace(v, ' ', '')"),
    "vat": _whole("[A-Z]{2}[0-9A-Z]{8,12}", "replace(upper(v), ' ', '')")
    + " AND regexp_matches(v, '[0-9]{5}')",
    "country": _whole("[A-Z]{2}"),
    "currency": _whole("EUR|USD|GBP|CHF|CAD|JPY|AUD|SEK|NOK|DKK|PLN|CZK|CNY|INR"),
}


@dataclass(frozen=True)
class Profile:
    """Facts of one column. votes: share of its filled values (of the sample) that have each type."""

    at: int
    name: str
    n_rows: int
    n_filled: int
    n_distinct: int
    votes: dict[str, float]
    values: tuple[tuple[str, int], ...] = ()
    missing: dict[str, int] = field(default_factory=dict)
    is_unique: bool = False

    @property
    def share_empty(self) -> float:
        """Part of the rows without a value."""
        return 1 - self.n_filled / self.n_rows if self.n_rows else 1.0

    @property
    def kind(self) -> str:
        """The type most values have, or text."""
        best = max(self.votes, key=lambda name: self.votes[name], default="text")
        if self.n_filled == 0:
            return "empty"
        if self.votes[best] < 0.9:
            return "text"
        for name in ("boolean", "email", "date", "epoch", "integer", "number", "vat", "phone"):
            if self.votes[name] >= 0.9:
                return name
        return best

    @property
    def said(self) -> Said:
        """The facts as a sentence."""
        votes = ", ".join(
            f"{k} {100 * v:.0f} %" for k, v in sorted(self.votes.items(), key=lambda i: -i[1]) if v >= 0.05
        )
        return said(
            "profile", empty=f"{100 * self.share_empty:.1f}", distinct=self.n_distinct, votes=votes or "text",
        )  # fmt: skip


def profile_columns(table: Table) -> list[Profile]:
    """The profile of every column."""
    if not table.n_rows:
        return [Profile(at, name, 0, 0, 0, dict.fromkeys(VOTES, 0.0)) for at, name in enumerate(table.names)]
    profiles = []
    for first in range(0, len(table.names), 50):
        block = range(first, min(first + 50, len(table.names)))
        whole = ", ".join(f"count({c}), approx_count_distinct({c})" for c in map(table.column, block))
        counts = table.row(f"SELECT {whole} FROM {table.all_rows}")
        for at in block:
            filled, distinct = counts[2 * (at - first)], counts[2 * (at - first) + 1]
            profiles.append(_profile(table, at, filled, distinct))
    return profiles


def _profile(table: Table, at: int, n_filled: int, about: int) -> Profile:
    column = table.column(at)
    if not n_filled:
        return Profile(at, table.names[at], table.n_rows, 0, 0, dict.fromkeys(VOTES, 0.0))
    known_missing = ", ".join(literal(text) for text in (*MISSING, *MISSING_DATES))
    tests = ", ".join(f"sum(n) FILTER ({test})" for test in VOTES.values())
    total, *found = table.row(
        f"SELECT sum(n), {tests} FROM (SELECT {column} AS v, count(*) AS n FROM {table.sample} "
        f"WHERE {column} NOT IN ({known_missing}) GROUP BY ALL)"
    )
    votes = {name: (n or 0) / total if total else 0.0 for name, n in zip(VOTES, found, strict=True)}
    missing = dict(
        table.rows(
            f"SELECT {column}, count(*) FROM {table.all_rows} WHERE {column} IN ({known_missing}) GROUP BY ALL "
            "ORDER BY 2 DESC, 1"
        )
    )
    distinct, values = about, ()
    if about <= 10_000 or about >= 0.8 * n_filled:
        (distinct,) = table.row(f"SELECT count(DISTINCT {column}) FROM {table.all_rows}")
    if distinct <= ENUM_VALUES:
        values = tuple(
            table.rows(f"SELECT {column}, count(*) FROM {table.all_rows} WHERE {column} IS NOT NULL "
                       f"GROUP BY ALL ORDER BY 2 DESC, 1")
        )  # fmt: skip
    unique = distinct == n_filled == table.n_rows
    return Profile(at, table.names[at], table.n_rows, n_filled, distinct, votes, values, missing, unique)


@dataclass(frozen=True)
class Keys:
    """Columns that are unique and never empty, and pairs that are when no single column is."""

    single: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]


def key_candidates(table: Table, profiles: list[Profile]) -> Keys:
    """Key candidates, counted over all rows."""
    single = tuple(p.at for p in profiles if p.is_unique)
    if single or table.n_rows < 2:
        return Keys(single, ())
    full = [
        p for p in profiles if p.n_filled == table.n_rows and p.n_distinct > 1 and p.kind not in ("boolean",)
    ]
    full = sorted(full, key=lambda p: -p.n_distinct)[:6]
    pairs = []
    for index, left in enumerate(full):
        for right in full[index + 1 :]:
            if left.n_distinct * right.n_distinct < table.n_rows:
                continue
            query = f"SELECT count(*) FROM (SELECT DISTINCT {table.column(left.at)}, {table.column(right.at)} FROM "
            if table.row(f"{query}{table.all_rows})") == (table.n_rows,):
                pairs.append((left.at, right.at))
    return Keys((), tuple(pairs[:5]))
