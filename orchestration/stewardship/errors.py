"""Errors of stewardship: coded, bilingual, each saying what, where, why and what to do next.

What does NOT belong here: deciding that something is wrong, printing (the CLI does).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from string import Formatter

import yaml


@cache
def catalogue() -> dict[str, dict[str, dict[str, str]]]:
    """Error code -> language -> {what, why, next}. Source: errors.yml."""
    return yaml.safe_load(Path(__file__).with_name("errors.yml").read_text(encoding="utf-8"))


class StewardshipError(Exception):
    """One coded problem. where: file and line, decision or item. is_usage: the command was wrong (exit 2), else a
    file (exit 65).
    """

    def __init__(self, code: str, where: str, *, is_usage: bool = False, **params: object) -> None:
        self.code, self.where, self.is_usage = code, where, is_usage
        self.params = {**{key: str(value) for key, value in params.items()}, "where": where}
        super().__init__(f"{code} {where}: {self.text('what')} {self.text('why')}")

    def text(self, part: str, language: str = "en") -> str:
        """The sentence `what`, `why` or `next` in `fr` or `en`."""
        template = catalogue()[self.code][language][part]
        names = {name for _, name, _, _ in Formatter().parse(template) if name}
        return template.format(**{name: self.params.get(name, name) for name in names})
