"""One planted company a test."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted_worklist import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")
