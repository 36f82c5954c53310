"""What several integration tests look at and none changes."""

from __future__ import annotations

import pytest
from real_extracts import VENDORS, Collected, open_collected, write_company

from ingest import collect


@pytest.fixture(scope="session")
def collected_vendors(tmp_path_factory: pytest.TempPathFactory) -> Collected:
    """Every vendor sample, each as a source of one company, collected once."""
    root = write_company(tmp_path_factory.mktemp("vendors") / "company", VENDORS)
    return open_collected(root, collect(root))
