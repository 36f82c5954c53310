"""No worse than the last publication: shares compared as exact fractions."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from expectations.catalogue import load_catalogue
from expectations.gate import Balance, decide
from expectations.policy import Policy, Slack, load_policy
from expectations.ratchet import (
    FIRST,
    Baseline,
    Counted,
    Progress,
    compare,
    definition_versions,
    read_progress,
    write_progress,
)
from expectations.results import RuleResult
from expectations.waivers import Waiver

POLICY = load_policy()
TABLE = "staging.stg_crm__leads"
KEY = ("R-CRM-001", TABLE)
BEFORE = "2026-05-aaaaaaaaaaaa"


def result(n_failed: int, n_evaluated: int = 1000, **values) -> RuleResult:
    given = {"severity": "critical", "status": "pass", "tolerance": Decimal("0.5"), "failed_share": None}
    return RuleResult(
        "R-CRM-001", "raw", TABLE, n_evaluated=n_evaluated, n_failed=n_failed, **{**given, **values}
    )


def with_slack(slack: str, effect: str = "hold", **entries) -> Policy:
    entry = Slack(slack=slack, effect=effect)
    severity = POLICY.document.ratchet.severity.model_copy(update={"critical": entry})
    ratchet = POLICY.document.ratchet.model_copy(update={"severity": severity, **entries})
    return dataclasses.replace(POLICY, document=POLICY.document.model_copy(update={"ratchet": ratchet}))


def progress(
    now: RuleResult, n_failed: int, n_evaluated: int = 1000, policy: Policy = POLICY, version: str = "v"
) -> Progress:
    baseline = Baseline(BEFORE, {KEY: Counted(n_evaluated, n_failed, version)})
    return compare([now], {KEY: "v"}, {}, baseline, policy)


def verdict(found: Progress, policy: Policy = POLICY, results: tuple[RuleResult, ...] = ()):
    balances = [Balance(term, "crm_lead", "crm", Decimal(1), Decimal(1), Decimal(0)) for term in "ABCE"]
    return decide(
        results or (result(0),),
        balances,
        (),
        policy,
        cycle="2026-06",
        cycle_end=date(2026, 7, 1),
        progress=found,
    )


@pytest.mark.parametrize(
    ("now", "before", "slack", "is_worse"),
    [
        ((11, 1000), (10, 1000), "0", True),
        ((10, 1000), (10, 1000), "0", False),
        ((9, 1000), (10, 1000), "0", False),
        # 1/3 of 300 and of 3,000,000 are one share; a float or six decimals would tell them apart or not see one row
        ((1_000_000, 3_000_000), (100, 300), "0", False),
        ((1_000_001, 3_000_000), (100, 300), "0", True),
        ((1, 12_000_000), (0, 12_000_000), "0", True),
        # exactly the slack is allowed: 12 % after 10 %, whose difference is above 0.02 in binary floats
        ((120, 1000), (100, 1000), "0.02", False),
        ((121, 1000), (100, 1000), "0.02", True),
    ],
)
def test_a_share_is_worse_when_it_rose_by_more_than_its_slack(now, before, slack, is_worse) -> None:
    (n_failed, n_evaluated), (n_failed_before, n_evaluated_before) = now, before
    found = progress(result(n_failed, n_evaluated), n_failed_before, n_evaluated_before, with_slack(slack))
    assert [each.is_worse for each in found.comparisons] == [is_worse]


def test_a_worse_critical_rule_holds_names_before_and_after_and_a_waiver_lets_it_through_until_its_date() -> (
    None
):
    found = progress(result(30), 10)
    held = verdict(found)
    assert (held.verdict, held.reasons, held.rule_ids) == ("hold", ("ratchet_worse",), ("R-CRM-001",))
    assert held.sentences[0].en == (
        f"R-CRM-001: 30 of 1000 fail in {TABLE} (3.00%), against 10 of 1000 (1.00%) in publication {BEFORE};"
        " a rise of at most 1 point(s) is allowed. Next: etalon journal --rule R-CRM-001"
    )
    assert "(3,00\u202f%), contre 10 sur 1000 (1,00\u202f%)" in held.sentences[0].fr
    said = {"rule_id": "R-CRM-001", "author": "cfo", "reason": "known gap of the migration"}
    alive = Waiver(**said, decided_on=date(2026, 6, 1), expires_on=date(2026, 7, 2))
    waived = dataclasses.replace(POLICY, waivers=(alive,))
    assert [verdict(found, waived).verdict, verdict(found, waived).reasons] == [
        "publish_with_warnings", ("ratchet_waived",)
    ]  # fmt: skip
    dead = dataclasses.replace(POLICY, waivers=(alive.model_copy(update={"expires_on": date(2026, 7, 1)}),))
    assert verdict(found, dead).reasons == ("ratchet_worse", "waiver_expired")


@pytest.mark.parametrize(
    ("effect", "expected"), [("hold", "hold"), ("warn", "publish_with_warnings"), ("note", "publish")]
)
def test_the_effect_is_the_policys(effect: str, expected: str) -> None:
    assert verdict(progress(result(30), 10, policy=with_slack("0", effect))).verdict == expected


def test_the_entry_of_a_rule_comes_before_its_dimension_and_that_before_its_severity() -> None:
    by_rule, by_dimension = Slack(slack="0.3", effect="note"), Slack(slack="0.2", effect="warn")
    policy = with_slack("0.1", rule={"R-CRM-001": by_rule}, dimension={"uniqueness": by_dimension})
    found = policy.document.ratchet
    assert found.slack("R-CRM-001", "critical", "uniqueness") is by_rule
    assert found.slack("R-CRM-002", "critical", "uniqueness") is by_dimension
    assert found.slack("R-CRM-002", "critical", "validity").slack == Decimal("0.1")


def test_the_first_publication_has_nothing_to_compare_with_and_says_so() -> None:
    assert compare([result(30)], {KEY: "v"}, {}, None, POLICY) is FIRST
    found = verdict(FIRST)
    assert found.verdict == "publish" and [each.code for each in found.sentences] == ["ratchet_first"]


def test_a_changed_definition_is_not_compared_and_named_and_a_rule_that_went_away_warns() -> None:
    changed = progress(result(900), 0, version="another")
    assert changed.comparisons == () and changed.changed == ("R-CRM-001",)
    assert [(each.code, each.effect) for each in verdict(changed).sentences] == [("ratchet_changed", "note")]
    baseline = Baseline(
        BEFORE, {("R-CRM-900", TABLE): Counted(10, 0, "v"), ("R-IDX-001", TABLE): Counted(1, 0)}
    )
    gone = compare([result(0)], {KEY: "v"}, {}, baseline, POLICY)
    assert gone.gone == ("R-CRM-900",)
    assert verdict(gone).reasons == ("ratchet_gone",)


def test_what_was_not_assessed_or_on_too_few_rows_has_no_share_to_compare() -> None:
    assert progress(result(900, status="not_assessed"), 0).comparisons == ()
    few = POLICY.document.ratchet.min_rows - 1
    assert progress(result(few, few), 0).comparisons == ()
    assert progress(result(900), 0, few).comparisons == ()


def test_the_quarantine_of_a_source_is_compared_too() -> None:
    baseline = Baseline(
        BEFORE, {}, {("crm", "crm_lead"): Counted(1000, 10), ("crm", "gone"): Counted(1000, 0)}
    )
    accounts = {("crm", "crm_lead"): Counted(2000, 61), ("crm", "new"): Counted(1000, 900)}
    found = compare([], {KEY: "v"}, accounts, baseline, POLICY)
    assert [(each.rule_id, each.table_name, each.is_worse) for each in found.comparisons] == [
        ("crm/quarantined", "crm_lead", True)
    ]
    told = verdict(found)
    assert (told.verdict, told.reasons) == ("publish_with_warnings", ("ratchet_quarantine_worse",))
    assert (
        "crm: 61 of 2000 records of crm_lead in quarantine (3.05%), against 10 of 1000"
        in told.sentences[0].en
    )


def test_the_version_of_a_definition_changes_with_what_is_counted_only() -> None:
    catalogue = load_catalogue()
    versions = definition_versions(catalogue)
    assert len(versions) == sum(len(rule.checks) for rule in catalogue.rules)
    rule = catalogue.rules[0]
    reworded = dataclasses.replace(rule, question_en="Is it another question?", tolerance=Decimal("0.4"))
    rekeyed = dataclasses.replace(
        rule, checks=(rule.checks[0].model_copy(update={"key": ("another",)}), *rule.checks[1:])
    )
    key = (rule.id, rule.checks[0].table)
    for other, is_same in ((reworded, True), (rekeyed, False)):
        changed = dataclasses.replace(catalogue, rules=(other, *catalogue.rules[1:]))
        assert (definition_versions(changed)[key] == versions[key]) is is_same


def test_comparisons_are_read_back_as_written(tmp_path: Path) -> None:
    found = progress(result(30), 10)
    write_progress(found, "2026-06", tmp_path / "ratchet.parquet")
    (again,) = read_progress(tmp_path / "ratchet.parquet")
    assert (again.is_worse, again.now.n_failed, again.before.n_failed, again.effect) == (True, 30, 10, "hold")
    assert read_progress(tmp_path / "absent.parquet") == []
