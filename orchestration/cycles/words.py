"""Words of cycles in French and English. Source: wording.yml.

What does NOT belong here: errors (errors.yml), sentences of the verdict (expectations).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from ingest.typography import typeset


@cache
def _catalogue() -> dict[str, dict[str, str]]:
    return typeset(yaml.safe_load(Path(__file__).with_name("wording.yml").read_text(encoding="utf-8")))


def words(key: str, language: str, **values: object) -> str:
    """One sentence of wording.yml in `fr` or `en`."""
    return _catalogue()[language][key].format(**values)


def word_or_code(prefix: str, code: str, language: str) -> str:
    """The word of a code, or the code itself where the catalogue has none: a company names its own roles."""
    return _catalogue()[language].get(f"{prefix}_{code}", code)
