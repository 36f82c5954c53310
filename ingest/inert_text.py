"""Free text that a spreadsheet would run as a formula, made inert and given back.

What does NOT belong here: writing tables for people (orchestration.safe_sheets), terminals (orchestration.masking).
"""

from __future__ import annotations

import re

#: A text that begins with one of these is a formula to a spreadsheet, full-width signs included.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_MADE_INERT = re.compile(f"'+[{re.escape(''.join(FORMULA))}]")
# Where a cell of a line can begin, whatever the separator: not behind a letter or digit, nor behind an apostrophe.
_CELL = r"(?<![^\W_])(?<!')"
_SIGNS = r"'*[=+\-@＝＋－＠]"
_LIVE = re.compile(f"{_CELL}(?={_SIGNS})")
_MADE_INERT_INSIDE = re.compile(f"{_CELL}'(?={_SIGNS})")


def inert_text(cell: str) -> str:
    """A cell that no spreadsheet runs; meant_text() gives it back."""
    return f"'{cell}" if cell.lstrip("'").startswith(FORMULA) else cell


def meant_text(cell: str) -> str:
    """What was written before inert_text()."""
    return cell[1:] if _MADE_INERT.match(cell) else cell


def inert_line(line: str) -> str:
    """A raw line of which no cell is a formula, whatever separator a spreadsheet cuts it at; meant_line() undoes it."""
    return _LIVE.sub("'", line)


def meant_line(line: str) -> str:
    """What the line was before inert_line(), to the character."""
    return _MADE_INERT_INSIDE.sub("", line)
