"""What the owner of a rule is called: codes are for commands and files, names for readers.

What does not belong here: which rule or worklist item has which owner.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

OWNERS_FILE = Path(__file__).with_name("owners.yml")


@cache
def owner_names() -> Mapping[str, Mapping[str, str]]:
    """Code of an owner -> language -> name."""
    return yaml.safe_load(OWNERS_FILE.read_text(encoding="utf-8"))


def owner_name(code: str, language: str) -> str:
    """The name of an owner in `fr` or `en`; the code itself where a company has an owner of its own."""
    return owner_names().get(code, {}).get(language, code)
