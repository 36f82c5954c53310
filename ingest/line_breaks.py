"""Where a quarantined line breaks: the character at which it stops being a record of its file.

What does NOT belong here: why it was quarantined (strict_reader.py and the other readers said so), wording.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from ingest.mapping import FileSpec
from ingest.strict_reader import RecordParser


@dataclass(frozen=True)
class Break:
    """position: character of the line (the first one is 1) or of its end; found and declared: fields or characters
    of the line and of its file, 0 where they are not counted.
    """

    position: int
    found: int = 0
    declared: int = 0


def break_of(text: str, reason_code: str, detail: str, spec: FileSpec, n_columns: int) -> Break | None:
    """The place at which `text` breaks, None where no single place can be named."""
    if reason_code == "undecodable_bytes":
        named = re.search(r"at byte (\d+)", detail)
        return Break(int(named[1])) if named else None
    if reason_code == "not_a_json_object":
        try:
            json.loads(text)
        except json.JSONDecodeError as error:
            return Break(error.pos + 1)
        return Break(1)
    if reason_code == "wrong_line_length":
        shortest, longest = spec.line_lengths()
        return Break(min(len(text), longest) + 1, len(text), longest if len(text) > longest else shortest)
    starts = _field_starts(text, spec)
    if reason_code == "wrong_field_count":
        # One field too many: it begins there. Too few: the line ends there.
        at = starts[n_columns] if len(starts) > n_columns else len(text)
        return Break(at + 1, len(starts), n_columns)
    if reason_code == "unclosed_quote":
        return Break(starts[-1] + 1, len(starts), n_columns)
    if reason_code == "broken_quoting":
        # Negative: the quote closed on a line further down, so what broke the line is that it opens.
        end = _end_of_quoted(text, starts[-1], spec)
        return Break((starts[-1] if end < 0 else end) + 1, len(starts), n_columns)
    return None


def _field_starts(text: str, spec: FileSpec) -> list[int]:
    """Positions at which fields begin, up to the one that breaks."""
    delimiter = spec.delimiter or ","
    starts, position = [0], 0
    while True:
        end = _end_of_quoted(text, position, spec)
        if end < 0 or (end < len(text) and text[end] != delimiter):
            return starts
        if end >= len(text):
            return starts
        position = end + 1
        starts.append(position)


def _end_of_quoted(text: str, start: int, spec: FileSpec) -> int:
    """Position behind the field at `start`, its closing quote and spaces included; -1 when its quote stays open."""
    delimiter, quote = spec.delimiter or ",", spec.quote
    at = start
    while at < len(text) and text[at] == " " and delimiter != " ":
        at += 1
    if quote is None or text[at : at + 1] != quote:
        end = text.find(delimiter, start)
        return len(text) if end < 0 else end
    value, end = RecordParser(delimiter, quote, spec.escape_character).quoted(text, at + 1)
    if value is None:
        return -1
    while end < len(text) and text[end] == " " and delimiter != " ":
        end += 1
    return end
