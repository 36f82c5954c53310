"""The draft as YAML: every value with its evidence as comments, every open question as a tagged value.

What does NOT belong here: any decision.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from ingest.assistant.questions import Decision, Said
from ingest.strict_yaml import UNDECIDED_TAG

WIDTH = 116
_PLAIN = re.compile(r"[A-Za-zÀ-ÿ_][A-Za-z0-9À-ÿ_ .'/()-]*")


def scalar(value: Any) -> str:
    """One value as YAML that reads back as itself, whatever characters it holds."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and not text.endswith(" ") and yaml.safe_load(text) == text:
        return text
    return '"' + "".join(_escaped(c) for c in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    if character == "\t":
        return "\\t"
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


class Sheet:
    """Lines of YAML, in block style, with comments above the key they explain."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.lines: list[str] = []

    def note(self, depth: int, text: str | Said) -> None:
        """A comment, wrapped."""
        sentence = text if isinstance(text, str) else text.text(self.language)
        safe = "".join(c if c.isprintable() else _escaped(c) for c in sentence)
        pad = "  " * depth
        line = f"{pad}#"
        for word in safe.split(" "):
            if len(line) + len(word) + 1 > WIDTH and line != f"{pad}#":
                self.lines.append(line)
                line = f"{pad}#  "
            line += f" {word}"
        self.lines.append(line)

    def notes(self, depth: int, texts: Any) -> None:
        """Comments, each once."""
        for text in dict.fromkeys(texts):
            self.note(depth, text)

    def opens(self, depth: int, key: str) -> None:
        """A key whose value follows below it."""
        self.lines.append(f"{'  ' * depth}{scalar(key)}:")

    def put(self, depth: int, key: str, value: Any, after: Said | None = None) -> None:
        """One key; a Decision brings its evidence, and the tag when it is open."""
        if isinstance(value, Decision):
            self.notes(depth, value.evidence)
            value = Undecided(value.question.text(self.language)) if value.question else value.best
        tail = ""
        if after is not None:
            tail = "  # " + "".join(c for c in after.text(self.language) if c.isprintable())
        self.lines.append(f"{'  ' * depth}{scalar(key)}: {self._value(value)}{tail}")

    def _value(self, value: Any) -> str:
        if isinstance(value, Undecided):
            return f"{UNDECIDED_TAG} {quoted(value.text)}"
        if isinstance(value, list | tuple):
            return "[" + ", ".join(_in_flow(item) for item in value) + "]"
        return scalar(value)

    def text(self) -> str:
        """The whole sheet."""
        return "\n".join(self.lines) + "\n"


class Undecided:
    """The text of an open question, written with the tag that no loader accepts."""

    def __init__(self, text: str) -> None:
        self.text = text


def quoted(text: str) -> str:
    """Text in double quotes, always."""
    return '"' + "".join(_escaped(c) for c in text) + '"'


def _in_flow(value: Any) -> str:
    written = scalar(value)
    return quoted(str(value)) if isinstance(value, str) and re.search(r"[,\[\]{}#:'()]", value) else written
