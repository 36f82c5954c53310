"""The benchmark of reading says which figures miss their target, and those in docs/ miss none."""

from __future__ import annotations

import json
from typing import Any

from tests.bench.reading import DOCS, missed_targets


def told(ratio: float = 0.6, strict: float = 5.0, peak: int = 4096) -> dict[str, Any]:
    return {
        "rates": [{"file": "plain", "text": {"ratio": ratio}}],
        "strict": [{"file": "quoted", "damaged": "every line", "mb_per_s": strict}],
        "memory": [{"gigabytes": 10, "rows": "sound", "peak_mib": peak}],
    }


def test_each_figure_beyond_its_target_is_named() -> None:
    assert missed_targets(told()) == []
    assert ["plain" in each for each in missed_targets(told(ratio=0.59))] == [True]
    assert ["quoted, every line" in each for each in missed_targets(told(strict=4.9))] == [True]
    assert ["10 GB" in each for each in missed_targets(told(peak=4097))] == [True]


def test_the_recorded_figures_meet_their_targets() -> None:
    recorded = json.loads((DOCS / "benchmarks_reading.json").read_text(encoding="utf-8"))
    assert recorded["rates"] and recorded["strict"] and recorded["memory"]
    assert missed_targets(recorded) == []
