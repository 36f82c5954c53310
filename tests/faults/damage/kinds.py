"""Kinds of damage, each a pure function of sound rows: the bytes that lie in the file instead, and the rows touched.

The first eleven touch one row or none; the twelfth, a lost line end, takes its one neighbour along. The further
ones concern the whole file or its end.
What does NOT belong here: what the rows mean (streams.py), what becomes of them (harness.py).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.damage.streams import Row, Stream


@dataclass(frozen=True)
class Damaged:
    """A file as chunks of bytes in order: a sound row by its position, or bytes of nobody.

    touched: positions of the rows that may be lost. manifest: number of rows announced beside the file.
    """

    chunks: tuple[int | bytes, ...]
    touched: frozenset[int]
    manifest: int | None = None

    def content(self, stream: Stream, rows: list[Row]) -> bytes:
        """Bytes of the whole file."""
        body = [rows[c].raw + stream.end if isinstance(c, int) else c for c in self.chunks]
        return stream.head + b"".join(body)


Kind = Callable[[random.Random, Stream, list[Row]], Damaged]


def _replaced(rows: list[Row], at: int, content: bytes, touched: set[int] | None = None) -> Damaged:
    chunks = [*range(at), content, *range(at + 1, len(rows))]
    return Damaged(tuple(chunks), frozenset({at} if touched is None else touched))


def _pick(generator: random.Random, rows: list[Row]) -> int:
    return generator.randrange(len(rows))


def unclosed_quote(g: random.Random, stream: Stream, rows: list[Row]) -> Damaged:
    """A value loses its closing quote, or gets an opening one that nothing closes."""
    at = _pick(g, rows)
    pieces = list(rows[at].pieces)
    index = g.randrange(len(pieces))
    is_quoted = len(pieces[index]) > 1 and pieces[index].endswith(b'"')
    pieces[index] = pieces[index][:-1] if is_quoted else b'"' + pieces[index]
    return _replaced(rows, at, stream.separator.join(pieces) + stream.end)


def stray_quote(g: random.Random, stream: Stream, rows: list[Row]) -> Damaged:
    """A quote appears anywhere in a record."""
    at = _pick(g, rows)
    raw = rows[at].raw
    place = g.randrange(len(raw) + 1)
    return _replaced(rows, at, raw[:place] + b'"' + raw[place:] + stream.end)


def missing_field(g: random.Random, stream: Stream, rows: list[Row]) -> Damaged:
    """A record lacks one of its values."""
    at = _pick(g, rows)
    pieces = list(rows[at].pieces)
    del pieces[g.randrange(len(pieces))]
    return _replaced(rows, at, stream.separator.join(pieces) + stream.end)


def extra_field(g: random.Random, stream: Stream, rows: list[Row]) -> Damaged:
    """A record has one value too many, empty or not."""
    at = _pick(g, rows)
    pieces = list(rows[at].pieces)
    pieces.insert(g.randrange(len(pieces) + 1), g.choice([b"", b"surplus", b'"surplus"']))
    return _replaced(rows, at, stream.separator.join(pieces) + stream.end)


def doubled_line(g: random.Random, stream: Stream, rows: list[Row]) -> Damaged:
    """A record stands twice, one after the other: nothing may be lost, the copy is a duplicate."""
    at = _pick(g, rows)
    chunks = [*range(at + 1), rows[at].raw + stream.end, *range(at + 1, len(rows))]
    return Damaged(tuple(chunks), frozenset())


def nul_bytes(g: random.Random, stream: Stream, rows: list[Row]) -> Damaged:
    """NUL bytes lie over a part of a record, or over all of it."""
    at = _pick(g, rows)
    raw = rows[at].raw
    start = g.randrange(len(raw))
    size = g.choice([1, 8, len(raw)])
    return _replaced(
        rows, at, raw[:start] + b"\0" * len(raw[start : start + size]) + raw[start + size :] + stream.end
    )


def undecodable_byte(g: random.Random, stream: Stream, rows: list[Row]) -> Damaged:
    """A byte that the declared encoding does not have."""
    at = _pick(g, rows)
    raw = rows[at].raw
    place = g.randrange(len(raw) + 1)
    return _replaced(rows, at, raw[:place] + stream.bad_byte * g.choice([1, 3]) + raw[place:] + stream.end)


def wrong_separator(g: random.Random, stream: Stream, rows: list[Row]) -> Damaged:
    """One record is separated by another sign than the declared one."""
    at = _pick(g, rows)
    other = g.choice([mark for mark in (b",", b";", b"\t", b"|", b":") if mark != stream.separator])
    return _replaced(rows, at, other.join(rows[at].pieces) + stream.end)


def blank_line(g: random.Random, stream: Stream, rows: list[Row]) -> Damaged:
    """Lines with nothing in them between two records: nothing may be lost."""
    at = _pick(g, rows)
    blank = b"".join(g.choice([b"", b"  ", b""]) + stream.end for _ in range(g.choice([1, 2, 5])))
    chunks = [*range(at), blank, *range(at, len(rows))]
    return Damaged(tuple(chunks), frozenset())


def spliced_line(g: random.Random, stream: Stream, rows: list[Row]) -> Damaged:
    """A record breaks off and goes on with the end of another one, as when two writers share a file."""
    at = _pick(g, rows)
    other = rows[g.randrange(len(rows))].raw
    raw = rows[at].raw
    return _replaced(
        rows, at, raw[: g.randrange(1, len(raw))] + other[g.randrange(len(other)) :] + stream.end
    )


def broken_line(g: random.Random, stream: Stream, rows: list[Row]) -> Damaged:
    """A line end where none belongs: the record is broken in two lines."""
    at = _pick(g, rows)
    raw = rows[at].raw
    place = g.randrange(1, len(raw))
    return _replaced(
        rows, at, raw[:place] + g.choice([b"\n", b"\r", b"\r\n", b"\r\r\n"]) + raw[place:] + stream.end
    )


def lost_line_end(g: random.Random, stream: Stream, rows: list[Row]) -> Damaged:
    """The line end between two records is lost."""
    at = g.randrange(len(rows) - 1)
    chunks = [*range(at), rows[at].raw + rows[at + 1].raw + stream.end, *range(at + 2, len(rows))]
    return Damaged(tuple(chunks), frozenset({at, at + 1}))


def huge_field(g: random.Random, stream: Stream, rows: list[Row]) -> Damaged:
    """A value of more bytes than a reader likes to hold, in the middle of a record."""
    at = _pick(g, rows)
    raw = rows[at].raw
    place = g.randrange(len(raw))
    return _replaced(rows, at, raw[:place] + b"x" * g.choice([70_000, 3_000_000]) + raw[place:] + stream.end)


def foreign_line(g: random.Random, stream: Stream, rows: list[Row]) -> Damaged:
    """A message of the exporting program between two records."""
    at = _pick(g, rows)
    words = g.choice(
        [b"Fatal error: export interrupted", b"<br />", b"-- 100 rows, 3 warnings", b'"', b"null", b"[]"]
    )
    chunks = [*range(at), words + stream.end, *range(at, len(rows))]
    return Damaged(tuple(chunks), frozenset())


def cut_in_a_row(g: random.Random, stream: Stream, rows: list[Row]) -> Damaged:
    """The file ends in the middle of a record."""
    at = g.randrange(1, len(rows))
    raw = rows[at].raw
    return Damaged((*range(at), raw[: g.randrange(1, len(raw) + 1)]), frozenset(range(at, len(rows))))


def cut_at_a_row(g: random.Random, stream: Stream, rows: list[Row]) -> Damaged:
    """The file ends between two records, and only the control total beside it knows."""
    at = g.randrange(1, len(rows))
    return Damaged(tuple(range(at)), frozenset(range(at, len(rows))), manifest=len(rows))


#: The eleven kinds in which no undamaged row may be lost, then the one that takes a neighbour along.
ELEVEN: tuple[Kind, ...] = (
    unclosed_quote, stray_quote, missing_field, extra_field, doubled_line, nul_bytes, undecodable_byte,
    wrong_separator, blank_line, spliced_line, broken_line,
)  # fmt: skip
TWELFTH: Kind = lost_line_end
#: Further kinds, and those of them that must refuse the file.
FURTHER: tuple[Kind, ...] = (huge_field, foreign_line, cut_in_a_row, cut_at_a_row)
KINDS: dict[str, Kind] = {kind.__name__: kind for kind in (*ELEVEN, TWELFTH, *FURTHER)}
