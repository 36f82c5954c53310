"""What a KPI is called and how it is computed, from the metrics' own YAML; and the tiles' display settings.

What does not belong here: values. A metric is described once, in dbt_project/models/metrics.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import yaml

from orchestration.dictionary.metric import METRICS_FOLDER, metric_meta, raw_metrics


@dataclass(frozen=True)
class MetricDefinition:
    """How a metric is named, explained and read. `better` is up, down or none."""

    name: str
    unit: str
    better: str
    minimum_n: int
    label_fr: str
    label_en: str
    definition_fr: str
    definition_en: str


@dataclass(frozen=True)
class TileSettings:
    """Display settings of one tile; keys as explained in kpis.yml."""

    name: str
    places: int
    month: str
    has_complaint_bar: bool


def readable(formula: str, labels: Mapping[str, str]) -> str:
    """A formula with labels in place of the names of other metrics, and signs as a reader writes them."""
    text = re.sub(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+", lambda found: labels.get(found[0], found[0]), formula)
    return text.replace(" <= ", " ≤ ").replace(" >= ", " ≥ ").replace(" / ", " ÷ ")


@cache
def metric_definitions(folder: Path = METRICS_FOLDER) -> Mapping[str, MetricDefinition]:
    """Definitions by metric name, from every `metrics:` list of the folder's YAML files."""
    metas = {metric["name"]: metric_meta(metric) for metric in raw_metrics(folder)}
    found = {}
    for name, meta in metas.items():
        texts = {}
        for language in ("fr", "en"):
            labels = {other: str(each.get(f"label_{language}", other)) for other, each in metas.items()}
            formula = str(meta.get("formula") or "")
            texts[f"label_{language}"] = labels[name]
            written = meta.get(f"definition_{language}")
            texts[f"definition_{language}"] = str(written or readable(formula, labels))
        found[name] = MetricDefinition(
            name=name,
            unit=str(meta.get("unit") or "count"),
            better=str(meta.get("better") or "none"),
            minimum_n=int(meta.get("minimum_n") or 0),
            **texts,
        )
    return MappingProxyType(found)


@cache
def tile_settings() -> tuple[TileSettings, ...]:
    """The tiles in their order."""
    document = yaml.safe_load((Path(__file__).parent / "kpis.yml").read_text(encoding="utf-8"))
    return tuple(
        TileSettings(
            name=tile["name"],
            places=tile["places"],
            month=tile["month"],
            has_complaint_bar=tile.get("bar") == "complaints",
        )
        for tile in document["tiles"]
    )
