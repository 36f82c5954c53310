"""A status that its counts do not give is no status: editing the file of results changes nothing for the better."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from planted_candidate import MANIFEST, every_rule, judge, passing, plant, result, results_path

from expectations.catalogue import load_catalogue
from expectations.confirming import confirmed
from expectations.policy import load_policy
from expectations.results import read_results, write_results
from expectations.waivers import Waiver
from orchestration.publication import NotAdmittedError, publish

CATALOGUE, POLICY, DAY = load_catalogue(), load_policy(), date(2026, 7, 1)
RULE = next(
    each.id for each in CATALOGUE.rules if each.severity == "critical" and each.id.startswith("R-CRM-")
)
PASSED = passing(RULE)
FAILED = dataclasses.replace(PASSED, status="fail", n_failed=1000, failed_share=Decimal(1))
TEST = result("D-not_null", "master", "master.dim_accounts", origin="dbt")


def test_what_was_honestly_counted_stands() -> None:
    honest = [*every_rule(), TEST, dataclasses.replace(TEST, status="fail", n_failed=3)]
    assert confirmed([*honest, FAILED], CATALOGUE, POLICY, DAY) == [*honest, FAILED]


@pytest.mark.parametrize(
    "edited",
    [
        dataclasses.replace(PASSED, n_failed=PASSED.n_evaluated),
        dataclasses.replace(FAILED, status="pass"),
        dataclasses.replace(FAILED, status="waived", waived_until=date(2026, 8, 1)),
        dataclasses.replace(FAILED, status="warn", severity="warning"),
        dataclasses.replace(FAILED, status="pass", tolerance=Decimal(1)),
        dataclasses.replace(FAILED, status="not_assessed", cause="empty"),
        dataclasses.replace(FAILED, n_failed=0),
        dataclasses.replace(TEST, n_failed=4),
    ],
    ids=["counts", "status", "waived by nobody", "severity", "tolerance", "empty", "fails without", "dbt"],
)
def test_what_was_edited_is_broken_and_keeps_the_severity_of_its_rule(edited) -> None:
    (found,) = confirmed([edited], CATALOGUE, POLICY, DAY)
    assert (found.status, found.cause, found.severity) == ("not_assessed", "broken", "critical")
    assert POLICY.effect(found) == "hold"


def test_a_waiver_in_force_confirms_what_it_covers() -> None:
    waiver = Waiver(
        rule_id=RULE, author="cfo", reason="known gap of June", decided_on=date(2026, 6, 1),
        expires_on=date(2026, 8, 1),
    )  # fmt: skip
    waived = dataclasses.replace(FAILED, status="waived", waived_until=date(2026, 8, 1))
    policy = dataclasses.replace(POLICY, waivers=(waiver,))
    assert confirmed([waived], CATALOGUE, policy, DAY) == [waived]


@pytest.mark.parametrize("rule_id", [RULE, "R-MRT-001"])
def test_counts_edited_after_the_verdict_publish_nothing(tmp_path: Path, rule_id: str) -> None:
    company = plant(tmp_path)
    path = results_path(tmp_path)
    write_results(
        [
            dataclasses.replace(each, n_failed=each.n_evaluated) if each.rule_id == rule_id else each
            for each in read_results(path)
        ],
        path,
    )
    with pytest.raises(NotAdmittedError, match=r"gate finds now|could not be assessed"):
        publish(company, MANIFEST)
    assert not (tmp_path / "published" / "marts.duckdb").exists()
    if not rule_id.startswith("R-MRT"):
        judge(tmp_path)
        with pytest.raises(NotAdmittedError, match="critical_rule_broken"):
            publish(company, MANIFEST)
