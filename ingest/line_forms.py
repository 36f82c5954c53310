"""Which lines of a delimited text are a whole record beyond doubt, found on bytes for many lines at once.

Such a line has the declared number of separators outside quotes, every quote opens at the beginning of a field and
closes at its end, and a quote inside is doubled: the strict reader and any reader of RFC 4180 split it alike.
What does NOT belong here: splitting (strict_reader.py), counting (record_count.py).
"""

from __future__ import annotations

import numpy as np

from ingest.text_preparation import BOM

_NEWLINE, _CR = 10, 13


def regular_lines(
    content: bytes, starts: np.ndarray, n_columns: int, delimiter: str, quote: str | None, escape: str | None
) -> np.ndarray:
    """Boolean per line. starts: where each line begins, and the size of `content`, which ends with LF.

    False for every line where a sign of the dialect is none of ASCII, or where a line is one value.
    """
    none = np.zeros(len(starts) - 1, dtype=bool)
    if n_columns < 2 or not all(mark.isascii() for mark in (delimiter, quote or "", escape or "")):
        return none
    view = np.frombuffer(content, dtype=np.uint8)
    begins = starts[:-1]
    separators = view == ord(delimiter)
    bad = none
    if quote and quote.encode() in content:
        quotes = view == ord(quote)
        after = np.cumsum(quotes, dtype=np.uint8) & 1
        inside = after ^ quotes  # parity of the quotes before each byte, then made relative to its line
        at_start = inside[begins]
        inside ^= np.repeat(at_start, np.diff(starts))
        edges = separators | (view == _NEWLINE)
        if escape == quote:
            edges |= quotes
        wrong = quotes.copy()
        # An opening quote after an edge, and a closing one before an edge, are as they should be.
        wrong[1:] &= ~((inside[1:] == 0) & edges[:-1])
        wrong[0] &= inside[0] != 0
        wrong[:-1] &= ~((inside[:-1] == 1) & edges[1:])
        separators &= inside == 0
        bad = np.logical_or.reduceat(wrong, begins)
        bad |= (at_start ^ np.concatenate((at_start[1:], after[-1:]))).astype(bool)
    regular = np.add.reduceat(separators, begins, dtype=np.int64) == n_columns - 1
    regular &= ~bad
    # Signs that one reader takes for more than another: each makes its line doubtful.
    for sign in {b"\r", escape.encode() if escape and escape != quote else b"\r"}:
        if sign in content:
            regular[np.searchsorted(starts, np.flatnonzero(view == sign[0]), "right") - 1] = False
    at = content.find(BOM)
    while at >= 0:
        regular[np.searchsorted(starts, at, "right") - 1] = False
        at = content.find(BOM, at + 1)
    return regular
