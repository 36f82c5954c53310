"""PUBLISH: the audited candidate becomes marts.duckdb, a Parquet folder and a receipt, in one swap.

Pure Python and DuckDB; no Dagster, no dbt run. `publish`, `refuse` and `rollback` are the entry points.
"""

from orchestration.publication.publishing import (
    NotAdmittedError,
    Receipt,
    UnknownPublicationError,
    publish,
    read_verdict,
    refuse,
    rollback,
)

__all__ = [
    "NotAdmittedError",
    "Receipt",
    "UnknownPublicationError",
    "publish",
    "read_verdict",
    "refuse",
    "rollback",
]
