"""The French of sentences that a metric says once, in English.

What does NOT belong here: labels and definitions, which each metric has in both languages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import yaml

from ingest.typography import french_spaces
from orchestration.dictionary.metric import LOADER

FILE = Path(__file__).with_name("french.yml")


@cache
def sentences() -> Mapping[str, str]:
    """English sentence -> French sentence, as typed."""
    found = yaml.load(FILE.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506 - a safe loader
    return MappingProxyType(found)


def said(text: str, language: str) -> tuple[str, str]:
    """The sentence in `language` ('fr' or 'en') where it exists, to be shown, and the language it is in."""
    if language == "fr" and text in sentences():
        return french_spaces(sentences()[text]), "fr"
    return text, "en"


def in_french(texts: Iterable[str]) -> str | None:
    """Sentences in French as typed, joined by spaces; None when one of them has no French, or there is none."""
    given = [sentences().get(text) for text in texts]
    return " ".join(each for each in given if each) if given and all(given) else None
