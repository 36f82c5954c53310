"""kpi_impact.parquet: each KPI of the company as published and as it would be without one decision.

What does NOT belong here: building the figures (measuring.py), wording. A file is only read for the inputs that it was
measured on.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from expectations.results import write_parquet
from ingest.sql import files_literal
from orchestration.publication.judging import run_fingerprint
from orchestration.publication.tables import Column, Table
from orchestration.settings import read_settings

IMPACT = "kpi_impact.parquet"
SCHEMA = pa.schema(
    [
        ("metric_name", pa.string()),
        ("period_month", pa.date32()),
        ("switch_kind", pa.string()),
        ("switch_code", pa.string()),
        ("unit_code", pa.string()),
        ("value_published", pa.decimal128(38, 10)),
        ("value_without", pa.decimal128(38, 10)),
        ("difference", pa.decimal128(38, 10)),
        ("n_rows", pa.int64()),
        ("inputs_fingerprint", pa.string()),
    ]
)
#: As it travels with the marts.
DQ_KPI_IMPACT = Table(
    "dq_kpi_impact",
    "",
    "One row per KPI, month and decision: what the decision does to the KPI of the whole company.",
    ("metric_name", "period_month", "switch_kind", "switch_code"),
    (
        Column("metric_name", "Name in the semantic layer."),
        Column("period_month", "First day of the month."),
        Column("switch_kind", "reason (of a correction or exclusion), merge (kind of evidence) or rule (flag)."),
        Column("switch_code", "Reason code, evidence code, every_merge, or rule id."),
        Column("unit_code", "Unit of the values; a difference of rates times 100 is in points."),
        Column("value_published", "Value with every decision."),
        Column("value_without", "Value had this decision alone gone the other way."),
        Column("difference", "value_published - value_without: what the decision adds. Null where one has no value."),
        Column("n_rows", "Decisions of this code in the run."),
        Column("inputs_fingerprint", "Fingerprint of the inputs that were measured."),
    ),
)  # fmt: skip


def inputs_fingerprint(work: Path) -> str:
    """Fingerprint of what the last run was made of, as the publisher computes it."""
    return run_fingerprint(work, read_settings(work))


def read_impact(work: Path, inputs: str) -> pa.Table:
    """What was measured on these inputs (SCHEMA); empty when nothing was, or on others."""
    path = work / "quality" / IMPACT
    if not path.is_file():
        return SCHEMA.empty_table()
    return (
        pq.read_table(path, filters=[("inputs_fingerprint", "=", inputs)]).select(SCHEMA.names).cast(SCHEMA)
    )


def write_impact(parts: Path, work: Path, inputs: str) -> None:
    """Join the files of `parts` measured on these inputs into work/quality/kpi_impact.parquet."""
    files = sorted(parts.glob("*.parquet"))
    with duckdb.connect() as con:
        joined = (
            con.sql(
                f"select {', '.join(SCHEMA.names)} from read_parquet({files_literal(files)})"
                " where inputs_fingerprint = $inputs order by switch_kind, switch_code, metric_name, period_month",
                params={"inputs": inputs},
            )
            .to_arrow_table()
            .cast(SCHEMA)
        )
    write_parquet(joined, work / "quality" / IMPACT)
