"""The planted company, built once for all tests that read it."""

from pathlib import Path

import duckdb
import pytest

from tests.golden.planted_warehouse import built_company


@pytest.fixture(scope="session")
def planted_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Work folder of the planted company after metrics, quality and marts were built."""
    return built_company(tmp_path_factory.getbasetemp())


@pytest.fixture
def marts(planted_work: Path):
    """A read-only connection to the built warehouse."""
    con = duckdb.connect(str(planted_work / "warehouse.duckdb"), read_only=True)
    yield con
    con.close()
