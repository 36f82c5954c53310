"""The reports' sentences: catalogues with the same keys in both languages, and the French typography of spaces.

What does not belong here: numbers and dates (formatting.py). No sentence of a report stands anywhere else;
the wording of rules, reasons and metrics comes with the inputs, from the catalogue that defines each of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import yaml

from ingest.typography import french_spaces
from orchestration.reporting.formatting import LANGUAGES

_FOLDER = Path(__file__).parent


def _flatten(node: Mapping, prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in node.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(_flatten(value, f"{path}."))
        else:
            flat[path] = str(value)
    return flat


def _typographic(text: str) -> str:
    """The apostrophe of print, which the catalogues write as they are typed."""
    return re.sub(r"(?<=\w)'(?=\w)", "\u2019", text)


@cache
def load_catalogue(language: str) -> Mapping[str, str]:
    """All sentences of a language, keys joined by dots (`quality.title`)."""
    if language not in LANGUAGES:
        raise ValueError(f"language is {language!r}, expected one of {', '.join(LANGUAGES)}")
    flat: dict[str, str] = {}
    for path in sorted(_FOLDER.glob(f"catalogue*.{language}.yml")):
        found = _flatten(yaml.safe_load(path.read_text(encoding="utf-8")))
        if twice := set(flat) & set(found):
            raise ValueError(f"{path.name} says again: {', '.join(sorted(twice))}")
        flat |= found
    flat = {key: _typographic(text) for key, text in flat.items()}
    if language == "fr":
        flat = {key: french_spaces(text) for key, text in flat.items()}
    return MappingProxyType(flat)


class Wording:
    """Sentences of one language. Unknown keys raise: a report never shows a key instead of a sentence."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._sentences = load_catalogue(language)

    def __call__(self, key: str, **values: object) -> str:
        """The sentence `key` with its `{named}` places filled. Plain text: the renderer escapes it."""
        sentence = self._sentences[key]
        return sentence.format(**values) if values else sentence

    def plural(self, key: str, count: int, **values: object) -> str:
        """`key.one` or `key.other`. French counts zero as singular, English does not."""
        one = abs(count) <= 1 if self.language == "fr" else abs(count) == 1
        return self(f"{key}.{'one' if one else 'other'}", **values)

    def or_raw(self, prefix: str, code: str | None, **values: object) -> str:
        """The wording of a code of a list that other folders may extend; the code itself when it has none."""
        if code is None:
            return ""
        sentence = self._sentences.get(f"{prefix}.{code}")
        if sentence is None:
            return code
        return sentence.format(**values) if values else sentence

    def pick(self, fr: str | None, en: str | None, default: str = "") -> str:
        """Of two wordings that another catalogue gives, the one in this language, else the other."""
        if self.language == "fr" and fr:
            return french_spaces(_typographic(fr))
        return (en if self.language == "en" else None) or en or fr or default
