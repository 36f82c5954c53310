"""Constraints and tests of dbt land beside the rules, say what failed, and say nothing a rule says."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from expectations.catalogue import load_catalogue
from expectations.checks import ForeignKey, InSet, NotNull, Unique
from expectations.results import judge, merge_results, read_results, write_results
from expectations.structure import Executed, record, structural_results, structure
from ingest.reasons import reasons

PROJECT = Path(__file__).parents[3] / "dbt_project"
MANIFEST: dict[str, Any] = {
    "nodes": {
        "model.x": {
            "resource_type": "model",
            "name": "dim_x",
            "schema": "master",
            "constraints": [{"type": "primary_key", "columns": ["x_id"]}],
            "columns": {"x_id": {"constraints": [{"type": "not_null"}]}, "name": {"constraints": []}},
        },
        "test.ref": {
            "resource_type": "test",
            "name": "relationships_dim_x_y_id",
            "attached_node": "model.x",
            "column_name": "y_id",
            "test_metadata": {"name": "relationships", "kwargs": {"column_name": "y_id"}},
            "depends_on": {"nodes": ["model.y", "model.x"]},
        },
        "test.pair": {
            "resource_type": "test",
            "name": "unique_combination_dim_x",
            "attached_node": "model.x",
            "column_name": None,
            "test_metadata": {"name": "unique_combination", "kwargs": {"columns": ["a", "b"]}},
            "depends_on": {"nodes": ["model.x"]},
        },
        "test.single": {
            "resource_type": "test",
            "name": "assert_the_row_ledger_balances",
            "attached_node": None,
            "column_name": None,
            "test_metadata": None,
            "depends_on": {"nodes": ["model.x"]},
        },
    }
}


def told(*executed: Executed) -> dict[str, tuple[str, int, int, str | None]]:
    found = structural_results(MANIFEST, executed, "master", {"master.dim_x": 10})
    assert {each.origin for each in found} == {"dbt"}
    return {each.rule_id: (each.status, each.n_evaluated, each.n_failed, each.cause) for each in found}


def test_a_built_table_holds_its_constraints_and_passed_tests_say_so() -> None:
    assert told(
        Executed("model.x", "success", 0, ""),
        Executed("test.ref", "pass", 0, ""),
        Executed("test.pair", "pass", 0, ""),
        Executed("test.single", "warn", 3, "Got 3 results"),
    ) == {
        "D-not_null": ("pass", 10, 0, None),
        "D-primary_key": ("pass", 10, 0, None),
        "D-relationships-y_id": ("pass", 10, 0, None),
        "D-unique_combination-a-b": ("pass", 10, 0, None),
        "D-assert_the_row_ledger_balances": ("warn", 10, 3, None),
    }


def test_what_did_not_run_is_not_assessed_and_what_failed_fails() -> None:
    refused = 'Runtime Error: Constraint Error: Duplicate key "x_id: 7" violates primary key constraint.'
    found = told(
        Executed("model.x", "error", 0, refused),
        Executed("test.ref", "fail", 4, "Got 4 results"),
        Executed("test.pair", "error", 0, "out of memory"),
        Executed("test.single", "skipped", 0, ""),
    )
    assert found == {
        "D-not_null": ("not_assessed", 10, 0, "table_missing"),
        "D-primary_key": ("fail", 10, 1, None),
        "D-relationships-y_id": ("fail", 10, 4, None),
        "D-unique_combination-a-b": ("not_assessed", 10, 0, "broken"),
        "D-assert_the_row_ledger_balances": ("not_assessed", 10, 0, "table_missing"),
    }
    results = structural_results(MANIFEST, [Executed("model.x", "error", 0, refused)], "master", {})
    assert not any("7" in each.detail for each in results)  # a message quotes values of rows


def test_results_of_dbt_stay_when_the_rules_of_their_layer_are_validated(tmp_path: Path) -> None:
    file = tmp_path / "rule_results.parquet"
    former = structural_results(MANIFEST, [Executed("test.ref", "fail", 4, "")], "master", {})
    again = structural_results(MANIFEST, [Executed("test.ref", "pass", 0, "")], "master", {})
    record(former, file)
    record(again, file)
    assert read_results(file) == again
    rule = load_catalogue().rule("R-MST-019")
    judged = judge(rule, "master", "master.dim_accounts", 5, 0)
    write_results(merge_results(read_results(file), [judged], {"raw", "master", "fact"}), file)
    assert [each.rule_id for each in read_results(file)] == ["D-relationships-y_id", "R-MST-019"]
    assert [each.origin for each in read_results(file)] == ["dbt", "catalogue"]


@cache
def models() -> dict[str, dict[str, Any]]:
    return {
        f"{file.relative_to(PROJECT / 'models').parts[0]}.{model['name']}": model
        for file in sorted((PROJECT / "models").rglob("*.yml"))
        for model in yaml.safe_load(file.read_text(encoding="utf-8")).get("models", [])
    }


def held(model: dict[str, Any], column: str | None) -> set[str]:
    """Kinds of the constraints and tests of one column, or of the whole model (None)."""
    owner = model
    if column is not None:
        owner = next((each for each in model.get("columns", ()) if each["name"] == column), {})
    kinds = {each["type"] for each in owner.get("constraints", ())}
    return kinds | {
        each if isinstance(each, str) else next(iter(each)) for each in owner.get("data_tests", ())
    }


def test_every_kind_and_every_test_of_the_project_has_its_wording() -> None:
    kinds, tests = structure()
    used = {kind for model in models().values() for kind in held(model, None)}
    used |= {
        kind
        for model in models().values()
        for each in model.get("columns", ())
        for kind in held(model, each["name"])
    }
    assert used == set(kinds)
    assert {file.stem for file in (PROJECT / "tests" / "singular").glob("*.sql")} == set(tests)
    assert {each.reason_code for each in (*kinds.values(), *tests.values())} <= set(reasons())
    assert all(each.fr != each.en for each in (*kinds.values(), *tests.values()))


@pytest.mark.parametrize("rule", load_catalogue().rules, ids=lambda rule: rule.id)
def test_no_rule_repeats_a_constraint_or_a_test_of_dbt(rule) -> None:
    for check in rule.checks:
        model = models().get(check.table, {})
        if isinstance(check, Unique):
            keys = [each["columns"] for each in model.get("constraints", ()) if each["type"] == "primary_key"]
            assert [check.column] not in keys
            assert "unique" not in held(model, check.column)
        elif isinstance(check, NotNull):
            assert "not_null" not in held(model, check.column)
        elif isinstance(check, ForeignKey):
            assert "relationships" not in held(model, check.column)
        elif isinstance(check, InSet):
            assert "accepted_values" not in held(model, check.column)
