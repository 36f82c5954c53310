"""The planted company of planted_impact.py, run up to its marts once."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from planted_candidate import judge
from planted_impact import DEALS, write_company

from expectations.results import write_parquet
from expectations.runner import FAILURES
from ingest.company import Company
from orchestration import steps

#: The rule that the planted failures belong to.
RULE = "R-CRM-010"


@pytest.fixture(scope="session")
def planted_company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Candidate with marts; one deal without an amount is flagged."""
    root = tmp_path_factory.mktemp("impact") / "company"
    write_company(root)
    run = steps.open_run(root)
    steps.collect_extracts(run)
    steps.build_staging(run)
    steps.match_records(run)
    steps.build_master(run)
    _flag(run.work)
    judge(root, "publish")
    steps.compute_statistics(run)
    steps.build_marts(run)
    return run.company


def _flag(work: Path) -> None:
    """rule_failures.parquet as the runner would write it for the deals that the rule flags."""
    import duckdb

    flagged = [name for name, *_, decision in DEALS if decision == RULE]
    with duckdb.connect(str(work / "warehouse.duckdb"), read_only=True) as con:
        rows = con.execute(
            "select record_key, _delivery_id, _source_row_id from staging.stg_crm__opportunities"
            " where list_contains($names, source_record_id) order by record_key",
            {"names": flagged},
        ).fetchall()
    failures = [
        {
            "cycle": "2026-06", "rule_id": RULE, "layer": "raw", "table_name": "staging.stg_crm__opportunities",
            "contract": "crm_opportunity", "record_key": key, "_delivery_id": delivery, "_source_row_id": line,
            "reason_code": "won_without_amount", "action": "keep_flagged", "owner": "sales_operations",
        }
        for key, delivery, line in rows
    ]  # fmt: skip
    write_parquet(pa.Table.from_pylist(failures, schema=FAILURES), work / "quality" / "rule_failures.parquet")
