"""What the benchmark says of the cost of the rules: the share of the build they guard, and its bounds.

What does NOT belong here: measuring a run (see tests.bench.compare).
"""

import pytest

from tests.bench.compare import over_bounds, rules_share

STEPS = {
    "extracts": 40.0, "staging": 10.0, "matching": 5.0, "master": 23.0, "rules": 8.0, "gate": 1.0, "mart": 2.0,
    "mart_rules": 1.0, "publication": 6.0, "report": 1.0,
}  # fmt: skip


def _run(event_rows: int, peak_mib: int, **steps: float) -> dict:
    return {"steps": STEPS | steps, "event_rows": event_rows, "pipeline": {"peak_mib": peak_mib}}


def test_the_share_is_of_what_the_rules_guard_and_not_of_the_whole_run():
    assert rules_share(STEPS) == pytest.approx(9 / 40)


def test_a_large_run_within_its_bounds_has_nothing_to_say():
    assert over_bounds(_run(12_000_000, 4096, rules=13.0)) == []


def test_rules_or_memory_above_their_bound_are_told():
    told = over_bounds(_run(12_000_000, 4097, rules=13.1))
    assert [line.split(",")[0] for line in told] == ["rules take 35.2% of the build", "peak memory 4097 MiB"]


def test_a_small_run_has_no_bound():
    assert over_bounds(_run(2_000_000, 9000, rules=30.0)) == []
