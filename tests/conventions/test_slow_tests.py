"""The list of slow tests names what exists, and continuous integration runs every one of them."""

from pathlib import Path

from tests.conftest import SLOW

ROOT = Path(__file__).parents[2]


def test_every_entry_is_a_folder_or_a_module_with_tests() -> None:
    missing = [entry for entry in SLOW if not (ROOT / "tests" / entry).exists()]
    assert not missing


def test_integration_runs_the_fast_and_the_slow_tests() -> None:
    commands = (ROOT / ".ci" / "run").read_text().splitlines()
    assert commands[-3:] == ["make lint", "make test", "make test-slow"]
