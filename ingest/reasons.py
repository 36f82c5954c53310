"""The closed list of reason codes, with their wording in French and English. Source: reasons.yml.

What does NOT belong here: choosing a reason; every step names the code it means.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from ingest.strict_yaml import read_yaml
from ingest.typography import french_spaces

CATALOGUE = Path(__file__).with_name("reasons.yml")


@dataclass(frozen=True)
class Reason:
    """One reason code. `disposition` and `action` say what it does to a row or a cell (null: neither).

    absorbed: the record lives on in another one, so it is no version of its key.
    """

    code: str
    disposition: str | None
    action: str | None
    en: str
    fr: str
    absorbed: bool = False

    def text(self, language: str = "en") -> str:
        """Wording in `fr` or `en`."""
        return self.fr if language == "fr" else self.en


@functools.cache
def reasons() -> dict[str, Reason]:
    """Reason code -> Reason."""
    content = read_yaml(CATALOGUE)
    return {
        code: Reason(
            code,
            item.get("disposition"),
            item.get("action"),
            item["en"],
            french_spaces(item["fr"]),
            item.get("absorbed", False),
        )
        for code, item in content.items()
    }


def competing_codes() -> list[str]:
    """Codes of excluded records that are still a version of their key, in alphabetical order."""
    return [code for code in codes_of("excluded") if not reasons()[code].absorbed]


def absorbed_codes() -> list[str]:
    """Codes of records that live on in another one, in alphabetical order."""
    return sorted(code for code, reason in reasons().items() if reason.absorbed)


def codes_of(disposition: str) -> list[str]:
    """Codes whose disposition is `disposition`, in alphabetical order."""
    return sorted(code for code, reason in reasons().items() if reason.disposition == disposition)
