"""Rules and controls against the demo company's truth: a planted defect is flagged at its line, nothing else is."""

from __future__ import annotations

import duckdb
import pytest


@pytest.mark.parametrize(
    ("rule_id", "defect_no", "file"),
    [
        ("erp/orphan_erp_invoice_line_invoice_id", 5, "%/lignes_factures.csv"),  # dangling foreign keys
        ("R-TEL-002", 20, "%"),  # impossible durations
        ("crm/order_crm_account_created_at_modified_at", 21, "%"),  # modified before created
    ],
)
def test_a_rule_flags_exactly_the_planted_rows(demo_run, rule_id: str, defect_no: int, file: str) -> None:
    with duckdb.connect() as connection:
        flagged = connection.execute(
            "select file_path, _source_row_id"
            " from (select rule_id, _delivery_id, _source_row_id"
            f" from read_parquet('{demo_run.work}/quality/rule_failures.parquet')"
            " union all select control_id, _delivery_id, _source_row_id"
            f" from read_parquet('{demo_run.work}/collect/control_failures.parquet'))"
            f" inner join read_parquet('{demo_run.work}/collect/deliveries.parquet') using (_delivery_id)"
            " where rule_id = ? order by all",
            [rule_id],
        ).fetchall()
        planted = connection.execute(
            f"select file, line from read_parquet('{demo_run.company_dir}/truth/defect_rows.parquet')"
            " where defect_no = ? and file like ? order by all",
            [defect_no, file],
        ).fetchall()
    assert planted
    assert flagged == planted
