"""Text that came from data, made safe to show: inert for a terminal, without direct identifiers.

What does NOT belong here: HTML (see orchestration.reporting), deciding what is shown.
"""

from __future__ import annotations

import re
import unicodedata

_EMAIL = re.compile(r"[^\s@'\"<>(),;:|/]+@[^\s@'\"<>(),;:|/]+")
_PHONE = re.compile(r"\+\d[\d .\-]{6,}\d")

# A calendar is exported one file per person, and the file bears the person's name, blanks included below a folder.
_CALENDAR_FILE = re.compile(r"(?:(?<=/)[^/:;,()\n]+|[^\s/:;,()]+)(?=\.ics\b)", re.IGNORECASE)


def inert(text: str) -> str:
    """Text without anything a terminal obeys: control and format characters are shown as escapes."""
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
        else character.encode("unicode_escape", "surrogatepass").decode()
        for character in text
    )


def masked(text: str) -> str:
    """Text without e-mail addresses and telephone numbers: engines quote data in their messages."""
    return _PHONE.sub("+***", _EMAIL.sub("***@***", text))


def without_calendar_names(text: str) -> str:
    """Text, or a path, in which no file of a calendar bears its name."""
    return _CALENDAR_FILE.sub("•••", text)
