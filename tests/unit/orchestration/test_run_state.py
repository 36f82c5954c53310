"""What a run keeps of its steps, and what the benchmark tells of them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from orchestration.run_state import RunState
from tests.bench.compare import page, step_seconds


def test_a_step_keeps_the_seconds_it_waited_apart_from_those_it_worked(tmp_path: Path) -> None:
    state = RunState.start(tmp_path, "run-1")
    with state.step("waits"):
        time.sleep(0.3)
    with state.step("works"):
        until = time.process_time() + 0.3
        while time.process_time() < until:
            pass
    with pytest.raises(ValueError, match="broken"), state.step("breaks"):
        raise ValueError("broken")
    kept = json.loads((tmp_path / "run" / "state.json").read_text())
    seconds = step_seconds(kept)
    assert seconds["steps"]["waits"] >= 0.3 > 0.2 > seconds["steps_cpu"]["waits"]
    assert seconds["steps_cpu"]["works"] >= 0.3
    assert seconds["steps_cpu"].keys() == seconds["steps"].keys() == {"waits", "works", "breaks"}
    assert kept["steps"]["breaks"]["status"] == "failed"


def test_the_benchmark_page_shows_the_cpu_seconds_of_each_step_that_has_them() -> None:
    steps = dict.fromkeys(("staging", "matching", "master", "mart", "rules", "mart_rules"), 2.0)
    measured = {"wall_s": 20.0, "cpu_s": 30.0, "peak_mib": 900}
    record = {
        "size": "bench-9", "rows": 10, "pipeline": measured, "script": measured, "rows_per_s": 1, "ratio": 1.0,
        "ratio_cpu": 1.0, "cores": 2, "steps": steps, "event_rows": 3,
    }  # fmt: skip
    cpu = dict.fromkeys(steps, 3.25) | {"matching": 1.5}
    told = page({"compared": [record | {"steps_cpu": cpu}], "marts": []})
    assert "Steps of `bench-9` in seconds (CPU): staging 2.0 (3.25), matching 2.0 (1.5), master" in told
    assert "Steps of `bench-9` in seconds: staging 2.0, matching 2.0, master" in page(
        {"compared": [record], "marts": []}
    )
