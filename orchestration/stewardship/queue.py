"""The review queue of the last run: questions, their explanation, and which answers each kind takes.

What does NOT belong here: recording an answer (recording.py), printing.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from orchestration.dbt_running import WAREHOUSE
from orchestration.matching.evidence import BLOCK_TOO_LARGE
from orchestration.matching.linkage.explanation import Explanation, Step, wording
from orchestration.stewardship.decisions import PAIR_KINDS, QUESTION_KINDS, Decision
from orchestration.stewardship.errors import StewardshipError
from orchestration.stewardship.words import word_or_code, words

#: Kinds of questions that a pair decision answers.
PAIR_QUESTIONS = QUESTION_KINDS[:4]


@dataclass(frozen=True)
class ReviewItem:
    """One question. Columns as in dq_review_queue; decision_ids split."""

    item_id: str
    entity: str
    kind: str
    left_record_key: str
    right_record_key: str | None
    left_golden_id: str | None
    right_golden_id: str | None
    weight: float | None
    probability: float | None
    reason: str | None
    evidence_code: str | None
    terms: str | None
    attribute: str | None
    decision_ids: tuple[str, ...]
    impact_value: Decimal
    impact_unit: str
    n_leads: int
    n_touches: int
    is_strategic: bool
    postponed_at: dt.datetime | None
    impact_rank: int

    @property
    def record_keys(self) -> tuple[str, ...]:
        """The record or both records the question is about."""
        return tuple(dict.fromkeys(key for key in (self.left_record_key, self.right_record_key) if key))


def read_queue(work: Path) -> list[ReviewItem]:
    """The questions of the last run, most important first. Raises StewardshipError E-STW-010 before a run."""
    path = work / WAREHOUSE
    if not path.is_file():
        raise StewardshipError("E-STW-010", work.parent.name, is_usage=True)
    names = [field.name for field in fields(ReviewItem)]
    with duckdb.connect(str(path), read_only=True) as con:
        try:
            found = con.execute(
                f"select {', '.join(names)} from quality_dbt.dq_review_queue order by impact_rank"
            ).fetchall()
        except duckdb.CatalogException as error:
            raise StewardshipError("E-STW-010", work.parent.name, is_usage=True) from error
    rows = [dict(zip(names, row, strict=True)) for row in found]
    return [ReviewItem(**row | {"decision_ids": _decisions_of(row)}) for row in rows]


def _decisions_of(row: dict[str, Any]) -> tuple[str, ...]:
    """The decisions a question is about; matching names those that a legal number contradicts in its terms."""
    if row["kind"] == "contradiction" and row["terms"]:
        return tuple(term["decision_id"] for term in json.loads(row["terms"]) if "decision_id" in term)
    return tuple(each for each in (row["decision_ids"] or "").split(",") if each)


def find_item(items: list[ReviewItem], item_id: str) -> ReviewItem:
    """The question of an id. Raises StewardshipError E-STW-006."""
    for item in items:
        if item.item_id == item_id:
            return item
    raise StewardshipError("E-STW-006", item_id, is_usage=True)


def possible_answers(item: ReviewItem, asked: Decision | None) -> tuple[str, ...]:
    """Answers that `decide` takes. asked: for a decision to confirm, that decision."""
    if item.kind in PAIR_QUESTIONS:
        return PAIR_KINDS
    if item.kind == "contradiction":
        return ()
    if item.kind == "to_confirm":
        return ("confirm", *PAIR_KINDS) if asked and asked.kind in PAIR_KINDS else ("confirm",)
    return ("cannot_say",)


def explanation_of(item: ReviewItem) -> Explanation | None:
    """Why a scored question scored as it did; None for one without a score."""
    if item.weight is None or not item.terms:
        return None
    terms = [term for term in json.loads(item.terms) if term.get("weight") is not None]
    steps = [Step(term["comparison"], term["level"], float(term["weight"])) for term in terms]
    if not any(step.comparison == "prior" for step in steps):
        steps.insert(0, Step("prior", "prior", item.weight - sum(step.weight for step in steps)))
    return Explanation(tuple(steps), item.weight, item.probability or 0.0, "review", item.reason or "")


def block_of(item: ReviewItem) -> dict[str, Any] | None:
    """block (blocking rule) and records of a question about a value on too many records to compare; else None."""
    if item.reason != BLOCK_TOO_LARGE or not item.terms:
        return None
    return json.loads(item.terms)[0]


def reason_of(item: ReviewItem, language: str) -> str:
    """Why the question is asked, in words."""
    block = block_of(item)
    if block is not None:
        shared = wording()[language]["blocks"].get(block["block"], block["block"])
        return words("reason_block_too_large", language, records=block["records"], shared=shared)
    told = word_or_code("reason", item.reason, language)
    told = wording()[language]["reasons"].get(told, told)
    return f"{item.attribute}: {told}" if item.attribute else told
