"""Each kind of check: what it judges, what it leaves out, and text that SQL or str.format could misread."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import duckdb
import planted_rules
import pyarrow.parquet as pq
import pytest
import yaml

from expectations.catalogue import load_catalogue
from expectations.runner import validate

HEAD = {
    "id": "R-CRM-900",
    "dimension": "validity",
    "severity": "warning",
    "owner": "nobody_special",
    "reason_code": "duplicate_key",
    "question": {"fr": "Une question assez longue ?", "en": "A question long enough?"},
}
ROWS = """
    ('k1', 'a', 1, date '2026-06-01', 'it''s'),
    ('k2', 'a', 2, date '2026-06-02', '12:30'),
    ('k3', 'b', null, date '2026-06-03', '50%'),
    ('k4', null, 9, null, '{x}'),
    ('k5', 'c', 5, date '2026-06-05', null)
"""


@pytest.mark.parametrize(
    ("check", "n_evaluated", "failing"),
    [
        ({"kind": "not_null", "column": "code"}, 5, ["k4"]),
        ({"kind": "not_null", "column": "code", "where": "amount > 4"}, 2, ["k4"]),
        ({"kind": "unique", "column": "code"}, 5, ["k1", "k2"]),
        ({"kind": "in_set", "column": "code", "values": ["a", "b"]}, 4, ["k5"]),
        (
            {"kind": "in_set", "column": "code", "values": ["a"], "where": "amount is null or amount > 4"},
            2,
            ["k3", "k5"],
        ),
        ({"kind": "in_set", "column": "label", "values": ["it's", "12:30", "50%", "{x}"]}, 4, []),
        ({"kind": "between", "column": "amount", "min": 2, "max": 5}, 4, ["k1", "k4"]),
        ({"kind": "between", "column": "amount", "max": 5, "where": "label <> '12:30'"}, 2, ["k4"]),
        ({"kind": "matches", "column": "label", "pattern": "[0-9]{2}:[0-9]{2}|it's|[0-9]+%"}, 4, ["k4"]),
        ({"kind": "ordered", "before": "day", "after": "day"}, 4, []),
        (
            {"kind": "condition", "fails_when": "label like '%:%' or label = '{x}' or label = ':name'"},
            5,
            ["k2", "k4"],
        ),
        (
            {
                "kind": "condition",
                "fails_when": "amount is null",
                "where": "label <> '{}' and label like '%%'",
            },
            4,
            ["k3"],
        ),
        (
            {
                "kind": "foreign_key",
                "column": "code",
                "references": "staging.known",
                "referenced_column": "known_code",
            },
            4,
            ["k3", "k5"],
        ),
        (
            {
                "kind": "sql",
                "population": "select record_key, amount from staging.t",
                "fails_when": "amount = 9",
            },
            5,
            ["k4"],
        ),
        ({"kind": "row_count_min", "min": 5}, 1, []),
        ({"kind": "row_count_min", "min": 6}, 1, [""]),
        ({"kind": "row_count_min", "min": 3, "where": "code = 'a'"}, 1, [""]),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_a_kind_judges_and_lists_these_rows(
    check: dict, n_evaluated: int, failing: list[str], tmp_path: Path
) -> None:
    work = tmp_path / "work"
    warehouse = planted_rules.build(work, {})
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            f"create table staging.t as select * from (values {ROWS})"
            " as t (record_key, code, amount, day, label)"
        )
        connection.execute(
            "create table staging.known as select * from (values ('a'), (null)) as t (known_code)"
        )
    catalogue = tmp_path / "rules.yml"
    tables = {
        "staging.t": {"layer": "raw", "key": ["record_key"], "fed_by": ["crm_lead"]},
        "staging.known": {"layer": "raw", "key": ["known_code"], "fed_by": ["crm_lead"]},
    }
    rule = {**HEAD, **check, "table": "staging.t"}
    catalogue.write_text(yaml.safe_dump({"version": 1, "tables": tables, "rules": [rule]}), encoding="utf-8")
    results = validate(warehouse, {"raw"}, catalogue=load_catalogue(catalogue))
    result = next(each for each in results if each.rule_id == "R-CRM-900")
    listed = pq.read_table(work / "quality" / "rule_failures.parquet").to_pylist()
    assert (result.detail, result.n_evaluated, result.n_failed) == ("", n_evaluated, len(failing))
    assert [row["record_key"] or "" for row in listed] == failing


@pytest.mark.parametrize("kind", ["not_null", "unique", "in_set", "between"])
def test_an_empty_table_is_not_assessed_by_any_kind(kind: str, tmp_path: Path) -> None:
    parameters = {"in_set": {"values": ["a"]}, "between": {"min": 0}}.get(kind, {})
    warehouse = planted_rules.build(tmp_path / "work", {})
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create table staging.t (record_key varchar, code integer)")
    tables = {"staging.t": {"layer": "raw", "key": ["record_key"], "fed_by": ["crm_lead"]}}
    rule = {**HEAD, "kind": kind, "table": "staging.t", "column": "code", **parameters}
    catalogue = tmp_path / "rules.yml"
    catalogue.write_text(yaml.safe_dump({"version": 1, "tables": tables, "rules": [rule]}), encoding="utf-8")
    results = validate(warehouse, {"raw"}, catalogue=load_catalogue(catalogue))
    found = next(each for each in results if each.rule_id == "R-CRM-900")
    assert (found.status, found.cause) == ("not_assessed", "too_few_rows")


def test_a_share_of_the_left_total_and_an_amount_are_allowed_to_a_reconciliation(work: Path) -> None:
    catalogue = load_catalogue()
    (check,) = catalogue.rule("R-LED-002").checks
    statuses = {}
    for share, amount in (("0.005", "100.50"), ("0.005", "100.51"), (None, "100.01"), (None, "100.02")):
        with duckdb.connect(str(work / "warehouse.duckdb")) as connection:
            connection.execute("update master.fct_ledger_revenues set revenue_amount = ?", [amount])
        changed = check.model_validate({**check.model_dump(), "max_difference": "0.01", "max_share": share})
        rule = dataclasses.replace(catalogue.rule("R-LED-002"), checks=(changed,))
        results = validate(
            work / "warehouse.duckdb", {"fact"}, catalogue=dataclasses.replace(catalogue, rules=(rule,))
        )
        statuses[(share, amount)] = next(each.status for each in results if each.rule_id == "R-LED-002")
    assert list(statuses.values()) == ["pass", "warn", "pass", "warn"]
