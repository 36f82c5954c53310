"""One tiny demo company for the tests of the generator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.demo import DemoReport, generate


@dataclass(frozen=True)
class Tiny:
    """A generated company: its directory and what the generator says it wrote."""

    root: Path
    report: DemoReport

    @property
    def extracts(self) -> Path:
        return self.root / "extracts"

    @property
    def truth(self) -> Path:
        return self.root / "truth"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Generated once; tests only read it."""
    root = tmp_path_factory.mktemp("generator") / "tiny"
    return Tiny(root, generate(root, "tiny", seed=20260101))
