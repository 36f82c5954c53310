"""docs/cookbook.md as data: its questions and their SQL.

What does NOT belong here: what an answer must be (test_cookbook.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cookbook.md"


@dataclass(frozen=True)
class Recipe:
    """One question of the page. sql: None where the section has no query."""

    number: int
    question: str
    question_fr: str
    sql: str | None


def recipes(page: Path = PAGE) -> list[Recipe]:
    """The sections of the page, in its order."""
    found = []
    for section in re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        number, _, question = title.partition(". ")
        french = re.match(r"\*([^*]+)\*", body.strip())
        sql = re.search(r"```sql\n(.*?)```", body, re.DOTALL)
        found.append(
            Recipe(int(number), question.strip(), french[1] if french else "", sql[1] if sql else None)
        )
    return found
