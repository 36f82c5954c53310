"""COLLECT: bytes of the extracts -> typed canonical Parquet, every byte accounted for.

Public names: `collect`, `load_company`, `write_schema_files`. No Dagster, no dbt, no Great Expectations here.
"""

from ingest.collecting import CollectReport, Refusal, collect
from ingest.company import Company, Source, load_company
from ingest.contract import write_schema_files

__all__ = ["CollectReport", "Company", "Refusal", "Source", "collect", "load_company", "write_schema_files"]
