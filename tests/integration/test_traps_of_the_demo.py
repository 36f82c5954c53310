"""No planted look-alike is merged: records of different people or companies keep different golden ids.

What does NOT belong here: what the traps are (tests/unit/demo), how they are counted (tests/unit/evaluation).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestration.cli import etalon
from orchestration.evaluation.company import evaluate_company, evaluate_traps


def _merged(company: Path, work: Path) -> dict[str, int]:
    return {each.kind: each.merged for each in evaluate_traps(company, work) if each.merged}


def test_no_trap_of_the_tiny_demo_is_merged(demo_run) -> None:
    planted = evaluate_traps(demo_run.company_dir, demo_run.work)
    assert sum(each.planted for each in planted) == 60
    assert _merged(demo_run.company_dir, demo_run.work) == {}


def test_evaluate_tells_what_became_of_the_traps(demo_run) -> None:
    told = CliRunner().invoke(etalon, ["evaluate", "--company", str(demo_run.company_dir)]).output
    assert "Planted traps: 60; merged: " in told
    assert "switchboard: 4 planted, " in told


@pytest.mark.nightly
def test_no_trap_of_the_demo_is_merged_and_duplicates_are_still_found(tmp_path: Path) -> None:
    from orchestration.commands.demo import generate_demo
    from orchestration.commands.run import run_cycle

    company = tmp_path / "demo"
    generate_demo(company, "demo")
    assert run_cycle(company, as_json=True) == 0
    work = company / "work"
    assert sum(each.planted for each in evaluate_traps(company, work)) >= 500
    assert _merged(company, work) == {}
    for result in evaluate_company(company, work):
        assert result.scores.pairs.precision == 1.0
        assert result.scores.pairs.recall >= 0.95
