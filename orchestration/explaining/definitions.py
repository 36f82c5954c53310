"""How each KPI is found again in the rows behind it (kpis.yml).

What does NOT belong here: running it (kpi.py), what a KPI means (the metric YAML of dbt).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Definition:
    """One KPI; fields as told at the head of kpis.yml. Text is SQL of this project, never of the data."""

    metric_name: str
    family: str
    state: str
    rows: str
    month: str
    where: str
    key: str
    records: str
    segments: Mapping[str, str]
    contracts: Mapping[str, str | None]
    of_record: Mapping[str, str]
    of_fact: Mapping[str, str | None]
    numerator: str | None = None
    denominator: str | None = None
    value: str | None = None
    also: str | None = None


@cache
def definitions() -> dict[str, Definition]:
    """Metric name -> definition."""
    content = yaml.safe_load(Path(__file__).with_name("kpis.yml").read_text(encoding="utf-8"))
    return {
        name: Definition(name, **(content["families"][metric["family"]] | metric))
        for name, metric in content["metrics"].items()
    }


def definition_of(name: str) -> Definition | None:
    """The KPI of a metric name or of its other name; None for any other text."""
    return next((each for each in definitions().values() if name in (each.metric_name, each.also)), None)
