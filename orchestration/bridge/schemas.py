"""Columns of what the bridge gives: kpi_bridge, kpi_segment_bridge and kpi_restatements.

What does NOT belong here: how they are published, with their comments (orchestration.publication.figure_tables).
"""

from __future__ import annotations

import pyarrow as pa

BRIDGE_SCHEMA = pa.schema(
    [
        ("metric_name", pa.string()),
        ("period_month", pa.date32()),
        ("from_publication_id", pa.string()),
        ("to_publication_id", pa.string()),
        ("cause_code", pa.string()),
        ("step_order", pa.int32()),
        ("value_before", pa.decimal128(38, 10)),
        ("value_after", pa.decimal128(38, 10)),
        ("effect", pa.decimal128(38, 10)),
        ("n_units", pa.int64()),
    ]
)
SEGMENT_BRIDGE_SCHEMA = pa.schema(
    [
        ("metric_name", pa.string()),
        ("period_month", pa.date32()),
        ("segment_kind_code", pa.string()),
        ("segment_code", pa.string()),
        ("part_code", pa.string()),
        ("from_publication_id", pa.string()),
        ("to_publication_id", pa.string()),
        ("cause_code", pa.string()),
        ("movement_code", pa.string()),
        ("step_order", pa.int32()),
        ("value_before", pa.decimal128(38, 10)),
        ("value_after", pa.decimal128(38, 10)),
        ("effect", pa.decimal128(38, 10)),
        ("n_units", pa.int64()),
        ("reason_code", pa.string()),
    ]
)
RESTATEMENTS_SCHEMA = pa.schema(
    [
        ("metric_name", pa.string()),
        ("period_month", pa.date32()),
        ("unit_code", pa.string()),
        ("value_as_first_published", pa.decimal128(38, 10)),
        ("first_publication_id", pa.string()),
        ("is_of_own_cycle", pa.bool_()),
        ("value_as_last_published", pa.decimal128(38, 10)),
        ("last_publication_id", pa.string()),
        ("value_restated", pa.decimal128(38, 10)),
        ("n_publications", pa.int32()),
        ("n_changes", pa.int32()),
    ]
)
