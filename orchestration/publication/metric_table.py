"""dim_metric: the dictionary of metrics as it is published beside the marts.

What does NOT belong here: reading a definition (orchestration.dictionary), trust in a value (see trust).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from orchestration.dictionary.french import in_french
from orchestration.dictionary.metric import metrics_of
from orchestration.publication.tables import Column, Table

DIM_METRIC = Table(
    "dim_metric",
    "",
    "One row per metric: its definition in French and English.",
    ("metric_name",),
    (
        Column("metric_name", "Name in the semantic layer."),
        Column("label_fr", "French label."),
        Column("label_en", "English label."),
        Column("definition_fr", "French definition."),
        Column("definition_en", "English definition."),
        Column("formula", "What is counted and divided by what."),
        Column("formula_fr", "The formula in French; null where it has none."),
        Column("filters", "Which units are counted, sentence by sentence; null where all are."),
        Column("filters_fr", "The filters in French; null where one of the sentences has none."),
        Column("edge_rules", "What happens at the edges, sentence by sentence."),
        Column("edge_rules_fr", "The edges in French; null where one of the sentences has none."),
        Column("grain", "What one unit is."),
        Column("anchor", "Date that places a unit in a period."),
        Column("unit_code", "count, rate, hours, days, money or another unit of the dictionary."),
        Column("better_code", "up, down or none: the direction of progress."),
        Column("minimum_n", "Units below which a value is shown as too few."),
        Column("metric_version", "Version of the definition."),
        Column("owner", "Who answers for the definition."),
        Column("domain_code", "sales, leads, activity, pipeline, revenue or another part of the dictionary."),
        Column("kind_code", "simple, ratio, derived, cumulative or conversion."),
        Column(
            "numerator_name",
            "Numerator: a metric, or what it is made of metrics; null for what is no rate of two of them.",
        ),
        Column("denominator_name", "Denominator, likewise."),
        Column("currency_basis_code", "reporting_currency for money, null for other units."),
        Column(
            "example_month", "Month of the worked example, first day; the example is of a planted company."
        ),
        Column("example_segment_kind_code", "Cut of the worked example."),
        Column("example_segment_code", "Segment of the worked example."),
        Column("example_value", "Value of the worked example."),
        Column("example_text", "How the worked example comes to its value."),
        Column("example_text_fr", "The same in French; null where it has none."),
    ),
)
_TYPES = {"minimum_n": pa.int32(), "example_month": pa.date32(), "example_value": pa.decimal128(38, 10)}


def metric_rows(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row of dim_metric per published metric of the manifest, by name. Halves of a ratio are not."""
    # French as typed, with ordinary spaces: a table is searched and joined; who shows it sets the spaces of print.
    rows = []
    for metric in metrics_of(manifest["metrics"].values()):
        if not metric.is_published:
            continue
        example = asdict(metric.example) if metric.example else {}
        rows.append(
            {
                "metric_name": metric.name,
                "label_fr": metric.label_fr,
                "label_en": metric.label_en,
                "definition_fr": metric.definition_fr or None,
                "definition_en": metric.definition_en or None,
                "formula": metric.formula or None,
                "formula_fr": in_french([metric.formula]),
                "filters": " ".join(metric.filters) or None,
                "filters_fr": in_french(metric.filters),
                "edge_rules": " ".join(metric.edge_rules) or None,
                "edge_rules_fr": in_french(metric.edge_rules),
                "grain": metric.grain or None,
                "anchor": metric.anchor or None,
                "unit_code": metric.unit or None,
                "better_code": metric.better,
                "minimum_n": metric.minimum_n,
                "metric_version": metric.version,
                "owner": metric.owner or None,
                "domain_code": metric.domain or None,
                "kind_code": metric.kind,
                "numerator_name": metric.halves[0] if metric.halves else None,
                "denominator_name": metric.halves[1] if metric.halves else None,
                "currency_basis_code": metric.currency,
                "example_month": example.get("period_month"),
                "example_segment_kind_code": example.get("segment_kind_code"),
                "example_segment_code": example.get("segment_code"),
                "example_value": example.get("value"),
                "example_text": example.get("text"),
                "example_text_fr": in_french([example["text"]]) if example else None,
            }
        )
    return rows


def metric_table(manifest: Mapping[str, Any]) -> pa.Table:
    """dim_metric as Arrow."""
    schema = pa.schema([(column.name, _TYPES.get(column.name, pa.string())) for column in DIM_METRIC.columns])
    return pa.Table.from_pylist(metric_rows(manifest), schema=schema)
