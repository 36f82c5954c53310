"""One metric as its YAML defines it, the same whether read from the file or from dbt's manifest.

What does NOT belong here: what is wrong with a definition (tests/conventions/metric_faults.py), values (asking).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from ingest.typography import french_spaces
from orchestration.project import DBT_PROJECT

METRICS_FOLDER = DBT_PROJECT / "models" / "metrics"
#: The parser in C reads the dictionary ten times as fast; both give the same.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Example:
    """The worked example of a metric: one figure of the planted company, executed by tests/golden."""

    period_month: date
    segment_kind_code: str
    segment_code: str
    value: Decimal
    text: str


@dataclass(frozen=True)
class Metric:
    """The definition of one metric. kind: simple, ratio, derived, cumulative or conversion. unit: as in the marts.

    domain: of the file that defines it, such as pipeline. currency: what money is in, None for other units.
    numerator, denominator: names of the halves of a ratio; parts: of the metrics that a derived one is made of.
    halves: what the numerator and the denominator of the mart are, of a ratio or a derived rate, in terms of metrics.
    filters: which units are counted at all, sentence by sentence; edge_rules: what happens to those that are.
    half_of: the ratios that a metric is published for, beside or instead of itself. cuts: segment kinds of the mart
    that MetricFlow is asked for one by one. is_read_from_mart: MetricFlow only reads the row of the mart (`cell`).
    empty_month: zero, or the reason of a month without rows.
    """

    name: str
    domain: str
    kind: str
    label_fr: str
    label_en: str
    definition_fr: str
    definition_en: str
    formula: str
    grain: str
    anchor: str
    unit: str
    currency: str | None
    better: str
    minimum_n: int
    owner: str
    version: str
    is_published: bool
    half_of: tuple[str, ...]
    cuts: tuple[str, ...]
    is_read_from_mart: bool
    empty_month: str | None
    numerator: str | None
    denominator: str | None
    parts: tuple[str, ...]
    halves: tuple[str, str] | None
    filters: tuple[str, ...]
    edge_rules: tuple[str, ...]
    example: Example | None

    def label(self, language: str) -> str:
        """The label in 'fr' or 'en', to be shown."""
        return french_spaces(self.label_fr) if language == "fr" else self.label_en

    def definition(self, language: str) -> str:
        """The definition in 'fr' or 'en', to be shown."""
        return french_spaces(self.definition_fr) if language == "fr" else self.definition_en


def metric_meta(metric: Mapping[str, Any]) -> dict[str, Any]:
    """meta of a metric, from `config.meta` and the older `meta`."""
    return {**(metric.get("meta") or {}), **((metric.get("config") or {}).get("meta") or {})}


def metric_of(raw: Mapping[str, Any]) -> Metric:
    """A metric of a YAML file or of the manifest. What it leaves out is empty here and a fault of the conventions."""
    meta = metric_meta(raw)
    label = str(raw.get("label") or raw["name"])
    description = _one_line(raw.get("description"))
    parts = raw.get("type_params") or {}
    return Metric(
        name=raw["name"],
        domain=Path(str(raw.get("original_file_path") or "")).stem.removeprefix("metrics_"),
        kind=str(raw.get("type") or "simple"),
        label_fr=str(meta.get("label_fr") or label),
        label_en=str(meta.get("label_en") or label),
        definition_fr=_one_line(meta.get("definition_fr")) or description,
        definition_en=_one_line(meta.get("definition_en")) or description,
        formula=_one_line(meta.get("formula")),
        grain=str(meta.get("grain") or ""),
        anchor=str(meta.get("anchor") or ""),
        unit=str(meta.get("unit") or ""),
        currency=meta.get("currency"),
        better=str(meta.get("better") or "none"),
        minimum_n=int(meta.get("minimum_n") or 0),
        owner=str(meta.get("owner") or ""),
        version=str(meta.get("version") or 1),
        is_published=bool(meta.get("published", True)),
        half_of=_names(meta.get("half_of")),
        cuts=tuple(meta.get("cuts") or ()),
        is_read_from_mart=bool(meta.get("cell")),
        empty_month=meta.get("empty_month"),
        numerator=_name(parts.get("numerator")),
        denominator=_name(parts.get("denominator")),
        parts=tuple(name for each in parts.get("metrics") or () if (name := _name(each))),
        halves=_halves(parts, meta),
        filters=tuple(_one_line(each) for each in meta.get("filters") or ()),
        edge_rules=tuple(_one_line(each) for each in meta.get("edge_rules") or ()),
        example=_example(meta.get("worked_example")),
    )


def metrics_of(raw: Iterable[Mapping[str, Any]]) -> tuple[Metric, ...]:
    """Metrics by name."""
    return tuple(sorted((metric_of(each) for each in raw), key=lambda metric: metric.name))


def raw_metrics(folder: Path = METRICS_FOLDER) -> list[dict[str, Any]]:
    """Every entry of the `metrics:` lists of a folder's YAML files, in file order."""
    found: list[dict[str, Any]] = []
    for path in sorted(folder.rglob("*.yml")):
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER) or {}  # noqa: S506 - a safe loader
        # as dbt's manifest says it
        place = {"original_file_path": path.relative_to(folder).as_posix()}
        found += [metric | place for metric in document.get("metrics") or []]
    return found


@cache
def dictionary(folder: Path = METRICS_FOLDER) -> Mapping[str, Metric]:
    """The metrics of the tree by name, halves of ratios included."""
    return MappingProxyType({metric.name: metric for metric in metrics_of(raw_metrics(folder))})


def _one_line(text: Any) -> str:
    return " ".join(str(text or "").split())


def _name(given: Any) -> str | None:
    return given.get("name") if isinstance(given, Mapping) else given


def _halves(parts: Mapping[str, Any], meta: Mapping[str, Any]) -> tuple[str, str] | None:
    """Of a ratio its two metrics; of a derived rate what its meta says, such as 12 * year_left."""
    over, under = (_name(parts.get(side)) or meta.get(side) for side in ("numerator", "denominator"))
    return (str(over), str(under)) if over and under else None


def _names(given: Any) -> tuple[str, ...]:
    if not given:
        return ()
    return (given,) if isinstance(given, str) else tuple(given)


def _example(given: Any) -> Example | None:
    if not given:
        return None
    return Example(
        period_month=date.fromisoformat(str(given["period_month"])),
        segment_kind_code=str(given["segment_kind_code"]),
        segment_code=str(given["segment_code"]),
        value=Decimal(str(given["value"])),
        text=_one_line(given.get("text")),
    )
