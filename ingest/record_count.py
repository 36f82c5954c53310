"""An independent count of the records of a delimited text, by bytes and quote parity, without any CSV parser.

The fast reader is believed only when its record count and its number of separators equal these.
What does NOT belong here: parsing values (reading.py, strict_reader.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

CHUNK = 8 << 20
BUCKET = 64  # records for which one row tells how far their numbers are from those of lines
WINDOW = 1 << 20  # counting runs on arrays that stay in the processor's cache
_NEWLINE = 10
_NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class RecordCount:
    """Counts from a byte offset to the end of a text; a line outside quotes and not empty is a record."""

    records: int
    physical_lines: int
    blank_lines: int
    inner_newlines: int
    delimiters: int
    ends_with_newline: bool
    # A quote stands open at the end: what follows it was counted as one record, which no reader need agree with.
    ends_inside_quotes: bool = False
    # The most separators on a line that begins inside quotes: as many as a record has, and the quote may be a stray
    # one that swallowed it.
    most_in_continuation: int = 0
    # For each newline that ends no record (inside quotes, or a blank line): the first record after it, counted from
    # one, in ascending order.
    after_breaks: np.ndarray = field(default_factory=lambda: _NONE, compare=False, repr=False)


def count_records(path: Path, offset: int, delimiter: str, quote: str | None) -> RecordCount:
    """Count records, lines and separators of the UTF-8 text at `path` from byte `offset` on.

    delimiter: one character; quote: one character or None. Separators and newlines inside quotes do not
    count.
    """
    separator = delimiter.encode()
    mark = quote.encode() if quote else None
    simple = mark is None or len(separator) > 1 or not _contains(path, offset, mark)
    if simple:
        return _count_plain(path, offset, separator)
    return _count_quoted(path, offset, separator[0], mark[0])


def _contains(path: Path, offset: int, needle: bytes) -> bool:
    with path.open("rb") as stream:
        stream.seek(offset)
        while chunk := stream.read(CHUNK):
            if needle in chunk:
                return True
    return False


def _count_plain(path: Path, offset: int, separator: bytes) -> RecordCount:
    if len(separator) > 1:
        return _count_wide_separator(path, offset, separator)
    newlines = blanks = delimiters = total = 0
    last_is_newline = True
    breaks: list[np.ndarray] = []
    with path.open("rb") as stream:
        stream.seek(offset)
        while chunk := stream.read(WINDOW):
            view = np.frombuffer(chunk, dtype=np.uint8)
            is_newline = view == _NEWLINE
            total += len(view)
            delimiters += int(np.count_nonzero(view == separator[0]))
            is_blank = is_newline[1:] & is_newline[:-1]
            if (first := last_is_newline and bool(is_newline[0])) or is_blank.any():
                at = np.concatenate(([0] if first else [], np.flatnonzero(is_blank) + 1)).astype(np.int64)
                # Newlines before this one, less those of blank lines, are records; the next one is meant.
                before = np.searchsorted(np.flatnonzero(is_newline), at)
                breaks.append(newlines - blanks + before - np.arange(len(at)) + 1)
                blanks += len(at)
            newlines += int(np.count_nonzero(is_newline))
            last_is_newline = bool(is_newline[-1])
    lines = newlines + (0 if last_is_newline or not total else 1)
    return RecordCount(
        lines - blanks, lines, blanks, 0, delimiters, last_is_newline, after_breaks=_joined(breaks)
    )


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(arrays) if arrays else _NONE


def _count_wide_separator(path: Path, offset: int, separator: bytes) -> RecordCount:
    """A separator outside ASCII takes several bytes; it is counted line by line."""
    lines = delimiters = 0
    ends = True
    breaks: list[int] = []
    with path.open("rb") as stream:
        stream.seek(offset)
        for line in stream:
            lines += 1
            ends = line.endswith(b"\n")
            if line == b"\n":
                breaks.append(lines - len(breaks))
            delimiters += line.count(separator)
    blanks = len(breaks)
    after_breaks = np.array(breaks, dtype=np.int64)
    return RecordCount(lines - blanks, lines, blanks, 0, delimiters, ends, after_breaks=after_breaks)


def _count_quoted(path: Path, offset: int, separator: int, mark: int) -> RecordCount:
    """One bit a byte, 64 bytes a word: the quote parity of a text costs no pass over single bytes."""
    ended = blanks = delimiters = newlines = total = 0
    parity, last, last_is_end = 0, _NEWLINE, True
    one, top = np.uint64(1), np.uint64(63)
    breaks: list[np.ndarray] = []
    continuation = _Continuation(bytes([separator]))
    with path.open("rb") as stream:
        stream.seek(offset)
        while chunk := stream.read(WINDOW):
            continuation.go_on(chunk)
            view = np.frombuffer(chunk, dtype=np.uint8)
            outside, parity = _words_outside(_words(view == mark), parity)
            is_newline = _words(view == _NEWLINE)
            ends = is_newline & outside
            after_end = ends << one
            after_end[1:] |= ends[:-1] >> top
            after_end[0] |= np.uint64(last_is_end)
            total += len(view)
            blank = ends & after_end
            inner = is_newline & ~outside
            if inner.any() or blank.any():
                continuation.begin(chunk, _positions(inner).tolist())
                at = _positions(inner | blank)
                # Records ended before, and the one that goes on where the newline is inside it.
                before = _ones_before(ends & ~blank, at) + _bits_at(inner, at)
                breaks.append(ended - blanks + before + 1)
            newlines += _ones(is_newline)
            ended += _ones(ends)
            delimiters += _ones(_words(view == separator) & outside)
            blanks += _ones(blank)
            last = int(view[-1])
            position = len(view) - 1
            last_is_end = bool((int(ends[position // 64]) >> (position % 64)) & 1)
    closed = last == _NEWLINE
    tail = 0 if last_is_end or not total else 1
    lines = newlines + (0 if closed or not total else 1)
    inner_newlines = newlines - ended
    return RecordCount(
        ended + tail - blanks, lines, blanks, inner_newlines, delimiters, closed, bool(parity),
        continuation.most, _joined(breaks),
    )  # fmt: skip


@dataclass
class _Continuation:
    """Counts the separators of the lines that begin inside quotes, across the windows of a text."""

    separator: bytes
    most: int = 0
    is_open: bool = False
    found: int = 0  # on the line that the window before did not end

    def begin(self, chunk: bytes, newlines: list[int]) -> None:
        """Count on each line after the newlines of a window that stand inside quotes."""
        for newline in newlines:
            end = chunk.find(b"\n", newline + 1)
            self.is_open = end < 0
            self.found = chunk.count(self.separator, newline + 1, len(chunk) if end < 0 else end)
            self.most = max(self.most, self.found)

    def go_on(self, chunk: bytes) -> None:
        """Count on the rest of the line that the window before left open."""
        if self.is_open:
            end = chunk.find(b"\n")
            self.is_open = end < 0
            self.found += chunk.count(self.separator, 0, len(chunk) if end < 0 else end)
            self.most = max(self.most, self.found)


def _words(mask: np.ndarray) -> np.ndarray:
    """A boolean per byte as bits of 64-bit words, the first byte lowest; the last word is filled with zeros."""
    packed = np.packbits(mask, bitorder="little")
    words = np.zeros(-(-len(mask) // 64) * 8, dtype=np.uint8)
    words[: len(packed)] = packed
    return words.view("<u8")


def _ones(words: np.ndarray) -> int:
    return int(np.bitwise_count(words).sum())


def _words_outside(quotes: np.ndarray, parity: int) -> tuple[np.ndarray, int]:
    """Bit per byte, set outside quotes, from a bit per quote; and the parity after the last byte."""
    inside = quotes.copy()
    for shift in (1, 2, 4, 8, 16, 32):
        inside ^= inside << np.uint64(shift)
    parities = np.bitwise_xor.accumulate(inside >> np.uint64(63)) ^ np.uint64(parity)
    before = np.concatenate((np.array([parity], dtype=np.uint64), parities[:-1]))
    inside ^= np.uint64(0) - before  # all ones where the word begins inside quotes
    return ~inside, int(parities[-1])


def _positions(words: np.ndarray) -> np.ndarray:
    """Positions of the bits that are set, ascending."""
    filled = np.flatnonzero(words)
    bits = np.unpackbits(words[filled].view(np.uint8), bitorder="little").reshape(-1, 64)
    row, column = np.nonzero(bits)
    return filled[row] * 64 + column


def _ones_before(words: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Number of bits set before each position."""
    sums = np.concatenate(([0], np.cumsum(np.bitwise_count(words), dtype=np.int64)))
    below = (np.uint64(1) << (at % 64).astype(np.uint64)) - np.uint64(1)
    return sums[at // 64] + np.bitwise_count(words[at // 64] & below)


def _bits_at(words: np.ndarray, at: np.ndarray) -> np.ndarray:
    return ((words[at // 64] >> (at % 64).astype(np.uint64)) & np.uint64(1)).astype(np.int64)


def breaks_by_bucket(count: RecordCount) -> pa.Table:
    """The newlines that end no record, for a join that finds how many lie before a record without sorting any.

    One row per BUCKET records: bucket, before (number of such newlines before its first record), and within: for
    each other one, the first record after it.
    """
    n_buckets = count.records // BUCKET + 1
    edges = np.searchsorted(count.after_breaks, np.arange(n_buckets + 1, dtype=np.int64) * BUCKET)
    return pa.table(
        {
            "bucket": pa.array(np.arange(n_buckets, dtype=np.int64)),
            "before": pa.array(edges[:-1].astype(np.int64)),
            "within": pa.LargeListArray.from_arrays(
                pa.array(edges.astype(np.int64)), pa.array(count.after_breaks)
            ),
        }
    )
