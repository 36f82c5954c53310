"""Columns of what the bridge gives: kpi_bridge and kpi_restatements.

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
