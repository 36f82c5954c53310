"""The catalogue of sentences (sentences.yml) in French and English, and the details of results that it words.

What does not belong here: which sentence is due (gate.py, runner.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TypedDict

import yaml

from ingest.typography import typeset

SENTENCES_FILE = Path(__file__).with_name("sentences.yml")


class Detail(TypedDict):
    """Why a result is as it is, in both languages; the fields of RuleResult."""

    detail: str
    detail_fr: str


@cache
def sentences() -> Mapping[str, Mapping[str, str]]:
    """The catalogue of sentences: language -> key -> text with named places."""
    return typeset(yaml.safe_load(SENTENCES_FILE.read_text(encoding="utf-8")))


def worded(code: str, **values: object) -> Detail:
    """The sentence `detail_<code>` in both languages."""
    texts = sentences()
    return Detail(
        detail=texts["en"][f"detail_{code}"].format(**values),
        detail_fr=texts["fr"][f"detail_{code}"].format(**values),
    )
