"""docs/rules.md is that of the catalogue."""

from __future__ import annotations

import dataclasses

from expectations.catalogue import load_catalogue
from expectations.rule_pages import PAGE_FILE, page_text

CATALOGUE = load_catalogue()
PAGE = PAGE_FILE.read_text(encoding="utf-8")


def test_the_page_is_that_of_the_catalogue() -> None:
    """When it fails: python -m expectations.rule_pages."""
    assert page_text(CATALOGUE) == PAGE


def test_every_rule_is_under_each_of_its_tables_with_both_questions() -> None:
    sections = {part.split("\n", 1)[0]: part for part in PAGE.split("\n### ")[1:]}
    for rule in CATALOGUE.rules:
        for check in rule.checks:
            (row,) = [
                line for line in sections[check.table].splitlines() if line.startswith(f"| {rule.id} |")
            ]
            assert rule.question_fr in row and rule.question_en in row


def test_a_changed_rule_makes_the_page_stale() -> None:
    first, *others = CATALOGUE.rules
    changed = dataclasses.replace(CATALOGUE, rules=(dataclasses.replace(first, min_rows=77), *others))
    assert "77 rows or more" in page_text(changed) != PAGE
