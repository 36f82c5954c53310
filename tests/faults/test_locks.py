"""One run at a time per company."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from planted_candidate import plant

from orchestration import cli
from orchestration.commands import exit_codes
from orchestration.commands.run import run_cycle
from orchestration.project import ROOT
from orchestration.run_lock import LockedByAnotherRunError, reading, require_idle, run_lock

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


@pytest.mark.parametrize(
    "arguments", [["journal"], ["journal", "--rows"], ["where", "crm:Lead.csv:2"], ["report"], ["publish"]]
)
def test_a_reader_exits_75_and_names_the_run_that_is_writing(
    tmp_path: Path, holder, arguments: list[str]
) -> None:
    (tmp_path / "work" / "warehouse.duckdb").unlink()  # as a run does when it starts
    result = CliRunner().invoke(cli.etalon, [*arguments, "--company", str(tmp_path)])
    assert result.exit_code == exit_codes.LOCKED
    assert "run-of-another" in result.output and str(holder.pid) in result.output


def test_a_run_that_begins_while_a_reader_reads_is_named_when_it_makes_the_reading_fail(
    tmp_path: Path, holder
) -> None:
    os.kill(holder.pid, 0)
    with pytest.raises(LockedByAnotherRunError, match="run-of-another"):  # noqa: SIM117
        with reading_from_before(tmp_path / "work"):
            raise OSError("Could not set lock on file")
    with pytest.raises(OSError, match="disk"), reading(tmp_path / "elsewhere"):
        raise OSError("disk")


@contextlib.contextmanager
def reading_from_before(work: Path):
    """`reading`, entered as though no run had been on yet."""
    lock = work / "run.lock"
    aside = lock.rename(lock.with_suffix(".aside"))
    manager = reading(work)
    manager.__enter__()
    aside.rename(lock)
    try:
        yield
    except OSError as error:
        manager.__exit__(type(error), error, error.__traceback__)
        raise


def test_a_reader_that_looks_never_stops_a_run(tmp_path: Path) -> None:
    with run_lock(tmp_path, "first"):
        pass
    stop, seen = threading.Event(), []

    def look() -> None:
        while not stop.is_set():
            with contextlib.suppress(
                LockedByAnotherRunError
            ):  # between the lock and its note in this process
                require_idle(tmp_path)
            seen.append(1)

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for number in range(50):
            with run_lock(tmp_path, f"run-{number}"):
                pass
    finally:
        stop.set()
        reader.join()
    assert seen


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
