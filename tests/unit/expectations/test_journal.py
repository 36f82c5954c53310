"""Reading the journal: filtered, complete, and without a direct identifier."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import duckdb
import planted_rules
import pyarrow as pa
import pytest

from expectations.catalogue import load_catalogue
from expectations.journal import JournalFilter, journal_counts, journal_rows
from expectations.runner import validate

ROWS = """
    ('d1', 4, 'crm_lead', 'crm/crm_lead/1', 'email', 'Jean.Dupont@Acme.example',
     'jean.dupont@acme.example', 'email_invalid', null, 'correct', 1),
    ('d1', 5, 'crm_lead', 'crm/crm_lead/2', 'phone', '01 23 45', null, 'phone_unparsable', null, 'null', 2),
    ('d1', 6, 'crm_lead', 'crm/crm_lead/3', 'lead_source', 'Web', 'web', 'unmapped_value', null,
     'correct', 1),
    ('d1', 8, 'nps_response', 'crm/nps_response/1', 'comment', 'Dupont is rude', null, 'text_invalid', null,
     'null', 1),
    ('d1', 9, null, null, null, 'Jean;Dupont;jean.dupont@acme.example;x', null, 'wrong_field_count', null,
     'quarantine', 1),
    ('d2', 2, 'erp_invoice', null, null, null, 'd9:2', 'superseded_by_newer', null, 'supersede', 1)
"""
COLUMNS = (
    "_delivery_id, _source_row_id, contract, record_key, field, value_before, value_after, reason_code,"
    " rule_id, action, n_decisions"
)


@pytest.fixture
def journalled(work: Path) -> Path:
    with duckdb.connect(str(work / "warehouse.duckdb")) as connection:
        connection.execute("create schema quality_dbt")
        connection.execute(
            f"create table quality_dbt.dq_journal as select * from (values {ROWS}) as t ({COLUMNS})"
        )
        planted_rules.insert(
            connection,
            "staging.stg_emailing__events",
            [planted_rules.staged("email_event", "bad", recipient_email="a b@c.example")],
        )
    deliveries = [
        {"_delivery_id": "d1", "source_instance": "crm", "file_path": "crm/Lead.csv"},
        {"_delivery_id": "d2", "source_instance": "erp", "file_path": "erp/factures.csv"},
    ]
    planted_rules.write(pa.Table.from_pylist(deliveries), work / "collect" / "deliveries.parquet")
    catalogue = load_catalogue()
    rules = (catalogue.rule("R-EML-001"),)
    validate(work / "warehouse.duckdb", {"raw"}, catalogue=dataclasses.replace(catalogue, rules=rules))
    return work


def test_decisions_are_counted_with_the_rows_that_rules_flagged(journalled: Path) -> None:
    counts = journal_counts(journalled, JournalFilter())
    assert (counts[0]["reason_code"], counts[0]["n_decisions"]) == ("phone_unparsable", 2)
    assert {row["reason_code"]: row["n_decisions"] for row in counts}["malformed_email"] == 1
    assert sum(row["n_decisions"] for row in counts) == 8


def test_no_direct_identifier_is_shown_and_other_values_are(journalled: Path) -> None:
    rows = journal_rows(journalled, JournalFilter(), 100)
    shown = {
        row["_source_row_id"]: (row["value_before"], row["value_after"])
        for row in rows
        if row["rule_id"] is None
    }
    assert shown == {
        4: ("J***@Acme.example", "j***@acme.example"),
        5: ("0***", None),
        6: ("Web", "web"),
        8: ("D***", None),  # free text may name a person
        9: ("***", None),
        2: (None, "d9:2"),
    }
    assert "dupont" not in str(rows).lower()


@pytest.mark.parametrize(
    ("wanted", "lines"),
    [
        (JournalFilter(source="erp"), [2]),
        (JournalFilter(reason_code="phone_unparsable"), [5]),
        (JournalFilter(record_key="crm_lead/3"), [6]),
        (JournalFilter(action="correct"), [4, 6]),
        (JournalFilter(contract="crm_lead", action="null"), [5]),
        (JournalFilter(rule_id="R-EML-001"), [7]),
        (JournalFilter(source="' or true --"), []),
    ],
)
def test_the_journal_is_filtered(journalled: Path, wanted: JournalFilter, lines: list[int]) -> None:
    assert [row["_source_row_id"] for row in journal_rows(journalled, wanted, 100)] == lines


def test_rows_come_in_file_and_line_order_and_are_cut_at_the_limit(journalled: Path) -> None:
    assert [row["_source_row_id"] for row in journal_rows(journalled, JournalFilter(), 3)] == [4, 5, 6]


def test_before_the_first_run_there_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="etalon run"):
        journal_counts(tmp_path, JournalFilter())
