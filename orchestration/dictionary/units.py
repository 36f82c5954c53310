"""Units of metrics and what they are called.

What does NOT belong here: how a number of a unit is written (orchestration.reporting.formatting).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

#: unit_code -> language -> name.
UNITS: Mapping[str, Mapping[str, str]] = yaml.safe_load(
    Path(__file__).with_name("units.yml").read_text(encoding="utf-8")
)


def unit_name(code: str, language: str) -> str:
    """The name of a unit in 'fr' or 'en'; the code itself where it has none."""
    return UNITS.get(code, {}).get(language, code)
