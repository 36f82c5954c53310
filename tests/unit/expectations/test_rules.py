"""Every rule of the catalogue on generated tables: good rows pass, one planted bad row is counted once."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import planted_bad
import planted_rules
import pyarrow.parquet as pq
import pytest
from planted_rules import change

from expectations.catalogue import LAYERS, Catalogue, Rule, load_catalogue
from expectations.checks import Unique
from expectations.compilation import compile_check
from expectations.connection import read_cycle
from expectations.counting import Counts, count_rows
from expectations.policy import load_policy
from expectations.results import RuleResult, judge
from expectations.runner import _columns, failing_rows_sql, validate

CATALOGUE = load_catalogue()
# Planted tables have a row or three: how many a rule needs has a test of its own.
CATALOGUE = dataclasses.replace(
    CATALOGUE, rules=tuple(dataclasses.replace(rule, min_rows=1) for rule in CATALOGUE.rules)
)
ALL = set(LAYERS)


def only(*rule_ids: str) -> Catalogue:
    return dataclasses.replace(CATALOGUE, rules=tuple(CATALOGUE.rule(rule_id) for rule_id in rule_ids))


def plant(work: Path, rule: Rule) -> None:
    with duckdb.connect(str(work / "warehouse.duckdb")) as connection:
        planted_rules.plant(connection, rule)


def failures(work: Path) -> list[dict]:
    return pq.read_table(work / "quality" / "rule_failures.parquet").to_pylist()


def named(results: list[RuleResult], rule_id: str) -> list[RuleResult]:
    return [result for result in results if result.rule_id == rule_id]


def test_every_rule_passes_on_good_rows_and_leaves_no_failing_row(work: Path) -> None:
    results = validate(work / "warehouse.duckdb", ALL, catalogue=CATALOGUE)
    assert [
        (each.rule_id, each.table_name, each.status, each.detail) for each in results if each.status != "pass"
    ] == []
    assert len(results) == sum(len(rule.checks) for rule in CATALOGUE.rules)
    assert failures(work) == []


@pytest.fixture(scope="module")
def planting(
    good_work: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """One warehouse for all rules: a test plants in a transaction and takes it back."""
    copied = tmp_path_factory.mktemp("planting") / "warehouse.duckdb"
    shutil.copy(good_work / "warehouse.duckdb", copied)
    with duckdb.connect(str(copied)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


@pytest.mark.audit("CL4", "CO8")
@pytest.mark.parametrize("rule", CATALOGUE.rules, ids=lambda rule: rule.id)
def test_one_bad_row_is_counted_once_and_listed_once(
    rule: Rule, planting: duckdb.DuckDBPyConnection, good_work: Path
) -> None:
    cycle, as_of, _ = read_cycle(good_work)
    relations = _columns(planting)
    planting.execute("begin")
    try:
        planted_rules.plant(planting, rule)
        for check in rule.checks:
            layer = CATALOGUE.layer(check)
            fed_by = CATALOGUE.tables[check.table].fed_by
            compiled = compile_check(check, as_of=as_of, fed_by=fed_by)
            counts = count_rows(planting, {rule.id: compiled})[rule.id]
            assert isinstance(counts, Counts), counts
            result = judge(rule, layer, check.table, counts.n_evaluated, counts.n_failed)
            expected = 2 if isinstance(check, Unique) else 1  # both rows of a pair share the key
            assert (result.n_failed, result.status) == (
                expected,
                "fail" if rule.severity == "critical" else "warn",
            ), result
            statement = failing_rows_sql(rule, check, compiled, layer, relations, cycle, CATALOGUE)
            listed = planting.sql(statement).to_arrow_table().to_pylist()
            assert len(listed) == expected
            assert {(row["rule_id"], row["reason_code"], row["action"]) for row in listed} == {
                (rule.id, rule.reason_code, "keep_flagged")
            }
    finally:
        planting.execute("rollback")


def test_bad_rows_are_planted_for_every_table_of_every_rule() -> None:
    """A rule that nothing makes fail proves nothing by passing."""
    unplanted = [
        (rule.id, check.table)
        for rule in CATALOGUE.rules
        for check in rule.checks
        if not (isinstance(check, Unique) and check.column in check.key)
        and check.table not in planted_bad.ABSENT.get(rule.id, ())
        and not planted_bad.CHANGES.get(rule.id)
    ]
    assert unplanted == []
    assert set(planted_bad.CHANGES) | set(planted_bad.ABSENT) <= {rule.id for rule in CATALOGUE.rules}


def test_a_failing_row_of_staging_is_named_by_key_file_and_line_without_its_values(work: Path) -> None:
    plant(work, CATALOGUE.rule("R-EML-001"))
    validate(work / "warehouse.duckdb", {"raw"}, catalogue=only("R-EML-001"))
    (row,) = failures(work)
    assert row["record_key"] == "one/email_event/bad"
    assert (row["_delivery_id"], row["_source_row_id"], row["contract"]) == ("0123456789ab", 7, "email_event")
    assert not any("@" in str(value) for value in row.values())


def test_fewer_rows_than_the_minimum_are_not_assessed_even_when_all_are_good(work: Path) -> None:
    rule = dataclasses.replace(CATALOGUE.rule("R-CRM-003"), min_rows=99)
    catalogue = dataclasses.replace(CATALOGUE, rules=(rule,))
    (result,) = named(validate(work / "warehouse.duckdb", {"raw"}, catalogue=catalogue), rule.id)
    assert (result.status, result.cause, result.n_evaluated) == ("not_assessed", "small_sample", 3)


def test_a_share_needs_twenty_rows_and_a_rule_without_a_tolerance_one() -> None:
    rules = load_catalogue().rules
    assert {rule.min_rows for rule in rules if rule.tolerance} == {20}
    assert {rule.min_rows for rule in rules if not rule.tolerance} == {1}


def test_one_of_two_rows_is_not_told_as_a_failing_half_and_the_table_counts_as_looked_at(work: Path) -> None:
    rule = load_catalogue().rule("R-CRM-021")
    change(work, "update staging.stg_crm__users set email = null")
    catalogue = dataclasses.replace(CATALOGUE, rules=(rule,))
    results = validate(work / "warehouse.duckdb", {"raw"}, catalogue=catalogue)
    (result,) = named(results, rule.id)
    assert (result.status, result.cause, result.n_failed) == ("not_assessed", "small_sample", 1)
    assert result.detail == "rows to judge: 1, at least 20 needed"
    assert result.detail_fr == "lignes à juger\u00a0: 1, il en faut au moins 20"
    users = [
        each for each in results if each.table_name == rule.checks[0].table and each.cause == "uncovered"
    ]
    assert [each.detail for each in users if "no rule assessed" in each.detail] == []


def test_a_couple_and_a_shared_mailbox_are_no_duplicates_and_one_first_name_twice_is(work: Path) -> None:
    people = [
        ("couple_1", "Marie", "les.blanc@mail.example"),
        ("couple_2", "Marc", "les.blanc@mail.example"),
        ("house_1", "Jean", "contact@acme.example"),
        ("house_2", "Jean", "contact@acme.example"),
        ("twice_1", "Anne", "anne@acme.example"),
        ("twice_2", "ANNE", "anne@acme.example"),
        ("half_1", "Luc", "luc@acme.example"),
        ("half_2", None, "luc@acme.example"),
    ]
    with duckdb.connect(str(work / "warehouse.duckdb")) as connection:
        connection.executemany(
            "insert into master.dim_persons (person_id, first_name, email) values (?, ?, ?)", people
        )
    validate(work / "warehouse.duckdb", {"master"}, catalogue=only("R-MST-015"))
    assert [row["record_key"] for row in failures(work)] == ["half_1", "twice_1"]


def test_only_a_person_with_a_contact_or_a_lead_owes_a_name(work: Path) -> None:
    with duckdb.connect(str(work / "warehouse.duckdb")) as connection:
        for contract in ("crm_contact", "call_party", "email_recipient"):
            connection.execute("insert into master.dim_persons (person_id) values (?)", [contract])
            connection.execute(
                "insert into master.xref_persons (record_key, person_id, contract) values (?, ?, ?)",
                [contract, contract, contract],
            )
    validate(work / "warehouse.duckdb", {"master"}, catalogue=only("R-MST-012"))
    assert [row["record_key"] for row in failures(work)] == ["crm_contact"]


def test_a_call_of_an_impossible_duration_is_told_by_one_rule(work: Path) -> None:
    impossible = "duration_s = 400000, talk_s = 400000, outcome = 'failed'"
    change(work, f"update staging.stg_telephony__call_legs set {impossible} where record_key like '%q1'")
    calls = [rule.id for rule in CATALOGUE.rules if rule.id.startswith("R-TEL-")]
    validate(work / "warehouse.duckdb", {"raw"}, catalogue=only(*calls))
    assert [row["rule_id"] for row in failures(work)] == ["R-TEL-002"]


def test_a_missing_table_is_not_assessed_and_named(work: Path) -> None:
    change(work, "drop table staging.stg_crm__users")
    results = validate(work / "warehouse.duckdb", {"raw"}, catalogue=only("R-TEL-004"))
    (result,) = named(results, "R-TEL-004")
    assert (result.status, result.cause) == ("not_assessed", "table_missing")
    assert "staging.stg_crm__users" in result.detail


def test_a_missing_column_breaks_one_rule_and_not_the_validation(work: Path) -> None:
    change(work, "alter table staging.stg_crm__leads drop column phone")
    results = validate(work / "warehouse.duckdb", {"raw"}, catalogue=only("R-CRM-002", "R-CRM-003"))
    assert [(each.status, each.cause) for each in results if each.rule_id in ("R-CRM-002", "R-CRM-003")] == [
        ("not_assessed", "broken"),
        ("pass", None),
    ]


def test_a_source_that_is_not_configured_is_told_from_rows_that_went_missing(work: Path) -> None:
    change(work, "delete from staging.stg_telephony__call_legs")
    (lost,) = named(validate(work / "warehouse.duckdb", {"raw"}, catalogue=only("R-TEL-001")), "R-TEL-001")
    assert lost.cause == "too_few_rows"
    planted_rules.write_kept(work, {"crm_lead": 1})
    (absent,) = named(validate(work / "warehouse.duckdb", {"raw"}, catalogue=only("R-TEL-001")), "R-TEL-001")
    assert absent.cause == "source_absent"


def test_a_table_that_may_be_empty_is_not_assessed_when_it_is(work: Path) -> None:
    change(work, "delete from master.fct_subscription_months")
    (result,) = named(validate(work / "warehouse.duckdb", {"fact"}, catalogue=only("R-FCT-007")), "R-FCT-007")
    assert (result.status, result.cause) == ("not_assessed", "empty")


def test_a_table_that_no_rule_assesses_shows_as_not_assessed(work: Path) -> None:
    change(work, "create table master.dim_regions as select 1 as region_id")
    results = validate(work / "warehouse.duckdb", {"raw", "master", "fact"}, catalogue=CATALOGUE)
    (uncovered,) = [each for each in results if each.cause == "uncovered"]
    assert (uncovered.table_name, uncovered.status, uncovered.layer) == (
        "master.dim_regions",
        "not_assessed",
        "master",
    )


def test_marts_are_added_to_the_results_of_the_layers_before_the_gate(work: Path) -> None:
    plant(work, CATALOGUE.rule("R-CRM-002"))
    before = validate(work / "warehouse.duckdb", {"raw", "master", "fact"}, catalogue=CATALOGUE)
    after = validate(work / "warehouse.duckdb", {"mart"}, catalogue=CATALOGUE)
    assert {each.layer for each in before} == {"raw", "master", "fact"}
    assert [each for each in after if each.layer != "mart"] == before
    assert {each.layer for each in after} == ALL
    assert "R-CRM-002" in {row["rule_id"] for row in failures(work)}


def test_results_of_rebuilt_layers_and_of_later_ones_are_forgotten(work: Path) -> None:
    validate(work / "warehouse.duckdb", ALL, catalogue=CATALOGUE)
    again = validate(work / "warehouse.duckdb", {"raw", "master", "fact"}, catalogue=CATALOGUE)
    assert {each.layer for each in again} == {"raw", "master", "fact"}


def test_a_waiver_turns_a_failure_into_waived_until_its_date_and_not_on_it(work: Path) -> None:
    plant(work, CATALOGUE.rule("R-FCT-007"))
    waivers = work.parent / "waivers.csv"
    header = "rule_id,table_name,author,reason,decided_on,expires_on\n"
    statuses = {}
    for expires_on in ("2026-07-02", "2026-07-01"):
        waivers.write_text(
            f"{header}R-FCT-007,,cfo,known gap of the June migration,2026-06-01,{expires_on}\n",
            encoding="utf-8",
        )
        policy = load_policy(waivers=waivers)
        results = validate(work / "warehouse.duckdb", {"fact"}, catalogue=only("R-FCT-007"), policy=policy)
        statuses[expires_on] = named(results, "R-FCT-007")[0].status
    assert statuses == {"2026-07-02": "waived", "2026-07-01": "fail"}  # as_of is 2026-07-01


def test_the_warehouse_is_free_again_after_a_validation(work: Path) -> None:
    validate(work / "warehouse.duckdb", {"mart"}, catalogue=only("R-MRT-006"))
    change(work, "create table main.written_after as select 1 as one")


def test_the_same_warehouse_gives_the_same_files(work: Path) -> None:
    plant(work, CATALOGUE.rule("R-CRM-001"))
    contents = []
    for _ in range(2):
        validate(work / "warehouse.duckdb", {"raw"})
        quality = work / "quality"
        contents.append(
            [(quality / f"{name}.parquet").read_bytes() for name in ("rule_results", "rule_failures")]
        )
    assert contents[0] == contents[1]


MONTHS = "marts.mart_finance_mrr_month"
MOVES = "master.fct_mrr_movements"


@pytest.mark.parametrize(
    ("rule_id", "statements", "n_failed"),
    [
        # the mart gives a figure for what the fact calls unknown: 0 against nothing is no agreement
        ("R-MRT-015", [f"update {MOVES} set closing_mrr = null where period_month = '2026-06-01'",
                       f"update {MONTHS} set closing_mrr = 0 where period_month = '2026-06-01'"], 1),
        ("R-MRT-015", [f"update {MOVES} set closing_mrr = null where period_month = '2026-06-01'",
                       f"update {MONTHS} set closing_mrr = null where period_month = '2026-06-01'"], 0),
        ("R-FCT-047", [f"insert into {MOVES} by name select * replace ('bad' as account_month_key, null as closing_mrr)"
                       f" from {MOVES} where period_month = '2026-06-01'"], 1),
        ("R-MRT-220", ["update marts.mart_finance_retention_month set lost_mrr = null"
                       " where period_month = '2026-06-01'",
                       "update marts.mart_finance_churn_reasons_month set lost_mrr = 0"], 1),
        ("R-MRT-004", [f"update {MONTHS} set opening_mrr = null where period_month = '2026-06-01'"], 1),
        ("R-FCT-045", [f"update {MOVES} set expansion_mrr = null, contraction_mrr = null, new_mrr = null"
                       " where period_month = '2026-06-01'"], 1),
        ("R-FCT-045", [f"update {MOVES} set expansion_mrr = null, contraction_mrr = null"
                       " where period_month = '2026-06-01'"], 0),
    ],
)  # fmt: skip
def test_an_unknown_amount_agrees_with_an_unknown_one_alone(
    work: Path, rule_id: str, statements: list[str], n_failed: int
) -> None:
    change(work, *statements)
    results = validate(work / "warehouse.duckdb", ALL, catalogue=only(rule_id))
    assert [result.n_failed for result in named(results, rule_id)] == [n_failed]
