"""The spaces of French typography, for sentences of catalogues; catalogues are typed with ordinary spaces.

What does NOT belong here: data, which is shown as it is; numbers and dates (orchestration.reporting.formatting).
"""

from __future__ import annotations

import re
from typing import Any

NARROW_SPACE = "\u202f"
NO_BREAK_SPACE = "\u00a0"
#: What stands between a label and its value.
COLON = {"fr": f"{NO_BREAK_SPACE}: ", "en": ": "}


def french_spaces(text: str) -> str:
    """No-break spaces where French wants them: before ; ! ? % (narrow), before : » €, and after «."""
    text = re.sub(r" (?=[;!?%])", NARROW_SPACE, text)
    text = re.sub(r" (?=[:»€])", NO_BREAK_SPACE, text)
    return text.replace("« ", "«" + NO_BREAK_SPACE)


def typeset(catalogue: Any, *, is_french: bool = False) -> Any:
    """A catalogue as YAML gives it, every sentence below a key `fr` with French spaces; keys stay as they are."""
    if isinstance(catalogue, dict):
        return {key: typeset(value, is_french=is_french or key == "fr") for key, value in catalogue.items()}
    if isinstance(catalogue, list):
        return [typeset(value, is_french=is_french) for value in catalogue]
    return french_spaces(catalogue) if is_french and isinstance(catalogue, str) else catalogue
