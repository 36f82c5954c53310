"""Reads kpi_bridge of a publication, with the unit of each metric.

What does NOT belong here: making it (see moved_figures), words.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from ingest.sql import literal


def read_bridge(published: Path, publication_id: str) -> list[dict[str, Any]] | None:
    """Rows of kpi_bridge with `unit_code`, by metric, month (latest first) and step; None where there is no table."""
    folder = published / "parquet" / publication_id
    bridge, restated = folder / "kpi_bridge.parquet", folder / "kpi_restatements.parquet"
    if not (bridge.is_file() and restated.is_file()):
        return None
    with duckdb.connect() as con:
        cursor = con.execute(
            f"select b.*, r.unit_code from read_parquet({literal(str(bridge))}) as b"
            f" left join read_parquet({literal(str(restated))}) as r using (metric_name, period_month)"
            " order by b.metric_name, b.period_month desc, b.step_order"
        )
        names = [item[0] for item in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
