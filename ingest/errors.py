"""Errors of the collect step: coded, bilingual, each saying what, where, why and the next command.

What does NOT belong here: deciding that something is wrong (controls.py, mapping.py, reading.py do) and
printing (the CLI does).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

import yaml

from ingest.typography import typeset

CATALOGUE = Path(__file__).with_name("errors.yml")


@functools.cache
def catalogue() -> dict[str, dict[str, dict[str, str]]]:
    """Error code -> language -> {what, why, next}. Source: errors.yml."""
    return typeset(yaml.safe_load(CATALOGUE.read_text(encoding="utf-8")))


def text_of(code: str, part: str, language: str = "en", **params: Any) -> str:
    """One sentence of an error.

    part: `what`, `why` or `next`. Parameters that the sentence does not name are ignored; a parameter it
    names and that is not given is shown as its own name, because an error text must never raise.
    """
    template = catalogue()[code][language][part]
    names = {name for _, name, _, _ in Formatter().parse(template) if name}
    return template.format(**{name: params.get(name, name) for name in names})


@dataclass(frozen=True)
class Problem:
    """One coded problem with its place and the values that its sentences need."""

    code: str
    where: str
    params: tuple[tuple[str, str], ...] = ()

    def text(self, part: str, language: str = "en") -> str:
        """The sentence `what`, `why` or `next` in `fr` or `en`."""
        return text_of(self.code, part, language, where=self.where, **dict(self.params))


class NoRunYetError(FileNotFoundError):
    """Nothing is there to read yet: no run has come so far. missing: what the text of a developer names."""

    CODE = "E-RUN-001"

    def __init__(self, missing: str) -> None:
        super().__init__(f"{self.CODE} {missing}: run `etalon run`")


class IngestError(Exception):
    """Base of the errors of this package; carries a Problem."""

    def __init__(self, code: str, where: str, **params: Any) -> None:
        self.problem = Problem(code, where, tuple((k, str(v)) for k, v in params.items()))
        super().__init__(
            f"{code} {self.problem.text('what')} [{where}] {self.problem.text('why')} "
            f"-> {self.problem.text('next')}"
        )


class ConfigurationError(IngestError):
    """company.yml, a contract or a mapping is wrong: nothing can be read until a person corrects it."""


class RefusedFile(IngestError):  # noqa: N818 - a refusal is an outcome, not a fault
    """One extract is refused; the other extracts are not concerned."""
