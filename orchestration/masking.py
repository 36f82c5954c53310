"""Text that came from data, made safe to show: inert for a terminal, without direct identifiers.

What does NOT belong here: HTML (see orchestration.reporting), deciding what is shown.
"""

from __future__ import annotations

import re
import unicodedata

_EMAIL = re.compile(r"[^\s@'\"<>(),;:|/]+@[^\s@'\"<>(),;:|/]+")
_PHONE = re.compile(r"\+\d[\d .\-]{6,}\d")


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
