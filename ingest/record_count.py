"""An independent count of the records of a delimited text, by bytes and quote parity, without any CSV parser.

The fast reader is believed only when its record count and its number of separators equal these.
What does NOT belong here: parsing values (reading.py, strict_reader.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

CHUNK = 8 << 20
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
    newlines = blanks = delimiters = total = 0
    last = b"\n"
    with path.open("rb") as stream:
        stream.seek(offset)
        while chunk := stream.read(CHUNK):
            total += len(chunk)
            newlines += chunk.count(b"\n")
            delimiters += chunk.count(separator)
            joined = last + chunk
            if b"\n\n" in joined:
                view = np.frombuffer(joined, dtype=np.uint8) == _NEWLINE
                blanks += int(np.count_nonzero(view[1:] & view[:-1]))
            last = chunk[-1:]
    ends = last == b"\n"
    lines = newlines + (0 if ends or not total else 1)
    return RecordCount(lines - blanks, lines, blanks, 0, delimiters, ends)


def _count_quoted(path: Path, offset: int, separator: int, mark: int) -> RecordCount:
    records = blanks = inner = delimiters = newlines = total = 0
    parity, last = 0, _NEWLINE
    last_is_end = True
    with path.open("rb") as stream:
        stream.seek(offset)
        while chunk := stream.read(CHUNK):
            view = np.frombuffer(chunk, dtype=np.uint8)
            total += len(view)
            outside, parity = _outside(view, mark, parity)
            is_newline = view == _NEWLINE
            ends = is_newline & outside
            n_ends = int(np.count_nonzero(ends))
            n_newlines = int(np.count_nonzero(is_newline))
            newlines += n_newlines
            inner += n_newlines - n_ends
            delimiters += int(np.count_nonzero((view == separator) & outside))
            blanks += int(np.count_nonzero(ends[1:] & ends[:-1])) + int(bool(ends[0]) and last_is_end)
            records += n_ends
            last, last_is_end = int(view[-1]), bool(ends[-1])
    closed = last == _NEWLINE
    tail = 0 if last_is_end or not total else 1
    lines = newlines + (0 if closed or not total else 1)
    return RecordCount(records + tail - blanks, lines, blanks, inner, delimiters, closed)


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
