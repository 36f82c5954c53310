"""What one file proves, and what a person has to decide: the value with its evidence, or an open question.

What does NOT belong here: finding evidence (the other modules), and a terminal (orchestration asks).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ingest.typography import typeset


@cache
def _catalogue() -> dict[str, dict[str, str]]:
    return typeset(yaml.safe_load(Path(__file__).with_name("wording.yml").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Said:
    """One sentence of wording.yml with its values (which may be sentences), in no language yet."""

    key: str
    values: tuple[tuple[str, Any], ...] = ()

    def text(self, language: str) -> str:
        """The sentence in `fr` or `en`."""
        values = {k: v.text(language) if isinstance(v, Said) else v for k, v in self.values}
        return _catalogue()[language][self.key].format(**values)


def said(key: str, **values: Any) -> Said:
    """A sentence of wording.yml."""
    return Said(key, tuple(values.items()))


@dataclass(frozen=True)
class Question:
    """One decision that the file does not prove.

    key: where the answer goes (`files.leads.encoding`). options: texts that may be answered, likeliest first;
    empty when the answer is free. accepts: test of a free answer.
    """

    key: str
    asked: Said
    evidence: tuple[Said, ...] = ()
    options: tuple[str, ...] = ()
    accepts: Callable[[str], bool] = field(default=lambda answer: True, compare=False)
    is_free: bool = False

    def takes(self, answer: str) -> bool:
        """True when `answer` may be given."""
        return answer in self.options or ((self.is_free or not self.options) and self.accepts(answer))

    def text(self, language: str) -> str:
        """The question with its options, in one line."""
        sentence = self.asked.text(language)
        if self.options:
            shown = " | ".join(repr(o) if o.strip() != o or not o.isprintable() else o for o in self.options)
            sentence = f"{sentence} [{shown}]"
        return sentence


@dataclass(frozen=True)
class Decision:
    """A value, proved or answered; or an open question when `question` is set.

    best: what the rest of the reading goes on with meanwhile.
    """

    best: Any
    evidence: tuple[Said, ...] = ()
    question: Question | None = None
    is_answer: bool = False

    @property
    def is_open(self) -> bool:
        """True when a person still has to decide."""
        return self.question is not None


Ask = Callable[[Question], str | None]


@dataclass
class Interview:
    """Asks when somebody can answer, and keeps what stays open."""

    ask: Ask | None = None
    open_questions: list[Question] = field(default_factory=list)
    n_answers: int = 0

    def decide(self, question: Question, best: Any, read: Callable[[str], Any] = str) -> Decision:
        """The decision on `question`: the answer (through `read`), or open with `best` for the meantime."""
        answer = self.ask(question) if self.ask else None
        if answer is None:
            self.open_questions.append(question)
            return Decision(best, question.evidence, question)
        self.n_answers += 1
        return Decision(read(answer), (*question.evidence, said("answered")), is_answer=True)


def proved(value: Any, *evidence: Said) -> Decision:
    """A decision that the file proves."""
    return Decision(value, evidence)
