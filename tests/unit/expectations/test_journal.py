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
     'jean.dupont@acme.example', 'email_invalid', null, 'correct', 'rule', 1),
    ('d1', 5, 'crm_lead', 'crm/crm_lead/2', 'phone', '01 23 45', null, 'phone_unparsable', null, 'null', 'rule', 2),
    ('d1', 6, 'crm_lead', 'crm/crm_lead/3', 'lead_source', 'Web', 'web', 'unmapped_value', null,
     'correct', 'rule', 1),
    ('d1', 8, 'nps_response', 'crm/nps_response/1', 'comment', 'Dupont is rude', null, 'text_invalid', null,
     'null', 'rule', 1),
    ('d1', 9, null, null, null, 'Jean;Dupont;jean.dupont@acme.example;x', null, 'wrong_field_count', null,
     'quarantine', 'rule', 1),
    ('d2', 2, 'erp_invoice', null, null, null, 'd9:2', 'superseded_by_newer', null, 'supersede', 'rule', 1),
    (null, null, 'crm_account', 'crm/crm_account/7', 'city', null, 'Lyon', 'steward_override', null, 'override',
     'Ann Lee', 1)
"""
COLUMNS = (
    "_delivery_id, _source_row_id, contract, record_key, field, value_before, value_after, reason_code,"
    " rule_id, action, actor, n_decisions"
)
#: The columns of a journal entry in the specification; file and line stand in three of ours.
ENTRY = {
    "journal_id", "run_id", "cycle", "_delivery_id", "file_path", "_source_row_id", "table_name", "record_key",
    "field", "value_before", "value_after", "reason_code", "rule_id", "rule_version", "action", "actor", "decided_at",
    "comment",
}  # fmt: skip


@pytest.fixture
def journalled(work: Path) -> Path:
    with duckdb.connect(str(work / "warehouse.duckdb")) as connection:
        connection.execute("create schema if not exists quality_dbt")
        connection.execute(
            "create table quality_dbt.dq_journal as select *, md5(reason_code) as journal_id, 'run1' as run_id,"
            " '2026-06' as cycle, 'cell' as step_code, 'code1' as rule_version, timestamp '2026-07-01' as decided_at,"
            " case when actor <> 'rule' then 'moved' end as comment"
            f" from (values {ROWS}) as t ({COLUMNS})"
        )
        planted_rules.insert(
            connection,
            "staging.stg_emailing__events",
            [planted_rules.staged("email_event", "bad", recipient_email="a b@c.example")],
        )
        settings = connection.sql("select *, 'run1' as run_id, 'policy1' as policy_version from run.settings")
        planted_rules.write(settings.to_arrow_table(), work / "run" / "settings.parquet")
    deliveries = [
        {"_delivery_id": "d1", "source_instance": "crm", "file_path": "crm/Lead.csv"},
        {"_delivery_id": "d2", "source_instance": "erp", "file_path": "erp/factures.csv"},
    ]
    planted_rules.write(pa.Table.from_pylist(deliveries), work / "collect" / "deliveries.parquet")
    catalogue = load_catalogue()
    rules = (dataclasses.replace(catalogue.rule("R-EML-001"), min_rows=1),)
    validate(work / "warehouse.duckdb", {"raw"}, catalogue=dataclasses.replace(catalogue, rules=rules))
    return work


def test_decisions_are_counted_with_the_rows_that_rules_flagged(journalled: Path) -> None:
    counts = journal_counts(journalled, JournalFilter())
    assert (counts[0]["reason_code"], counts[0]["n_decisions"]) == ("phone_unparsable", 2)
    assert {row["reason_code"]: row["n_decisions"] for row in counts}["malformed_email"] == 1
    assert sum(row["n_decisions"] for row in counts) == 9


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
        None: (None, "Lyon"),
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
        (JournalFilter(actor="person"), [None]),
        (JournalFilter(actor="Ann Lee"), [None]),
        (JournalFilter(actor="rule", reason_code="superseded_by_newer"), [2]),
        (JournalFilter(delivery_id="d1", line=8), [8]),
        (JournalFilter(source="crm", action="override"), [None]),  # by its key: nobody delivered the decision
        (JournalFilter(source="' or true --"), []),
    ],
)
def test_the_journal_is_filtered(journalled: Path, wanted: JournalFilter, lines: list[int]) -> None:
    assert [row["_source_row_id"] for row in journal_rows(journalled, wanted, 100)] == lines


def test_rows_come_in_file_and_line_order_and_are_cut_at_the_limit(journalled: Path) -> None:
    assert [row["_source_row_id"] for row in journal_rows(journalled, JournalFilter(), 3)] == [4, 5, 6]


@pytest.mark.audit("CL2")
def test_every_entry_says_what_who_when_by_which_version_and_why(journalled: Path) -> None:
    rows = journal_rows(journalled, JournalFilter(), 100)
    assert all(set(row) >= ENTRY for row in rows)
    for row in rows:
        known = {name for name in ENTRY if row[name] is not None}
        assert known >= {
            "journal_id",
            "run_id",
            "cycle",
            "table_name",
            "reason_code",
            "rule_version",
            "action",
        }
        assert known >= {"actor", "decided_at"}
    assert len({row["journal_id"] for row in rows}) == len(rows)
    (flag,) = [row for row in rows if row["rule_id"] == "R-EML-001"]
    assert (flag["actor"], flag["action"], str(flag["decided_at"])) == (
        "rule",
        "keep_flagged",
        "2026-07-01 00:00:00",
    )
    assert flag["rule_version"] == "policy1"
    (override,) = journal_rows(journalled, JournalFilter(actor="person"), 10)
    assert override["comment"] == "moved"


def test_values_are_shown_to_whoever_asks_for_them(journalled: Path) -> None:
    (row,) = journal_rows(journalled, JournalFilter(reason_code="email_invalid"), 10, raw=True)
    assert row["value_before"] == "Jean.Dupont@Acme.example"


def test_before_the_first_run_there_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="etalon run"):
        journal_counts(tmp_path, JournalFilter())
