"""docs/errors.md: every code that the code can raise, each with an example that fills all of its sentences."""

from __future__ import annotations

import re

import pytest

from orchestration.error_pages import PAGE_FILE, catalogues, examples, fields_named, page_text
from orchestration.project import source_files


def test_the_page_is_that_of_the_catalogues() -> None:
    """When it fails: python -m orchestration.error_pages."""
    assert PAGE_FILE.read_text(encoding="utf-8") == page_text(catalogues(), examples())


@pytest.mark.parametrize("code", sorted(catalogues()))
def test_an_example_gives_a_value_to_every_word_in_braces_and_to_no_other(code: str) -> None:
    sentences = catalogues()[code]
    values = examples()[code]
    assert set(values) == fields_named(sentences) | {"where"}
    assert all(values.values())


def test_the_page_has_every_code_that_the_code_names_and_no_other() -> None:
    named = {
        code
        for path in source_files("orchestration", "ingest", "expectations")
        if path.suffix == ".py"
        for code in re.findall(r"\bE-[A-Z]{3}-\d{3}\b", path.read_text(encoding="utf-8"))
    }
    sections = re.findall(r"^### (\S+)$", PAGE_FILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(sections) == len(set(sections))
    assert named <= set(sections) == set(catalogues()) == set(examples())
