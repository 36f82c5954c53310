"""An independent count of the records of a delimited text, by bytes and quote parity, without any CSV parser.

The fast reader is believed only when its record count and its number of separators equal these.
What does NOT belong here: parsing values (reading.py, strict_reader.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

CHUNK = 8 << 20
WINDOW = 1 << 20  # counting runs on arrays that stay in the processor's cache
_NEWLINE = 10


@dataclass(frozen=True)
class RecordCount:
    """Counts from a byte offset to the end of a text; a line outside quotes and not empty is a record."""

    records: int
    physical_lines: int
    blank_lines: int
    inner_newlines: int
    delimiters: int
    ends_with_newline: bool


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
    with path.open("rb") as stream:
        stream.seek(offset)
        while chunk := stream.read(WINDOW):
            view = np.frombuffer(chunk, dtype=np.uint8)
            is_newline = view == _NEWLINE
            total += len(view)
            newlines += int(np.count_nonzero(is_newline))
            delimiters += int(np.count_nonzero(view == separator[0]))
            blanks += int(np.count_nonzero(is_newline[1:] & is_newline[:-1]))
            blanks += int(last_is_newline and bool(is_newline[0]))
            last_is_newline = bool(is_newline[-1])
    lines = newlines + (0 if last_is_newline or not total else 1)
    return RecordCount(lines - blanks, lines, blanks, 0, delimiters, last_is_newline)


def _count_wide_separator(path: Path, offset: int, separator: bytes) -> RecordCount:
    """A separator outside ASCII takes several bytes; it is counted line by line."""
    lines = blanks = delimiters = 0
    ends = True
    with path.open("rb") as stream:
        stream.seek(offset)
        for line in stream:
            lines += 1
            ends = line.endswith(b"\n")
            blanks += line == b"\n"
            delimiters += line.count(separator)
    return RecordCount(lines - blanks, lines, blanks, 0, delimiters, ends)


def _count_quoted(path: Path, offset: int, separator: int, mark: int) -> RecordCount:
    """One bit a byte, 64 bytes a word: the quote parity of a text costs no pass over single bytes."""
    ended = blanks = delimiters = newlines = total = 0
    parity, last, last_is_end = 0, _NEWLINE, True
    one, top = np.uint64(1), np.uint64(63)
    with path.open("rb") as stream:
        stream.seek(offset)
        while chunk := stream.read(WINDOW):
            view = np.frombuffer(chunk, dtype=np.uint8)
            outside, parity = _words_outside(_words(view == mark), parity)
            is_newline = _words(view == _NEWLINE)
            ends = is_newline & outside
            after_end = ends << one
            after_end[1:] |= ends[:-1] >> top
            after_end[0] |= np.uint64(last_is_end)
            total += len(view)
            newlines += _ones(is_newline)
            ended += _ones(ends)
            delimiters += _ones(_words(view == separator) & outside)
            blanks += _ones(ends & after_end)
            last = int(view[-1])
            position = len(view) - 1
            last_is_end = bool((int(ends[position // 64]) >> (position % 64)) & 1)
    closed = last == _NEWLINE
    tail = 0 if last_is_end or not total else 1
    lines = newlines + (0 if closed or not total else 1)
    return RecordCount(ended + tail - blanks, lines, blanks, newlines - ended, delimiters, closed)


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


def _outside(view: np.ndarray, mark: int, parity: int) -> tuple[np.ndarray, int]:
    """Boolean per byte, true outside quotes, and the parity after the last byte (uint8 wraps,
    parity holds).
    """
    running = np.cumsum(view == mark, dtype=np.uint8)
    running += parity
    return (running & 1) == 0, int(running[-1]) & 1


def line_shifts(path: Path, offset: int, quote: str | None, first_line: int) -> tuple[np.ndarray, np.ndarray]:
    """Where records begin in a text that holds blank lines or newlines inside quotes.

    Returns (record, shift): from the 1-based record number `record[i]` on, physical line = record number +
    shift[i]. first_line: physical line at byte `offset`.
    """
    mark = quote.encode()[0] if quote else None
    starts: list[np.ndarray] = []
    line, parity, previous_ends = first_line, 0, True
    with path.open("rb") as stream:
        stream.seek(offset)
        while chunk := stream.read(CHUNK):
            view = np.frombuffer(chunk, dtype=np.uint8)
            positions = np.flatnonzero(view == _NEWLINE)
            if mark is None:
                outside = np.ones(len(view), dtype=bool)
            else:
                outside, parity = _outside(view, mark, parity)
            ends = (view == _NEWLINE) & outside
            # A byte begins a record when the byte before it ended one and it is no newline itself.
            begins = np.empty(len(view), dtype=bool)
            begins[0] = previous_ends
            begins[1:] = ends[:-1]
            begins &= view != _NEWLINE
            at = np.flatnonzero(begins)
            starts.append(line + np.searchsorted(positions, at))
            line += len(positions)
            previous_ends = bool(ends[-1])
    lines = np.concatenate(starts) if starts else np.empty(0, dtype=np.int64)
    shifts = lines - np.arange(1, len(lines) + 1)
    changes = (
        np.flatnonzero(np.diff(shifts, prepend=np.int64(-1))) if len(shifts) else np.empty(0, dtype=np.int64)
    )
    return changes + 1, shifts[changes]


def has_suspect_continuation(path: Path, offset: int, delimiter: str, quote: str, n_columns: int) -> bool:
    """True when a line inside quotes holds as many separators as a whole record: maybe a stray quote
    swallowed it.
    """
    separator, mark = delimiter.encode()[0], quote.encode()[0]
    parity, held = 0, b""
    with path.open("rb") as stream:
        stream.seek(offset)
        while chunk := stream.read(CHUNK):
            chunk = held + chunk
            cut = chunk.rfind(b"\n") + 1
            chunk, held = chunk[:cut], chunk[cut:]
            if not chunk:
                continue
            view = np.frombuffer(chunk, dtype=np.uint8)
            ends = np.flatnonzero(view == _NEWLINE)
            starts = np.concatenate(([0], ends[:-1] + 1))
            quotes = np.add.reduceat((view == mark).view(np.uint8), starts, dtype=np.uint8)
            before = np.cumsum(np.concatenate(([parity], quotes[:-1])), dtype=np.uint8) & 1
            if before.any():
                separators = np.add.reduceat((view == separator).view(np.uint8), starts, dtype=np.int64)
                if bool(np.any((before == 1) & (separators >= n_columns - 1))):
                    return True
            parity = int(before[-1] + quotes[-1]) & 1
    return False
