"""The planted company of tests/golden, built once per session, and its manifest."""

import json
from pathlib import Path

import pytest

from tests.golden.planted_warehouse import built_company


@pytest.fixture(scope="session")
def planted_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Work folder of the planted company after metrics, quality and marts were built."""
    return built_company(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def manifest(planted_work: Path) -> dict:
    """dbt's manifest of the project as it was built."""
    return json.loads((planted_work.parent / "project" / "target" / "manifest.json").read_text())
