"""Free text that a spreadsheet would run as a formula, made inert and given back.

What does NOT belong here: writing tables for people (orchestration.safe_sheets), terminals (orchestration.masking).
"""

from __future__ import annotations

import re

#: A text that begins with one of these is a formula to a spreadsheet, full-width signs included.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_MADE_INERT = re.compile(f"'+[{re.escape(''.join(FORMULA))}]")


def inert_text(cell: str) -> str:
    """A cell that no spreadsheet runs; meant_text() gives it back."""
    return f"'{cell}" if cell.lstrip("'").startswith(FORMULA) else cell


def meant_text(cell: str) -> str:
    """What was written before inert_text()."""
    return cell[1:] if _MADE_INERT.match(cell) else cell
