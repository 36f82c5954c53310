"""Text of the data as a report may show it: without e-mail addresses, telephone numbers and names.

What does not belong here: HTML escaping (the renderer does that), which columns are personal (the contracts).
"""

from __future__ import annotations

import re

from orchestration.masking import without_calendar_names

_EMAIL = re.compile(r"[^\s@<>\"']{1,64}@[^\s@<>\"']{1,255}")
_PHONE = re.compile(r"(?<![\w.])(?:\+\d[\d .()-]{7,16}\d|0\d(?:[ .-]?\d{2}){4})(?!\w)")
_CUT = 60

#: Contracts whose files belong to one person each: a report shows their delivery ids in place of their paths.
CONTRACTS_OF_ONE_PERSON = ("calendar_attendee", "calendar_event")


def masked(text: str) -> str:
    """Text of the data without e-mail addresses, telephone numbers and names of calendar files."""
    return without_calendar_names(_PHONE.sub("•••", _EMAIL.sub("•••@•••", text)))


def shape(text: str, *, keep_digits: bool = False) -> str:
    """Every letter as x and every digit as 0 (unless kept), cut: what was wrong shows, who it was about does not."""
    shown = "".join(
        "x" if c.isalpha() else "0" if c.isnumeric() and not keep_digits else c for c in text[:_CUT]
    )
    return shown + ("…" if len(text) > _CUT else "")
