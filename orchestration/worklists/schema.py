"""Columns of the worklist and of its published history.

What does NOT belong here: filling them (building.py, history.py).
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from ingest.sql import literal

#: One row per record and rule. assignee: id of the seller who owns the record in the CRM, never a name.
#: impact_key: whose amount impact_value is (the record itself, a deal, lead or company); a sum over items takes the
#: amount of each key once.
WORKLIST = pa.schema(
    [
        ("item_id", pa.string()),
        ("rule_id", pa.string()),
        ("reason_code", pa.string()),
        ("table_name", pa.string()),
        ("source_instance", pa.string()),
        ("contract", pa.string()),
        ("record_key", pa.string()),
        ("field", pa.string()),
        ("owner", pa.string()),
        ("assignee", pa.string()),
        ("impact_value", pa.decimal128(18, 2)),
        ("impact_unit", pa.string()),
        ("status", pa.string()),
        ("opened_on", pa.date32()),
        ("opened_cycle", pa.string()),
        ("closed_on", pa.date32()),
        ("days_to_fix", pa.int32()),
        ("age_days", pa.int32()),
        ("impact_rank", pa.int32()),
        ("impact_key", pa.string()),
    ]
)
#: The worklist as a publication left it; cycle is that of the publication.
HISTORY = pa.schema([*WORKLIST, ("cycle", pa.string())])

#: Where they lie, from the folders work/ and published/ of a company.
WORKLIST_FILE = "quality/worklist.parquet"
HISTORY_FILE = "registry/worklist_history.parquet"


def rows_of(file: Path) -> str:
    """SQL of the rows of a worklist or its history; impact_key is null in files of before it was recorded."""
    return (
        "(select cast(null as varchar) as impact_key where false"
        f" union all by name select * from read_parquet({literal(str(file))}))"
    )
