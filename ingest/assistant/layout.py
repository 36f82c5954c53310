"""Separator, quotes, lines before the header, header: counted on the first records, never sniffed by a library.

What does NOT belong here: decoding (encodings.py) and whole columns (table.py).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ingest.assistant.questions import Decision, Interview, Question, Said, proved, said
from ingest.strict_reader import RecordParser
from ingest.text_preparation import BOM

SEPARATORS = {";": "semicolon", ",": "comma", "\t": "tab", "|": "pipe"}
HEAD_BYTES, HEAD_RECORDS, MAX_RECORD_LINES, MAX_COLUMNS = 1 << 20, 2000, 50, 2000
NEARLY_ALL, RIVAL, HALF = 0.8, 0.5, 0.95
# What a cell of data looks like. A number may be a column name ("2024" over a year's totals), the others hardly.
KINDS = {
    "date": re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ].*)?"),
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    "uuid": re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F-]{22}"),
    "number": re.compile(r"[+-]?[€$£]? ?[\d\s.,]*\d[\d\s.,]*\s?[€$£%]?"),
    "phone": re.compile(r"\+?[\d .()/-]{7,}"),
}
SOME_DECIMAL = re.compile(r'"?[+-]?\d+,\d+"?')


@dataclass(frozen=True)
class Reading:
    """The head read with one separator and quote: records, where each begins (0-based) and how many lines it uses."""

    delimiter: str
    quote: str | None
    records: tuple[tuple[str, ...], ...]
    starts: tuple[int, ...]
    lines_used: tuple[int, ...]
    n_broken: int

    @cached_property
    def width(self) -> int:
        """The usual number of fields."""
        counts = Counter(len(r) for r in self.records)
        return max(counts, key=lambda n: (counts[n], n)) if counts else 0

    @cached_property
    def n_fitting(self) -> int:
        """Records with the usual number of fields."""
        return sum(1 for record in self.records if len(record) == self.width)

    @cached_property
    def share(self) -> float:
        """Part of the records and broken lines that has the usual number of fields."""
        total = len(self.records) + self.n_broken
        return self.n_fitting / total if total else 0.0


def head_lines(text: Path) -> list[str]:
    """The whole lines among the first MB of a prepared text."""
    with text.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
        is_whole = not stream.read(1)
    lines = head.removeprefix(BOM).decode("utf-8", "replace").split("\n")
    if not is_whole or lines[-1] == "":
        lines.pop()
    return lines


def read_head(lines: list[str], delimiter: str, quote: str | None) -> Reading:
    """Records of the head. A quote that does not close within MAX_RECORD_LINES breaks its line only."""
    parser = RecordParser(delimiter, quote, None)
    records, starts, used, n_broken, at = [], [], [], 0, 0
    while at < len(lines) and len(records) < HEAD_RECORDS:
        if not lines[at].strip() and delimiter not in lines[at]:
            at += 1
            continue
        fields, n = parser.split(lines[at]), 1
        if fields == "unclosed_quote":
            body = lines[at]
            while fields == "unclosed_quote" and n < MAX_RECORD_LINES and at + n < len(lines):
                body += "\n" + lines[at + n]
                n += 1
                if (quote or "") in lines[at + n - 1]:
                    fields = parser.split(body)
        if isinstance(fields, str):
            if at + n >= len(lines) and n > 1 and len(lines) > MAX_RECORD_LINES:
                break  # the record goes on beyond the head
            n_broken += 1
            n = 1
        else:
            records.append(tuple(fields[: MAX_COLUMNS + 1]))
            starts.append(at)
            used.append(n)
        at += n
    return Reading(delimiter, quote, tuple(records), tuple(starts), tuple(used), n_broken)


@dataclass(frozen=True)
class Dialect:
    """The separator and quote, decided or in question, with the head read so."""

    delimiter: Decision
    quote: Decision
    reading: Reading


def decide_dialect(lines: list[str], key: str, interview: Interview) -> Dialect:
    """Separator and quote from the number of fields of each record."""
    readings = {d: _best_quote(lines, d) for d in SEPARATORS}
    evidence = tuple(_counts(readings[d]) for d in SEPARATORS)
    many = {d: r for d, r in readings.items() if r.width > 1}
    whole = [d for d, r in many.items() if r.share == 1.0 and len(r.records) > 1]
    near = [d for d, r in many.items() if r.share >= NEARLY_ALL]
    chosen = whole if len(whole) == 1 else near
    if len(chosen) == 1 and not _has_rival(many, chosen[0]) and not _is_half(many[chosen[0]]):
        decision = proved(chosen[0], *evidence)
    elif _has_none(lines):
        # One column: no separator occurs, so any reads the file the same way.
        decision = proved(",", *evidence, said("one_column"))
    else:
        ranked = sorted(
            readings, key=lambda d: (-readings[d].share * min(readings[d].width, 3), -readings[d].width)
        )
        options = tuple("tab" if d == "\t" else d for d in ranked)
        question = Question(
            f"{key}.delimiter", said("ask_delimiter"), evidence, options, lambda a: len(a) == 1, is_free=True
        )
        decision = interview.decide(question, ranked[0], lambda answer: "\t" if answer == "tab" else answer)
    reading = readings.get(decision.best) or _best_quote(lines, decision.best)
    return Dialect(decision, _decide_quote(lines, reading, key, interview), reading)


def _has_rival(many: dict[str, Reading], chosen: str) -> bool:
    """True when another separator reads half the records the same way, and into at least as many columns."""
    return any(
        d != chosen and r.share >= RIVAL and r.width >= many[chosen].width and r.width > 2
        for d, r in many.items()
    )


def _is_half(reading: Reading) -> bool:
    """True when the separator may be half of one, or the decimal mark of a single column of numbers."""
    if reading.width == 2 and reading.delimiter == ",":
        rows = [",".join(record) for record in reading.records if len(record) == 2]
        if sum(1 for row in rows if SOME_DECIMAL.fullmatch(row)) >= 0.9 * len(rows) - 1:
            return True
    whole = [record for record in reading.records if len(record) == reading.width]
    return len(whole) > 1 and all(
        _ends_alike([r[at].strip() for r in whole]) for at in range(reading.width - 1)
    )


def _ends_alike(values: list[str]) -> bool:
    """True when nearly all values of a column end with one sign that is no letter or digit."""
    last = Counter(value[-1] for value in values if value)
    sign, n = max(last.items(), key=lambda item: item[1], default=("a", 0))
    return not sign.isalnum() and n >= HALF * len(values)


def _has_none(lines: list[str]) -> bool:
    return not any(separator in line for line in lines for separator in SEPARATORS)


def _best_quote(lines: list[str], delimiter: str) -> Reading:
    quoted = read_head(lines, delimiter, '"')
    if not any('"' in line for line in lines):
        return quoted
    plain = read_head(lines, delimiter, None)
    return plain if plain.share > quoted.share and plain.width >= quoted.width else quoted


def _counts(reading: Reading) -> Said:
    counts = Counter(len(r) for r in reading.records)
    usual = ", ".join(f"{width}: {n}" for width, n in counts.most_common(3))
    return said("fields_counted", name=SEPARATORS.get(reading.delimiter, reading.delimiter), counts=usual or "-",
                broken=reading.n_broken)  # fmt: skip


def _decide_quote(lines: list[str], reading: Reading, key: str, interview: Interview) -> Decision:
    delimiter = reading.delimiter
    n_quotes = sum(line.count('"') for line in lines)
    if not n_quotes:
        return proved('"', said("no_quote"))
    quoted, plain = read_head(lines, delimiter, '"'), read_head(lines, delimiter, None)
    evidence = (
        said(
            "quotes_counted", n=n_quotes, share=f"{100 * quoted.share:.1f}", plain=f"{100 * plain.share:.1f}"
        ),
    )
    opened = sum(1 for r in plain.records for f in r if f.strip().startswith('"'))
    if quoted.share >= plain.share and (quoted.share > plain.share or opened) and quoted.width <= plain.width:
        return proved('"', *evidence)
    if plain.share > quoted.share and plain.share >= 0.98:
        return proved(None, *evidence)
    question = Question(f"{key}.quote", said("ask_quote"), evidence, ('"', "null"))
    return interview.decide(question, reading.quote, lambda answer: None if answer == "null" else answer)


@dataclass(frozen=True)
class Header:
    """Whether the first record names the columns; the names; lines before that record, and lines it uses."""

    decision: Decision
    names: tuple[str, ...]
    skip_lines: int
    n_lines: int
    skip_evidence: tuple[Said, ...]


def decide_header(reading: Reading, known: set[str], key: str, interview: Interview) -> Header:
    """Is there a header? known: column names of vendors, normalised; a first record that holds them is one."""
    skipped = _records_before(reading)
    skip_lines, n_lines = reading.starts[skipped], reading.lines_used[skipped]
    skip_evidence = (said("lines_before", n=skip_lines, width=reading.width),) if skip_lines else ()
    records = [r for r in reading.records[skipped:] if len(r) == reading.width]
    if not records:
        return Header(proved(True, said("no_record")), ("column_1",), 0, 1, ())
    first, rest = [v.strip() for v in records[0]], records[1:]
    as_data = as_name = n_telling = 0
    for at, cell in enumerate(first):
        values = [v for r in rest if (v := r[at].strip())]
        kind = _kind(cell)
        if kind:
            is_alike = bool(values) and sum(1 for v in values if _kind(v) == kind) >= 0.95 * len(values)
            as_data += is_alike
            n_telling += is_alike and kind != "number"
        elif cell and values and not re.search(r"\d{3}", cell):
            as_name += sum(1 for v in values if _kind(v)) >= 0.95 * len(values)
    n_known = sum(1 for cell in first if _plain(cell) in known)
    n_equal = sum(
        1 for at, cell in enumerate(first) if cell and any(r[at].strip() == cell for r in rest[:500])
    )
    blank, twice = sum(1 for c in first if not c), len(first) - len(set(first))
    evidence = (said("header_votes", data=as_data, name=as_name, known=n_known, again=n_equal, blank=blank),)
    generated = tuple(f"column_{n}" for n in range(1, reading.width + 1))
    named = tuple(first)
    if not as_data and not n_equal and (n_known or as_name) and blank <= 1 and not (twice and not n_known):
        return Header(proved(True, *evidence), named, skip_lines, n_lines, skip_evidence)
    if n_telling and not as_name and not n_known:
        return Header(proved(False, *evidence), generated, skip_lines, n_lines, skip_evidence)
    question = Question(f"{key}.header", said("ask_header", first=_shown(first)), evidence, ("yes", "no"))
    likely = n_known + as_name > as_data
    decision = interview.decide(question, likely, lambda answer: answer == "yes")
    return Header(decision, named if decision.best else generated, skip_lines, n_lines, skip_evidence)


def _kind(cell: str) -> str:
    """The kind of data a cell looks like, or an empty text."""
    return next((name for name, pattern in KINDS.items() if pattern.fullmatch(cell)), "")


def _records_before(reading: Reading) -> int:
    """Records at the very beginning that have another number of fields, when all of the next ones fit."""
    for at, record in enumerate(reading.records[:20]):
        if len(record) == reading.width:
            following = reading.records[at : at + 20]
            return at if all(len(r) == reading.width for r in following) and reading.width > 1 else 0
    return 0


def _plain(name: str) -> str:
    from ingest.assistant.spelling import normalised

    return normalised(name)


def _shown(cells: list[str]) -> str:
    text = ", ".join(cells[:6])
    return re.sub(r"[^@\s,]+@[^@\s,]+", "***@***", re.sub(r"\d(?=\d{2})", "*", text))[:160]
