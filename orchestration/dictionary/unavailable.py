"""Metrics of the dictionary that need an extract nobody gives, each with the reason.

What does NOT belong here: a metric without a value in some month (its reason stands in the mart).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from ingest.typography import french_spaces

FILE = Path(__file__).with_name("unavailable.yml")


@dataclass(frozen=True)
class Unavailable:
    """A metric that is not computed. missing_*: which extract it would need."""

    name: str
    label_fr: str
    label_en: str
    missing_fr: str
    missing_en: str

    def label(self, language: str) -> str:
        """The label in 'fr' or 'en', to be shown."""
        return french_spaces(self.label_fr) if language == "fr" else self.label_en

    def missing(self, language: str) -> str:
        """What is missing, in 'fr' or 'en', to be shown."""
        return french_spaces(self.missing_fr) if language == "fr" else self.missing_en


@cache
def unavailable() -> Mapping[str, Unavailable]:
    """By name."""
    found = yaml.safe_load(FILE.read_text(encoding="utf-8")) or {}
    return {name: Unavailable(name, **texts) for name, texts in found.items()}
