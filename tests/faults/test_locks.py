"""One run at a time per company."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from planted_candidate import plant

from orchestration.commands import exit_codes
from orchestration.commands.run import run_cycle
from orchestration.project import ROOT
from orchestration.run_lock import LockedByAnotherRunError, run_lock

_HOLD = """
import sys, time
from pathlib import Path
from orchestration.run_lock import run_lock
with run_lock(Path(sys.argv[1]), "run-of-another"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path):
    """Another process that holds the lock of tmp_path."""
    plant(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path / "work")],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline().strip() == "held"
    yield process
    process.kill()
    process.wait()


def test_a_second_run_exits_75_and_names_the_first(tmp_path: Path, holder) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "run", "--company", str(tmp_path), "--force"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert second.returncode == exit_codes.LOCKED
    assert "run-of-another" in second.stderr and str(holder.pid) in second.stderr


def test_a_killed_holder_leaves_no_lock_behind(tmp_path: Path, holder) -> None:
    with pytest.raises(LockedByAnotherRunError), run_lock(tmp_path / "work", "second"):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    time.sleep(0.05)
    with run_lock(tmp_path / "work", "third"):
        assert json.loads((tmp_path / "work" / "run.lock").read_text())["run_id"] == "third"


def test_the_lock_is_reentrant_in_one_process_and_released_at_the_end(tmp_path: Path) -> None:
    with run_lock(tmp_path, "outer"), run_lock(tmp_path, "inner"):
        assert json.loads((tmp_path / "run.lock").read_text())["run_id"] == "outer"
    with run_lock(tmp_path, "later"):
        pass


def test_a_wrong_configuration_makes_no_lock_file(tmp_path: Path) -> None:
    from ingest.errors import ConfigurationError

    (tmp_path / "company.yml").write_text("version: 1\n")
    with pytest.raises(ConfigurationError):
        run_cycle(tmp_path, force=True)
    assert not (tmp_path / "work").exists()
