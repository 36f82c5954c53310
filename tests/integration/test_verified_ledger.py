"""The demo company's ledger, derived again by a verifier that shares no code with the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from verifier import amounts_in_files, verify


def test_every_byte_line_record_entity_fact_and_cent_is_accounted_for(demo_run) -> None:
    assert verify(demo_run.company_dir) == []


@pytest.mark.parametrize("column", ["debit", "credit"])
def test_the_books_in_raw_are_the_books_in_the_files(demo_run, column: str) -> None:
    sums = amounts_in_files(demo_run.company_dir, "erp_ledger_entry", column)
    assert sums
    assert [pair for pair in sums.values() if pair[0] != pair[1]] == []


def _signed(row: dict[str, str]) -> str:
    return ("-" if row["Type"] == "Avoir" else "") + row["Montant HT"]


def test_invoiced_amounts_in_raw_are_those_of_the_files_with_credit_notes_negative(demo_run) -> None:
    sums = amounts_in_files(demo_run.company_dir, "erp_invoice_line", "net_amount", _signed)
    assert sum(pair[0] for pair in sums.values()) > Decimal(0)
    assert [pair for pair in sums.values() if pair[0] != pair[1]] == []


def rewrite(path: Path, query: str) -> None:
    """Replace a Parquet file by a query over it (as `rows`)."""
    aside = path.with_suffix(".aside")
    with duckdb.connect() as connection:
        connection.execute(f"create view rows as select * from read_parquet('{path}')")
        connection.execute(f"copy ({query}) to '{aside}' (format parquet)")
    aside.replace(path)


ONE_MORE_KEPT = "value + case when name = 'kept' and contract = 'crm_lead' then 1 else 0 end"


@pytest.mark.parametrize(
    ("term", "file", "query"),
    [
        ("A", "collect/deliveries.parquet", "select * replace (file_bytes + 1 as file_bytes) from rows"),
        ("B", "collect/quarantine_lines.parquet", "select * from rows offset 1"),
        ("C", "collect/dispositions.parquet", "select * from rows order by all offset 1"),
        ("C", "collect/ledger_terms.parquet", f"select * replace ({ONE_MORE_KEPT} as value) from rows"),
    ],
)
def test_one_lost_byte_line_or_record_is_seen(demo_copy: Callable, term: str, file: str, query: str) -> None:
    demo = demo_copy()
    rewrite(demo.work / file, query)
    assert any(said.startswith(term) for said in verify(demo.company_dir))


FIRST_OPPORTUNITY = "(select min(opportunity_id) from master.fct_opportunities)"
FIRST_PERSON = "(select min(record_key) from master.xref_persons)"
FIRST_LINE = "(select min(invoice_line_id) from master.fct_invoice_lines)"


@pytest.mark.parametrize(
    ("term", "statement"),
    [
        (
            "D",
            f"delete from master.xref_persons where record_key = {FIRST_PERSON}",
        ),
        ("E", f"delete from master.fct_opportunities where opportunity_id = {FIRST_OPPORTUNITY}"),
        (
            "F",
            "update master.fct_invoice_lines set net_amount = net_amount + 0.0001"
            f" where invoice_line_id = {FIRST_LINE}",
        ),
    ],
)
def test_one_lost_row_or_amount_of_the_warehouse_is_seen(
    demo_copy: Callable, term: str, statement: str
) -> None:
    demo = demo_copy()
    with duckdb.connect(str(demo.work / "warehouse.duckdb")) as connection:
        connection.execute(statement)
    assert any(said.startswith(term) for said in verify(demo.company_dir))
