"""What people did after the framing: thresholds they approved, experiments they registered (steps 6 and 7).

Read from the files of the company, leniently: whether such a file is right is judged by its owner's reader.
What does NOT belong here: the content of a threshold or of an experiment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from orchestration.cycles.calendar import calendar_of

THRESHOLDS = "thresholds.yml"
EXPERIMENTS = "experiments"


@dataclass(frozen=True)
class Acts:
    """Thresholds that begin to hold in the weeks of the cycle's calendar, registered experiments that run then."""

    n_decisions: int = 0
    n_experiments: int = 0


def find_acts(company_root: Path, cycle_end: date) -> Acts:
    """What lies in the company's directory for the cycle that ends before `cycle_end`."""
    last = calendar_of(cycle_end).ends_on
    protocols = sorted((company_root / EXPERIMENTS).glob("*/protocol.yml"))
    return Acts(
        n_decisions=sum(
            isinstance(row.get("valid_from"), date) and cycle_end <= row["valid_from"] <= last
            for row in _rows(company_root / THRESHOLDS)
        ),
        n_experiments=sum(
            (path.parent / "registration.json").is_file() and _runs(_content(path), cycle_end, last)
            for path in protocols
        ),
    )


def _rows(path: Path) -> list[dict[str, Any]]:
    content = _content(path)
    lists = [value for value in content.values() if isinstance(value, list)]
    return [row for rows in lists for row in rows if isinstance(row, dict)]


def _runs(content: dict[str, Any], first: date, last: date) -> bool:
    start, end = content.get("start_on"), content.get("end_on")
    return isinstance(start, date) and isinstance(end, date) and start <= last and end > first


def _content(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None
    except (yaml.YAMLError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
