"""What must be assessed is known before it is, so that what nobody looked at shows."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pyarrow.parquet as pq
from test_gate import PASSED, verdict

from expectations.assessment_index import completed, is_due, write_index
from expectations.catalogue import load_catalogue
from expectations.results import RuleResult, judge, not_assessed

CATALOGUE = load_catalogue()
LAYERS = {"raw", "master", "fact"}


def all_passing() -> list[RuleResult]:
    return [
        judge(rule, CATALOGUE.layer(check), check.table, 1000, 0)
        for rule in CATALOGUE.rules
        for check in rule.checks
    ]


def test_a_rule_that_was_skipped_is_seen_and_holds_when_it_is_critical() -> None:
    full = [each for each in all_passing() if each.layer in LAYERS]
    assert completed(full, CATALOGUE, LAYERS) == sorted(
        full, key=lambda each: (each.rule_id, each.table_name)
    )
    assert verdict(full).verdict == "publish"
    expected = {"critical": "hold", "warning": "publish_with_warnings", "info": "publish"}
    for severity, code in expected.items():
        skipped = next((each for each in full if each.severity == severity), None)
        if skipped is None:
            continue
        seen = completed([each for each in full if each != skipped], CATALOGUE, LAYERS)
        (missing,) = [each for each in seen if each.status == "not_assessed"]
        assert (missing.rule_id, missing.table_name, missing.cause) == (
            skipped.rule_id,
            skipped.table_name,
            "broken",
        )
        assert verdict(seen).verdict == code


def test_every_skipped_critical_rule_holds_whichever_it_is() -> None:
    full = [each for each in all_passing() if each.layer in LAYERS]
    critical = [each for each in full if each.severity == "critical"]
    assert critical
    for skipped in critical:
        found = verdict(completed([each for each in full if each is not skipped], CATALOGUE, LAYERS))
        assert (found.verdict, found.rule_ids) == ("hold", (skipped.rule_id,))


def test_results_of_other_layers_do_not_stand_for_those_asked_for() -> None:
    marts = [each for each in all_passing() if each.layer == "mart"]
    assert {each.status for each in completed(marts, CATALOGUE, LAYERS)} == {"not_assessed"}
    assert {each.layer for each in completed(marts, CATALOGUE, {"mart"})} == {"mart"}


def test_the_index_says_what_was_due_and_why_it_was_not_assessed(tmp_path: Path) -> None:
    absent = dataclasses.replace(not_assessed(PASSED, "source_absent", "no_row"), absent_contracts="crm_lead")
    results = [
        PASSED,
        dataclasses.replace(absent, rule_id="R-CRM-002"),
        dataclasses.replace(absent, rule_id="R-CRM-003", absent_contracts="nps_response"),
        dataclasses.replace(not_assessed(PASSED, "empty", "no_row"), rule_id="R-CRM-004"),
        dataclasses.replace(not_assessed(PASSED, "too_few_rows", "no_row"), rule_id="R-CRM-005"),
    ]
    write_index(results, {"crm_lead"}, "2026-06", tmp_path / "index.parquet")
    rows = pq.read_table(tmp_path / "index.parquet").to_pylist()
    assert [(row["rule_id"], row["is_due"], row["is_assessed"], row["reason_code"]) for row in rows] == [
        ("R-CRM-001", True, True, None),
        ("R-CRM-002", True, False, "source_absent"),
        ("R-CRM-003", False, False, "not_applicable"),
        ("R-CRM-004", False, False, "empty"),
        ("R-CRM-005", True, False, "too_few_rows"),
    ]
    assert {row["cycle"] for row in rows} == {"2026-06"}
    assert is_due(results[2], None), "without a list of mappings every source could have come"
