"""Every mapping of ingest/mappings fits the contracts, and its expressions compile, without any extract."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.calendar_reading import stream_columns
from ingest.company import Source
from ingest.conversion import check_mapping
from ingest.mapping import MAPPINGS, load_mapping


@pytest.mark.parametrize("name", sorted(path.stem for path in MAPPINGS.glob("*.yml")))
def test_the_mapping_compiles(name: str, tmp_path: Path) -> None:
    mapping = load_mapping(Source("any", name, "any"), tmp_path)
    check_mapping(mapping, stream_columns)


@pytest.mark.parametrize("path", sorted(MAPPINGS.glob("*.yml")), ids=lambda path: path.stem)
def test_the_mapping_says_what_it_reads(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")
