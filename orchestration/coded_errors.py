"""Errors that carry a code and say in French and English what, where, why and what to do next.

What does NOT belong here: the codes and their sentences (errors.yml of each package), errors of reading extracts
(ingest.errors), printing (the CLI does).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from string import Formatter
from typing import ClassVar

import yaml

from ingest.typography import typeset


@cache
def read_catalogue(path: Path) -> dict[str, dict[str, dict[str, str]]]:
    """Error code -> language -> {what, why, next}."""
    return typeset(yaml.safe_load(path.read_text(encoding="utf-8")))


class CodedError(Exception):
    """One coded problem. where: file and line, role or item. is_usage: the command was wrong (exit 2), else the data
    (exit 65).
    """

    SENTENCES: ClassVar[Path]

    def __init__(self, code: str, where: str, *, is_usage: bool = False, **params: object) -> None:
        self.code, self.where, self.is_usage = code, where, is_usage
        self.params = {**{key: str(value) for key, value in params.items()}, "where": where}
        super().__init__(f"{code} {where}: {self.text('what')} {self.text('why')}")

    @classmethod
    def catalogue(cls) -> dict[str, dict[str, dict[str, str]]]:
        """Error code -> language -> {what, why, next} of this kind of error."""
        return read_catalogue(cls.SENTENCES)

    def text(self, part: str, language: str = "en") -> str:
        """The sentence `what`, `why` or `next` in `fr` or `en`."""
        template = self.catalogue()[self.code][language][part]
        names = {name for _, name, _, _ in Formatter().parse(template) if name}
        return template.format(**{name: self.params.get(name, name) for name in names})
