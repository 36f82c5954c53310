"""One warehouse in which every rule passes, built once; tests copy it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import planted_rules


@pytest.fixture(scope="session")
def good_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("good") / "work"
    planted_rules.build(work)
    return work


@pytest.fixture
def work(good_work: Path, tmp_path: Path) -> Path:
    copied = tmp_path / "work"
    shutil.copytree(good_work, copied)
    return copied
