"""Sites of the ingest tests: each test gets company directories of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from company_site import LEADS, Site


@pytest.fixture
def site(tmp_path: Path) -> Callable[..., Site]:
    """Make a Site from a mapping text."""
    return lambda mapping=LEADS, options="{}", name="site": Site(tmp_path / name, mapping, options)
