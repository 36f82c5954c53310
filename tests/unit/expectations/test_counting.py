"""Rules counted in one pass a table give what Great Expectations counts on the tables, rule by rule."""

from __future__ import annotations

from pathlib import Path

import duckdb
import planted_rules
import pytest
from gx_counts import counted_by_suites

from expectations.catalogue import load_catalogue
from expectations.compilation import Compiled, compile_check
from expectations.connection import read_cycle
from expectations.counting import Broken, Counts, count_rows
from expectations.results import RuleResult, judge
from expectations.suites import agreements

CATALOGUE = load_catalogue()


def compiled_checks(work: Path) -> dict:
    _, as_of, _ = read_cycle(work)
    return {
        (rule.id, check.table): (
            check,
            compile_check(check, as_of=as_of, fed_by=CATALOGUE.tables[check.table].fed_by),
        )
        for rule in CATALOGUE.rules
        for check in rule.checks
    }


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("is_dirty", [False, True])
def test_every_rule_counts_what_great_expectations_counts(is_dirty: bool, work: Path) -> None:
    warehouse = work / "warehouse.duckdb"
    checks = compiled_checks(work)
    with duckdb.connect(str(warehouse)) as connection:
        if is_dirty:
            for rule in CATALOGUE.rules:
                planted_rules.plant(connection, rule)
        counted = count_rows(connection, {key: compiled for key, (_, compiled) in checks.items()})
    assert {key: (found.n_evaluated, found.n_failed) for key, found in counted.items()} == counted_by_suites(
        warehouse, checks
    )
    assert any(found.n_failed for found in counted.values()) is is_dirty


def test_every_rule_counts_amounts_of_hundreds_of_millions(work: Path) -> None:
    with duckdb.connect(str(work / "warehouse.duckdb")) as connection:
        for table in planted_rules.GOOD:
            for name, kind in planted_rules.columns()[table].items():
                if kind.endswith((", 4)", ",4)", ",8)")):
                    connection.execute(
                        f'update {table} set "{name}" = {900 if kind.endswith(",8)") else 900_000_000}'
                    )
        checks = {key: compiled for key, (_, compiled) in compiled_checks(work).items()}
        counted = count_rows(connection, checks)
    assert {key: found for key, found in counted.items() if isinstance(found, Broken)} == {}


def test_a_check_that_does_not_run_costs_no_other_its_count() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create schema s; create table s.t as select i, 'x' || i as word from range(10) as r(i)"
        )

        def check(fails_when: str) -> Compiled:
            return Compiled(
                "select * from s.t where i >= 2", fails_when, ("i",), None, ("s.t",), applies_when="i >= 2"
            )

        counted = count_rows(
            connection,
            {
                "good": check("i > 7"),
                "no column": check("j > 7"),
                "breaks on a value": check("cast(word as integer) > 1"),
                "in a list": check("i in (select 3)"),
            },
        )
    # The rows outside the population are evaluated by neither.
    assert counted["good"] == Counts(8, 2)
    assert isinstance(counted["no column"], Broken) and "j" in counted["no column"].reason
    assert counted["breaks on a value"] == Broken("")
    assert "x2" not in counted["breaks on a value"].reason


@pytest.mark.filterwarnings("ignore")
def test_the_suite_contradicts_a_verdict_that_is_not_that_of_its_counts() -> None:
    rule = CATALOGUE.rules[0]

    def judged(n_failed: int, status: str) -> RuleResult:
        result = judge(rule, "raw", f"t{n_failed}{status}", 1000, n_failed)
        return RuleResult(**{**vars(result), "status": status})

    allowed = int(rule.tolerance * 1000)
    given = [
        judged(allowed, "pass"),
        judged(allowed + 1, "fail"),
        judged(allowed, "warn"),
        judged(allowed + 1, "pass"),
    ]
    assert list(agreements(given).values()) == [True, True, False, False]
